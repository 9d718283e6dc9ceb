"""Every format: parsing and encoding are inverses, and any bytes raise only the parse error."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.attestation.checks import Malformed
from kettle_web.attestation.formats import der
from kettle_web.attestation.formats.certificate import certificate_parse
from kettle_web.attestation.formats.hcl import hcl_report_encode, hcl_report_parse, var_data_parse
from kettle_web.attestation.formats.snp_report import REPORT_BYTES, snp_report_encode, snp_report_parse
from kettle_web.attestation.formats.tcb import tcb_encode, tcb_parse
from kettle_web.attestation.formats.tpm import tpm_quote_encode, tpm_quote_parse
from kettle_web.attestation.formats.vek import vek_parse
from tests.attestation.conftest import unhurried
from tests.fakes import amd, hcl, tpm


@cache
def report() -> bytes:
    return amd.report_mint()


@cache
def vcek() -> bytes:
    return amd.authority_mint("milan").vek_mint()


PARSERS: tuple[Callable[[bytes], Any], ...] = (
    snp_report_parse, hcl_report_parse, var_data_parse, tpm_quote_parse, vek_parse, lambda data: certificate_parse(data, "it"),
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
        (report(), snp_report_parse),
        (vcek(), vek_parse),
        (tpm.tpm_quote_encode(tpm.QUOTE), tpm_quote_parse),
        (hcl.var_data_mint(), var_data_parse),
    )))  # fmt: skip
    length = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(Malformed):
        parse(whole[:length])


@unhurried
@given(st.binary(min_size=1, max_size=40))
def test_bytes_after_a_certificate_or_report_are_refused(tail: bytes) -> None:
    for whole, parse in ((report(), snp_report_parse), (vcek(), vek_parse)):
        with pytest.raises(Malformed):
            parse(whole + tail)


@unhurried
@given(st.binary(min_size=REPORT_BYTES, max_size=REPORT_BYTES))
def test_report_round_trips_whatever_its_bytes(data: bytes) -> None:
    assert snp_report_encode(snp_report_parse(data)) == data


@unhurried
@given(st.binary(min_size=8, max_size=8), st.booleans())
def test_tcb_round_trips_whatever_its_bytes(data: bytes, turin: bool) -> None:
    assert tcb_encode(tcb_parse(data, turin=turin)) == data


@unhurried
@given(st.binary(min_size=0x4D4 - 4, max_size=0x4D4 - 4), st.binary(max_size=50), st.binary(max_size=50))
def test_hcl_report_round_trips(header: bytes, content: bytes, padding: bytes) -> None:
    whole = header + len(content).to_bytes(4, "little") + content + padding
    parsed = hcl_report_parse(whole)
    assert hcl_report_encode(parsed) == whole
    assert (parsed.var_data, parsed.padding) == (content, padding)


QUOTES = st.builds(
    tpm.TpmQuote,
    magic=st.integers(0, 2**32 - 1), attest_type=st.integers(0, 2**16 - 1), qualified_signer=st.binary(max_size=70),
    extra_data=st.binary(max_size=70), clock=st.integers(0, 2**64 - 1), reset_count=st.integers(0, 2**32 - 1),
    restart_count=st.integers(0, 2**32 - 1), safe=st.integers(0, 255), firmware_version=st.integers(0, 2**64 - 1),
    selections=st.lists(st.builds(tpm.PcrSelection, st.integers(0, 2**16 - 1), st.binary(max_size=4)), max_size=16).map(tuple),
    pcr_digest=st.binary(max_size=70), trailing=st.binary(max_size=10),
)  # fmt: skip


@unhurried
@given(QUOTES)
def test_quote_round_trips(quote: tpm.TpmQuote) -> None:
    assert tpm_quote_parse(tpm_quote_encode(quote)) == quote


def test_selected_registers_are_counted_from_the_lowest_bit() -> None:
    assert tpm.PcrSelection(0xB, b"\x05\x80").indexes() == (0, 2, 15)


@unhurried
@given(st.integers(0, 2**70))
def test_der_integer_round_trips(value: int) -> None:
    element = der.Reader(der.integer_encode(value), "it").element(der.INTEGER)
    assert der.integer_decode(element, "it") == value


@unhurried
@given(st.datetimes(datetime(1950, 1, 1), datetime(2120, 1, 1)))  # noqa: DTZ001 - hypothesis wants bounds without a zone.
def test_der_time_round_trips(moment: datetime) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    assert der.time_decode(der.Reader(der.time_encode(moment), "it").element(), "it") == moment


@pytest.mark.parametrize("size", [0, 127, 128, 255, 256, 70_000])
def test_der_lengths_are_the_shortest(size: int) -> None:
    encoded = der.encode(der.OCTET_STRING, bytes(size))
    assert der.Reader(encoded, "it").element().content == bytes(size)


@pytest.mark.parametrize(
    "hostile",
    ["04", "0480", "048100", "04817f" + "00" * 127, "0482007f" + "00" * 127, "0485" + "00" * 5, "1f0100", "0402ff", "0484ffffffff00"],
)
def test_der_in_another_form_is_refused(hostile: str) -> None:
    with pytest.raises(Malformed) as caught:
        der.Reader(bytes.fromhex(hostile), "it").element()
    assert caught.value.code == "der"


@pytest.mark.parametrize(
    "text",
    [
        "17 251301000000Z", "17 2501010000Z", "17 250101000000", "17 25010100000aZ", "18 250101000000Z", "17 250101000060Z",
        "17 +50101000000Z", "18 00000101000000Z",
    ],
)  # fmt: skip
def test_impossible_times_are_refused(text: str) -> None:
    tag, digits = text.split()
    with pytest.raises(Malformed) as caught:
        der.time_decode(der.Reader(der.encode(int(tag, 16), digits.encode()), "it").element(), "it")
    assert caught.value.code == "der.time"
