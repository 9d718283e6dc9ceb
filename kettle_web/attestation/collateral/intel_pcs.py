"""Intel's provisioning certification service (PCS), or a caching one (PCCS): TCB info, enclave identity and lists, fetched, not judged.

Each of the four answers is kept until its own next update. AMD's collateral comes from elsewhere.

Source: Intel, «API Documentation for Intel Trusted Services», version 4 («get TCB info», «get enclave identity», «get PCK CRL», «get root
CA CRL»); evidence facts, section 6. Never tried against the services themselves.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import unquote, urlsplit

from ..checks import Malformed
from ..encoding import hex_decode
from ..formats.intel_crl import MAX_CRL_BYTES, intel_crl_parse
from ..formats.pck import PLATFORM, PROCESSOR
from ..formats.pem import MAX_CHAIN_BYTES
from .bundle import AmdCrl, AmdVek, IntelCollateral
from .errors import CollateralMissing
from .fetch import Answer, Fetcher

PCS: Final = "https://api.trustedservices.intel.com"
ROOT_CRL: Final = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"
"""Where Intel's own service keeps the root's list; a PCCS has it at an address of its own."""
MAX_TEXT_BYTES: Final = 512 * 1024
"""Of a signed text; real ones have some 4,000."""
LIST_AT_LEAST: Final = timedelta(hours=1)
"""How long an answer is kept that is already past its next update, so that it is not asked for with every look."""
_CHAIN_HEADERS: Final = {
    "tcbInfo": ("TCB-Info-Issuer-Chain", "SGX-TCB-Info-Issuer-Chain"),
    "enclaveIdentity": ("SGX-Enclave-Identity-Issuer-Chain",),
    "pckcrl": ("SGX-PCK-CRL-Issuer-Chain",),
}
_BEHIND: Final = re.compile(r'\s*,\s*"signature"\s*:\s*"([0-9a-fA-F]{128})"\s*\}\s*')
_NEXT_UPDATE: Final = "%Y-%m-%dT%H:%M:%SZ"


class IntelPcs:
    """A `CollateralSource` that asks Intel's service, or a PCCS at `base`, through a `Fetcher`."""

    def __init__(self, fetcher: Fetcher, *, base: str = PCS) -> None:
        self._fetcher = fetcher
        self._base = base.rstrip("/")
        self._root_crl = ROOT_CRL if self._base == PCS else f"{self._base}/sgx/certification/v4/rootcacrl"

    def intel_for(self, fmspc: bytes, ca: str) -> IntelCollateral:
        if len(fmspc) != 6 or ca not in (PLATFORM, PROCESSOR):
            raise CollateralMissing("collateral.family", "Intel's service cannot be asked for such a machine.")
        sgx, tdx = f"{self._base}/sgx/certification/v4", f"{self._base}/tdx/certification/v4"
        tcb = self._signed("tcbInfo", f"tcb/{fmspc.hex()}", f"{tdx}/tcb?fmspc={fmspc.hex()}")
        identity = self._signed("enclaveIdentity", "qe", f"{tdx}/qe/identity")
        crl, issuers = self._list(f"pckcrl/{ca}", f"{sgx}/pckcrl?ca={ca}&encoding=der", _CHAIN_HEADERS["pckcrl"])
        root_crl, _ = self._list("rootcrl", self._root_crl, ())
        return IntelCollateral(
            pck_crl_issuer_chain=issuers, root_ca_crl=root_crl, pck_crl=crl,
            tcb_info_issuer_chain=tcb["chain"], tcb_info=tcb["text"], tcb_info_signature=bytes.fromhex(tcb["signature"]),
            qe_identity_issuer_chain=identity["chain"], qe_identity=identity["text"],
            qe_identity_signature=bytes.fromhex(identity["signature"]),
        )  # fmt: skip

    def amd_crl_for(self, generation: str) -> AmdCrl:
        raise CollateralMissing("collateral.none", "Intel's service has no collateral of AMD's.")

    def amd_vek_for(self, generation: str, chip_id: bytes, tcb: bytes) -> AmdVek:
        raise CollateralMissing("collateral.none", "Intel's service has no collateral of AMD's.")

    def _signed(self, name: str, key: str, url: str) -> dict[str, str]:
        """text, signature (hex) and chain (PEM) of a signed text."""

        def pack(answer: Answer) -> bytes:
            text, signature = signed_text_split(name, answer.body)
            return json.dumps({"text": text, "signature": signature, "chain": _chain(answer, _CHAIN_HEADERS[name])}).encode()

        def until(answer: Answer) -> datetime:
            return self._at_least(_next_update(json.loads(pack(answer))["text"]))

        kept: dict[str, str] = json.loads(self._get(key, url, MAX_TEXT_BYTES, until, pack))
        return kept

    def _list(self, key: str, url: str, headers: tuple[str, ...]) -> tuple[bytes, str]:
        """A revocation list (DER) and the chain above it (PEM), which only some answers have."""

        def pack(answer: Answer) -> bytes:
            chain = _chain(answer, headers) if headers else ""
            return json.dumps({"der": crl_bytes(answer.body).hex(), "chain": chain}).encode()

        def until(answer: Answer) -> datetime:
            pack(answer)
            return self._at_least(intel_crl_parse(crl_bytes(answer.body), "Intel's revocation list").next_update)

        kept = json.loads(self._get(key, url, 3 * MAX_CRL_BYTES, until, pack))
        return bytes.fromhex(kept["der"]), kept["chain"]

    def _get(self, key: str, url: str, max_bytes: int, until: Callable[[Answer], datetime], pack: Callable[[Answer], bytes]) -> bytes:
        try:
            # The service's address is part of the key: what one service said is not kept as another's word.
            return self._fetcher.get(f"intel/{urlsplit(self._base).netloc}/{key}", url, max_bytes=max_bytes, until=until, pack=pack).data
        except Malformed as error:
            raise CollateralMissing(error.code, f"Intel's service gave something that was not asked for: {error}", retry=True) from error

    def _at_least(self, moment: datetime) -> datetime:
        return max(moment, self._fetcher.now() + LIST_AT_LEAST)


