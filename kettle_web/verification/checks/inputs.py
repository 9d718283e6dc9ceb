"""Do the inputs agree with the root that the document states over them?"""

from __future__ import annotations

from kettle_web.attestation.checks import CheckFailed, CheckImpossible, Passed, Step
from kettle_web.provenance.dependencies import dependency_contradiction
from kettle_web.provenance.errors import ProvenanceError
from kettle_web.provenance.merkle import merkle_leaves, merkle_root
from kettle_web.verification.checks import documents
from kettle_web.verification.inquiry import Inquiry
from kettle_web.verification.report import Link


def _merkle(inquiry: Inquiry) -> Passed:
    document = inquiry.document
    if not document.merkle_root:
        raise CheckFailed("inputs.no-root", "the document states no root over its inputs")
    try:
        leaves = merkle_leaves(document)
    except ProvenanceError as error:
        raise CheckImpossible(error.code, str(error)) from error
    computed = merkle_root(leaves).hex()
    if computed == document.merkle_root:
        return Passed(computed, f"{document.merkle_root} over {len(leaves)} entries")
    if document.toolchain == "pnpm":
        # No real document of this toolchain has been seen, so a difference may as well be our fault.
        raise CheckImpossible("inputs.pnpm-order", "the order in which Kettle takes the inputs of pnpm builds is not established")
    raise CheckFailed(
        "inputs.root-differs", "the inputs do not give the root that the document states: it contradicts itself",
        expected=computed, actual=document.merkle_root,
    )  # fmt: skip


def _dependencies(inquiry: Inquiry) -> Passed:
    unknown = 0
    for uri, name, _version, ecosystem, algorithm, text, said in inquiry.document.dependencies:
        if text and said.digest_text == text and said.digest_algorithm == algorithm and said.name == name:
            continue  # The same letters in both places, as in most documents; only the rest needs a closer look.
        contradiction = dependency_contradiction(uri, name, algorithm, text)
        if contradiction:
            raise CheckFailed("inputs.contradiction", f"the dependency {name[:120]!r}: {contradiction}", actual=uri)
        if not ecosystem:
            unknown += 1
    count = len(inquiry.document.dependencies)
    aside = f"; {unknown} addresses of a form that is not known here were not compared" if unknown else ""
    return Passed(actual=f"{count - unknown} of {count} addresses agree with name and digest{aside}")


STEPS: tuple[Step[Inquiry], ...] = (
    Step(
        code="inputs.merkle-root",
        title="The inputs give the stated root",
        link=Link.INPUTS,
        proves="Source, tools, lockfile and every dependency give exactly the input_merkle_root of the document.",
        does_not_prove="That nothing else went into the build.",
        run=_merkle,
        depends_on=(documents.PROVENANCE,),
    ),
    Step(
        code="inputs.dependencies",
        title="No dependency contradicts its own address",
        link=Link.INPUTS,
        proves="Each dependency's address names the same package and digest as the entry beside it.",
        does_not_prove="That a dependency is harmless, or that its registry served it to others.",
        run=_dependencies,
        depends_on=(documents.PROVENANCE,),
    ),
)
