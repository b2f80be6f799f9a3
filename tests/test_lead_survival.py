"""Curves that must cross: by hand, on a made trial, and under changed prints."""

import math

import numpy as np
import pytest
from register_copy import PUBLISHED, reprint

from crewe_lib.errors import DataError
from crewe_lib.leads.survival import COLUMNS, check_survival_curves


@pytest.fixture
def register():
    return PUBLISHED.copy()


def test_curves_must_cross(register):
    lead = check_survival_curves(register)
    assert lead.verdict == "confirmed in part"
    assert lead.numbers["crosses"]
    assert list(lead.readings.columns) == list(COLUMNS)
    assert "must cross" in lead.finding and "implied" in lead.finding


def test_numbers_by_hand(register):
    numbers = check_survival_curves(register).numbers
    assert (numbers["open_pc"], numbers["open_cec"]) == pytest.approx((0.28, 0.36))
    assert numbers["end_ratio"] == pytest.approx(math.log(0.28) / math.log(0.36))
    assert (numbers["days_pc"], numbers["days_cec"]) == pytest.approx((7 * 2450 / 68.05, 7 * 1795 / 55.13))
    assert (numbers["span_days"], numbers["least_follow_up"]) == (458, 215)
    assert (numbers["drop_from"], numbers["drop_to"]) == ("9 November 2015", "27 May 2016")
    assert numbers["months"] == pytest.approx(15, abs=0.1)


def test_proportional_hazards_never_cross():
    """What the finding rests on: under one ratio the order of ends is the order of areas."""
    days = np.arange(458)
    for ratio in (0.6, 0.9, 1.25, 2.0):
        control = np.exp(-0.0022 * days)
        treated = control**ratio
        assert (treated.sum() > control.sum()) == (treated[-1] > control[-1])


@pytest.mark.parametrize(
    "change", [{"r1__closure__pc": "60"}, {"r1__cost__case_pc": "1900"}, {"r1__closure__pc": "64"}]
)
def test_an_order_that_agrees_refutes(register, change):
    lead = check_survival_curves(reprint(register, **change))
    assert lead.verdict == "refuted"
    assert "must cross" not in lead.finding


def test_the_span_follows_the_dates(register):
    lead = check_survival_curves(reprint(register, r1__design__pilot_end="2016-10-01"))
    assert lead.numbers["months"] == pytest.approx(14, abs=0.1)


def test_a_missing_claim_is_named(register):
    with pytest.raises(DataError, match=r"r1\.surv\.drop_high"):
        check_survival_curves(register[register["id"] != "r1.surv.drop_high"])
