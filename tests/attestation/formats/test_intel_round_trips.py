"""Every format of Intel's: parsing and encoding are inverses, and any bytes raise only the parse error."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.attestation.checks import Malformed
from kettle_web.attestation.formats.event_log import Event, event_log_encode, event_log_parse, rtmrs_replayed
from kettle_web.attestation.formats.intel_crl import intel_crl_parse
from kettle_web.attestation.formats.pck import ecdsa_signature_decode, pck_chain_parse, pck_parse
from kettle_web.attestation.formats.pem import pem_chain_encode, pem_chain_parse
from kettle_web.attestation.formats.tdreport import TDREPORT_BYTES, tdreport_encode, tdreport_parse
from kettle_web.attestation.formats.tdx_quote import (
    QE_REPORT_BYTES,
    qe_report_encode,
    qe_report_parse,
    signed_encode,
    tdx_quote_encode,
    tdx_quote_parse,
)
from tests.attestation.conftest import sample_bytes, unhurried
from tests.fakes import intel
from tests.fakes import intel_lists as lists

AUTHORITY = intel.authority_mint()


@cache
def quote(version: int, *, late_body: bool = False) -> bytes:
    body = {"tee_tcb_svn2": b"\6" * 16, "mr_servicetd": b"\x44" * 48} if late_body else {}
    return intel.quote_mint(AUTHORITY, version=version, body=body, trailing=b"")


@cache
def pck() -> bytes:
    return AUTHORITY.pck_mint()


@cache
def crl() -> bytes:
    return lists.crl_mint(intel.key("root"), AUTHORITY.anchor.subject, serials=(1, 2**150))


PARSERS: tuple[Callable[[bytes], Any], ...] = (
    tdx_quote_parse, qe_report_parse, tdreport_parse, event_log_parse, pck_parse, pck_chain_parse, lambda data: intel_crl_parse(data, "it"),
    lambda data: pem_chain_parse(data, "it"), lambda data: ecdsa_signature_decode(data, "it"),
    lambda data: tdx_quote_parse(quote(4)[:48] + data), lambda data: tdx_quote_parse(b"\5" + quote(4)[1:48] + data),
    lambda data: tdx_quote_parse(quote(4)[:632] + data), lambda data: pck_parse(pck()[:600] + data),
)  # fmt: skip


@unhurried
@given(st.binary(max_size=1500), st.sampled_from(PARSERS))
def test_random_bytes_raise_only_the_parse_error(data: bytes, parse: Callable[[bytes], Any]) -> None:
    with contextlib.suppress(Malformed):
        parse(data)


@unhurried
@given(st.data())
def test_every_prefix_of_a_format_is_refused(data: st.DataObject) -> None:
    whole, parse = data.draw(st.sampled_from((
        (quote(4), tdx_quote_parse),
        (quote(5), tdx_quote_parse),
        (quote(5, late_body=True), tdx_quote_parse),
        (pck(), pck_parse),
        (crl(), lambda found: intel_crl_parse(found, "it")),
        (pem_chain_encode((AUTHORITY.root,)), lambda found: pem_chain_parse(found, "it")),
    )))  # fmt: skip
    length = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(Malformed):
        parse(whole[:length])


@pytest.mark.parametrize("whole", [quote(4), quote(5), quote(5, late_body=True), quote(4) + bytes(70)], ids=["4", "5-2", "5-3", "padded"])
def test_quote_round_trips(whole: bytes) -> None:
    parsed = tdx_quote_parse(whole)
    assert tdx_quote_encode(parsed) == whole
    assert signed_encode(parsed) == parsed.signed


def test_real_quote_round_trips() -> None:
    whole = sample_bytes("evidence/tdx-quote-v5.bin")
    parsed = tdx_quote_parse(whole)
    assert tdx_quote_encode(parsed) == whole
    assert (parsed.version, parsed.body.mr_servicetd is not None) == (5, True)


@unhurried
@given(st.data())
def test_quote_with_any_parts_round_trips(data: st.DataObject) -> None:
    names = ("qe_auth_data", "chain", "after_chain", "after_certification", "trailing")
    late = {name: data.draw(st.binary(max_size=100)) for name in names}
    parsed = replace(tdx_quote_parse(quote(4)), **late, chain_type=data.draw(st.integers(0, 0xFFFF)))
    assert tdx_quote_parse(tdx_quote_encode(parsed)) == parsed


@unhurried
@given(st.binary(min_size=QE_REPORT_BYTES, max_size=QE_REPORT_BYTES))
def test_quoting_enclave_s_report_round_trips_whatever_its_bytes(data: bytes) -> None:
    assert qe_report_encode(qe_report_parse(data)) == data


@unhurried
@given(st.binary(min_size=TDREPORT_BYTES, max_size=TDREPORT_BYTES))
def test_tdreport_round_trips_whatever_its_bytes(data: bytes) -> None:
    assert tdreport_encode(tdreport_parse(data)) == data


@unhurried
@given(st.lists(st.binary(max_size=400), min_size=1, max_size=4))
def test_pem_chain_round_trips(blocks: list[bytes]) -> None:
    assert pem_chain_parse(pem_chain_encode(tuple(blocks)), "it") == tuple(blocks)


EVENT = st.builds(Event, st.integers(1, 9), st.integers(1, 2**32 - 1), st.none() | st.binary(min_size=48, max_size=48))


@unhurried
@given(st.lists(EVENT, max_size=6).map(tuple), st.binary(max_size=20), st.sampled_from([b"", bytes(40), b"\xff" * 40, b"\1"]))
def test_event_log_round_trips_and_ends_where_it_ends(events: tuple[Event, ...], data: bytes, tail: bytes) -> None:
    assert event_log_parse(event_log_encode(events, data) + tail) == events


def test_event_log_with_an_unknown_digest_is_refused() -> None:
    with pytest.raises(Malformed) as caught:
        event_log_parse(bytes(32) + bytes.fromhex("010000000100000001000000") + b"\x12\0" + bytes(64))
    assert caught.value.code == "event-log.algorithm"


def test_event_log_skips_its_first_record_and_other_digests() -> None:
    first = bytes(28) + (7).to_bytes(4, "little") + b"spec id"
    digests = b"\4\0" + b"\1" * 20 + b"\x0b\0" + b"\2" * 32 + b"\x0c\0" + b"\3" * 48 + b"\x0d\0" + b"\4" * 64
    record = bytes.fromhex("020000000500000004000000") + digests + bytes.fromhex("01000000") + b"!"
    assert event_log_parse(first + record) == (Event(2, 5, b"\3" * 48),)


def test_measurements_of_no_register_change_none() -> None:
    assert rtmrs_replayed((Event(0, 1, bytes(48)), Event(5, 1, bytes(48)), Event(1, 1, None))) == (bytes(48),) * 4


def test_crl_holds_serials_and_dates() -> None:
    parsed = intel_crl_parse(crl(), "it")
    assert parsed.serials == {1, 2**150}
    assert (parsed.this_update, parsed.next_update, parsed.issuer) == (lists.ISSUED, lists.UNTIL, AUTHORITY.anchor.subject)


@pytest.mark.parametrize("hostile", ["", "3000", "3003020101", "300602010102010100", "300702020001020101", "3006020181020101"])
def test_ecdsa_signature_in_another_form_is_refused(hostile: str) -> None:
    with pytest.raises(Malformed):
        ecdsa_signature_decode(bytes.fromhex(hostile), "it")
