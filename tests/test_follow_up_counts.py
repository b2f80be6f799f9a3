"""Printed and implied counts of the follow-up, and the statements of the second report."""

from __future__ import annotations

import pandas as pd
import pytest
from scipy import stats

from crewe_lib import follow_up_counts as counts
from crewe_lib import follow_up_statements as statements
from crewe_lib.claim_register import to_claims
from crewe_lib.claims import check_claim
from crewe_lib.errors import DataError
from crewe_lib.implied_counts import derive_implied_counts
from crewe_lib.load import load_claims


@pytest.fixture(scope="module")
def register() -> pd.DataFrame:
    return load_claims()


@pytest.fixture(scope="module")
def dates(register: pd.DataFrame) -> pd.DataFrame:
    return counts.derive_two_dates(register, alpha=0.05)


@pytest.fixture(scope="module")
def answers(register: pd.DataFrame, dates: pd.DataFrame) -> pd.DataFrame:
    return statements.check_statements(register, dates, tables={})


def test_main_readings_are_those_of_the_implied_counts(register: pd.DataFrame, dates: pd.DataFrame) -> None:
    implied = derive_implied_counts(register)
    main = implied[implied["reading"] == "main"].set_index(["outcome", "date", "arm"])[["k", "n"]]
    for row in dates[dates["basis"] != "printed"].to_dict("records"):
        when = "trial_end" if row["date"] == counts.FIRST else "november_2019"
        for arm, k, n in (("pc", "k1", "n1"), ("cec", "k2", "n2")):
            assert main.loc[(row["outcome"], when, arm)].tolist() == [row[k], row[n]]


def test_every_reading_prints_the_percentages(register: pd.DataFrame) -> None:
    readings = counts.estimate_implied_follow_up(register, alpha=0.05)
    printed = {"closed": (71, 82), "rereferred": (41, 44)}
    for row in readings.to_dict("records"):
        shares = (100 * row["k1"] / row["n1"], 100 * row["k2"] / row["n2"])
        assert [round(share) for share in shares] == list(printed[row["outcome"]])
    assert readings.groupby("outcome")["main"].sum().to_dict() == {"closed": 1, "rereferred": 1}


def test_the_wide_search_holds_the_named_readings_and_does_not_turn_the_sign(dates: pd.DataFrame) -> None:
    for row in dates.to_dict("records"):
        assert row["least"] <= row["difference"] <= row["most"]
        assert row["least"] * row["most"] > 0
    assert (dates["low"] < 0).all() and (dates["high"] > 0).all()


def test_escalations_by_hand(dates: pd.DataFrame) -> None:
    row = dates[dates["outcome"] == "escalated"].iloc[0]
    assert (row["k1"], row["n1"], row["k2"], row["n2"], row["basis"]) == (4, 84, 0, 44, "printed")
    assert row["difference"] == pytest.approx(100 * 4 / 84) and pd.isna(row["range"])


def test_ageing_out_by_every_test(register: pd.DataFrame) -> None:
    tests = counts.derive_ageing_tests(register).set_index("test")
    table = [[11, 73], [13, 31]]
    assert tests.loc["Fisher's exact", "printed"] == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-9)
    assert tests.loc["chi-square, Yates", "printed"] == pytest.approx(stats.chi2_contingency(table).pvalue, rel=1e-9)
    assert tests.loc["Barnard's", "printed"] == pytest.approx(0.0238, abs=2e-4)  # scipy.stats.barnard_exact
    assert (tests["printed"] < 0.05).all() and (tests["highest"] > 0.05).any()


def test_numbers_for_prose(register: pd.DataFrame, dates: pd.DataFrame) -> None:
    found = counts.summarise_two_dates(dates, counts.derive_ageing_tests(register), register)
    assert found["closed_first"] > 0 > found["closed_second"] and found["leave_zero_out"] == 0
    assert found["aged_printed_below"] == found["aged_printed_tests"] == 12
    assert "November 2019" in counts.describe_two_dates(dates)["text"]


def test_shares_of_the_service_imply_families(register: pd.DataFrame) -> None:
    service = counts.derive_service(register).set_index("id")
    assert service.loc["r2.mi.closed", "families"] == "265 to 267" and pd.isna(service.loc["r2.mi.days", "families"])


def test_every_statement_has_its_counterpart(register: pd.DataFrame, answers: pd.DataFrame) -> None:
    assert answers["row"].is_unique and (answers["counterpart"].str.len() > 2).all()
    assert set(answers["verdict"]) == {statements.AGREED, statements.CORRECTED, statements.OPEN}
    claims = register[(register["document"] == "r2") & register["section"].str.startswith("Impact")]
    on_families = claims[claims["topic"].isin(["follow_up", "risk", "closure", "rereferral", "escalation"])]
    assert set(on_families["id"]) - set(answers["id"]) <= LINKS


# Numbers of figures and appendices, and what the second report quotes of the first: other chapters' matter.
LINKS = {"r2.ref.fig_blank", "r2.ref.closure_caption", "r2.ref.methods_page"}


def test_verdicts_follow_the_ledger(register: pd.DataFrame, answers: pd.DataFrame) -> None:
    claims = to_claims(register)
    for row in answers[answers["id"] != ""].to_dict("records"):
        cls = check_claim(claims, row["id"], {}).cls
        expected = {"exact": "agreed with", "rounding": "agreed with"}.get(cls)
        expected = expected or ("corrected" if cls in ("minor", "major", "decision") else "left open")
        assert (row["cls"], row["verdict"]) == (cls, expected)
    found = statements.summarise_statements(answers)
    assert found["agreed"] + found["corrected"] + found["open"] == found["statements"] == len(answers)


def test_a_register_that_lacks_a_claim_is_a_named_error(register: pd.DataFrame, dates: pd.DataFrame) -> None:
    with pytest.raises(DataError, match=r"r2\.closure\.sig"):
        statements.check_statements(register[register["id"] != "r2.closure.sig"], dates, tables={})
