"""mapping.yml: records under other names, codes and dates are the same records."""

import csv
import io
import itertools
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from made_records import TABLES, make_folder

from crewe_lib import definitions as d
from crewe_lib import definitions_follow_up as f
from crewe_lib.contract import TABLES as CONTRACT
from crewe_lib.intake.check import check_folder
from crewe_lib.intake.dates import DAY, make_format
from crewe_lib.intake.mapping import read_mapping
from crewe_lib.provenance import REPOSITORY
from crewe_lib.records import Records, read_records

DATES = d.StudyDates(pd.Timestamp("2015-08-01"), pd.Timestamp("2016-11-01"), pd.Timestamp("2019-11-22"))


def rewrite(folder: Path) -> Path:
    """The folder's tables under other names: files, columns (in reverse), codes, dates, marks of missing."""
    mapping: dict = {"dates": "D/M/YYYY", "months": "MMM YYYY", "missing": ["n.k.", "-9"], "tables": {}}
    for name, table in CONTRACT.items():
        header, *rows = list(csv.reader(io.StringIO((folder / f"{name}.csv").read_text(encoding="utf-8"))))
        codes = {
            item.name: {f"{number:02d}": code for number, code in enumerate(item.allowed)}
            for item in table.fields
            if item.allowed
        }
        yours = [[_rewrite(cell, table.fields[n], codes) for n, cell in enumerate(row)] for row in rows]
        lines = [["note, free", *(f"Your {column}" for column in reversed(header))]]
        lines += [["x; y", *reversed(row)] for row in yours]
        buffer = io.StringIO(newline="")
        csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows(lines)
        (folder / f"{name}.csv").unlink()
        (folder / f"extract {name}.txt").write_text(buffer.getvalue(), encoding="utf-8", newline="")
        mapping["tables"][name] = {
            "file": f"extract {name}.txt",
            "ignore": ["note, free"],
            "columns": {f"Your {column}": column for column in header},
            "codes": codes,
        }
    (folder / "mapping.yml").write_text(yaml.safe_dump(mapping, allow_unicode=True), encoding="utf-8")
    return folder


def _rewrite(cell: str, item, codes) -> str:
    if cell == "":
        return "-9" if item.type == "date" else "n.k."
    if item.name in codes:
        return next(yours for yours, ours in codes[item.name].items() if ours == cell)
    if item.type == "date":
        day = pd.Timestamp(cell)
        return f"{day.day}/{day.month}/{day.year}"
    return f"{pd.Timestamp(cell):%b %Y}" if item.type == "month" else cell


def same(one: Records, other: Records) -> None:
    for name in CONTRACT:
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))
    assert one.kind == other.kind


def derived(records: Records) -> list[pd.DataFrame]:
    cases = d.derive_cases(records, dates=DATES)
    kinds = ("any_but_escalated", "stepped_down")
    round1 = [
        define(records, cases, dates=DATES, reading=r)
        for define in (d.derive_closed_round1, d.derive_days_open)
        for r in kinds
    ]
    readings = [f.derive_closed_round2(records, cases, dates=DATES, reading=r) for r in ("status", "recorded")]
    again = [
        f.derive_rereferred_round2(records, cases, dates=DATES, reading=r) for r in ("any", "printed", "statutory")
    ]
    rest = [define(records, cases, dates=DATES) for define in (f.derive_escalated, f.derive_case_length)]
    return [
        cases,
        d.derive_children(records, dates=DATES),
        *round1,
        d.derive_rereferred_round1(records, cases, dates=DATES),
        *readings,
        *again,
        *rest,
    ]


