"""Shares under 11: ages and whole numbers by hand, Fisher's test again, verdicts that follow the register."""

from datetime import date

import pytest
from sample_register import register
from scipy import stats

from crewe_lib.claim_register import read_register
from crewe_lib.leads.under_11 import COLUMNS, check_under_11, share_old_enough

LEAD = check_under_11(register())


def test_whole_numbers_by_hand() -> None:
    # 46/84 is 54.8%; 29/44 is 65.9% and 30/44 68.2%. Exchanged: 56/84 is 66.7% and 24/44 54.5%.
    numbers = LEAD.numbers
    assert (numbers["printed_k_pc"], numbers["printed_fits_cec"]) == (46, False)
    assert (numbers["exchanged_k_pc"], numbers["exchanged_k_cec"]) == (56, 24)
    assert LEAD.verdict == "confirmed in part"
    assert "implied" in LEAD.finding


def test_ages_needed() -> None:
    # 18 less the time from 1 August 2015 and from 31 March 2016 to 22 November 2019.
    end = date(2019, 11, 22)
    least, most = (18 - (end - day).days / 365.25 for day in (date(2015, 8, 1), date(2016, 3, 31)))
    assert LEAD.numbers["youngest_first"] == pytest.approx(least) == pytest.approx(13.69, abs=0.005)
    assert LEAD.numbers["youngest_last"] == pytest.approx(most) == pytest.approx(14.36, abs=0.005)
    assert share_old_enough(read_register(register())) == pytest.approx((18 - (least + most) / 2) / 7)


def test_contrasts() -> None:
    printed = stats.fisher_exact([[11, 38 - 11], [13, 15 - 13]])[1]
    exchanged = stats.fisher_exact([[11, 28 - 11], [13, 20 - 13]])[1]
    assert LEAD.numbers["printed_p_fisher"] == pytest.approx(printed) and printed < 0.001
    assert LEAD.numbers["exchanged_p_fisher"] == pytest.approx(exchanged) and exchanged > 0.1


def test_readings() -> None:
    assert list(LEAD.readings.columns) == list(COLUMNS)
    for row in LEAD.readings.itertuples():
        shares = (55, 67) if row.order == "as printed" else (67, 55)
        for k, n, share in zip(
            (row.under_11_treat, row.under_11_control), (row.n_treat, row.n_control), shares, strict=True
        ):
            assert abs(100 * k / n - share) <= 0.5
        assert row.aged_out_treat + row.aged_out_control == 24
        assert row.older_treat == row.n_treat - row.under_11_treat >= row.aged_out_treat
    pairs = LEAD.readings.query("order == 'as printed'")[["n_treat", "n_control"]]
    assert {(83, 45), (87, 45)} <= set(pairs.itertuples(index=False, name=None))
    # As printed, the arms differ in who left wherever whole numbers fit.
    assert LEAD.numbers["as_printed_p_greatest"] < 0.001


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        # Printed the other way round, everything fits.
        ({"r2.demo.u11_treat": "67", "r2.demo.u11_control": "55"}, "refuted"),
        # Both shares 55%: as printed, whole numbers fit, so nothing speaks for an exchange.
        ({"r2.demo.u11_control": "55"}, "open"),
        # No whole number out of 84 or 44 is 28%: the ages cannot be compared.
        ({"r2.demo.aged_treat": "28", "r2.demo.aged_control": "28"}, "open"),
    ],
)
def test_verdict_follows_the_register(changes: dict[str, str], verdict: str) -> None:
    assert check_under_11(register(changes)).verdict == verdict


def test_an_earlier_start_lets_younger_children_leave() -> None:
    earlier = check_under_11(register({"r1.design.rct_start": "2013-08"}))
    assert earlier.numbers["youngest_first"] == pytest.approx(LEAD.numbers["youngest_first"] - 2, abs=0.01)
    assert earlier.numbers["share_old_enough"] > LEAD.numbers["share_old_enough"]
