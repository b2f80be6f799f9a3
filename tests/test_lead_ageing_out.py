"""Ageing out: every split by brute force, every test again, and verdicts that follow the register."""

import pytest
from sample_register import entry, register
from scipy import stats

from crewe_lib.leads.ageing_out import COLUMNS, check_ageing_out

LEAD = check_ageing_out(register())


def test_printed_arms_allow_one_split() -> None:
    assert LEAD.verdict == "confirmed"
    assert (LEAD.numbers["k_treat"], LEAD.numbers["k_control"]) == (11, 13)
    assert "implied" in LEAD.finding and "11 of 84 against 13 of 44" in LEAD.finding
    assert LEAD.numbers["difference"] == pytest.approx(100 * (11 / 84 - 13 / 44))


def test_every_test_is_below_five_per_cent() -> None:
    table = [[11, 73], [13, 31]]
    assert LEAD.numbers["p_fisher"] == pytest.approx(stats.fisher_exact(table)[1])
    # The largest of the ten is Fisher's one-sided p doubled.
    tail = stats.hypergeom(128, 24, 84).cdf(11)
    assert LEAD.numbers["p_greatest"] == pytest.approx(2 * tail)
    assert LEAD.numbers["p_least"] == pytest.approx(stats.chi2_contingency(table, correction=False)[1])
    assert max(LEAD.numbers[name] for name in ("p_boschloo", "p_barnard", "p_greatest")) < 0.05


def test_readings_by_brute_force() -> None:
    def prints(k: int, n: int, p: int) -> bool:
        return abs(2 * (100 * k - p * n)) <= n or p * n <= 100 * k < (p + 1) * n

    expected = {
        (k1, n1, k2, n2)
        for n1 in range(84 - 6, 84 + 5)
        for n2 in range(44 - 6, 44 + 5)
        if 126 <= n1 + n2 <= 132
        for k1 in range(n1 + 1)
        if prints(k1, n1, 13)
        for k2 in range(n2 + 1)
        if prints(k2, n2, 29)
    }
    columns = ["k_treat", "n_treat", "k_control", "n_control"]
    assert set(LEAD.readings[columns].itertuples(index=False, name=None)) == expected
    assert list(LEAD.readings.columns) == list(COLUMNS)


def test_rival_readings() -> None:
    row = LEAD.readings[LEAD.readings["reading"].str.contains("cost tables")].iloc[0]
    yates = stats.chi2_contingency([[11, 72], [13, 32]], correction=True)[1]
    assert row["p_yates"] == pytest.approx(yates) and yates > 0.05
    assert 0 < row["tests_above"] < row["tests"]
    assert LEAD.numbers["with_number_chi_square_above"] == 0
    assert LEAD.numbers["all_above"] == 0
    # All four printed numbers follow by rounding if the arms were 87 and 45 (24/132 is 18.2%).
    assert LEAD.numbers["recommended_matched"] == 4 and LEAD.numbers["recommended_cut_off"] == 0
    assert LEAD.numbers["recommended_p_greatest"] < 0.05


def test_readings_that_give_every_number() -> None:
    table = LEAD.readings
    full = table[table["matched"] == 4]
    n = LEAD.numbers
    # 11 of 84 and 24 of 128 are 13.1 and 18.75, 13 of 44 is 29.5: two of the four are not what rounding gives.
    assert n["cut_off"] == 2 and "Two of the four printed numbers" in LEAD.finding
    assert (n["full"], n["full_any_above"]) == (len(full), int((full["p_greatest"] >= 0.05).sum())) == (21, 9)
    rounded = full[
        [
            all(abs(100 * k / m - p) <= 0.5 for k, m, p in ((a, b, 13), (c, d, 29)))
            and round(100 * (a + c) / (b + d)) == 18
            for a, b, c, d in full[["k_treat", "n_treat", "k_control", "n_control"]].to_numpy()
        ]
    ]
    assert (n["full_rounded"], n["full_rounded_above"]) == (len(rounded), int((rounded["p_greatest"] >= 0.05).sum()))
    assert f"{n['full_any_above']} have a test above 0.05" in LEAD.finding
    note = entry("r2.demo.aged_test").note
    assert "two of the four printed numbers must have been cut off" in note and "Of 21 implied readings" in note


def test_closing_among_those_not_aged_out() -> None:
    assert LEAD.numbers["gap_closed"] == pytest.approx(100 * (60 / 84 - 36 / 44))
    assert LEAD.numbers["gap_not_aged"] == pytest.approx(100 * (49 / 73 - 23 / 31))


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"r2.demo.aged_treat": "15", "r2.demo.aged_control": "27", "r2.sample.aged_n": "25"}, "refuted"),
        ({"r2.sample.n_treat": "83", "r2.sample.n_control": "45"}, "confirmed in part"),
        ({"r2.demo.aged_control": "28"}, "open"),
        ({"r2.sample.aged_n": "30"}, "open"),
        ({"r2.demo.aged_test": "significant"}, "refuted"),
    ],
)
def test_verdict_follows_the_register(changes: dict[str, str], verdict: str) -> None:
    lead = check_ageing_out(register(changes))
    assert lead.verdict == verdict
    assert "implied" in lead.finding


def test_nothing_fits_at_all() -> None:
    # Printed to two decimals, 29.37% is no whole number out of any control arm tried.
    lead = check_ageing_out(register({"r2.demo.aged_control": "29.37"}))
    assert lead.verdict == "open" and lead.readings.empty and list(lead.readings.columns) == list(COLUMNS)
