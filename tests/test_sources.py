"""Reading the publishers' files: every layout, and every way a file may be wrong."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crewe_lib.checks import check_table, describe_fields
from crewe_lib.errors import DataError
from crewe_lib.sources import (
    CELL_COLUMNS,
    ENGLAND,
    FIRST_MARKS,
    LATER_MARKS,
    dfe,
    match_layout,
    mhclg,
    ons,
    parse_number,
    read_source,
)
from crewe_lib.sources.folder import LAYOUTS
from crewe_lib.sources.rawfile import Fault, raise_faults, read_table
from crewe_lib.tables import DURATION_BANDS, LA_DURATIONS, LA_PANEL, PRIMARY_NEED, PRIMARY_NEEDS

FIXTURES = Path(__file__).parent / "fixtures" / "dfe"
SOURCE = FIXTURES / "source"
SFR43 = SOURCE / "first_published" / "SFR43-2014.csv"


def find(pattern: str) -> Path:
    """The one fixture whose name fits."""
    (path,) = SOURCE.rglob(pattern)
    return path


def write(folder: Path, text: str | bytes, name: str = "file.csv") -> Path:
    """A file of one's own."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("latin-1"))
    return path


def cell(cells: pd.DataFrame, la_code: str, measure: str, year: int) -> object:
    """One value, or its mark where it is missing."""
    row = cells[(cells["la_code"] == la_code) & (cells["measure"] == measure) & (cells["year"] == year)]
    assert len(row) == 1
    mark = row["mark"].iloc[0]
    return row["value"].iloc[0] if mark is None else mark


# Each layout
# -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "key"),
    [
        ("osr28-2010ud.csv", "first published 2010"),
        ("osr26-2011ud.csv", "first published 2011"),
        ("SFR27-2012ud.csv", "first published 2012"),
        ("SFR45-2013ud.csv", "first published 2013"),
        ("SFR43-2014.csv", "first published 2014"),
        ("SFR41-2015*.csv", "first published 2015"),
        ("SFR52_2016_UD.csv", "first published 2016"),
        ("SFR61-2017_UD.CSV", "first published 2017"),
        ("b1_*.csv", "revised b1"),
        ("b3_*.csv", "revised b3"),
        ("b4_*.csv", "revised b4"),
        ("b5_*.csv", "revised b5"),
        ("b6_*.csv", "revised b6"),
        ("c1_*.csv", "revised c1"),
        ("d3_*.csv", "revised d3"),
        ("d5_*.csv", "revised d5"),
        ("pop*pre_census_2021.csv", "population 0-17 before Census 2021"),
        ("pop*rebased.csv", "population 0-17 rebased to Census 2021"),
        ("ons_*.csv", "population all ages"),
        ("imd-2015.xlsx", "deprivation 2015"),
        ("imd-2019.xlsx", "deprivation 2019"),
        ("absence_*_2016_17_*.csv", "absence, earlier release"),
        ("absence_*_2018_19_*.csv", "absence, later release"),
    ],
)
def test_each_layout_is_told_by_its_header(pattern: str, key: str, tmp_path: Path) -> None:
    path = find(pattern)
    renamed = write(tmp_path, path.read_bytes(), f"renamed{path.suffix}")
    layout = match_layout(read_table(renamed), LAYOUTS)
    assert layout is not None
    assert layout.key == key


@pytest.mark.parametrize("layout", dfe.FIRST_PUBLISHED, ids=lambda one: one.key)
def test_first_published_england_and_isle_of_wight_are_kept_apart(layout: dfe.Layout) -> None:
    """Both are 921, or both E06000046, in most of these files."""
    path = next(path for path in SOURCE.rglob("*.*") if match_layout(read_table(path), LAYOUTS) is layout)
    cells = dfe.read_dfe(path)
    assert list(cells.columns) == list(CELL_COLUMNS)
    england, wight = cells[cells["gss"] == ENGLAND], cells[cells["la_code"] == "921"]
    assert set(england["name"]) == {"England"}
    assert set(england["la_code"]) == {""}
    assert set(wight["name"]) == {"Isle of Wight"}
    assert len(england) == len(wight) == len(layout.measures)
    assert set(cells["year"]) == {layout.year}


