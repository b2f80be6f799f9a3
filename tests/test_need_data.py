"""Open episodes by primary need: cells read by eye from the raw file, sums, the panel, and the build from fixtures."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from crewe_lib.datapackage import find_resource
from crewe_lib.errors import DataError
from crewe_lib.load import load_la_missing, load_la_panel, load_primary_need
from crewe_lib.provenance import start_recording, stop_recording
from crewe_lib.sources import ENGLAND
from crewe_lib.sources.context import CHESHIRE_EAST
from crewe_lib.sources.need import NORTH_WEST
from crewe_lib.sources.panel import assemble_tables
from crewe_lib.tables import ALL_NEEDS, PRIMARY_NEED, PRIMARY_NEEDS

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "tests" / "fixtures" / "dfe" / "source"


@pytest.fixture(scope="module")
def needs() -> pd.DataFrame:
    return load_primary_need()


@pytest.fixture(scope="module")
def marks() -> pd.DataFrame:
    missing = load_la_missing()
    return missing[missing["measure"].isin([*PRIMARY_NEEDS, ALL_NEEDS])]


def test_cells_read_by_eye(needs: pd.DataFrame, marks: pd.DataFrame) -> None:
    """Transcribed from the raw file with grep and cut."""
    cells = pd.read_csv(ROOT / "tests" / "need_cells.csv", dtype=str, keep_default_na=False)
    assert len(cells) >= 10 and set(cells["authority"]) == {ENGLAND, NORTH_WEST, CHESHIRE_EAST}
    rows = needs.set_index(["authority", "year", "need"])
    marked = marks.set_index(["authority", "year", "measure"])["mark"]
    for cell in cells.itertuples():
        found = rows.loc[(cell.authority, int(cell.year), cell.need)]
        assert found["name"] == cell.name and found[ALL_NEEDS] == int(cell.all_needs), cell
        if cell.value.isdigit():
            assert found["episodes"] == int(cell.value), cell
        else:
            key = (cell.authority, int(cell.year), f"need_{cell.need.lower()}")
            assert pd.isna(found["episodes"]) and marked[key] == cell.value, cell


def test_three_places_twelve_years_ten_needs_in_the_publishers_order(needs: pd.DataFrame) -> None:
    assert list(needs.columns) == list(PRIMARY_NEED.columns) and len(needs) == 3 * 12 * 10
    assert (needs["year"].min(), needs["year"].max()) == (2013, 2024)
    assert needs["need"].tolist() == list(PRIMARY_NEEDS.values()) * 36


def test_missing_table_lists_exactly_the_blank_cells(needs: pd.DataFrame, marks: pd.DataFrame) -> None:
    blank = needs[needs["episodes"].isna()]
    cells = {(row.authority, row.year, f"need_{row.need.lower()}") for row in blank.itertuples()}
    assert cells == set(marks[["authority", "year", "measure"]].itertuples(index=False, name=None))
    assert set(marks["mark"]) == {"c"} and set(marks["vintage"]) == {"revised"}
    assert set(blank["authority"]) == {CHESHIRE_EAST} and set(blank.groupby("year").size()) == {2}


def test_needs_add_up_and_rounding_shows(needs: pd.DataFrame) -> None:
    """Cheshire East's add up wherever none is withheld; ten roundings to ten move the others' by fifty at most, but
    some episodes have no need in some years (in 2015 those of Blackpool, by its row of the raw file)."""
    sums = needs.groupby(["authority", "year"]).agg(
        parts=("episodes", "sum"), whole=(ALL_NEEDS, "first"), blank=("episodes", lambda cells: cells.isna().sum())
    )
    own = sums.loc[CHESHIRE_EAST]
    assert (own["parts"] == own["whole"])[own["blank"] == 0].all()
    assert (own["whole"] - own["parts"])[own["blank"] > 0].between(1, 20).all()
    wholes = sums.drop(CHESHIRE_EAST, level="authority")
    gaps = wholes["parts"] - wholes["whole"]
    short = {(NORTH_WEST, 2015): 80}
    short |= {(ENGLAND, 2013): 100, (ENGLAND, 2015): 80, (ENGLAND, 2016): 920, (ENGLAND, 2019): 1600}
    assert (-gaps[gaps.abs() > 50]).to_dict() == short and (gaps != 0).any()
    assert (needs.loc[needs["la_code"] == "", ["episodes", ALL_NEEDS]] % 10 == 0).all(axis=None)


def test_totals_are_those_of_the_panel(needs: pd.DataFrame) -> None:
    """b3 (reporting year 2024) and b1 (reporting year 2025) print the same episodes open at 31 March."""
    totals = needs.drop_duplicates(["authority", "year"])[["authority", "year", ALL_NEEDS]]
    panel = load_la_panel().query("vintage == 'revised'")[["authority", "year", "cin_31_march"]]
    both = totals.merge(panel, on=["authority", "year"], validate="one_to_one")
    assert len(both) == 24 and (both[ALL_NEEDS] == both["cin_31_march"]).all()


def test_loading_is_traced_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = start_recording()
    try:
        origin = recorder.find(load_primary_need())
    finally:
        stop_recording()
    assert origin is not None
    (file,) = origin.data
    assert (file.path, file.rows, file.kind) == ("data/official/primary_need.csv", 360, "official")
    assert file.sha256 == find_resource(ROOT / "data" / "official", "primary_need").sha256
    folder = Path(shutil.copytree(ROOT / "data" / "official", tmp_path / "official"))
    monkeypatch.setenv("CREWE_DATA", str(tmp_path))
    (folder / "primary_need.csv").write_text("authority\nE06000049\n", encoding="utf-8")
    with pytest.raises(DataError, match="its SHA-256 is"):
        load_primary_need()


def test_from_fixtures(tmp_path: Path) -> None:
    source = Path(shutil.copytree(FIXTURES, tmp_path / "source"))
    tables = assemble_tables(source)
    table = tables["primary_need"].set_index(["authority", "year"]).sort_index()
    assert set(tables["primary_need"]["name"]) == {"England", "North West", "Cheshire East"}
    assert table.loc[(CHESHIRE_EAST, 2016), "episodes"].isna().sum() == 2
    assert set(table.loc[(NORTH_WEST, 2016), ALL_NEEDS]) == {20460}
    missing = tables["la_missing"]
    assert set(missing.loc[missing["measure"].str.startswith("need_"), "measure"]) == {"need_n7", "need_n9"}
    assert "open_all_needs" not in tables["la_panel"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("2019,Reporting year,Regional", "2019,Reporting year,County", "allowed: one of Local authority, National"),
        ("E12000002,North West,,", "E12000001,North East,,", r"no row for E12000002 in some years"),
        ("Cheshire East,,3170,", "Cheshire East,,317,", "episodes must not exceed open_all_needs"),
    ],
)
def test_needs_that_cannot_be_right(tmp_path: Path, old: str, new: str, words: str) -> None:
    source = Path(shutil.copytree(FIXTURES, tmp_path / "source"))
    path = next(source.rglob("b3_*.csv"))
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError, match=words):
        assemble_tables(source)
