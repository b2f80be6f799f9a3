"""The durations of ended episodes: cells read by eye from the raw file, sums against the panel and England."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from crewe_lib.datapackage import find_resource
from crewe_lib.errors import DataError
from crewe_lib.load import load_la_durations, load_la_panel
from crewe_lib.provenance import start_recording, stop_recording
from crewe_lib.sources import ENGLAND
from crewe_lib.sources.panel import assemble_tables
from crewe_lib.tables import ALL_DURATIONS, DURATION_BANDS, LA_DURATIONS

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "tests" / "fixtures" / "dfe" / "source"
MEASURES = dict(enumerate(DURATION_BANDS, start=1))
# Authorities' years whose five bands, all printed, add up to less than the total the file prints beside them.
UNKNOWN = {
    ("Sutton", 2013): 9,
    ("Devon", 2014): 8,
    ("Bath and North East Somerset", 2015): 1,
    ("Blackpool", 2015): 3,
    ("Manchester", 2016): 1,
    ("Northamptonshire", 2016): 4,
    ("Stoke-on-Trent", 2016): 4,
    ("Essex", 2017): 3,
    ("Leicestershire", 2018): 4,
    ("West Sussex", 2019): 2,
}


@pytest.fixture(scope="module")
def durations() -> pd.DataFrame:
    return load_la_durations()


@pytest.fixture(scope="module")
def missing() -> pd.DataFrame:
    path = ROOT / "data" / "official" / "la_missing.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False).astype({"year": int})
    return table[table["measure"].isin([*DURATION_BANDS, ALL_DURATIONS])]


@pytest.fixture(scope="module")
def totals(durations: pd.DataFrame) -> pd.DataFrame:
    """An authority's year: total, sum of printed bands, number of bands withheld."""
    return durations.groupby(["authority", "name", "year"], as_index=False).agg(
        total=(ALL_DURATIONS, "first"),
        bands=("episodes", "sum"),
        blank=("episodes", lambda cells: int(cells.isna().sum())),
    )


def test_cells_read_by_eye(durations: pd.DataFrame, missing: pd.DataFrame) -> None:
    """Cells transcribed from the raw file with grep and cut; the percentages are the publisher's own."""
    cells = pd.read_csv(ROOT / "tests" / "duration_cells.csv", dtype=str, keep_default_na=False)
    assert len(cells) >= 16
    rows = durations.set_index(["authority", "year", "band"])
    marks = missing.set_index(["authority", "year", "measure"])["mark"]
    for cell in cells.itertuples():
        year, band = int(cell.year), int(cell.band)
        found = rows.loc[(cell.authority, year, band)]
        assert found["name"] == cell.name, cell
        for stated, column, measure in (
            (cell.value, "episodes", MEASURES[band]),
            (cell.all_durations, ALL_DURATIONS, ALL_DURATIONS),
        ):
            if stated.isdigit():
                assert found[column] == int(stated), cell
            else:
                assert pd.isna(found[column]) and marks[cell.authority, year, measure] == stated, cell
        if cell.value.isdigit():
            assert abs(100 * found["episodes"] / found[ALL_DURATIONS] - float(cell.percent)) <= 0.0501, cell


def test_cells_read_by_eye_are_spread() -> None:
    cells = pd.read_csv(ROOT / "tests" / "duration_cells.csv", dtype=str)
    assert set(cells["band"]) == {"1", "2", "3", "4", "5"} and cells["year"].nunique() >= 9
    assert {"England", "Cheshire East", "Enfield", "Cheshire West and Chester", "Wandsworth"} <= set(cells["name"])
    assert {"c", "x", "u"} <= set(cells["value"])


def test_every_authority_and_year_of_the_panel_has_its_five_bands(durations: pd.DataFrame) -> None:
    panel = load_la_panel().query("vintage == 'revised' and year <= 2024")
    counted = durations.groupby(["authority", "year"]).size()
    assert (counted == 5).all() and set(counted.index) == set(zip(panel["authority"], panel["year"], strict=True))
    assert (durations["year"].min(), durations["year"].max()) == (2013, 2024)
    assert list(durations.columns) == list(LA_DURATIONS.columns)


def test_missing_table_lists_exactly_the_blank_cells(durations: pd.DataFrame, missing: pd.DataFrame) -> None:
    blank = durations[durations["episodes"].isna()]
    cells = {(row.authority, row.year, MEASURES[row.band]) for row in blank.itertuples()}
    without = durations[durations[ALL_DURATIONS].isna()]
    cells |= {(row.authority, row.year, ALL_DURATIONS) for row in without.itertuples()}
    assert cells == set(missing[["authority", "year", "measure"]].itertuples(index=False, name=None))
    assert missing["mark"].value_counts().to_dict() == {"c": 92, "x": 42, "u": 6}
    assert set(missing["vintage"]) == {"revised"}


def test_totals_are_those_of_the_panel_in_every_row(totals: pd.DataFrame) -> None:
    """b5 (reporting year 2024) and b1 (reporting year 2025) print the same totals, and lack the same eight."""
    panel = load_la_panel().query("vintage == 'revised'")[["authority", "year", "episodes_ended"]]
    both = totals.merge(panel, on=["authority", "year"], validate="one_to_one")
    assert len(both) == len(totals) == 1835
    assert (both["total"].isna() == both["episodes_ended"].isna()).all() and both["total"].isna().sum() == 8
    assert (both["total"] == both["episodes_ended"]).sum() == 1827