def test_thousands_commas_and_marks() -> None:
    cells = dfe.read_dfe(find("osr28-2010ud.csv"))
    assert cell(cells, "", "episodes_ended", 2010) == 21300
    assert cell(cells, "895", "episodes_ended", 2010) == 3306
    assert cell(cells, "810", "episodes_ended", 2010) == ".."
    assert cell(cells, "420", "episodes_ended_rc7", 2010) == "x"
    assert cell(cells, "928", "episodes_ended_unknown_reason", 2010) == ":"
    blank = dfe.read_dfe(find("SFR27-2012ud.csv"))
    assert cell(blank, "928", "episodes_ended_unknown_reason", 2012) == ""


def test_2010_has_no_rereferrals_and_2017_counts_plans_not_children() -> None:
    assert "rereferrals" not in set(dfe.read_dfe(find("osr28-2010ud.csv"))["measure"])
    layout = next(one for one in dfe.FIRST_PUBLISHED if one.year == 2017)
    assert layout.measures["cpp_started"] == "CPPEpisodesStart1617"
    assert layout.measures["cin_31_march"] == "CINAt310316"
    assert "children_ended" in set(dfe.read_dfe(find("SFR61-2017_UD.CSV"))["measure"])


def test_revised_files_leave_out_regions_and_follow_new_codes() -> None:
    cells = dfe.read_dfe(find("b1_*.csv"))
    assert set(cells["name"]) >= {"England", "North Yorkshire", "Kingston upon Hull, City of"}
    assert not set(cells["name"]) & {"North East", ""}
    codes = cells[cells["la_code"] == "815"].groupby("gss")["year"].max()
    assert codes.to_dict() == {"E10000023": 2023, "E06000065": 2025}
    assert cell(cells, "390", "children_ended", 2013) == "x"


def test_primary_needs_are_read_with_their_regions_and_marks() -> None:
    cells = dfe.read_dfe(find("b3_*.csv"))
    assert set(cells["measure"]) == {*PRIMARY_NEEDS, "open_all_needs"}
    assert (cells["year"].min(), cells["year"].max()) == (2013, 2024)
    region = cells[cells["gss"] == "E12000002"]
    assert set(region["name"]) == {"North West"} and set(region["la_code"]) == set(region["region"]) == {""}
    assert len(region) == 12 * 11
    assert [cell(cells, "895", measure, 2016) for measure in PRIMARY_NEEDS] == [
        1585, 334, 83, 417, 334, 83, "c", 125, "c", 125,
    ]  # fmt: skip


def test_a_region_without_its_code(tmp_path: Path) -> None:
    text = find("b3_*.csv").read_text().replace("E12000002", "North", 1)
    assert "column 'region_code': found 'North'; allowed: a GSS code such as E12000002" in fault_of(
        write(tmp_path, text)
    )


def test_durations_of_ended_episodes_are_read_with_their_marks() -> None:
    cells = dfe.read_dfe(find("b5_*.csv"))
    assert set(cells["measure"]) == {*DURATION_BANDS, "ended_all_durations"}
    assert (cells["year"].min(), cells["year"].max()) == (2013, 2024)
    assert cell(cells, "895", "ended_all_durations", 2015) == 3082
    assert [cell(cells, "895", measure, 2015) for measure in DURATION_BANDS] == [1416, 583, 500, 333, 250]
    assert [cell(cells, "420", measure, 2018) for measure in DURATION_BANDS] == ["c", 11, 10, "c", "c"]
    assert {cell(cells, "390", measure, 2013) for measure in DURATION_BANDS} == {"x"}
    assert cell(cells, "", "ended_2_years_or_more", 2024) == 1640


def test_durations_of_open_episodes_are_not_taken_for_those_of_ended_ones(tmp_path: Path) -> None:
    """The two files share their bands; with neither's own column, a file is of no known layout."""
    assert match_layout(read_table(find("b4_*.csv")), dfe.LAYOUTS) is not match_layout(
        read_table(find("b5_*.csv")), dfe.LAYOUTS
    )
    text = find("b5_*.csv").read_text()
    assert "0 columns of that name" in fault_of(
        write(tmp_path, text.replace("1_year_less_than_2_years,", "1_year,", 1))
    )
    assert "of no known layout" in fault_of(
        write(tmp_path, text.replace("Ended_episodes", "Episodes", 1).replace(",2years+,", ",two_or_more,", 1))
    )


@pytest.mark.parametrize("value", ["<5", "1,23", "low", "-1"])
def test_a_band_that_is_neither_number_nor_mark(tmp_path: Path, value: str) -> None:
    table = pd.read_csv(find("b5_*.csv"), dtype=str, keep_default_na=False)
    table.loc[2, "2years+"] = value
    path = tmp_path / "b5.csv"
    table.to_csv(path, index=False)
    assert f"row 4, column '2years+': found {value!r}; allowed: a whole number" in fault_of(path)


