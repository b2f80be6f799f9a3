"""The authority panel: cells read by eye from the raw files, sums against England, and the whole build."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from crewe_lib.checks import check_table
from crewe_lib.datapackage import find_resource, hash_file
from crewe_lib.errors import DataError
from crewe_lib.sources import ENGLAND
from crewe_lib.sources.panel import assemble_tables, build_official
from crewe_lib.tables import LA_MISSING, LA_PANEL

ROOT = Path(__file__).resolve().parents[1]
COMMITTED = ROOT / "data" / "official"
FIXTURES = ROOT / "tests" / "fixtures" / "dfe" / "source"
COUNTS = [name for name, column in LA_PANEL.columns.items() if str(column.dtype) == "Int64"]
TABLES = ("la_panel", "la_durations", "primary_need", "cin_absence", "la_missing", "context_counts")
BUILT = (*(f"{name}.csv" for name in TABLES), "datapackage.json")


def read_panel(folder: Path) -> pd.DataFrame:
    """la_panel.csv with the types of its schema; blanks of text columns stay empty text."""
    types = dict.fromkeys(COUNTS, "Int64") | dict.fromkeys(["authority", "la_code", "name", "region", "vintage"], str)
    numbers = {name: [""] for name in [*COUNTS, "imd_2015_score"]}
    return pd.read_csv(folder / "la_panel.csv", dtype=types, keep_default_na=False, na_values=numbers)


def read_missing(folder: Path) -> pd.DataFrame:
    """la_missing.csv as text, the year as a number."""
    types = dict.fromkeys(LA_MISSING.columns, str) | {"year": "int64"}
    return pd.read_csv(folder / "la_missing.csv", dtype=types, keep_default_na=False)


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return read_panel(COMMITTED)


@pytest.fixture(scope="module")
def missing() -> pd.DataFrame:
    return read_missing(COMMITTED)


# The committed panel
# ---------------------------------------------------------------------------------------------


def test_committed_tables_keep_their_schemas(panel: pd.DataFrame, missing: pd.DataFrame) -> None:
    check_table(panel, LA_PANEL, "la_panel.csv")
    check_table(missing, LA_MISSING, "la_missing.csv")
    for name in ("la_panel", "la_missing"):
        assert find_resource(COMMITTED, name).kind == "official"


def test_cells_read_by_eye(panel: pd.DataFrame, missing: pd.DataFrame) -> None:
    """Cells transcribed from the raw files with grep and cut, not through the readers. A mark stands
    for missing.
    """
    cells = pd.read_csv(ROOT / "tests" / "panel_cells.csv", dtype=str, keep_default_na=False)
    assert len(cells) >= 48
    rows = panel.set_index(["authority", "year", "vintage"])
    marks = missing.set_index(["authority", "year", "vintage", "measure"])["mark"]
    for cell in cells.itertuples():
        key = (cell.authority, int(cell.year), cell.vintage)
        found = rows.loc[key]
        assert found["name"] == cell.name, cell
        if cell.value.replace(".", "", 1).isdigit():
            assert float(found[cell.measure]) == float(cell.value), cell
        else:
            assert pd.isna(found[cell.measure]), cell
            assert marks.get((*key, cell.measure), "") == cell.value, cell


def test_cells_read_by_eye_are_spread() -> None:
    cells = pd.read_csv(ROOT / "tests" / "panel_cells.csv", dtype=str)
    assert set(cells["measure"]) == {*COUNTS, "imd_2015_score"}
    assert set(cells["vintage"]) == {"first_published", "revised"}
    assert cells["file"].nunique() == 16
    assert (cells["name"] == "England").sum() >= 8
    assert {"Cheshire East", "Enfield", "Cheshire West and Chester", "Wandsworth"} <= set(cells["name"])


def test_missing_table_is_exactly_the_marked_cells(panel: pd.DataFrame, missing: pd.DataFrame) -> None:
    """Every listed cell is blank in the panel, and every blank of a measure some file carries for that
    year is listed.
    """
    long = panel.melt(["authority", "year", "vintage"], COUNTS, "measure")
    blank = long[long["value"].isna()]
    carried = long[long["value"].notna() & (long["authority"] == ENGLAND)][["year", "vintage", "measure"]]
    blank = blank.merge(carried.drop_duplicates(), on=["year", "vintage", "measure"])
    keys = ["authority", "year", "vintage", "measure"]
    listed = set(missing.loc[missing["measure"].isin(COUNTS), keys].itertuples(index=False, name=None))
    unlisted = set(blank[keys].itertuples(index=False, name=None)) - listed
    assert listed <= set(blank[keys].itertuples(index=False, name=None))
    # Not marked by anyone: authorities that do not exist on the boundaries of April 2021 (population of all
    # ages).
    gone = {"E06000028", "E06000029", "E10000009", "E10000021"}
    assert {measure for *_, measure in unlisted} == {"population_all_ages"}
    assert {authority for authority, *_ in unlisted} == gone


def test_measures_a_release_does_not_carry_are_blank(panel: pd.DataFrame) -> None:
    first = panel[panel["vintage"] == "first_published"]
    assert first.loc[first["year"] == 2010, "rereferrals"].isna().all()
    assert first.loc[first["year"] < 2017, "children_ended"].isna().all()
    assert panel.loc[panel["vintage"] == "revised", "population_0_17_in_release"].isna().all()


def test_authorities_by_year(panel: pd.DataFrame) -> None:
    """Upper-tier authorities in England: 152 to 2019, 151 after Dorset, 152 after Northamptonshire, 153
    after 2023.
    """
    counted = panel[panel["authority"] != ENGLAND].groupby(["vintage", "year"]).size()
    assert (counted["first_published"] == 152).all()
    revised = counted["revised"].to_dict()
    expected = {
        **dict.fromkeys(range(2013, 2020), 152),
        2020: 151,
        2021: 151,
        2022: 152,
        2023: 152,
        2024: 153,
        2025: 153,
    }
    assert revised == expected


def test_old_and_new_dorset_are_never_mixed(panel: pd.DataFrame) -> None:
    dorset = panel[panel["name"] == "Dorset"].groupby("la_code")["year"].agg(["min", "max"])
    assert dorset.loc["835"].tolist() == [2010, 2019]
    assert dorset.loc["838"].tolist() == [2020, 2025]
    assert panel.loc[panel["la_code"] == "838", "imd_2015_score"].isna().all()


# Authorities against England
# -------------------------------------------------------------------------------------

# Found by subtracting: where these made no usable return, England holds their last published figures.
CARRIED = {("204", 2021): 2020, ("204", 2022): 2020, ("850", 2024): 2023}
# ... and these re-referrals are not in England at all.
LEFT_OUT = {("839", 2020), ("838", 2020), ("884", 2023)}
PARTS = {
    "episodes_ended_rc7": "episodes_ended",
    "children_ended": "episodes_ended",
    "rereferrals": "referrals",
}
Range = tuple[float, float]


def england_unit(measure: str, vintage: str, year: int) -> int:
    """What the publisher rounded England to: 1 where it did not. As it stands in the files, see the
    test below.
    """
    if measure in ("population_all_ages", "population_0_17_rebased"):
        return 1
    if measure == "population_0_17_pre_census_2021":
        return 10
    if measure == "population_0_17_in_release":
        return 1 if year == 2011 else 100
    if vintage == "revised" or year >= 2016:
        return 10
    tens = {"episodes_ended_rc7": (2011, 2014, 2015), "episodes_ended_unknown_reason": range(2011, 2016)}
    return 10 if year in tens.get(measure, ()) else 100


def rounding_slack(measure: str, vintage: str, year: int, authorities: int) -> float:
    """How far rounding alone can part England from the sum: half England's unit, plus the authorities' own
    rounding.

    Only the populations printed in the releases are rounded by authority (to 100, but for 2011). Their errors
    are uniform within ±50, so the sum of 152 has standard deviation 100/√12·√152 = 356; four of those are
    allowed.
    """
    unit = england_unit(measure, vintage, year)
    if measure == "population_0_17_in_release" and year != 2011:
        return unit / 2 + 4 * 100 / 12**0.5 * authorities**0.5
    return unit / 2 if unit > 1 else 0


def missing_range(row: pd.Series, measure: str, mark: str, local: pd.DataFrame) -> Range:
    """What a missing cell may add to England.

    Withheld: 1 to 5 is what the publisher withholds, but a part of a known whole may also be withheld to
    protect another cell, so it may be anything up to the whole (less the closures of unknown reason). Not
    published: England holds the authority's last figure (CARRIED), nothing (LEFT_OUT), or DfE's estimate,
    taken to lie between 0.9 of the smallest and the largest number that the authority published for any other
    year.
    """
    la_code, year = row["la_code"], int(row["year"])
    if mark == ("x" if row["vintage"] == "first_published" else "c"):
        whole = row[PARTS[measure]] if measure in PARTS else pd.NA
        known = row["episodes_ended_unknown_reason"] if measure == "episodes_ended_rc7" else 0
        return 0, 5 if pd.isna(whole) else float(whole) - (0 if pd.isna(known) else float(known))
    own = local[local["la_code"] == la_code]
    if (la_code, year) in CARRIED:
        last = own[(own["year"] == CARRIED[la_code, year]) & (own["vintage"] == "revised")][measure].iloc[0]
        return float(last), float(last)
    if measure == "rereferrals" and (la_code, year) in LEFT_OUT:
        return 0, 0
    # Herefordshire 2024 is the one estimate below its earlier figures: 806 referrals, after 2,308 and 1,569.
    low = 0.0 if (la_code, year) == ("884", 2024) else 0.9 * float(own[measure].min())
    return low, float(own[measure].max())


def compare_with_england(panel: pd.DataFrame, missing: pd.DataFrame) -> pd.DataFrame:
    """England minus the sum of its authorities, and the range that rounding and missing cells allow for
    it.
    """
    local = panel[panel["authority"] != ENGLAND]
    marks = missing.set_index(["authority", "year", "vintage", "measure"])["mark"].to_dict()
    rows = []
    for total in panel[panel["authority"] == ENGLAND].to_dict("records"):
        year, vintage = total["year"], total["vintage"]
        here = local[(local["year"] == year) & (local["vintage"] == vintage)]
        for measure in COUNTS:
            if pd.isna(total[measure]):
                continue
            slack = rounding_slack(measure, vintage, year, len(here))
            low, high = -slack, slack
            blank = here[here[measure].isna()]
            if measure.startswith("population") and len(blank):
                continue  # see the two tests below
            for _, row in blank.iterrows():
                least, most = missing_range(row, measure, marks[row["authority"], year, vintage, measure], local)
                low, high = low + least, high + most
            gap = int(total[measure] - here[measure].sum())
            rows.append((vintage, year, measure, int(total[measure]), gap, low, high, len(blank)))
    names = ["vintage", "year", "measure", "england", "gap", "low", "high", "blank"]
    return pd.DataFrame(rows, columns=names)


def test_england_is_rounded_as_stated(panel: pd.DataFrame) -> None:
    for total in panel[panel["authority"] == ENGLAND].to_dict("records"):
        for measure in COUNTS:
            if pd.notna(total[measure]):
                unit = england_unit(measure, total["vintage"], total["year"])
                assert total[measure] % unit == 0, (measure, total["year"])


def test_authorities_add_up_to_england(panel: pd.DataFrame, missing: pd.DataFrame) -> None:
    table = compare_with_england(panel, missing)
    outside = table[(table["gap"] < table["low"]) | (table["gap"] > table["high"])]
    assert outside.empty, outside.to_string()
    assert len(table) == 186


def test_the_comparison_would_notice(panel: pd.DataFrame, missing: pd.DataFrame) -> None:
    """Losing Cheshire East's number, or reading it twice, must break the sum wherever nothing is missing, and
    for most of the rest.
    """
    whole = compare_with_england(panel, missing)
    shift = {(r["year"], r["vintage"]): r for r in panel[panel["la_code"] == "895"].to_dict("records")}
    own = [shift[row.year, row.vintage][row.measure] for row in whole.itertuples()]
    own = pd.Series(pd.array(own, dtype="Int64")).fillna(0).astype(float)
    lost, twice = whole["gap"] + own > whole["high"], whole["gap"] - own < whole["low"]
    exact = (whole["blank"] == 0) & (own > 0)
    # 60 is more than rounding to 100 can hide.
    assert lost[exact & (own > 60)].all()
    assert twice[exact & (own > 60)].all()
    assert (lost & twice).mean() > 0.6


def test_rebased_population_of_abolished_authorities(panel: pd.DataFrame) -> None:
    """Bournemouth, Poole and the old Dorset are x in the rebased file; England includes them. What is left
    for them lies within 3% of their population before the rebasing (seen: 0.5% to 2.2% less).
    """
    revised = panel[(panel["vintage"] == "revised") & panel["year"].between(2013, 2019)]
    for year, group in revised.groupby("year"):
        england = group.loc[group["authority"] == ENGLAND, "population_0_17_rebased"].iloc[0]
        local = group[group["authority"] != ENGLAND]
        gone = local[local["population_0_17_rebased"].isna()]
        assert set(gone["la_code"]) == {"835", "836", "837"}
        left = england - local["population_0_17_rebased"].sum()
        assert abs(left / gone["population_0_17_pre_census_2021"].sum() - 1) < 0.03, year


def test_population_of_all_ages_of_abolished_authorities(panel: pd.DataFrame) -> None:
    """Authorities that MYE4 does not name hold the people that are left of England: between 4 and 6 per
    child.
    """
    table = panel[panel["year"] <= 2021]
    for key, group in table.groupby(["vintage", "year"]):
        england = group.loc[group["authority"] == ENGLAND, "population_all_ages"].iloc[0]
        local = group[group["authority"] != ENGLAND]
        gone = local[local["population_all_ages"].isna()]
        children = gone[
            "population_0_17_in_release" if key[0] == "first_published" else "population_0_17_pre_census_2021"
        ]
        left = england - local["population_all_ages"].sum()
        assert set(gone["la_code"]) == ({"835", "836", "837", "928"} if key[1] < 2020 else {"928"})
        assert 4 < left / children.sum() < 6, key


def test_vintages_differ_as_the_publisher_says(panel: pd.DataFrame) -> None:
    """Closures were recounted in 2018: first published, the median authority has 1.3% more in 2013, rising to
    8.7% in 2017. RC7 closures do not move, but for a few authorities.
    """
    wide = panel[panel["authority"] != ENGLAND].pivot(index=["la_code", "year"], columns="vintage")
    for year, excess in ((2013, 1.34), (2014, 1.86), (2015, 5.01), (2016, 7.63), (2017, 8.71)):
        now = wide.xs(year, level="year")
        ratio = (now["episodes_ended"]["first_published"] / now["episodes_ended"]["revised"]).dropna()
        assert 100 * (float(ratio.median()) - 1) == pytest.approx(excess, abs=0.01)
        same = (now["episodes_ended_rc7"]["first_published"] == now["episodes_ended_rc7"]["revised"]).dropna()
        assert same.mean() > 0.9


# The whole build
# -------------------------------------------------------------------------------------------------


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the fixtures that a test may spoil."""
    return Path(shutil.copytree(FIXTURES, tmp_path / "source"))


