"""What a procedure's steps work on and fill, and what a procedure is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from ..anchors import Anchor, AnchorSet
from ..checks import CheckImpossible, Step
from ..collateral import AmdCollateral, AmdCrl, AmdVek, Collateral, CollateralMissing, CollateralSource, IntelCollateral
from ..formats.hcl import HclReport, VarData
from ..formats.intel_lists import IntelLists
from ..formats.pck import PckChain
from ..formats.snp_report import SnpReport
from ..formats.tdreport import TdReport
from ..formats.tdx_quote import QeReport, TdxQuote
from ..formats.tpm import TpmQuote
from ..formats.vek import Vek

T = TypeVar("T")


@dataclass
class Context:
    """One run of a procedure: the evidence, what is trusted, the time, and what the steps found.

    The results (`signed_data`, `anchor`, `claims`) are filled only by the step that authenticated them, so that nothing in them comes
    from evidence whose signature did not hold.
    """

    evidence: dict[str, Any]
    anchors: AnchorSet = field(kw_only=True)
    now: datetime = field(kw_only=True)
    """The moment at which dates are judged, with its time zone."""
    collateral: CollateralSource | None = field(default=None, kw_only=True)
    """Where steps ask for the vendor's lists; None: nobody gave any."""
    minimum_tcb_for: Callable[[dict[str, Any]], dict[str, int] | None] = field(default=lambda claims: None, kw_only=True)
    """Claims → the firmware level by component that the machine must at least have; None: nobody set one."""

    signed_data: bytes | None = None
    """Result: the whole signed field, report_data (64 bytes) or the quote's extraData; None: no signature held."""
    anchor: Anchor | None = None
    """Result: the pinned certificate that the chip key's chain rests on (AMD: its issuer; Intel: the root); None: none matched."""
    claims: dict[str, Any] = field(default_factory=dict)
    """Result: what authenticated bytes say, JSON values, bytes as lower-case hex."""
    validity: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    """Result: (what, not before, not after) of each certificate that the evidence rests on."""

    collateral_used: Collateral = field(default_factory=Collateral)
    """Result: what steps got from the source, so that the same can be judged again."""

    # Working values: each is set by the step that parsed it. No arguments: until then they are the class's own, and making one is quick.
    report_bytes: bytes | None = field(default=None, init=False)
    snp_report: SnpReport | None = field(default=None, init=False)
    vek_bytes: bytes | None = field(default=None, init=False)
    vek_missing: str = field(default="", init=False)
    """Why there is no certificate of the chip key; empty: there is one."""
    chip_key: Vek | None = field(default=None, init=False)
    hcl_report: HclReport | None = field(default=None, init=False)
    var_data: VarData | None = field(default=None, init=False)
    quote_bytes: bytes | None = field(default=None, init=False)
    quote_signature: bytes | None = field(default=None, init=False)
    tpm_quote: TpmQuote | None = field(default=None, init=False)
    pcrs: tuple[bytes, ...] = field(default=(), init=False)
    td_quote_bytes: bytes | None = field(default=None, init=False)
    td_quote: TdxQuote | None = field(default=None, init=False)
    td_report: TdReport | None = field(default=None, init=False)
    qe_report: QeReport | None = field(default=None, init=False)
    pck_chain: PckChain | None = field(default=None, init=False)
    intel_root: Anchor | None = field(default=None, init=False)
    event_log_bytes: bytes | None = field(default=None, init=False)
    intel_lists: IntelLists | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.now.tzinfo is None:
            raise ValueError("`now` needs a time zone.")

    @property
    def source(self) -> CollateralSource:
        """The source of collateral; raises `CollateralMissing` when there is none."""
        if self.collateral is None:
            raise CollateralMissing("collateral.not-given", "no collateral was given")
        return self.collateral

    def collateral_keep(self, found: IntelCollateral | AmdCrl | AmdVek, *, generation: str = "") -> None:
        """Adds what a step got to `collateral_used`. `generation`: of an AMD revocation list."""
        if isinstance(found, IntelCollateral):
            self.collateral_used = replace(self.collateral_used, intel=found)
            return
        amd = self.collateral_used.amd or AmdCollateral()
        crls = amd.crls | {generation: found} if isinstance(found, AmdCrl) else amd.crls
        veks = (*amd.veks, found) if isinstance(found, AmdVek) else amd.veks
        self.collateral_used = replace(self.collateral_used, amd=AmdCollateral(crls, veks))

    @property
    def report(self) -> SnpReport:
        return _present(self.snp_report, "attestation report")

    @property
    def vek(self) -> Vek:
        return _present(self.chip_key, "chip key's certificate")

    @property
    def tdx(self) -> TdxQuote:
        return _present(self.td_quote, "TDX quote")

    @property
    def processor_report(self) -> TdReport:
        return _present(self.td_report, "TDREPORT")

    @property
    def qe(self) -> QeReport:
        return _present(self.qe_report, "quoting enclave's report")

    @property
    def pck(self) -> PckChain:
        return _present(self.pck_chain, "chip key's certificate chain")

    @property
    def root_of_intel(self) -> Anchor:
        return _present(self.intel_root, "root certificate")

    @property
    def lists(self) -> IntelLists:
        return _present(self.intel_lists, "vendor's lists")

    @property
    def bound_report_data(self) -> bytes:
        """The 64 bytes that software in the machine gave to the processor."""
        return self.report.report_data if self.td_quote is None else self.td_quote.body.report_data

    @property
    def hcl(self) -> HclReport:
        return _present(self.hcl_report, "HCL report")

    @property
    def quote(self) -> TpmQuote:
        return _present(self.tpm_quote, "TPM quote")


def _present(value: T | None, what: str) -> T:
    """A step that runs without the one it depends on must not pass, and must not crash."""
    if value is None:
        raise CheckImpossible("not-parsed", f"The {what} was not read.")
    return value


@dataclass(frozen=True)
class Procedure:
    """All steps for one platform tag, in order."""

    title: str
    """For people, such as ``AMD SEV-SNP``."""
    steps: tuple[Step[Context], ...]