def test_populations_are_paired_with_the_next_year_ending_march() -> None:
    before, rebased = dfe.read_dfe(find("pop*pre_census*")), dfe.read_dfe(find("pop*rebased*"))
    assert (before["year"].min(), before["year"].max()) == (2013, 2021)  # mid-2012 to mid-2020
    assert (rebased["year"].min(), rebased["year"].max()) == (2013, 2025)
    assert set(before["measure"]) == {"population_0_17_pre_census_2021"}
    assert cell(rebased, "835", "population_0_17_rebased", 2019) == "x"
    everyone = ons.read_mye4(find("ons_*"))
    assert (everyone["year"].min(), everyone["year"].max()) == (2009, 2021)


def test_mye4_blanks_districts_and_england() -> None:
    cells = ons.read_mye4(find("ons_*"))
    assert "E06000061" in set(cells["gss"])  # a no-break space follows it in the file
    assert "North Northamptonshire" in set(cells["name"])
    assert "Cambridge" not in set(cells["name"])
    assert set(cells.loc[cells["gss"] == ENGLAND, "name"]) == {"England"}


def test_both_editions_of_the_index() -> None:
    old, new = mhclg.read_imd(find("imd-2015.xlsx")), mhclg.read_imd(find("imd-2019.xlsx"))
    assert set(old["measure"]) == {"imd_2015_score"}
    assert set(new["measure"]) == {"imd_2019_score"}
    assert old.set_index("gss")["value"]["E06000049"] == 895 / 40
    assert "E10000009" not in set(new["gss"])


def test_letter_case_and_blanks_of_headers_do_not_matter(tmp_path: Path) -> None:
    text = SFR43.read_text().replace("CINEnding1314,", " cinENDING1314 ,", 1).replace("geog_l", "GEOG_L", 1)
    assert dfe.read_dfe(write(tmp_path, text)).equals(dfe.read_dfe(SFR43))


def test_latin_1_names_are_read(tmp_path: Path) -> None:
    text = SFR43.read_text().replace("Cheshire East", "Chéshire East")
    assert "Chéshire East" in set(dfe.read_dfe(write(tmp_path, text))["name"])


def test_fixtures_are_what_their_script_makes(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("make_fixtures", FIXTURES / "make_fixtures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.make_all(tmp_path)
    made = {path.relative_to(tmp_path): path for path in tmp_path.rglob("*") if path.is_file()}
    assert made.keys() == {path.relative_to(SOURCE) for path in SOURCE.rglob("*") if path.is_file()}
    for name, path in made.items():
        if path.suffix == ".xlsx":  # a workbook holds the time it was saved
            assert read_table(path).rows == read_table(SOURCE / name).rows
        else:
            assert path.read_bytes() == (SOURCE / name).read_bytes(), name


# Each fault
# ------------------------------------------------------------------------------------------------------


def fault_of(path: Path) -> str:
    """The message of the DataError that reading a DfE file raises."""
    with pytest.raises(DataError) as fault:
        dfe.read_dfe(path)
    message = str(fault.value)
    assert message.startswith(str(path))
    return message


def test_unknown_layout(tmp_path: Path) -> None:
    message = fault_of(write(tmp_path, "a,b\n1,2\n"))
    assert "is of no known layout; known: first published 2010" in message
    assert "To mend" in message


def test_missing_column(tmp_path: Path) -> None:
    text = SFR43.read_text().replace("CINEnding1314,", "CINEndingXXXX,", 1)
    message = fault_of(write(tmp_path, text))
    assert "row 1, column 'CINEnding1314': found '0 columns of that name'; allowed: exactly one" in message


def test_column_there_twice(tmp_path: Path) -> None:
    text = SFR43.read_text().replace("CINThro1314,", "CINEnding1314,", 1)
    assert "row 1, column 'CINEnding1314': found '2 columns of that name'" in fault_of(write(tmp_path, text))


def spoil_cell(tmp_path: Path, value: str, *, rows: int = 1, column: str = "CINEnding1314") -> Path:
    """SFR43 with a value put into a column of its first rows after England (sheet rows 3, 4 …)."""
    table = pd.read_csv(SFR43, dtype=str, keep_default_na=False)
    table.loc[1:rows, column] = value
    path = tmp_path / "SFR43-2014.csv"
    table.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("value", ["abc", "-5", "1.5", "12,34", "1,0000", "n/a", "X", "1e3", "#REF!", "99999999999"])
def test_cell_that_is_neither_number_nor_mark(tmp_path: Path, value: str) -> None:
    message = fault_of(spoil_cell(tmp_path, value))
    assert "1 fault." in message
    assert f"row 3, column 'CINEnding1314': found {value!r}; allowed: a whole number" in message
    assert "missing mark (x, .., ., : or blank)" in message


def test_all_faults_of_a_file_at_once(tmp_path: Path) -> None:
    message = fault_of(spoil_cell(tmp_path, "?", rows=7))
    assert "7 faults." in message
    assert all(f"row {row}, column 'CINEnding1314': found '?'" in message for row in range(3, 10))


def test_long_lists_and_long_cells_are_cut() -> None:
    faults = [Fault(row, "a", "y" * 200, "a number") for row in range(2, 25)]
    with pytest.raises(DataError) as fault:
        raise_faults(Path("f.csv"), faults)
    message = str(fault.value)
    assert "23 faults." in message
    assert "and 13 more" in message
    assert len(message) < 1500


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("geog_l", "County", "one of LA, National"),
        ("geog_c", "89", "a DfE number of three digits"),
        ("new_la_code", "W06000001", "a GSS code such as E06000049"),
        ("geog_n", " ", "a name"),
    ],
)
def test_bad_key(tmp_path: Path, column: str, value: str, rule: str) -> None:
    message = fault_of(spoil_cell(tmp_path, value, column=column))
    assert f"row 3, column '{column}': found {value!r}; allowed: {rule}" in message