def test_build_from_fixtures(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = build_official(source, out)
    panel, missing = read_panel(out), read_missing(out)
    assert (report.rows, report.years, report.authorities) == (len(panel), (2010, 2025), 10)
    assert {item.path.name for item in report.ignored} == {
        "SOURCES.md",
        "imd-2019.xlsx",
        "b4_children_in_need_duration_of_open_episode_2013_to_2024.csv",
        "d5_cpps_at31march_by_duration_2013_to_2025.csv",
    }
    assert len(report.sources) == 20
    assert all(one.sha256 == hash_file(next(source.rglob(one.file))) for one in report.sources)
    assert sorted(item.name for item in out.iterdir()) == sorted(BUILT)
    for name in BUILT:
        assert b"\r" not in (out / name).read_bytes()
    check_table(panel, LA_PANEL, "la_panel.csv")
    check_table(missing, LA_MISSING, "la_missing.csv")
    by_key = panel.set_index(["la_code", "year", "vintage"])
    assert by_key.loc[("921", 2010, "first_published"), "episodes_ended"] == 3379  # (2000 + 7 * 921) * 0.40
    assert by_key.loc[("", 2010, "first_published"), "episodes_ended"] == 21300
    assert by_key.loc[("390", 2017, "first_published"), "authority"] == "E08000037"
    assert by_key.loc[("815", 2013, "revised"), "authority"] == "E06000065"
    assert by_key.loc[("810", 2017, "first_published"), "name"] == "Kingston upon Hull, City of"
    assert pd.isna(by_key.loc[("838", 2020, "revised"), "imd_2015_score"])
    assert by_key.loc[("835", 2019, "revised"), "imd_2015_score"] == 835 / 40


def test_build_is_repeatable_and_ignores_place(source: Path, tmp_path: Path) -> None:
    """The same bytes a second time, over the first, and from other folders and file names."""
    first, second = tmp_path / "first", tmp_path / "second"
    build_official(source, first)
    before = {name: (first / name).read_bytes() for name in BUILT}
    build_official(source, first)
    moved = tmp_path / "moved" / "deep"
    moved.mkdir(parents=True)
    for path in source.rglob("*.*"):
        shutil.copy(path, moved / path.name)
    build_official(tmp_path / "moved", second)
    for name in BUILT:
        assert before[name] == (first / name).read_bytes() == (second / name).read_bytes()
    assert str(tmp_path) not in before["datapackage.json"].decode()


def test_a_failed_build_leaves_the_old_one(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    build_official(source, out)
    before = {name: (out / name).read_bytes() for name in BUILT}
    next(source.rglob("b1_*.csv")).write_text("time_period\n2020\n", encoding="utf-8")
    with pytest.raises(DataError):
        build_official(source, out)
    assert {item.name: item.read_bytes() for item in out.iterdir()} == before


def test_out_dir_that_is_a_file(source: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        build_official(source, tmp_path / "out")


def test_order_of_rows_and_columns_does_not_matter(source: Path) -> None:
    tables = assemble_tables(source)
    for path in source.rglob("*.[cC][sS][vV]"):
        raw = path.read_text(encoding="utf-8-sig")
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        table = table.sample(frac=1, random_state=len(raw)).sample(frac=1, axis=1, random_state=len(raw))
        table.to_csv(path, index=False, encoding="utf-8")
    again = assemble_tables(source)
    assert again.keys() == tables.keys() == set(TABLES)
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, again[name])


def test_package_is_complete() -> None:
    package = json.loads((COMMITTED / "datapackage.json").read_text(encoding="utf-8"))
    assert (package["name"], package["kind"]) == ("official", "official")
    assert package["licenses"][0]["statement"] == (
        "Contains public sector information licensed under the Open Government Licence v3.0."
    )
    assert len(package["sources"]) == 20
    assert all(len(one["sha256"]) == 64 and "/" not in one["file"] for one in package["sources"])
    fields = package["resources"][0]["schema"]["fields"]
    assert [field["name"] for field in fields] == list(LA_PANEL.columns)
    assert all(field["description"] for field in fields)
    assert all(field["unit"] for field in fields if field["type"] != "string")


# What may go wrong between files
# ---------------------------------------------------------------------------------


def spoil(source: Path, file: str, old: str, new: str, count: int = 1) -> Path:
    """Replace text in a fixture; the text must be there."""
    path = next(source.rglob(file))
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), encoding="utf-8")
    return path