def test_rewritten_records_are_the_same_records_and_give_the_same_derived_tables(tmp_path) -> None:
    plain = read_records(make_folder(tmp_path / "plain"))
    folder = rewrite(make_folder(tmp_path / "rewritten"))
    assert check_folder(folder) == []
    brought = read_records(folder)
    same(plain, brought)
    for one, other in zip(derived(plain), derived(brought), strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_the_published_cohort_under_other_names_is_the_same(tmp_path) -> None:
    folder = rewrite(Path(shutil.copytree(REPOSITORY / "data" / "synthetic", tmp_path / "rewritten")))
    plain, brought = read_records(REPOSITORY / "data" / "synthetic"), read_records(folder)
    same(plain, brought)
    for one, other in zip(derived(plain), derived(brought), strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_faults_are_told_in_the_researchers_own_names(tmp_path) -> None:
    folder = rewrite(make_folder(tmp_path))
    path = folder / "extract families.txt"
    text = path.read_text(encoding="utf-8").replace('"3/11/2015"', '"2015-11-03"').replace('"01"', '"9"')
    path.write_text(text, encoding="utf-8")
    episodes = folder / "extract episodes.txt"
    episodes.write_text(episodes.read_text(encoding="utf-8").replace("5/11/2015", "5/10/2015"), encoding="utf-8")
    codes = "To mend: write one of these, or add the code to mapping.yml under codes,"
    assert [fault.message for fault in check_folder(folder)] == [
        f"extract families.txt, row 3, column 'Your arm': must be one of your codes 00, 01; found '9'. {codes} arm.",
        "extract families.txt, row 3, column 'Your randomised_on': must be a day written D/M/YYYY; found '9999-99-99'. "
        "To mend: write it so, or say in mapping.yml how your days are written: dates: DD/MM/YYYY.",
        "extract families.txt, row 4, column 'Your site': must be one of your codes 00, 01, 02; found '9'. "
        f"{codes} site.",
        "extract families.txt, rows 2, 3, column 'Your case_data': must be one of your codes 00, 01; found '9'. "
        f"{codes} case_data.",
        "extract episodes.txt, row 6, column 'Your plan_opened_on': must not be before Your referred_on; found 20 days "
        "before. To mend: correct the day that is wrong.",
    ]


def test_everything_is_read_as_text(tmp_path) -> None:
    folder = make_folder(tmp_path)
    lines = "tables: {families: {codes: {arm: {yes: treatment, NO: control}, case_data: {01: '1', 1.0: '0'}}}}"
    (folder / "mapping.yml").write_text(lines)
    text = TABLES["families"].replace("treatment", "yes").replace("control", "NO")
    text = text.replace(",1\n", ",01\n").replace(",0\n", ",1.0\n")
    (folder / "families.csv").write_text(text)
    same(read_records(folder), read_records(make_folder(tmp_path / "plain")))


@pytest.mark.parametrize("text", ["", "# nothing\n", "tables:\n", "tables: {families: }\n", "\ufefftables: {}\n"])
def test_a_mapping_that_says_nothing_changes_nothing(text, tmp_path) -> None:
    folder = make_folder(tmp_path)
    (folder / "mapping.yml").write_text(text, encoding="utf-8")
    assert check_folder(folder) == []


def test_a_code_may_mean_missing_where_a_blank_may_stand(tmp_path) -> None:
    folder = make_folder(tmp_path)
    (folder / "mapping.yml").write_text(
        'tables: {children: {codes: {disability: {"0": "0", "1": "1", "9": ""}, sex: {female: female, male: ""}}}}'
    )
    assert [fault.message for fault in check_folder(folder)] == [
        "mapping.yml, under tables.children.codes.sex: names may be female, male, not_recorded; found ''. To mend: use "
        "one of these names."
    ]


DAYS = "{sessions_possible: days, sessions_authorised: days, sessions_unauthorised: days}"


def in_days(folder: Path, rows: str, units: str = DAYS) -> Path:
    """The small folder with absence counted otherwise, as its mapping says."""
    (make_folder(folder) / "mapping.yml").write_text(f"tables: {{absence: {{units: {units}}}}}")
    header = TABLES["absence"].splitlines()[0]
    (folder / "absence.csv").write_text(f"{header}\n{rows}", encoding="utf-8")
    return folder


def test_days_and_half_days_are_the_same_sessions(tmp_path) -> None:
    rows = "C1,secondary,autumn_2015,70,4.5,1.50\nC1,secondary,spring_2016,60.0,0,0.0\n"
    folder = in_days(tmp_path / "days", rows)
    assert check_folder(folder) == []
    same(read_records(folder), read_records(make_folder(tmp_path / "sessions")))


def test_a_unit_is_said_column_by_column(tmp_path) -> None:
    rows = "C1,secondary,autumn_2015,140,4.5,1.5\nC1,secondary,spring_2016,120,0,0\n"
    folder = in_days(tmp_path / "mixed", rows, "{sessions_authorised: days, sessions_unauthorised: days}")
    same(read_records(folder), read_records(make_folder(tmp_path / "sessions")))


def test_the_published_cohort_in_days_is_the_same(tmp_path) -> None:
    source = REPOSITORY / "data" / "synthetic"
    folder = Path(shutil.copytree(source, tmp_path / "days"))
    table = pd.read_csv(folder / "absence.csv")
    counts = [name for name in table if name.startswith("sessions_")]
    table[counts] = table[counts] / 2
    table.to_csv(folder / "absence.csv", index=False)
    (folder / "mapping.yml").write_text(f"tables: {{absence: {{units: {DAYS}}}}}")
    same(read_records(source), read_records(folder))


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (
            "4.25",
            "must be a number of days, whole or half; found '9.99'. To mend: write it in digits, such as 7 or 7.5",
        ),
        ("4,5", None),  # one cell too many: a fault of the row
        ("-1", "must be a number of days, whole or half"),
        ("4.5 ", "must not begin or end with a blank"),
        ("04.5", "must be a number of days, whole or half"),
        ("4.", "must be a number of days, whole or half"),
        ("1e2", "must be a number of days, whole or half"),
        ("200.5", "must be from 0 to 200 days; found '999.9'. To mend: correct the number, or take it out of units"),
        ("99999999999999999999", "must be a number of days, whole or half"),
        ("", "must not be blank"),
        ("69", "must not exceed sessions_possible; found 141 of 140 sessions"),
    ],
)
def test_what_is_no_number_of_days(cell, words, tmp_path) -> None:
    folder = in_days(tmp_path, f"C1,secondary,autumn_2015,70,{cell},1.5\n")
    faults = [fault.message for fault in check_folder(folder)]
    assert len(faults) == 1 and (words is None or words in faults[0]), faults


