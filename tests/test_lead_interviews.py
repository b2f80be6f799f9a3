"""The interviews lead: counts by hand, and a verdict that follows the tables."""

import pandas as pd
import pytest

from crewe_lib.errors import DataError
from crewe_lib.leads.interviews import COLUMNS, check_interviews
from crewe_lib.load import load_claims, load_interviews

FRAME, TABLE = load_claims(), load_interviews()


def with_values(**values: str) -> pd.DataFrame:
    frame = FRAME.copy()
    for name, value in values.items():
        frame.loc[frame["id"] == name.replace("__", "."), "value"] = value
    return frame


def counted(lead, question: str, reading: str) -> int:
    rows = lead.readings
    return int(rows.loc[(rows["question"] == question) & (rows["reading"] == reading), "counted"].iloc[0])


def test_as_printed() -> None:
    lead = check_interviews(FRAME, TABLE)
    assert lead.verdict == "confirmed" and "implied" in lead.finding
    assert lead.numbers["ticks"] == 49 and lead.numbers["movable"] == 4
    assert set(lead.readings) == set(COLUMNS)
    assert lead.readings["agrees"].tolist() == (lead.readings["printed"] == lead.readings["counted"]).tolist()


@pytest.mark.parametrize(
    ("reading", "cases"),
    [
        ("all 6 interviews", []),
        ("5 interviews", [3, 5, 9]),
        ("child, parent and worker each at least once", [3, 5, 9]),
        ("parent and worker in both rounds", [1, 2, 3, 5, 6, 9, 10]),
        ("the same, Project Crewe only", [1, 2, 3, 9, 10]),
    ],
)
def test_complete_case_studies_by_hand(reading: str, cases: list[int]) -> None:
    assert counted(check_interviews(FRAME, TABLE), "Complete case studies", reading) == len(cases)


def test_tables_that_agree_leave_no_suspicion_of_the_arms() -> None:
    frame = with_values(
        r1__t1__pc_case__participants="9",
        r1__t1__pc_case__interviews="14",
        r1__t1__cec_case__participants="3",
        r1__t1__cec_case__interviews="5",
    )
    lead = check_interviews(frame, TABLE)
    assert lead.numbers["gap_people"] == 0 and "agree on the families" in lead.finding
    assert lead.verdict == "confirmed"  # the complete cases remain


def test_a_changed_total_changes_the_finding() -> None:
    lead = check_interviews(with_values(r1__t1__total__interviews="50"), TABLE)
    assert "do not follow" in lead.finding and "50" in lead.finding


def test_an_absent_claim_is_named() -> None:
    with pytest.raises(DataError, match=r"r1\.t4\.row07"):
        check_interviews(FRAME[FRAME["id"] != "r1.t4.row07"], TABLE)