def drop_lines(source: Path, file: str, start: str) -> Path:
    """Delete the lines of a fixture that begin so; there must be one."""
    path = next(source.rglob(file))
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(start)]
    assert len(kept) < len(lines)
    path.write_text("".join(kept), encoding="utf-8")
    return path


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such folder"):
        assemble_tables(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("file", "release"),
    [
        ("SFR43-2014.csv", "first published 2014 (DfE SFR43/2014"),
        ("b5_*.csv", "revised b5 (DfE, Children in need, reporting year (any year), b5 duration of ended episodes)"),
        ("b6_*.csv", "revised b6"),
        ("pop*rebased.csv", "population 0-17 rebased to Census 2021"),
        ("ons_*.csv", "population all ages"),
        ("imd-2015.xlsx", "deprivation 2015"),
    ],
)
def test_missing_release_is_named(source: Path, file: str, release: str) -> None:
    next(source.rglob(file)).unlink()
    with pytest.raises(DataError) as fault:
        assemble_tables(source)
    assert "no file for" in str(fault.value)
    assert release in str(fault.value)


def test_missing_release_mentions_unknown_files(source: Path) -> None:
    spoil(source, "SFR43-2014.csv", "1314", "1718", 1000)
    with pytest.raises(DataError, match=r"Files of unknown layout: SFR43-2014\.csv"):
        assemble_tables(source)