def signed_text_split(name: str, body: bytes) -> tuple[str, str]:
    """X exactly as served and the signature (hex) of `{"name": X, "signature": hex}`. Raises `Malformed`."""
    try:
        text = body.decode("utf-8")
        before = re.match(rf'\s*\{{\s*"{name}"\s*:\s*(?=\{{)', text)
        _, end = json.JSONDecoder().raw_decode(text, before.end() if before else len(text))
    except (ValueError, RecursionError) as error:
        raise Malformed("pcs.json", f"{name} is not as specified.") from error
    behind = _BEHIND.fullmatch(text, end)
    if before is None or behind is None:
        raise Malformed("pcs.json", f"{name} is not as specified.")
    return text[before.end() : end], behind.group(1).lower()


def crl_bytes(body: bytes) -> bytes:
    """A revocation list as DER; services give it as DER, as PEM or as hex. Raises `Malformed`."""
    stripped = body.strip()
    if body[:1] == b"\x30" and not stripped.isalnum():
        return body
    if stripped.startswith(b"-----BEGIN X509 CRL-----") and stripped.endswith(b"-----END X509 CRL-----"):
        try:
            return base64.b64decode(b"".join(stripped.split(b"\n")[1:-1]).replace(b"\r", b""), validate=True)
        except ValueError as error:
            raise Malformed("pcs.crl", "A revocation list is not PEM.") from error
    return hex_decode(stripped.decode("ascii", errors="replace"), "A revocation list")


def _chain(answer: Answer, names: tuple[str, ...]) -> str:
    """The PEM chain that a header carries, percent-encoded."""
    found = next((answer.headers[name] for name in names if name in answer.headers), "")
    chain = unquote(found)
    if not chain or len(chain) > MAX_CHAIN_BYTES or not chain.isascii():
        raise Malformed("pcs.chain", f"The answer has no certificate chain ({names[0]}).")
    return chain


def _next_update(text: str) -> datetime:
    try:
        return datetime.strptime(str(json.loads(text)["nextUpdate"]), _NEXT_UPDATE).replace(tzinfo=UTC)
    except (KeyError, ValueError, RecursionError) as error:
        raise Malformed("pcs.json", "A signed text has no nextUpdate.") from error
