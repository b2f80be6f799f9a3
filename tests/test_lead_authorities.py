"""Which years the comparison of authorities covers: both readings by hand, and findings that follow the register."""

import pytest
from ledger_rows import with_rows

from crewe_lib.errors import DataError
from crewe_lib.leads.authorities import COLUMNS, check_authority_comparison
from crewe_lib.load import load_claims

ROWS = {"r2.did.matching_years": {"value": "2010 to 2014", "unit": "years"}}


@pytest.fixture(scope="module")
def register():
    return with_rows(load_claims(), ROWS)


def changed(register, **values):
    return with_rows(register, {id: {"value": value} for id, value in values.items()})


def test_both_readings(register) -> None:
    """Ending: 2010 to 2015 and 2016 to 2019 are six and four. Beginning: 2010–11 to 2014–15 are five, then four."""
    lead = check_authority_comparison(register)
    ending, beginning = lead.readings.to_dict("records")
    assert (ending["before"], ending["after"], ending["observations"], ending["fits"]) == (6, 4, 20, 0)
    assert (beginning["before"], beginning["after"], beginning["observations"], beginning["fits"]) == (5, 4, 18, 3)
    assert beginning["residual"] == 13 and set(COLUMNS) == set(lead.readings.columns)
    assert lead.verdict == "confirmed in part" and "2020" in lead.finding and "implied" in lead.finding


def test_without_the_trend_to_2020_nothing_is_left(register) -> None:
    lead = check_authority_comparison(changed(register, **{"r2.did.escal_span": "2015 to 2019"}))
    assert lead.verdict == "refuted" and "2020" not in lead.finding


def test_other_numbers_of_years(register) -> None:
    six = check_authority_comparison(changed(register, **{"r2.did.pre_years": "6"}))
    assert six.readings["fits"].tolist() == [2, 0] and six.verdict == "confirmed"
    assert six.numbers["observations"] == 20 and "twenty" not in six.finding and "20 observations" in six.finding


def test_matching_years_that_fit_neither(register) -> None:
    lead = check_authority_comparison(changed(register, **{"r2.did.matching_years": "2008 to 2014"}))
    assert lead.readings["fits"].max() == 2 and lead.verdict == "confirmed"


def test_a_span_that_is_none_is_refused(register) -> None:
    with pytest.raises(DataError, match="not a range"):
        check_authority_comparison(changed(register, **{"r2.did.escal_span": "until 2020"}))


def test_a_register_without_a_claim_is_refused(register) -> None:
    with pytest.raises(DataError, match=r"no claim 'r2\.did\.pre_years'"):
        check_authority_comparison(register[register["id"] != "r2.did.pre_years"])
