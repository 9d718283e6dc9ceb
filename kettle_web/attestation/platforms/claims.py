"""Claims: what authenticated bytes say, under names that do not depend on the platform. JSON values only; bytes as lower-case hex."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from ..formats.snp_report import SnpReport, generations_possible
from ..formats.tcb import tcb_parse
from ..formats.tpm import TpmQuote
from ..formats.vek import Vek

_POLICY_BITS: Final = {
    16: "smt_allowed", 18: "migration_agent_allowed", 19: "debug_allowed", 20: "single_socket", 21: "cxl_allowed",
    22: "memory_aes_256_xts", 23: "rapl_disabled", 24: "ciphertext_hiding", 25: "page_swap_disabled",
}  # fmt: skip
_PLATFORM_BITS: Final = {
    0: "smt", 1: "tsme", 2: "ecc", 3: "rapl_disabled", 4: "ciphertext_hiding", 5: "alias_check_complete", 7: "tio",
}  # fmt: skip
_SIGNING_KEYS: Final = {0: "vcek", 1: "vlek", 7: "none"}
_HEX_FIELDS: Final = (
    "measurement", "report_data", "host_data", "chip_id", "family_id", "image_id", "id_key_digest", "author_key_digest", "report_id",
    "report_id_ma",
)  # fmt: skip


def report_claims(report: SnpReport, *, turin: bool) -> dict[str, Any]:
    """What a SEV-SNP report says. `generation` is missing where only the issuer tells it (version 2, Milan or Genoa)."""
    possible = generations_possible(report)
    claims: dict[str, Any] = {name: getattr(report, name).hex() for name in _HEX_FIELDS}
    if len(possible) == 1:
        claims["generation"] = possible[0]
    claims |= {
        "report_version": report.version,
        "guest_svn": report.guest_svn,
        "vmpl": report.vmpl,
        "policy": {
            "abi": f"{report.policy >> 8 & 0xFF}.{report.policy & 0xFF}",
            **_policy_bits(report.policy),
        },
        "platform_info": dict(_platform_bits(report.platform_info)),
        "key_info": {
            "author_key_enabled": bool(report.key_info & 1),
            "chip_key_masked": bool(report.key_info >> 1 & 1),
            "signing_key": _SIGNING_KEYS.get(report.key_info >> 2 & 7, "unknown"),
        },
        "tcb": {
            name: tcb_parse(raw, turin=turin).components()
            for name, raw in (
                ("reported", report.reported_tcb), ("committed", report.committed_tcb), ("current", report.current_tcb),
                ("launch", report.launch_tcb),
            )
        },
        "firmware": {
            "current": ".".join(str(part) for part in report.current_version),
            "committed": ".".join(str(part) for part in report.committed_version),
        },
    }  # fmt: skip
    if report.version >= 3:
        claims["cpuid"] = {"family": report.cpuid_family, "model": report.cpuid_model, "stepping": report.cpuid_stepping}
    if report.version >= 5:
        # 64-bit vectors: as hex, because JSON readers lose integers above 2^53.
        claims["mitigations"] = {"launch": f"{report.launch_mit_vector:016x}", "current": f"{report.current_mit_vector:016x}"}
    return claims


@lru_cache(maxsize=256)
def _policy_bits(policy: int) -> Mapping[str, bool]:
    return MappingProxyType({name: bool(policy >> bit & 1) for bit, name in _POLICY_BITS.items()})


@lru_cache(maxsize=256)
def _platform_bits(platform_info: int) -> Mapping[str, bool]:
    return MappingProxyType({name: bool(platform_info >> bit & 1) for bit, name in _PLATFORM_BITS.items()})


def vek_claims(vek: Vek, generation: str) -> dict[str, Any]:
    """What the chip key's certificate says, once an anchor signed it."""
    certificate = vek.certificate
    return {
        "generation": generation,
        "vek": {
            "kind": vek.kind,
            "subject": certificate.subject_common_name,
            "issuer": certificate.issuer_common_name,
            "product": vek.product,
            "csp_id": vek.csp_id,
            "not_before": certificate.not_before.isoformat(),
            "not_after": certificate.not_after.isoformat(),
        },
    }


def quote_claims(quote: TpmQuote, pcrs: tuple[bytes, ...]) -> dict[str, Any]:
    """What a TPM quote and the registers that it vouches for say."""
    return {
        "pcrs": [value.hex() for value in pcrs],
        "tpm": {
            "firmware_version": f"{quote.firmware_version:016x}",
            "reset_count": quote.reset_count,
            "restart_count": quote.restart_count,
            "clock_safe": quote.safe == 1,
        },
    }
