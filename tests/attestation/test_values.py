"""Values made without their own `__init__` are the same as those made with it."""

from dataclasses import FrozenInstanceError, asdict, fields

import pytest

from kettle_web.attestation.formats.hcl import HclReport
from kettle_web.attestation.formats.snp_report import SnpReport
from kettle_web.attestation.formats.tdx_quote import QeReport, TdBody, TdxQuote
from kettle_web.attestation.formats.tpm import TpmQuote
from kettle_web.attestation.values import value_filled
from kettle_web.verification.report import Check

KINDS = (Check, HclReport, QeReport, SnpReport, TdBody, TdxQuote, TpmQuote)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_filled_value_is_the_one_that_its_own_making_gives(kind: type) -> None:
    values = {field.name: number for number, field in enumerate(fields(kind))}
    made, filled = kind(**values), value_filled(kind, dict(values))
    assert filled == made
    assert (hash(filled), repr(filled), asdict(filled)) == (hash(made), repr(made), asdict(made))
    with pytest.raises(FrozenInstanceError):
        setattr(filled, fields(kind)[0].name, 1)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_kinds_that_are_filled_do_nothing_when_they_are_made(kind: type) -> None:
    assert not hasattr(kind, "__post_init__")
