"""`crewe check`: every kind of broken folder leads to its own words, at once, and never to a personal value."""

import json
import re
from pathlib import Path

import pytest
from made_records import TABLES, add, both, make_folder, put, remove, swap
from record_cases import CASES
from test_cli import crewe

from crewe_lib.errors import CreweError, DataError
from crewe_lib.intake.check import check_folder, examine_folder, write_summary
from crewe_lib.intake.faults import mask, nearest, show, write_faults
from crewe_lib.records import read_records


def read_expected() -> dict[str, list[str]]:
    """The messages of each case, as they were read and approved."""
    text = (Path(__file__).parent / "record_faults.txt").read_text(encoding="utf-8")
    blocks = [block.strip().splitlines() for block in text.split("## ")[1:]]
    return {lines[0]: lines[1:] for lines in blocks}


EXPECTED = read_expected()


def messages(folder: Path) -> list[str]:
    return [fault.message for fault in check_folder(folder)]


@pytest.mark.parametrize("name", CASES)
def test_a_broken_folder_is_described_word_by_word(name, tmp_path) -> None:
    folder = make_folder(tmp_path)
    CASES[name](folder)
    found = messages(folder)
    assert found == EXPECTED[name]
    assert found, "a broken folder must have a fault"


def test_the_words_are_those_of_the_cases() -> None:
    assert list(EXPECTED) == list(CASES) and len(CASES) > 100


def test_no_message_holds_an_id_or_a_date_of_the_records() -> None:
    limits = {"1990-01-01", "2030-12-31", "1990-01", "2030-12"}
    for lines in EXPECTED.values():
        for line in lines:
            found = set(re.findall(r"\b[12][0-9]{3}-[0-9]{2}(?:-[0-9]{2})?\b|\b[FCEG][0-9]+\b", line))
            assert found <= limits, line


def test_a_folder_without_fault(tmp_path) -> None:
    seen = examine_folder(make_folder(tmp_path))
    assert seen.faults == []
    assert write_summary(seen).splitlines() == [
        "8 tables, 3 families, 4 children, 5 episodes, 3 rows of protection, 2 rows of absence, 2 rows of sdq, "
        "4 rows of risk, 1 row of crossovers: no fault.",
        "Kind of data: records supplied by the researcher.",
    ]


@pytest.mark.parametrize(
    "change",
    [
        put("families.csv", b"\xef\xbb\xbf" + TABLES["families"].encode()),
        put("families.csv", TABLES["families"].replace("\n", "\r\n")),
        put("families.csv", TABLES["families"].replace("\n", "\r")),
        put("families.csv", TABLES["families"].strip()),
        put("families.csv", "".join(f'"{line}"\n' for line in TABLES["families"].replace(",", '","').split())),
        put("crossovers.csv", "crossed_on,family_id\n2017-06-01,F2\n"),
        put("crossovers.csv", "family_id,crossed_on\n"),
        put("crossovers.csv", "family_id,crossed_on\nF1,2017-06-01\nF2,2017-06-01\n"),  # either arm may cross over
        swap("children", ("mixed,0,1,2019-11-22", "mixed,0,1,2015-10-25")),  # followed to the day of the last referral
        remove("protection.csv", "absence.csv", "sdq.csv", "risk.csv", "crossovers.csv", "episodes.csv"),
        both(remove("children.csv", "episodes.csv", "protection.csv"), remove("absence.csv", "sdq.csv")),
        put("notes.txt", b"\x00\xff anything"),
        swap("episodes", ("E2,C1,2015-09-20", "E2,C1,2014-09-01")),  # referred on the day of closing
        swap("protection", ("2017-03-01", "2018-03-01")),  # a new plan on the last day of another
        add("episodes", "E6,C3,2016-08-09,,closed,2016-08-09,other,N1"),
        both(swap("children", ("2012-02", "2016-07")), remove("sdq.csv")),  # referred nine months before birth
    ],
)  # fmt: skip
def test_what_is_allowed(change, tmp_path) -> None:
    folder = make_folder(tmp_path)
    change(folder)
    assert messages(folder) == []


