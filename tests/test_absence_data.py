"""Absence of children in need: cells read by eye from the raw files, sums, peers, and the build from fixtures."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from crewe_lib.absence_table import CIN_ABSENCE
from crewe_lib.checks import check_table
from crewe_lib.datapackage import find_resource
from crewe_lib.errors import DataError
from crewe_lib.la_peers import derive_peers
from crewe_lib.load import load_cin_absence, load_la_missing, load_la_panel
from crewe_lib.provenance import start_recording, stop_recording
from crewe_lib.sources import ENGLAND
from crewe_lib.sources.absence import DORSET, PEERS, PLACES
from crewe_lib.sources.context import CHESHIRE_EAST
from crewe_lib.sources.panel import assemble_tables
from crewe_lib.tables import ABSENCE_COUNTS, ABSENCE_MEASURES

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "tests" / "fixtures" / "dfe" / "source"
KEYS = ["authority", "year", "phase", "vintage"]


@pytest.fixture(scope="module")
def absence() -> pd.DataFrame:
    return load_cin_absence()


@pytest.fixture(scope="module")
def marks() -> pd.DataFrame:
    missing = load_la_missing()
    return missing[missing["measure"].isin(ABSENCE_MEASURES)]


def test_cells_read_by_eye(absence: pd.DataFrame, marks: pd.DataFrame) -> None:
    """Transcribed from the raw files with grep and cut."""
    cells = pd.read_csv(ROOT / "tests" / "absence_cells.csv", dtype=str, keep_default_na=False)
    assert len(cells) >= 20 and {"c", "x"} < set(cells["value"]) and set(cells["measure"]) == set(ABSENCE_COUNTS)
    rows = absence.set_index(KEYS)
    marked = marks.set_index(["authority", "year", "vintage", "measure"])["mark"]
    for cell in cells.itertuples():
        found = rows.loc[(cell.authority, int(cell.year), cell.phase, cell.vintage)]
        assert found["name"] == cell.name, cell
        if cell.value.isdigit():
            assert found[cell.measure] == int(cell.value), cell
        else:
            key = (cell.authority, int(cell.year), cell.vintage, f"absence_{cell.phase}_{cell.measure}")
            assert pd.isna(found[cell.measure]) and marked[key] == cell.value, cell


def test_places_years_phases_and_releases(absence: pd.DataFrame) -> None:
    assert list(absence.columns) == list(CIN_ABSENCE.columns) and len(absence) == 12 * 13 * 3
    assert set(absence["authority"]) == set(PLACES)
    years = absence.groupby("vintage")["year"].agg(lambda column: sorted(set(column)))
    assert years["earlier"] == [*range(2017, 2023)] and years["later"] == [*range(2019, 2026)]
    dorset = absence[absence["authority"].isin(DORSET)]
    assert dorset.groupby("authority")["year"].agg(["min", "max"]).loc[list(DORSET)].to_numpy().tolist() == [
        [2017, 2019],
        [2020, 2025],
    ]


def test_the_peers_are_those_of_the_authority_chapter() -> None:
    table = derive_peers(load_la_panel(), load_la_missing(), treated=CHESHIRE_EAST, implemented=2015).table
    assert tuple(table.loc[table["rank"] > 0, "authority"]) == PEERS


def test_missing_table_lists_exactly_the_blank_cells(absence: pd.DataFrame, marks: pd.DataFrame) -> None:
    """But for severe absence, which the earlier release does not carry."""
    long = absence.melt([*KEYS], value_vars=list(ABSENCE_COUNTS), var_name="count", value_name="value")
    long["measure"] = "absence_" + long["phase"] + "_" + long["count"]
    blank = long[long["value"].isna() & ~(long["count"].eq("severe_absentees") & long["vintage"].eq("earlier"))]
    keys = ["authority", "year", "vintage", "measure"]
    listed = set(marks[keys].itertuples(index=False, name=None))
    assert listed == set(blank[keys].itertuples(index=False, name=None))
    assert set(marks["mark"]) == {"c", "x"} and set(marks.loc[marks["mark"] == "x", "year"]) == {2020}
    assert not marks[marks["authority"].eq(ENGLAND) & marks["mark"].eq("c")].size


def test_rates_of_england_are_the_publishers(absence: pd.DataFrame) -> None:
    """Percentages as the files print them, to their one decimal."""
    england = absence[absence["authority"] == ENGLAND].set_index(["year", "phase", "vintage"])
    printed = {(2017, "total", "earlier"): (10.5, 31.5), (2017, "primary", "earlier"): (7.0, 22.0)}
    printed |= {(2019, "secondary", "later"): (15.5, 44.6), (2025, "total", "later"): (17.4, 46.0)}
    for key, (missed, persistent) in printed.items():
        row = england.loc[key]
        assert round(100 * row["sessions_overall"] / row["sessions_possible"], 1) == missed
        assert round(100 * row["persistent_absentees"] / row["pupils"], 1) == persistent


def test_releases_differ_a_little_in_rates_and_in_one_year_much_in_persistent_absence(absence: pd.DataFrame) -> None:
    england = absence[absence["authority"].eq(ENGLAND) & absence["phase"].eq("total")].set_index(["year", "vintage"])
    missed = (100 * england["sessions_overall"] / england["sessions_possible"]).astype(float).unstack()
    persistent = (100 * england["persistent_absentees"] / england["pupils"]).astype(float).unstack()
    both = missed.dropna()
    assert list(both.index) == [2019, 2021, 2022] and (both["later"] - both["earlier"]).abs().max() < 0.2
    gap = (persistent["later"] - persistent["earlier"]).dropna()
    assert gap[2021] == pytest.approx(-5.6, abs=0.1) and gap.drop(2021).abs().max() < 0.5


def test_loading_is_traced_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = start_recording()
    try:
        origin = recorder.find(load_cin_absence())
    finally:
        stop_recording()
    assert origin is not None
    (file,) = origin.data
    assert (file.path, file.rows, file.kind) == ("data/official/cin_absence.csv", 468, "official")
    assert file.sha256 == find_resource(ROOT / "data" / "official", "cin_absence").sha256
    folder = Path(shutil.copytree(ROOT / "data" / "official", tmp_path / "official"))
    monkeypatch.setenv("CREWE_DATA", str(tmp_path))
    (folder / "cin_absence.csv").write_text("authority\nE06000049\n", encoding="utf-8")
    with pytest.raises(DataError, match="its SHA-256 is"):
        load_cin_absence()


def test_from_fixtures(tmp_path: Path) -> None:
    source = Path(shutil.copytree(FIXTURES, tmp_path / "source"))
    tables = assemble_tables(source)
    table = tables["cin_absence"].set_index(["authority", "year", "phase", "vintage"]).sort_index()
    assert set(tables["cin_absence"]["name"]) == {"England", "Cheshire East", "Dorset"}
    assert table.loc[(CHESHIRE_EAST, 2019, "primary", "earlier"), "pupils"] == 419  # 0.05 (2000 + 7 * 895 + 13 * 9)
    assert table.loc[(CHESHIRE_EAST, 2019, "primary", "later"), "pupils"] == 420
    assert pd.isna(table.loc[(CHESHIRE_EAST, 2019, "primary", "later"), "persistent_absentees"])
    assert table.loc[(CHESHIRE_EAST, 2020)].iloc[:, 2:].isna().all(axis=None)
    missing = tables["la_missing"]
    assert set(missing.loc[missing["measure"].isin(ABSENCE_MEASURES), "mark"]) == {"c", "x"}
    assert not any(name.startswith("absence_") for name in tables["la_panel"])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("202122,Academic year,National,,,CINO", "2122,Academic year,National,,,CINO", "allowed: two years such as"),
        ("202122,Academic year,National,,,CINO", "202123,Academic year,National,,,CINO", "allowed: two years such as"),
        ("State-funded primary", "Primary", "column 'school_type': found 'Primary'; allowed: one of Total"),
        ("E06000049,Cheshire East,CINO", "E06000049,Cheshire East,CIN", "no row for E06000049 in 2021/22"),
        ("E06000049,Cheshire East,CINO", "E06000099,Cheshire East,CINO", "no DfE file has the GSS code of E06000099"),
        ("202122,Academic year,National", "202122,Academic year,County", "allowed: one of National, Local authority"),
    ],
)
def test_absence_that_cannot_be_right(tmp_path: Path, old: str, new: str, words: str) -> None:
    source = Path(shutil.copytree(FIXTURES, tmp_path / "source"))
    path = next(source.rglob("absence_*2016_17*.csv"))
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError, match=words):
        assemble_tables(source)


def test_a_row_twice(tmp_path: Path) -> None:
    source = Path(shutil.copytree(FIXTURES, tmp_path / "source"))
    path = next(source.rglob("absence_*2018_19*.csv"))
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([*lines, lines[1]]), encoding="utf-8")
    with pytest.raises(DataError, match=r"England again \(first in row 2\)"):
        assemble_tables(source)


def right() -> pd.DataFrame:
    """A right authority's year."""
    who = {"authority": CHESHIRE_EAST, "la_code": "895", "name": "Cheshire East", "year": 2017}
    counts = dict(zip(ABSENCE_COUNTS, (100, 35000, 3500, 2000, 1500, 30, 5), strict=True))
    rows = [{**who, "phase": "total", "vintage": "later", **{name: 2 * n for name, n in counts.items()}}]
    rows += [{**who, "phase": phase, "vintage": "later", **counts} for phase in ("primary", "secondary")]
    return pd.DataFrame(rows).astype(dict.fromkeys(ABSENCE_COUNTS, "Int64"))


def fault(frame: pd.DataFrame) -> str:
    with pytest.raises(DataError) as found:
        check_table(frame, CIN_ABSENCE, "cin_absence.csv")
    return str(found.value)


def test_absence_has_its_rules() -> None:
    good = right()
    assert check_table(good, CIN_ABSENCE, "x") is good
    assert "must add up to sessions_overall" in fault(good.assign(sessions_authorised=good["sessions_authorised"] - 1))
    assert "pupils of the phases must not exceed" in fault(good.assign(pupils=[199, 100, 100]).astype(good.dtypes))
    assert "severe_absentees must not exceed" in fault(good.assign(severe_absentees=[61, 5, 5]).astype(good.dtypes))
    assert "must have a row for each phase" in fault(good[good["phase"] != "primary"])
    assert "la_code must be blank for England only" in fault(good.assign(la_code=""))
    england = good.assign(authority=ENGLAND, la_code="", name="England", pupils=[195, 100, 100]).astype(good.dtypes)
    assert check_table(england, CIN_ABSENCE, "x") is england  # rounded