@pytest.mark.parametrize(
    ("units", "words"),
    [
        ("days", "tables.absence.units: must hold names and their values"),
        ("{sessions_missed: days}", "found 'sessions_missed'"),
        ("{sessions_possible: hours}", "absence.units.sessions_possible: names may be sessions, days; found 'hours'"),
        ("{sessions_possible: [days]}", "found 'a list'"),
        ("{child_id: days}", "found 'child_id'"),
    ],
)
def test_what_is_no_unit(units, words, tmp_path) -> None:
    folder = in_days(tmp_path, "C1,secondary,autumn_2015,70,1,1\n", units)
    (fault,) = check_folder(folder)
    assert fault.message.startswith("mapping.yml, under tables.absence.units") and words in fault.message


def test_tables_without_sessions_have_no_units(tmp_path) -> None:
    (make_folder(tmp_path) / "mapping.yml").write_text("tables: {families: {units: {arm: days}}}")
    (fault,) = check_folder(tmp_path)
    assert "tables.families: names may be file, columns, codes, ignore, dates" in fault.message


def test_days_that_were_not_declared_say_how(tmp_path) -> None:
    folder = in_days(tmp_path, "C1,secondary,autumn_2015,70,4.5,1\n", "{}")
    (fault,) = check_folder(folder)
    assert fault.message.endswith("no decimals; if it counts days, say so in mapping.yml under units.")


def test_a_bomb_is_no_trouble(tmp_path) -> None:
    names = "abcdefghijklmnop"
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]" for a, b in itertools.pairwise(names)]
    (tmp_path / "mapping.yml").write_text("\n".join(lines))
    assert read_mapping(tmp_path)[1]


@pytest.mark.parametrize(
    ("words", "text", "iso"),
    [
        ("DD/MM/YYYY", "01/08/2015", "2015-08-01"),
        ("MM/DD/YYYY", "08/01/2015", "2015-08-01"),
        ("D/M/YYYY", "1/8/2015", "2015-08-01"),
        ("D/M/YYYY", "01/8/2015", None),
        ("DD/MM/YYYY", "1/8/2015", None),
        ("YYYYMMDD", "20150801", "2015-08-01"),
        ("DD-MMM-YYYY", "01-AUG-2015", "2015-08-01"),
        ("DD-MMM-YYYY", "01-Xyz-2015", None),
        ("DD.MM.YYYY", "01.08.2015", "2015-08-01"),
        ("DD.MM.YYYY", "01/08/2015", None),
        ("DD/MM/YYYY", "31/02/2015", None),
        ("DD/MM/YYYY", "٠١/٠٨/٢٠١٥", None),
    ],
)
def test_days_are_read_as_declared_only(words, text, iso) -> None:
    made = make_format(words, month=False)
    assert made is not None and made.read(text) == iso


@pytest.mark.parametrize(
    "words", ["", "DD/MM/YY", "dd/mm/yyyy", "YYYY", "DD/MM", "DMYYYY", "MM/MM/YYYY", "DD/MM/YYYY x"]
)
def test_what_is_no_format(words) -> None:
    assert make_format(words, month=False) is None


def test_a_month_may_be_declared_as_a_day() -> None:
    made = make_format("DD/MM/YYYY", month=True)
    assert made is not None and made.read("14/02/2012") == "2012-02"


@given(st.dates())
def test_iso_days_stay_as_they_are(day) -> None:
    assert DAY.read(day.isoformat()) == day.isoformat()