def test_two_files_of_one_layout(source: Path) -> None:
    path = next(source.rglob("SFR43-2014.csv"))
    shutil.copy(path, source / "again.csv")
    with pytest.raises(DataError) as fault:
        assemble_tables(source)
    assert "again.csv" in str(fault.value)
    assert "SFR43-2014.csv" in str(fault.value)


@pytest.mark.parametrize(
    ("file", "start", "words"),
    [
        ("SFR43-2014.csv", "LA,895", "no row for DfE number 895"),
        ("SFR43-2014.csv", "National", "no row for DfE number England"),
        ("c1_*.csv", "2019,Reporting year,Local authority,E92000001,England,E", "no row for"),
        ("c1_*.csv", "2019,", "year 2019: no row for DfE number England, 390"),
        ("pop*rebased.csv", "2012,", "year 2012: no row for"),
        (
            "ons_*.csv",
            "E06000049,Cheshire East,Unitary Authority,2014",
            "year 2014: no row for DfE number 895",
        ),
        ("ons_*.csv", "E92000001,ENGLAND,Country,2010", "year 2010: no row for DfE number England"),
    ],
)
def test_absent_authority(source: Path, file: str, start: str, words: str) -> None:
    if start.startswith("2019,Reporting year,Local authority"):
        spoil(source, file, "2019,Reporting year,Local authority", "2018,Reporting year,Regional")
    else:
        drop_lines(source, file, start)
    with pytest.raises(DataError) as fault:
        assemble_tables(source)
    assert words in str(fault.value)
    assert str(next(source.rglob(file))) in str(fault.value)


