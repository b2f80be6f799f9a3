"""The follow-up's definitions: by hand, by search, and under changed prints."""

import pytest
from register_copy import PUBLISHED, reprint
from scipy import stats

from crewe_lib.errors import DataError
from crewe_lib.leads.long_term import COLUMNS, check_long_term_closure, check_rereferral


@pytest.fixture
def register():
    return PUBLISHED.copy()


def test_ever_closed_would_have_to_fall(register):
    lead = check_long_term_closure(register)
    assert lead.verdict == "confirmed in part"
    ever = lead.readings[lead.readings["reading"] == "ever closed"].groupby("arm")["possible"].all()
    assert not ever["FACT22"] and ever["CEC"]
    assert lead.numbers["ever_least"] == 58 + 5
    assert "72%" in lead.finding and "6%" in lead.finding and "Our sum, 78%" in lead.finding
    assert lead.numbers["now_closed"] == 60
    assert lead.numbers["least_correction"] == pytest.approx(100 * 63 / 84 - 71)
    assert set(lead.readings.columns) <= set(COLUMNS)


def test_the_gap_is_control_less_treatment(register):
    numbers = check_long_term_closure(register).numbers
    assert numbers["gap"] == pytest.approx(100 * (36 / 44 - 60 / 84))
    assert numbers["gap_low"] < 0 < numbers["gap_high"]
    assert numbers["fisher"] == pytest.approx(stats.fisher_exact([[60, 24], [36, 8]]).pvalue)


def test_a_higher_share_would_allow_the_rule(register):
    lead = check_long_term_closure(reprint(register, r2__closure__treat="81"))
    assert lead.verdict == "refuted"


def test_shares_without_counts_are_named(register):
    with pytest.raises(DataError, match=r"r2\.closure\.control \(83%\)"):
        check_long_term_closure(reprint(register, r2__closure__control="83"))


def test_re_referrals_by_hand(register):
    lead = check_rereferral(register)
    assert lead.verdict == "confirmed in part"
    numbers = lead.numbers
    assert (numbers["pair"], numbers["together"], numbers["later"]) == ("34 of 83 and 19 of 43", 53, 45)
    assert (numbers["last_window"], numbers["last_window_late"]) == ("31 March 2017", "30 April 2017")
    assert (numbers["readings_total"], numbers["readings_printed_arms"]) == (len(lead.readings), 1)
    assert f"{len(lead.readings)} implied readings, of which only one" in lead.finding
    assert numbers["per_day_ratio"] == pytest.approx((45 / 150) / (8 / 458))
    assert numbers["fisher"] == pytest.approx(stats.fisher_exact([[34, 49], [19, 24]]).pvalue)
    assert numbers["rate_cec_sizes"] == "45"
    assert numbers["on_printed_arms"] == 0


def test_re_referral_readings_by_search(register):
    rows = check_rereferral(register).readings
    wanted = [
        (total - n2, k1, n2, k2)
        for total in (126, 128)
        for n2 in range(38, 51)
        for k1 in range(total - n2 + 1)
        for k2 in range(n2 + 1)
        if round(100 * k1 / (total - n2)) == 41 and round(100 * k2 / n2) == 44
    ]
    assert rows[["n1", "k1", "n2", "k2"]].to_numpy().tolist() == [list(row) for row in wanted]
    assert rows.loc[rows["from_printed_arms"], "k2"].tolist() == [19]
    assert set(rows.columns) <= set(COLUMNS)


def test_more_in_2017_would_refute(register):
    changed = reprint(register, r1__reref__total="50")
    assert check_rereferral(changed).verdict == "refuted"


def test_a_longer_window_changes_the_finding(register):
    lead = check_rereferral(reprint(register, r2__def__reref_window="3"))
    assert lead.numbers["last_window"] == "31 March 2019"
    assert "March 2017" not in lead.finding and "implied" in lead.finding


@pytest.mark.parametrize(
    ("check", "id"),
    [(check_long_term_closure, "r1.reref.pc"), (check_rereferral, "r2.def.reref_window")],
)
def test_a_missing_claim_is_named(register, check, id):
    with pytest.raises(DataError, match=id.replace(".", r"\.")):
        check(register[register["id"] != id])