def test_bands_add_up_to_the_total_but_in_ten_years(totals: pd.DataFrame) -> None:
    """Where no band is withheld. The file does not say why ten fall short; episodes of unknown duration would do it."""
    whole = totals[(totals["blank"] == 0) & (totals["authority"] != ENGLAND)]
    short = whole[whole["bands"] != whole["total"]]
    found = {
        (row.name_, row.year): row.total - row.bands for row in short.rename(columns={"name": "name_"}).itertuples()
    }
    assert found == UNKNOWN
    assert len(whole) == 1785


def test_what_a_withheld_year_leaves_is_small(totals: pd.DataFrame) -> None:
    """At least two bands are withheld together, so that none can be had by subtraction; they hold 1 to 29 episodes."""
    part = totals[totals["blank"].between(1, 4) | ((totals["blank"] == 5) & totals["total"].notna())]
    left = part["total"] - part["bands"]
    assert len(part) == 30 and part["blank"].min() == 2
    assert (left.min(), left.max()) == (1, 29)


def test_england_is_the_sum_of_its_authorities(durations: pd.DataFrame, totals: pd.DataFrame) -> None:
    """To the rounding of England (to 10) plus whatever the withheld cells may hold; in years in which authorities
    have no figures England holds more, and is compared only from below.
    """
    england = durations[durations["authority"] == ENGLAND]
    assert (england[["episodes", ALL_DURATIONS]] % 10 == 0).all(axis=None)
    local = durations[durations["authority"] != ENGLAND].merge(totals[["authority", "year", "total", "bands"]])
    for (year, band), rows in local.groupby(["year", "band"]):
        stated = england.query("year == @year and band == @band").iloc[0]
        blank = rows[rows["episodes"].isna()]
        gap = int(stated["episodes"] - rows["episodes"].sum())
        high = 5 + int((blank["total"] - blank["bands"]).sum())
        assert gap >= -5 and (gap <= high or blank["total"].isna().any()), (year, band, gap, high)
        rest = int(stated[ALL_DURATIONS] - rows[ALL_DURATIONS].sum())
        assert abs(rest) <= 5 or (rest > 0 and blank["total"].isna().any()), (year, rest)
    wide = england.pivot(index="year", columns="band", values="episodes").sum(axis=1)
    assert (wide - england.groupby("year")[ALL_DURATIONS].first()).abs().max() <= 30  # six roundings


def test_loading_is_traced_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = start_recording()
    try:
        origin = recorder.find(load_la_durations())
    finally:
        stop_recording()
    assert origin is not None
    (file,) = origin.data
    assert (file.path, file.rows, file.kind) == ("data/official/la_durations.csv", 9175, "official")
    assert file.sha256 == find_resource(ROOT / "data" / "official", "la_durations").sha256
    folder = Path(shutil.copytree(ROOT / "data" / "official", tmp_path / "official"))
    monkeypatch.setenv("CREWE_DATA", str(tmp_path))
    (folder / "la_durations.csv").write_text("authority\nE06000049\n", encoding="utf-8")
    with pytest.raises(DataError, match="its SHA-256 is"):
        load_la_durations()


# From the fixtures
# ------------------------------------------------------------------------------------------------


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the fixtures that a test may spoil."""
    return Path(shutil.copytree(FIXTURES, tmp_path / "source"))


def test_fixture_durations(source: Path) -> None:
    tables = assemble_tables(source)
    rows = tables["la_durations"].set_index(["la_code", "year", "band"]).sort_index()
    assert rows.loc[("895", 2015), "episodes"].tolist() == [1416, 583, 500, 333, 250]
    assert rows.loc[("895", 2015), ALL_DURATIONS].tolist() == [3082] * 5
    assert rows.loc[("810", 2015), "episodes"].sum() == 2862 - 4  # Hull, as "unknown" would leave it
    assert rows.loc[("815", 2013, 1), "authority"] == "E06000065" and rows.loc[("", 2013, 1), "name"] == "England"
    assert rows.loc[("420", 2018), "episodes"].isna().tolist() == [True, False, False, True, True]
    marked = tables["la_missing"].query("la_code == '390' and year == 2013 and vintage == 'revised'")
    assert set(marked["measure"]) == {"episodes_ended", "children_ended", ALL_DURATIONS, *DURATION_BANDS}
    assert set(marked["mark"]) == {"x"} and set(marked["meaning"]) == {"not available"}
    assert not {*DURATION_BANDS, ALL_DURATIONS} & set(tables["la_panel"].columns)


def rewrite(source: Path, change: str, value: str) -> None:
    """Put a value into a column of Cheshire East's rows of b5, or drop them."""
    path = next(source.rglob("b5_*.csv"))
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    own = table["old_la_code"] == "895"
    if change == "drop":
        table = table[~(own & (table["time_period"] == value))]
    else:
        table.loc[own, change] = value
    table.to_csv(path, index=False)


@pytest.mark.parametrize(
    ("change", "value", "words"),
    [
        ("drop", "2019", "year 2019: no row for DfE number 895, judging by the other files"),
        ("old_la_code", "999", "E06000049 = 895, E06000049 = 999"),
        ("2years+", "99999", "episodes must not exceed ended_all_durations"),
        ("2years+", "300", "the episodes of a year must not exceed ended_all_durations"),
    ],
)
def test_durations_that_cannot_be_right(source: Path, change: str, value: str, words: str) -> None:
    rewrite(source, change, value)
    with pytest.raises(DataError, match=words):
        assemble_tables(source)