def test_bad_year(tmp_path: Path) -> None:
    path = write(tmp_path, find("b1_*.csv").read_text().replace("2025,Reporting", "20x5,Reporting", 1))
    assert "row 2, column 'time_period': found '20x5'; allowed: a year of four digits" in fault_of(path)


def test_authority_there_twice(tmp_path: Path) -> None:
    text = SFR43.read_text()
    again = next(line for line in text.splitlines() if line.startswith("LA,895"))
    message = fault_of(write(tmp_path, text + again + "\n"))
    assert "column 'geog_n': found 'Cheshire East again (first in row 3)'" in message
    assert "allowed: one row for each authority and year" in message


def test_ragged_row(tmp_path: Path) -> None:
    message = fault_of(write(tmp_path, SFR43.read_text().replace("LA,390,", "LA,390,,", 1)))
    assert "row 4, column '(whole row)': found '235 cells'; allowed: 234, as in the header" in message


def test_blank_lines_at_the_end_are_no_fault_but_within_are(tmp_path: Path) -> None:
    text = SFR43.read_text()
    assert dfe.read_dfe(write(tmp_path, text + "\n\n")).equals(dfe.read_dfe(SFR43))
    assert "row 3, column '(whole row)': found '0 cells'" in fault_of(
        write(tmp_path, text.replace("\nLA", "\n\nLA", 1))
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (b"\xef\xbb\xbf\n", "the file is empty"),
        (b"geog_l,geog_c\nLA,8\x0095\n", "row 2 holds the byte b'\\x00', so it is not text"),
        (b"\x7fELF\x01\x02", "so it is not text"),
        (b'a,b\n1,"2\n', "is not well-formed CSV"),
    ],
)
def test_unreadable_file(tmp_path: Path, content: bytes, words: str) -> None:
    assert words in fault_of(write(tmp_path, content))


def test_header_without_rows(tmp_path: Path) -> None:
    assert "found 'no rows'" in fault_of(write(tmp_path, SFR43.read_text().splitlines()[0] + "\n"))


def test_bytes_outside_the_encoding(tmp_path: Path) -> None:
    raw = find("b1_*.csv").read_bytes().replace(b"Cheshire East", b"Cheshire E\xe9st", 1)
    assert re.search(r"row \d+ is not utf-8 text \(byte 0xe9\)", fault_of(write(tmp_path, raw)))


def test_missing_file_and_folder_in_place_of_file(tmp_path: Path) -> None:
    assert "cannot be read" in fault_of(tmp_path / "nowhere.csv")
    assert "cannot be read" in fault_of(tmp_path)


def test_population_of_an_unknown_edition(tmp_path: Path) -> None:
    text = find("pop*rebased*").read_text()
    old = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("20"))
    line = next(line for line in text.splitlines() if line.startswith("2012"))
    message = fault_of(write(tmp_path, old + line.replace("2012", "2011", 1) + "\n"))
    assert "its newest year is 2011, which no known edition has" in message


