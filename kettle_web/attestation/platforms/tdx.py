"""Intel TDX, bare (`tdx`; `gcp-tdx` and `dstack` take the same way).

The procedure, with the code of each step after its prefix:

1. `evidence`: the object has only known keys, and each field decodes in its canonical form.
2. `quote.parse`, `quote.header`, `quote.structure`: a TDX quote of version 4 or 5 by Intel's quoting enclave, nothing beside it.
3. `quote.debug`, `quote.attributes`: what the quote says of the machine is acceptable.
4. `pck.parse`: the chip key's chain is three certificates, canonical PEM and DER.
5. `chain.root`, `chain.intermediate`, `pck.signature`: the pinned root signs the intermediate, the intermediate the chip key. The root
   alone decides whether the evidence is of hardware.
6. `pck.validity`, `chain.validity`: all of them are valid now.
7. `qe.signature`, `qe.key`, `qe.debug`: the chip key signed the quoting enclave's report, which vouches for the attestation key.
8. `quote.signature`: the attestation key signed the quote.
9. `collateral.lists`, `collateral.signatures`, `collateral.validity`, `revocation`, `qe.identity`, `tcb-status`: what Intel says today
   (required only where collateral is).
10. `event-log`: the log gives RTMR 0 to 2 (not required; only `tdx` and `gcp-tdx` carry one).
11. `signed-data`: report_data is what the evidence speaks for.

Source: evidence facts, sections 0, 5 and 6.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..checks import CheckSkipped, Malformed, Passed, Step, require
from ..encoding import base64_decode
from ..formats.event_log import event_log_parse, rtmrs_replayed
from .context import Context, Procedure
from .intel_chain import chain_steps
from .intel_collateral import collateral_steps
from .intel_quote import quote_steps, signature_steps, signed_data_step

_KEYS: Final = frozenset({"quote", "cc_eventlog"})
_COMPARED: Final = 3
"""RTMR 0 to 2. Software extends RTMR 3 while the machine runs, beside the firmware's log, so it is only reported."""


def evidence(context: Context) -> Passed:
    found = context.evidence
    if not found.keys() <= _KEYS:
        raise Malformed("evidence.unknown-key", "The evidence has a field that is not known.")
    context.td_quote_bytes = base64_decode(found.get("quote"), "quote")
    if found.get("cc_eventlog") is not None:
        context.event_log_bytes = base64_decode(found["cc_eventlog"], "cc_eventlog")
    log = "no event log" if context.event_log_bytes is None else f"event log of {len(context.event_log_bytes)} bytes"
    return Passed(actual=f"quote of {len(context.td_quote_bytes)} bytes, {log}")


def event_log(context: Context) -> Passed:
    """Only digests are bound: an event's data is not hashed, so it never becomes a claim."""
    if context.event_log_bytes is None:
        raise CheckSkipped("event-log.absent", "the evidence has no event log")
    events = event_log_parse(context.event_log_bytes)
    replayed = rtmrs_replayed(events)
    for index, (found, wanted) in enumerate(zip(replayed[:_COMPARED], context.tdx.body.rtmrs, strict=False)):
        require(
            found == wanted, f"event-log.rtmr{index}", f"The event log does not give RTMR {index} of the quote.",
            expected=wanted.hex(), actual=found.hex(),
        )  # fmt: skip
    same = replayed[3] == context.tdx.body.rtmr3
    context.claims["event_log"] = {"events": len(events), "rtmr3_matches": same}
    return Passed(expected="RTMR 0 to 2", actual=f"{len(events)} events; RTMR 3 {'too' if same else 'differs, which is not judged'}")


def steps_with_prefix(
    prefix: str, read: Callable[[Context], Passed] = evidence, *, has_event_log: bool = True
) -> tuple[Step[Context], ...]:
    """The numbered procedure, its codes beginning with `prefix`. `read`: decodes the fields of this platform."""
    first = f"{prefix}.evidence"
    return (
        Step(first, "The evidence has the form of its platform", "documents",
             "All fields are known and decode in their canonical form.", "Anything about their content.", read),
        *quote_steps(prefix, after=first),
        *chain_steps(prefix),
        *signature_steps(prefix),
        *collateral_steps(prefix),
        *((event_log_step(prefix),) if has_event_log else ()),
        signed_data_step(prefix),
    )  # fmt: skip


def event_log_step(prefix: str) -> Step[Context]:
    return Step(
        f"{prefix}.event-log", "The event log gives the registers", "report",
        "The digests in the log, in their order, give RTMR 0 to 2 of the quote.",
        "That an event's text belongs to its digest: nothing binds it. RTMR 3 is not judged.", event_log, (f"{prefix}.quote.signature",),
        required=False,
    )  # fmt: skip


PROCEDURE: Final = Procedure("Intel TDX", steps_with_prefix("tdx"))
