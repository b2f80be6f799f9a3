"""Printed and implied counts of the follow-up, and the statements of the second report."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

from crewe_lib import follow_up_counts as counts
from crewe_lib import follow_up_statement_list as lists
from crewe_lib import follow_up_statements as statements
from crewe_lib.claim_register import to_claims
from crewe_lib.claims import check_claim
from crewe_lib.errors import DataError
from crewe_lib.implied_counts import derive_implied_counts
from crewe_lib.load import load_claims, load_ledger_tables


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


def test_readings_are_counted_once(register: pd.DataFrame, dates: pd.DataFrame) -> None:
    """By hand: all arms of 126, 128 and 132 families with shares of 60 to 73 per cent that print 71% and 82%."""
    found = 0
    for total in (126, 128, 132):
        for n1 in range(total):
            if 0.6 <= n1 / total <= 0.73:
                fits = [sum(abs(100 * k / n - p) < 0.5 for k in range(n + 1)) for n, p in ((n1, 71), (total - n1, 82))]
                found += fits[0] * fits[1]
    row = dates[(dates["outcome"] == "closed") & (dates["date"] == counts.SECOND)].iloc[0]
    assert row["readings"] == found


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
    claims = register[(register["document"] == "r2") & ~register["topic"].isin(["authorities", "wording"])]
    pages = claims["section"].str.match("Impact|Methods: impact|Context|Appendix 4|Table 2: research")
    own = claims[pages & ~claims["id"].str.startswith(("r2.ext", "r2.t2.auth", "r2.t2.deliv"))]
    assert set(own["id"]) - set(answers["id"]) == set(lists.OFFICIAL)


def test_a_claim_on_official_numbers_is_answered_where_they_are_given(
    register: pd.DataFrame, dates: pd.DataFrame
) -> None:
    answers = statements.check_statements(register, dates, tables=load_ledger_tables()).set_index("row")
    row = answers.loc["r2.mi.national_escalation"]
    assert (row["verdict"], row["chapter"]) == ("corrected", "ledger") and "9.4" in row["counterpart"]


def test_every_statement_says_where_it_is_gone_into(answers: pd.DataFrame) -> None:
    assert set(answers["chapter"]) <= set(lists.IN_BOOK)
    notebooks = {path.stem for path in (Path(__file__).parents[1] / "chapters").glob("*.ipynb")}
    assert {chapter for chapter in lists.IN_BOOK.values() if chapter} <= notebooks
    named = set(lists.CHAPTERS) | set(lists.JUDGED)
    assert named <= set(answers["id"]) | set(answers["subject"]) | {x[-1] for x in lists.WITHOUT_CLAIM} | set(
        lists.OFFICIAL
    )


def test_caveats_of_the_ledger_stand_beside_agreement(register: pd.DataFrame, answers: pd.DataFrame) -> None:
    claims, by_id = to_claims(register), answers.set_index("row")["counterpart"]
    agreed = answers[(answers["verdict"] == "agreed with") & (answers["id"] != "")]["id"]
    with_note = {id: note for id in agreed if (note := check_claim(claims, id, {}).note)}
    assert len(with_note) > 20 and all(note in by_id[id] for id, note in with_note.items())
    assert "12.5%" in by_id["r2.mi.escalation_higher"] and "model" in by_id["r2.closure.treat"]


def test_conclusions_are_judged_by_what_bears_on_them(answers: pd.DataFrame) -> None:
    by_row = answers.set_index("row")
    assert by_row.loc["r2.power.detectable", "verdict"] == "corrected"
    assert "hardly" in by_row.loc["r2.def.reref_window", "counterpart"]
    assert "63" in by_row.loc["r2.def.closed", "counterpart"] and "60" in by_row.loc["r2.def.closed", "counterpart"]
    kept = by_row.loc["said_kept", "counterpart"].replace("\N{NO-BREAK SPACE}", " ")
    assert "11 and 13" in kept and "five of the latter" in kept and "−32.9 to 8.0" in kept
    assert by_row.loc["said_none", "counterpart"].startswith("None of the three")


def test_verdicts_follow_the_ledger(register: pd.DataFrame, answers: pd.DataFrame) -> None:
    claims = to_claims(register)
    for row in answers[answers["id"] != ""].to_dict("records"):
        cls = check_claim(claims, row["id"], {}).cls
        expected = {"exact": "agreed with", "rounding": "agreed with"}.get(cls)
        expected = expected or ("corrected" if cls in ("minor", "major", "decision") else "left open")
        expected = lists.JUDGED.get(row["id"], (None, ""))[0] or expected
        assert (row["cls"], row["verdict"]) == (cls, expected)
    found = statements.summarise_statements(answers)
    assert found["agreed"] + found["corrected"] + found["open"] == found["statements"] == len(answers)
    assert found["choices"] == ((answers["verdict"] == "left open") & (answers["cls"] == "definition")).sum()


def test_not_significant_is_not_taken_for_equal(answers: pd.DataFrame, dates: pd.DataFrame) -> None:
    later = dates[dates["date"] == counts.SECOND].set_index("outcome")["interval"]
    said = answers.set_index("row")
    for outcome, row in (("closed", "r2.closure.sig"), ("rereferred", "r2.reref.sig")):
        assert "(implied), by ten tests" in said.loc[row, "counterpart"]
        assert said.loc[row, "counterpart"].endswith(
            f"Not significant is not equal: exact interval {later[outcome]} points."
        )
    for row in ("r2.closure.not_sustained", "r2.risk.not_sustained", "r2.mi.escalation_higher"):
        assert (said.loc[row, "cls"], said.loc[row, "verdict"]) == ("exact", "left open")


def test_a_register_that_lacks_a_claim_is_a_named_error(register: pd.DataFrame, dates: pd.DataFrame) -> None:
    with pytest.raises(DataError, match=r"r2\.closure\.sig"):
        statements.check_statements(register[register["id"] != "r2.closure.sig"], dates, tables={})