def test_unknown_gss_code(source: Path) -> None:
    spoil(source, "ons_*.csv", "E06000049", "E06000099", 100)
    with pytest.raises(DataError, match="no DfE file has the GSS code of E06000099 Cheshire East"):
        assemble_tables(source)


def test_one_gss_code_for_two_authorities(source: Path) -> None:
    spoil(source, "b1_*.csv", "838,E06000059", "838,E10000009", 100)
    with pytest.raises(DataError, match=r"E10000009 = 83[58], E10000009 = 83[58]"):
        assemble_tables(source)


def test_first_published_number_that_no_revised_file_has(source: Path) -> None:
    spoil(source, "osr28-2010ud.csv", "LA,895,", "LA,999,")
    with pytest.raises(DataError, match="DfE number 999 stands in no revised file"):
        assemble_tables(source)


def test_part_larger_than_whole(source: Path) -> None:
    """A re-referral count above the referrals is not believed."""
    path = next(source.rglob("c1_*.csv"))
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table.loc[table["old_la_code"] == "895", "rereferral_count"] = "99999"
    table.to_csv(path, index=False)
    with pytest.raises(DataError) as fault:
        assemble_tables(source)
    assert "rereferrals must not exceed referrals" in str(fault.value)
    assert "rereferrals 99999" in str(fault.value)
    assert "and 3 more" in str(fault.value)


# The publishers' own files
# ---------------------------------------------------------------------------------------


@pytest.mark.official
@pytest.mark.skipif("CREWE_OFFICIAL" not in os.environ, reason="set CREWE_OFFICIAL to the publishers' files")
def test_committed_data_are_what_the_publishers_files_give(tmp_path: Path) -> None:
    report = build_official(Path(os.environ["CREWE_OFFICIAL"]), tmp_path)
    assert (report.rows, report.duration_rows) == (3213, 9175)
    for name in BUILT:
        assert (tmp_path / name).read_bytes() == (COMMITTED / name).read_bytes(), name
