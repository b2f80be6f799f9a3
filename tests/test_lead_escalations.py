"""Counts of escalations: by hand, against SciPy, and under changed prints."""

import pytest
from register_copy import PUBLISHED, reprint
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from crewe_lib.errors import DataError
from crewe_lib.leads.escalations import COLUMNS, check_escalations


@pytest.fixture
def register():
    return PUBLISHED.copy()


def test_counts_of_all_places(register):
    lead = check_escalations(register)
    assert lead.verdict == "confirmed"
    assert list(lead.readings.columns) == list(COLUMNS)
    assert lead.readings["escalated"].tolist() == [8, 2, 2, 2, 1, 4, 0, 11, 11, 53]


def test_service_against_both_national_rates(register):
    numbers = check_escalations(register).numbers
    assert numbers["service"] == 53
    assert (numbers["service_least"], numbers["service_most"]) == (52, 55)
    assert numbers["p_low"] == pytest.approx(stats.binomtest(53, 380, 0.093).pvalue)
    assert numbers["p_high"] == pytest.approx(stats.binomtest(53, 380, 0.125).pvalue)
    row = check_escalations(register).readings.iloc[-1]
    assert (row["conf_low"], row["conf_high"]) == pytest.approx(
        [100 * x for x in proportion_confint(53, 380, method="wilson")]
    )


def test_trial_difference(register):
    numbers = check_escalations(register).numbers
    assert numbers["fisher"] == pytest.approx(stats.fisher_exact([[4, 80], [0, 44]]).pvalue)
    low, high = confint_proportions_2indep(4, 84, 0, 44, method="newcomb")
    assert (numbers["difference_low"], numbers["difference_high"]) == pytest.approx((100 * low, 100 * high))
    assert numbers["expected"] == pytest.approx(4 * 44 / 128)


def test_saving_with_the_count_of_the_pilot_year(register):
    numbers = check_escalations(register).numbers
    assert numbers["saving_year"] == pytest.approx((0.125 * 83 - 8) * 778 / 83)
    assert numbers["year_share"] == pytest.approx(100 * 8 / 83)


def test_case_studies_have_no_test(register):
    rows = check_escalations(register).readings
    assert rows.loc[rows["reading"].str.startswith("case studies"), "p_low_benchmark"].isna().all()


def test_enough_events_and_one_count_refute(register):
    changed = reprint(
        register, r2__escal__treat="20", r2__escal__n="30", r1__cost__escal_obs="8", r1__t3__escalated__cec="0"
    )
    assert check_escalations(changed).verdict == "refuted"
    some = reprint(register, r1__cost__escal_obs="8", r1__t3__escalated__cec="0")
    assert check_escalations(some).verdict == "confirmed in part"


def test_the_finding_follows_the_register(register):
    assert "£22.26" in check_escalations(register).finding
    changed = check_escalations(reprint(register, r1__escal__year="6", r2__mi__escalated="10")).finding
    assert "£22.26" not in changed and "53" not in changed and "cannot be told from 9.3%" in changed


def test_no_escalation_at_all(register):
    numbers = check_escalations(reprint(register, r2__escal__treat="0", r2__escal__n="0")).numbers
    assert (numbers["fisher"], numbers["expected"]) == (1.0, 0)


def test_a_missing_claim_is_named(register):
    with pytest.raises(DataError, match=r"blog\.lac"):
        check_escalations(register[register["id"] != "blog.lac"])
