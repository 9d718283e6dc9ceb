"""Is it this very image? The reader has the files of a builder image and compares them with what was attested."""

from __future__ import annotations

from dataclasses import replace

from kettle_web.attestation.checks import CheckFailed, CheckImpossible, Passed, Step
from kettle_web.attestation.formats.igvm import igvm_snp_parse
from kettle_web.attestation.formats.verity import stored_root_hash
from kettle_web.attestation.launch import kernel_command_line, launch_digests, root_hash_of
from kettle_web.verification.checks import documents
from kettle_web.verification.inquiry import Inquiry, ReferenceFiles
from kettle_web.verification.report import Link

IGVM = "image.igvm"
VERITY = "image.verity"


def _igvm(inquiry: Inquiry) -> Passed:
    if inquiry.platform not in ("snp", "gcp-snp"):
        raise CheckImpossible("image.igvm-platform", "an IGVM file's launch digest can only be compared with bare SEV-SNP evidence")
    assert inquiry.reference is not None
    digests = [digest.hex() for digest in launch_digests(igvm_snp_parse(inquiry.reference.igvm))]
    actual = str(inquiry.claims.get("measurement", ""))
    if actual not in digests:
        raise CheckFailed(
            "image.igvm-differs", "the machine was not started from this IGVM file", expected=" or ".join(digests), actual=actual
        )
    return Passed(actual, actual)


def _verity(inquiry: Inquiry) -> Passed:
    assert inquiry.reference is not None
    assert inquiry.reference.image is not None
    expected = root_hash_of(kernel_command_line(igvm_snp_parse(inquiry.reference.igvm)))
    try:
        actual = stored_root_hash(inquiry.reference.image)
    except OSError as error:
        raise CheckImpossible("image.verity-unreadable", f"the disk image could not be read ({type(error).__name__})") from error
    if actual != expected:
        raise CheckFailed("image.verity-differs", "the IGVM file does not start from this disk image", expected=expected, actual=actual)
    return Passed(expected, actual)


_IGVM_STEP: Step[Inquiry] = Step(
    IGVM, "The machine was started from this IGVM file", Link.BUILDER_IMAGE,
    "The attested launch measurement is the launch digest of the given file: firmware, kernel, initial file system and command line.",
    "That the file is what its name says, or free of faults.", _igvm,
)  # fmt: skip
_VERITY_STEP: Step[Inquiry] = Step(
    VERITY, "The IGVM file starts from this disk image", Link.BUILDER_IMAGE,
    "The root hash on the measured kernel command line is the one at the top of the image's hash tree.",
    "That the rest of the image matches that tree: the kernel checks it while it reads.", _verity, (IGVM,),
)  # fmt: skip


def steps(reference: ReferenceFiles | None, attestation_codes: tuple[str, ...]) -> tuple[Step[Inquiry], ...]:
    """One step for each file that was given. `attestation_codes`: the hardware checks that the measurement rests on."""
    if reference is None:
        return ()
    first = replace(_IGVM_STEP, depends_on=(documents.EVIDENCE, *attestation_codes))
    return (first,) if reference.image is None else (first, _VERITY_STEP)
