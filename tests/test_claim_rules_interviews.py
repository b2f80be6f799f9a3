"""Tables of interviews: rebuilt by hand counts from the rows, and refused where the table is not one."""

import csv
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from crewe_lib.checks import check_table
from crewe_lib.claim_register import Claim, to_claims
from crewe_lib.claims import check_claim
from crewe_lib.errors import DataError
from crewe_lib.interview_table import INTERVIEWS, row_claim
from crewe_lib.load import load_claims, load_interviews
from crewe_lib.provenance import REPOSITORY

CLAIMS = to_claims(load_claims())
TABLE = load_interviews()


def entry(id: str, table: pd.DataFrame = TABLE, **values: str):
    claims: dict[str, Claim] = dict(CLAIMS)
    for name, value in values.items():
        claims[name.replace("__", ".")] = replace(CLAIMS[name.replace("__", ".")], value=value)
    return check_claim(claims, id, {"interviews": ("published", table)})


def raw_rows() -> list[dict[str, str]]:
    path = Path(REPOSITORY) / "data/published/interviews.csv"
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_table_holds_what_the_register_prints() -> None:
    for row in raw_rows():
        assert row["total"] == CLAIMS[row_claim(int(row["table"]), int(row["row"]))].value


def test_by_hand_the_table_has_33_people_and_48_interviews() -> None:
    rows = raw_rows()
    assert sum(row["total"] != "0" for row in rows) == 33
    assert sum(int(row["total"]) for row in rows) == 48
    assert sum((row["november"] == "Y") + (row["april"] == "Y") for row in rows) == 49


@pytest.mark.parametrize(
    ("id", "value", "cls"),
    [
        ("r1.t1.fp.participants", 7 + 6, "exact"),
        ("r1.t1.fp.interviews", 6 * 2 + 1 + 6, "exact"),
        ("r1.t1.sw.interviews", 2 + 2 + 1 + 1 + 1, "exact"),
        ("r1.t1.pc_case.participants", 9, "minor"),
        ("r1.t1.pc_case.interviews", 14, "minor"),
        ("r1.t1.cec_case.participants", 3, "minor"),
        ("r1.t1.cec_case.interviews", 5, "minor"),
        ("r1.t3.closed.cec", 3, "exact"),
        ("r1.t3.no_change.cec", 0, "exact"),
        ("r1.t4.row20", 2, "minor"),
        ("r1.t4.row23", 0, "exact"),
        ("r1.t5.row4", 1, "exact"),
        ("r1.qual.withdrawn", 13 - 12, "exact"),
        ("r1.qual.complete_cases", 0, "major"),
        ("r1.qual.additional_families", 2, "exact"),
        ("r1.qual.additional_month_appendix", "2016-04", "exact"),
        ("r2.qual.planned", 12, "exact"),
        ("r2.t4.f_sup", 2, "exact"),
    ],
)
def test_each_count(id: str, value: int, cls: str) -> None:
    found = entry(id)
    assert (found.recomputed, found.cls) == (value, cls)


def test_row_20_is_out_by_one_and_the_note_says_so() -> None:
    assert "holds with 1 here" in entry("r1.t4.row20").note
    assert entry("r1.t4.row20", r1__t4__row20="2").cls == "exact"


def test_a_changed_row_total_moves_table_1_and_the_sum() -> None:
    assert entry("r1.t1.fp.interviews", r1__t4__row02="1").recomputed == 18
    assert entry("r1.qual.interviews_case", r1__t4__row02="1").cls == "minor"
    assert entry("r1.t1.cec_case.participants", r1__t4__row23="1").cls == "exact"


def test_a_changed_tick_moves_its_row_only() -> None:
    table = TABLE.copy()
    table.loc[(table["table"] == 4) & (table["row"] == 20), "april"] = "N"
    assert entry("r1.t4.row20", table).cls == "exact"
    assert entry("r1.t4.row19", table).cls == "exact"


def test_a_family_member_interviewed_only_in_april_counts_as_additional() -> None:
    table = TABLE.copy()
    found = entry("r1.qual.additional_families", table)
    assert "Family members were interviewed in none of them" in found.note
    table.loc[(table["table"] == 4) & (table["row"].isin([24, 25])), "role"] = "Mother"
    found = entry("r1.qual.additional_families", table)
    assert (found.recomputed, found.cls) == (2, "exact") and "interviewed in 2 of them" in found.note


def test_without_cases_of_april_alone_there_were_no_additional_interviews() -> None:
    table = TABLE.copy()
    table.loc[table["table"] == 4, "november"] = "Y"
    assert entry("r1.qual.additional_families", table).recomputed == 0
    assert entry("r1.qual.additional_month_appendix", table).recomputed == "none"
    other = entry("r1.qual.additional_month_appendix", r1__qual__waves="2015-11 and 2016-03")
    assert (other.recomputed, other.cls) == ("2016-03", "minor")


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("role", "Aunt", "must be one of Mother"),
        ("case", pd.NA, "a row of Table 4 needs case"),
        ("total", 3, "must be from 0 to 2"),
        ("row", 2, "the row is there twice"),
    ],
)
def test_a_broken_table_is_refused(column: str, value: object, words: str) -> None:
    table = TABLE.copy()
    table.loc[0, column] = value
    with pytest.raises(DataError, match=words):
        check_table(table, INTERVIEWS, "interviews.csv")


def test_without_the_table_the_rule_says_what_it_lacks() -> None:
    with pytest.raises(DataError, match="needs the table 'interviews'"):
        check_claim(CLAIMS, "r1.t1.fp.interviews", {})