def test_every_fault_is_found_at_once(tmp_path) -> None:
    folder = make_folder(tmp_path)
    for name in ("wrong_code", "cp1252", "plan_early", "uk_date", "no_card", "unknown_csv", "orphan_child"):
        CASES[name](folder)
    found = check_folder(folder)
    assert [fault.file for fault in found] == [
        "datapackage.json",
        "notes.csv",
        *["families.csv"] * 2,
        *["children.csv"],
        *["episodes.csv"],
        "risk.csv",
    ]


def test_many_faults_of_one_kind_are_one_with_a_count(tmp_path) -> None:
    folder = make_folder(tmp_path)
    add("families", *(f"G{n},PC,2015-11-01,crewe,0" for n in range(3000)))(folder)
    (fault,) = check_folder(folder)
    assert fault.count == 3000 and fault.rows[:3] == (5, 6, 7) and len(fault.rows) == 1000
    assert "rows 5, 6, 7, 8, 9 and 2,995 more" in fault.message


def test_a_ragged_row_does_not_lead_to_faults_of_its_own(tmp_path) -> None:
    folder = make_folder(tmp_path)
    swap("children", ("C3,F2,1,", "C3,F2,1,,"))(folder)
    (fault,) = check_folder(folder)  # and no orphan, no family without a lead child
    assert fault.rows == (4,)


def test_what_is_found_is_masked() -> None:
    assert mask("Ann-7 é") == "'xxx-9 x'"
    assert show("PC") == "'xx'" and show("contrl", (), ("control", "treatment")) == "'contrl'"
    assert show("7") == "'7'" and show("-12") == "'-12'" and show("12345") == "'99999'" and show("a@b") == "'x?x'"
    assert show("F1", {"F1"}) == "'x9'" and show("Jane Smith", (), ("control",)) == "'xxxx xxxxx'"
    assert mask("x" * 30) == f"'{'x' * 20}…'"
    assert nearest("Family ID", ["family_id", "arm"]) == "family_id" and nearest("zzz", ["arm"]) == ""


def test_records_with_a_fault_are_not_used(tmp_path) -> None:
    folder = make_folder(tmp_path)
    CASES["wrong_code"](folder)
    with pytest.raises(
        DataError, match=r"these records cannot be used\.\nfile .*\n.*must be one of treatment, control"
    ):
        read_records(folder)


def test_no_folder_is_said_so(tmp_path) -> None:
    with pytest.raises(CreweError, match="there is no such folder"):
        check_folder(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(CreweError, match="this is a file"):
        check_folder(tmp_path / "file")


def test_the_table_and_the_list_say_the_same(tmp_path) -> None:
    folder = make_folder(tmp_path)
    CASES["wrong_code"](folder)
    faults = check_folder(folder)
    table = write_faults(faults)
    assert "2, 3, 4  arm     must be one of treatment, control" in table and table.endswith("1 fault in 1 file.")
    assert faults[0].as_json() == {
        "file": "families.csv",
        "row": 2,
        "column": "arm",
        "rule": "must be one of treatment, control",
        "found": ["'xx'", "'xxx'"],
        "mend": "write one of these, or say in mapping.yml what your codes are, under codes, arm",
        "rows": [2, 3, 4],
        "count": 3,
    }


def test_the_command(tmp_path) -> None:
    folder = make_folder(tmp_path / "records")
    clean = crewe("check", str(folder))
    assert (clean.returncode, clean.stderr) == (0, "") and "3 families" in clean.stdout
    listed = crewe("check", str(folder), "--json")
    assert listed.returncode == 0 and json.loads(listed.stdout) == []
    CASES["binary"](folder)
    broken = crewe("check", str(folder), "--json")
    assert broken.returncode == 1 and json.loads(broken.stdout)[0]["found"] == ["binary data"]
    table = crewe("check", str(folder))
    assert table.returncode == 1 and "1 fault in 1 file." in table.stdout and "Traceback" not in table.stderr
    absent = crewe("check", str(tmp_path / "nowhere"))
    assert absent.returncode == 2 and "there is no such folder" in absent.stderr