@pytest.mark.parametrize("content", [b"not a zip", b"PK\x03\x04 broken"])
def test_broken_workbook(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match=r"not a readable \.xlsx workbook"):
        mhclg.read_imd(write(tmp_path, content, "imd.xlsx"))


def test_workbook_with_words_for_a_score(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(find("imd-2015.xlsx"))
    book["IMD"]["E3"] = "high"
    path = tmp_path / "imd.xlsx"
    book.save(path)
    with pytest.raises(DataError, match=r"row 3, column 'IMD - Average score': found 'high'; allowed: a number"):
        mhclg.read_imd(path)


def test_wrong_reader_for_a_file() -> None:
    with pytest.raises(DataError, match="of no known layout; known: population all ages"):
        ons.read_mye4(SFR43)


# Any text in a cell
# ----------------------------------------------------------------------------------------------


@given(st.text(max_size=12) | st.integers(-(10**6), 10**12).map(str) | st.integers(0, 10**8).map("{:,}".format))
@example("1,234\n")
@example("１２")
@example("٣")
@example("00")
def test_any_cell_is_its_number_a_mark_or_refused(text: str) -> None:
    try:
        value, mark = parse_number(text, number="count", marks=FIRST_MARKS)
    except ValueError:
        bare = text.strip()
        assert bare not in FIRST_MARKS
        assert not (bare.isascii() and bare.isdigit() and len(bare) <= 9)
        return
    if mark is None:
        assert value == int("".join(sign for sign in text if sign in "0123456789"))
        assert set(text.strip()) <= set("0123456789,")
    else:
        assert value is None
        assert mark == text.strip()


@given(st.decimals(-100, 100, places=3).map(str) | st.text("0123456789.-+eE ", max_size=8))
def test_any_score_is_its_number_a_mark_or_refused(text: str) -> None:
    try:
        value, mark = parse_number(text, number="score", marks=LATER_MARKS)
    except ValueError:
        assert not re.fullmatch(r"-?\d{1,9}(\.\d{1,17})?", text.strip())
        return
    assert value == float(text) if mark is None else mark in LATER_MARKS


# Tables
# ----------------------------------------------------------------------------------------------------------


def panel_rows() -> pd.DataFrame:
    """Two right rows of the panel."""
    row: dict[str, object] = {name: None for name in LA_PANEL.columns}
    row |= {"authority": "E06000049", "la_code": "895", "name": "Cheshire East", "region": "North West"}
    frame = pd.DataFrame([row | {"year": 2015, "vintage": vintage} for vintage in ("first_published", "revised")])
    return frame.astype({name: str(c.dtype) for name, c in LA_PANEL.columns.items() if str(c.dtype) != "str"})


def table_fault(frame: pd.DataFrame) -> str:
    """The message of the DataError that a wrong panel raises."""
    with pytest.raises(DataError) as fault:
        check_table(frame, LA_PANEL, "la_panel.csv")
    return str(fault.value)


def test_right_table_is_given_back() -> None:
    frame = panel_rows()
    assert check_table(frame, LA_PANEL, "la_panel.csv") is frame


def test_every_broken_rule_is_named_once() -> None:
    frame = panel_rows()
    frame.loc[0, ["episodes_ended", "episodes_ended_rc7", "referrals", "vintage"]] = [5, 6, -1, "draft"]
    message = table_fault(frame)
    assert "3 failures." in message
    assert "row 2, column 'vintage': found 'draft'; rule: must be one of first_published, revised" in message
    assert "row 2, column 'referrals': found '-1'; rule: must be 0 or more" in message
    assert "year 2015, vintage draft, episodes_ended 5, episodes_ended_rc7 6; rule: episodes_ended_rc7 must" in message


def test_rows_there_twice_and_wrong_columns() -> None:
    frame = panel_rows()
    frame["vintage"] = "revised"
    assert "row 3, authority E06000049, year 2015, vintage revised; rule: the row is there twice" in table_fault(frame)
    assert "column 'year'; rule: the column is missing" in table_fault(panel_rows().drop(columns="year"))
    assert "column 'more'; rule: a column the table does not have" in table_fault(panel_rows().assign(more=1))
    assert "columns out of order" in table_fault(panel_rows()[list(LA_PANEL.columns)[::-1]])


def test_only_england_has_no_number() -> None:
    frame = panel_rows()
    frame.loc[1, "la_code"] = ""
    assert "la_code must be blank for England only" in table_fault(frame)


def duration_rows() -> pd.DataFrame:
    """A right authority's year."""
    who = {"authority": "E06000049", "la_code": "895", "name": "Cheshire East", "year": 2015}
    rows = [{**who, "band": band, "episodes": 10 * band, "ended_all_durations": 150} for band in range(1, 6)]
    return pd.DataFrame(rows).astype({"episodes": "Int64", "ended_all_durations": "Int64"})


def duration_fault(frame: pd.DataFrame) -> str:
    with pytest.raises(DataError) as fault:
        check_table(frame, LA_DURATIONS, "la_durations.csv")
    return str(fault.value)


def test_durations_have_their_rules() -> None:
    right = duration_rows()
    assert check_table(right, LA_DURATIONS, "la_durations.csv") is right
    assert check_table(right.assign(episodes=pd.NA).astype({"episodes": "Int64"}), LA_DURATIONS, "x") is not None
    over = right.assign(ended_all_durations=right["ended_all_durations"] - 1)
    assert "episodes 10, ended_all_durations 149; rule: the episodes of a year must not exceed" in duration_fault(over)
    england = over.assign(authority=ENGLAND, la_code="", name="England")
    assert check_table(england, LA_DURATIONS, "la_durations.csv") is england  # rounded
    assert "rule: an authority's year must have a row for each band" in duration_fault(right[right["band"] != 3])
    assert "found '6'; rule: must be a band from 1 to 5" in duration_fault(right.assign(band=[1, 2, 3, 4, 6]))
    right.loc[0, "episodes"] = 151
    assert "rule: episodes must not exceed ended_all_durations" in duration_fault(right)


def test_bands_are_labelled_in_order_in_the_package() -> None:
    (band,) = (field for field in describe_fields(LA_DURATIONS) if field["name"] == "band")
    assert band["categoriesOrdered"] is True
    assert band["categories"][0] == {"value": 1, "label": "three months or less"}
    assert [one["value"] for one in band["categories"]] == [1, 2, 3, 4, 5]
    assert band["constraints"] == {"required": True, "minimum": 1, "maximum": 5}


def need_rows() -> pd.DataFrame:
    """A right authority's year."""
    who = {"authority": "E06000049", "la_code": "895", "name": "Cheshire East", "year": 2016}
    rows = [{**who, "need": need, "episodes": 10, "open_all_needs": 100} for need in PRIMARY_NEEDS.values()]
    return pd.DataFrame(rows).astype({"episodes": "Int64", "open_all_needs": "Int64"})


def need_fault(frame: pd.DataFrame) -> str:
    with pytest.raises(DataError) as fault:
        check_table(frame, PRIMARY_NEED, "primary_need.csv")
    return str(fault.value)


def test_needs_have_their_rules() -> None:
    right = need_rows()
    assert check_table(right, PRIMARY_NEED, "x") is right
    over = right.assign(open_all_needs=right["open_all_needs"] - 1)
    assert "rule: the episodes of a year must not exceed open_all_needs" in need_fault(over)
    region = over.assign(authority="E12000002", la_code="", name="North West")
    assert check_table(region, PRIMARY_NEED, "x") is region  # rounded
    assert "la_code must be blank for England and regions only" in need_fault(region.assign(la_code="895"))
    assert "la_code must be blank for England and regions only" in need_fault(right.assign(la_code=""))
    assert "a place's year must have a row for each need" in need_fault(right[right["need"] != "N7"])
    assert "found 'N10'" in need_fault(right.assign(need=[*right["need"][:-1], "N10"]))


def test_fields_say_what_columns_are() -> None:
    fields = {field["name"]: field for field in describe_fields(LA_PANEL)}
    assert fields["referrals"]["type"] == "integer"
    assert fields["referrals"]["unit"] == "referrals"
    assert fields["referrals"]["constraints"] == {"required": False, "minimum": 0}
    assert fields["vintage"]["constraints"]["enum"] == ["first_published", "revised"]
    assert fields["la_code"]["constraints"] == {"required": False, "pattern": "^[0-9]{3}$"}


def test_read_source_gives_the_layout_it_found() -> None:
    layout, cells = read_source(SFR43, LAYOUTS)
    assert layout.key == "first published 2014"
    assert len(cells) == 9 * len(layout.measures)  # eight authorities and England
