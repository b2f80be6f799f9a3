"""Durations of ended episodes: shares and bounds by hand, the change and its rank, the figure, and named errors."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import colors
from matplotlib import pyplot as plt

from crewe_lib import la_duration_change as change
from crewe_lib import la_durations as dur
from crewe_lib.errors import CreweError
from crewe_lib.figures.la_durations import SHADES, draw_duration_bands
from crewe_lib.la_did import CHESHIRE_EAST, ENFIELD, ENGLAND
from crewe_lib.load import load_la_durations
from crewe_lib.provenance import start_recording, stop_recording
from crewe_lib.tables import ALL_DURATIONS

YEARS = dict(first_year=2013, last_year=2019)
DESIGN = dict(treated=CHESHIRE_EAST, implemented=2015, alpha=0.05, **YEARS)
NORFOLK, RUTLAND, LEICESTERSHIRE = "E10000020", "E06000017", "E10000018"
CUMBERLAND = "E06000063"  # begins in 2024


@pytest.fixture(scope="module")
def durations() -> pd.DataFrame:
    return load_la_durations()


def made(counts: dict[str, dict[int, list[int | None]]], totals: dict[tuple[str, int], int] | None = None):
    """A table of durations: authority → year → five bands; the total is their sum unless given."""
    rows = []
    for code, years in counts.items():
        for year, bands in years.items():
            total = (totals or {}).get((code, year), sum(n for n in bands if n is not None))
            for band, episodes in enumerate(bands, start=1):
                rows.append((code, "", f"Name {code}", year, band, episodes, total))
    names = ["authority", "la_code", "name", "year", "band", "episodes", ALL_DURATIONS]
    return pd.DataFrame(rows, columns=names).astype({"episodes": "Int64", ALL_DURATIONS: "Int64"})


def made_many(n: int = 20, shift: float = 0.0) -> pd.DataFrame:
    """`n` authorities and England over 2013–2019; the first one's long band grows by `shift` per cent after 2015."""
    rng = np.random.default_rng(11)
    counts: dict[str, dict[int, list[int | None]]] = {}
    for index in range(n):
        code = f"E0{index:07d}"
        counts[code] = {}
        for year in range(2013, 2020):
            long = 200 + int(rng.integers(-20, 20)) + (int(10 * shift) if index == 0 and year > 2015 else 0)
            counts[code][year] = [1000 - long - 300, 100, 100, 100, long]
    counts[ENGLAND] = {year: [5000, 1000, 1000, 1000, 2000] for year in range(2013, 2020)}
    return made(counts)


# Shares
# ------------------------------------------------------------------------------------------------


def test_shares_by_hand_are_the_publishers_percentages(durations) -> None:
    """Cheshire East 2015: 782, 522, 437, 278, 300 of 2,319; the file prints 33.7, 22.5, 18.8, 12 and 12.9."""
    shares = dur.derive_shares(durations, treated=CHESHIRE_EAST, comparators=[ENFIELD], **YEARS)
    own = shares.query("authority == @CHESHIRE_EAST and year == 2015")
    assert own["share"].tolist() == pytest.approx([782 / 2319, 522 / 2319, 437 / 2319, 278 / 2319, 300 / 2319])
    assert (100 * own["share"]).round(1).tolist() == [33.7, 22.5, 18.8, 12.0, 12.9]
    assert (own["low"] == own["share"]).all() and (own["high"] == own["share"]).all()
    assert list(dict.fromkeys(shares["name"])) == ["Cheshire East", "Enfield", "England"]
    assert len(shares) == 3 * 7 * 5


def test_a_withheld_band_has_bounds_not_a_share(durations) -> None:
    """Rutland 2016: 28 and 11 of 44 printed, three bands withheld, so each holds at most 5."""
    shares = dur.derive_shares(durations, treated=CHESHIRE_EAST, comparators=[RUTLAND], **YEARS)
    own = shares.query("authority == @RUTLAND and year == 2016").set_index("band")
    assert own["share"].isna().tolist() == [False, False, True, True, True]
    assert own.loc[3:, "low"].tolist() == [0, 0, 0]
    assert own.loc[3:, "high"].tolist() == pytest.approx([5 / 44] * 3)


def test_comparators_may_be_none_or_many_and_are_shown_once(durations) -> None:
    alone = dur.derive_shares(durations, treated=CHESHIRE_EAST, comparators=[], **YEARS)
    assert alone["authority"].unique().tolist() == [CHESHIRE_EAST, ENGLAND]
    again = dur.derive_shares(durations, treated=CHESHIRE_EAST, comparators=[CHESHIRE_EAST, ENGLAND, ENFIELD], **YEARS)
    assert again["authority"].unique().tolist() == [CHESHIRE_EAST, ENGLAND, ENFIELD]


def test_order_of_rows_does_not_matter(durations) -> None:
    shuffled = durations.sample(frac=1, random_state=3)
    options = dict(treated=CHESHIRE_EAST, comparators=[ENFIELD], **YEARS)
    pd.testing.assert_frame_equal(dur.derive_shares(shuffled, **options), dur.derive_shares(durations, **options))
    assert change.estimate_duration_change(shuffled, months=6, **DESIGN) == change.estimate_duration_change(
        durations, months=6, **DESIGN
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            dict(treated=NORFOLK),
            r"no figure for Norfolk 2013 \(any band\), Norfolk 2014 \(one year, less than two; two years or more\)",
        ),
        (dict(treated="E99"), "no authority with code E99 in the durations for 2013, 2014"),
        (dict(comparators=["E98"]), "no authority with code E98"),
        (dict(comparators=[CUMBERLAND]), f"no authority with code {CUMBERLAND}"),
        (dict(first_year=2011), "are published for 2013 to 2024; 2011 to 2019 was asked for"),
        (dict(last_year=2025), "2013 to 2025 was asked for"),
        (dict(first_year=2019, last_year=2013), "2019 to 2013 was asked for"),
    ],
)
def test_what_is_not_there_is_named(durations, options, message) -> None:
    with pytest.raises(CreweError, match=message):
        dur.derive_shares(durations, **(dict(treated=CHESHIRE_EAST, comparators=[ENFIELD], **YEARS) | options))


# Beyond a cut
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bands", "months", "low", "high"),
    [
        ([50, 20, 10, 15, 5], 6, 30, 30),
        ([50, 20, 10, 15, 5], 12, 20, 20),
        ([50, 20, 10, None, None], 12, 20, 20),  # both beyond the cut: pooled
        ([50, 20, 10, None, None], 24, 0, 20),
        ([None, None, 10, 15, 5], 6, 30, 30),  # all beyond the cut printed
        ([None, 20, 10, None, 5], 12, 5, 70),  # one on each side
        ([None] * 5, 6, 0, 100),
    ],
)
def test_bounds_beyond_a_cut(bands, months, low, high) -> None:
    table = made({CHESHIRE_EAST: {2015: bands}}, {(CHESHIRE_EAST, 2015): 100})
    (row,) = dur.derive_longer_shares(table, months=months, first_year=2015, last_year=2015).to_dict("records")
    assert (row["low"], row["high"]) == (low, high)
    assert row["share"] == low / 100 if low == high else np.isnan(row["share"])
    assert (row["withheld"] == "") == (None not in bands)


def test_without_a_total_nothing_is_known(durations) -> None:
    rows = dur.derive_longer_shares(durations, months=6, **YEARS).set_index(["authority", "year"])
    assert rows.loc[(NORFOLK, 2013), ["ended", "low", "high", "share"]].isna().all()
    assert rows.loc[(LEICESTERSHIRE, 2014), "share"] == pytest.approx((1114 - 858 - 185) / 1114)


def test_any_cell_put_in_for_a_withheld_one_stays_within_the_bounds() -> None:
    """Withhold bands of a known year in every way; the truth always lies within, and pooling is exact."""
    truth = [41, 7, 23, 11, 18]
    for hidden in range(1, 32):
        bands = [None if hidden >> place & 1 else n for place, n in enumerate(truth)]
        table = made({ENFIELD: {2015: bands}}, {(ENFIELD, 2015): 100})
        for months, (first, _) in dur.CUTS.items():
            row = dur.derive_longer_shares(table, months=months, first_year=2015, last_year=2015).iloc[0]
            beyond = sum(truth[first - 1 :])
            assert row["low"] <= beyond <= row["high"]
            one_side = all(n is not None for n in bands[first - 1 :]) or all(n is not None for n in bands[: first - 1])
            assert row["share"] == beyond / 100 if one_side else row["low"] < row["high"]


def test_unknown_cut_is_named(durations) -> None:
    with pytest.raises(CreweError, match="months is 9; it must be one of 3, 6, 12, 24, where bands meet"):
        dur.derive_longer_shares(durations, months=9, **YEARS)


# The change and its place
# ------------------------------------------------------------------------------------------------


def test_cheshire_east_by_hand(durations) -> None:
    """Over six months: (869 + 828 + 1,015) of 6,609 before, (967 + 822 + 697 + 755) of 7,203 after."""
    found = change.estimate_duration_change(durations, months=6, **DESIGN)
    assert found.before == pytest.approx(2712 / 6609) and found.after == pytest.approx(3241 / 7203)
    assert found.estimate == pytest.approx(0.0396, abs=5e-5)
    assert (found.rank, found.n) == (72, 145)
    assert found.p_value == pytest.approx(2 * 72 / 145)
    assert found.placebo_low < found.estimate < found.placebo_high


def test_no_cut_is_out_of_the_ordinary(durations) -> None:
    table = change.estimate_duration_changes(durations, **DESIGN).set_index("months")
    assert table["points"].round(1).to_dict() == {3: 9.0, 6: 4.0, 12: -1.3, 24: -5.3}
    assert table["rank"].to_dict() == {3: 34, 6: 72, 12: 100, 24: 128}
    assert table["n"].to_dict() == {3: 145, 6: 145, 12: 144, 24: 142}
    assert (table["p_value"] > 0.2).all()
    assert table["england_points"].round(1).to_dict() == {3: 2.8, 6: 3.8, 12: 1.7, 24: -0.3}
    assert set(change.CHANGE_COLUMNS) <= set(table.columns)


def test_rank_and_p_value_by_an_independent_count(durations) -> None:
    """The same numbers by loops over the raw counts, for authorities without a blank cell."""
    complete = durations[durations["year"].between(2013, 2019) & (durations["authority"] != ENGLAND)]
    moved = {}
    for code, own in complete.groupby("authority"):
        if own["episodes"].isna().any() or own["year"].nunique() < 7:
            continue
        shares = []
        for side in (own[own["year"] <= 2015], own[own["year"] > 2015]):
            whole = side.drop_duplicates("year")[ALL_DURATIONS].sum()
            shares.append(side.loc[side["band"] >= 5, "episodes"].sum() / whole)
        moved[code] = shares[1] - shares[0]
    own_change = moved[CHESHIRE_EAST]
    found = change.estimate_duration_change(durations, months=24, **DESIGN)
    assert found.n == len(moved) and found.estimate == pytest.approx(own_change)
    assert found.rank == sum(value >= own_change for value in moved.values())
    assert found.p_value == pytest.approx(2 * sum(value <= own_change for value in moved.values()) / len(moved))


def test_a_known_change_is_found_and_none_is_not() -> None:
    options = dict(treated="E00000000", implemented=2015, alpha=0.1, **YEARS)
    quiet = change.estimate_duration_change(made_many(), months=24, **options)
    moved = change.estimate_duration_change(made_many(shift=20), months=24, **options)
    assert moved.estimate - quiet.estimate == pytest.approx(0.2)
    assert (moved.rank, moved.n) == (1, 20) and moved.p_value == pytest.approx(2 / 20)
    fallen = change.estimate_duration_change(made_many(shift=-15), months=24, **options)
    assert fallen.rank == 20 and fallen.p_value == pytest.approx(2 / 20)
    assert quiet.p_value > 0.1 and quiet.placebo_low <= quiet.estimate <= quiet.placebo_high


def test_a_shift_that_everyone_shares_does_not_change_the_rank() -> None:
    """Move a hundred of every authority's thousand later episodes from the shortest band to the longest."""
    options = dict(treated="E00000000", implemented=2015, alpha=0.1, **YEARS)
    table = made_many(shift=20)
    later = table["year"] > 2015
    moved = 100 * ((later & (table["band"] == 5)).astype(int) - (later & (table["band"] == 1)).astype(int))
    shared = table.assign(episodes=table["episodes"] + moved)
    before, after = (change.estimate_duration_change(one, months=24, **options) for one in (table, shared))
    assert after.estimate - before.estimate == pytest.approx(0.1)
    assert (after.rank, after.p_value) == (before.rank, before.p_value)


def test_ties_count_against() -> None:
    """All alike: everyone ties, the p-value is 1."""
    alike = made({f"E0{i:07d}": {y: [60, 10, 10, 10, 10] for y in range(2013, 2020)} for i in range(5)})
    found = change.estimate_duration_change(alike, treated="E00000000", months=6, implemented=2015, alpha=0.05, **YEARS)
    assert (found.rank, found.n, found.p_value) == (1, 5, 1.0)


def test_changes_name_those_left_out(durations) -> None:
    changes = change.derive_changes(durations, months=24, implemented=2015, **YEARS)
    left_out = set(changes.loc[~changes["complete"], "name"])
    assert {"Norfolk", "Rutland", "Leicestershire", "Isles of Scilly", "City of London"} < left_out
    bounded = changes[changes["authority"] == LEICESTERSHIRE].iloc[0]
    assert bounded["low"] < bounded["high"] and np.isnan(bounded["change"])
    exact = changes[changes["complete"]]
    np.testing.assert_allclose(exact["low"], exact["change"])
    np.testing.assert_allclose(exact["high"], exact["change"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(treated=NORFOLK, months=6), r"Norfolk: .* more than six months, for want of figures for 2013 \(any band"),
        (
            dict(treated=RUTLAND, months=12),
            r"Rutland: .* a year or more, .* 2016 \(more than six months, less than a year; one year",
        ),
        (dict(treated="E99", months=6), "no authority with code E99 in the durations for 2013 to 2019"),
        (dict(treated="E06000028", months=6, last_year=2021), r"Bournemouth: .* 2020 \(no row\), 2021 \(no row\)"),
        (dict(treated=ENGLAND, months=6), "England cannot be ranked"),
        (dict(months=5), "months is 5"),
        (dict(months=6, implemented=2019), "must be the last of the years before, from 2013 to 2018"),
        (dict(months=6, implemented=2012), "must be the last of the years before"),
        (dict(months=6, alpha=0), "alpha is 0; it must lie between 0 and 1"),
    ],
)
def test_bad_designs_are_named(durations, options, message) -> None:
    with pytest.raises(CreweError, match=message):
        change.estimate_duration_change(durations, **(DESIGN | options))


def test_one_authority_alone_cannot_be_ranked() -> None:
    alone = made({ENFIELD: {year: [60, 10, 10, 10, 10] for year in range(2013, 2020)}})
    with pytest.raises(CreweError, match="no other authority has complete figures"):
        change.estimate_duration_change(alone, **(DESIGN | dict(treated=ENFIELD, months=6)))


def test_results_are_traced() -> None:
    recorder = start_recording()
    try:
        table = load_la_durations()
        shares = dur.derive_shares(table, treated=CHESHIRE_EAST, comparators=[ENFIELD], **YEARS)
        results = [dur.derive_wide(shares), dur.describe_shares(shares)]
        results += [change.estimate_duration_changes(table, **DESIGN)]
        for result in results:
            origin = recorder.find(result)
            assert origin is not None and {file.path for file in origin.data} == {"data/official/la_durations.csv"}
    finally:
        stop_recording()


# Words and figure
# ------------------------------------------------------------------------------------------------


def test_shares_in_words_and_as_a_table(durations) -> None:
    shares = dur.derive_shares(durations, treated=CHESHIRE_EAST, comparators=[RUTLAND], **YEARS)
    text = dur.describe_shares(shares)["text"]
    assert text.startswith("Cheshire East, in 2013 and 2019: three months or less 36.9% and 26.9%; more than three")
    assert ". England, in 2013 and 2019: " in text and text.endswith("two years or more 9.3% and 9.0%.")
    wide = dur.derive_wide(shares)
    assert list(wide.columns) == ["Authority", "Year ending 31 March", *dur.BANDS.values()]
    assert len(wide) == 21 and wide.iloc[0, 2:].sum() == pytest.approx(100)
    ends = dur.derive_shares(durations, treated=CHESHIRE_EAST, comparators=[RUTLAND], first_year=2016, last_year=2017)
    assert "two years or more withheld and" in dur.describe_shares(ends)["text"]


def test_the_figure_shows_the_shares(durations) -> None:
    shares = dur.derive_shares(durations, treated=CHESHIRE_EAST, comparators=[ENFIELD, RUTLAND], **YEARS)
    settings = dict(mpl.rcParams)
    figure, ax = plt.subplots()
    try:
        assert draw_duration_bands(shares, ax=ax, treated=CHESHIRE_EAST, implemented=2015, start_label="start") is ax
        assert dict(mpl.rcParams) == settings  # no theme inside
        bars = [bar for group in ax.containers for bar in group]
        shown = [bar for bar in bars if not bar.get_hatch()]
        first = sorted((bar for bar in shown if bar.get_x() + bar.get_width() / 2 == 0), key=lambda bar: bar.get_y())
        own = shares.query("authority == @CHESHIRE_EAST and year == 2013")["share"]
        assert [bar.get_height() for bar in first] == pytest.approx(own.tolist())
        (withheld,) = [bar for bar in bars if bar.get_hatch()]
        assert withheld.get_height() == pytest.approx(5 / 44)
        words = [text.get_text() for text in ax.texts]
        assert {"Cheshire East", "Enfield", "Rutland", "England", "3 months or less", "2 years or more"} <= set(words)
        assert ax.get_legend() is None
        assert [label.get_text() for label in ax.get_xticklabels()] == [str(year) for year in range(2013, 2020)] * 4
    finally:
        plt.close(figure)


def test_labels_of_thin_bands_do_not_overlap() -> None:
    table = made({code: {2015: [960, 10, 10, 10, 10]} for code in (CHESHIRE_EAST, ENGLAND)})
    shares = dur.derive_shares(table, treated=CHESHIRE_EAST, comparators=[], first_year=2015, last_year=2015)
    figure, ax = plt.subplots()
    try:
        draw_duration_bands(shares, ax=ax, treated=CHESHIRE_EAST, implemented=2015, start_label="start")
        heights = sorted(
            text.get_position()[1] for text in ax.texts if "month" in text.get_text() or "year" in text.get_text()
        )
        assert np.diff(heights).min() >= 0.0699
    finally:
        plt.close(figure)


def test_shades_darken_with_duration() -> None:
    """Relative luminance falls by a clear step from band to band, so that greyscale keeps the order."""
    linear = [np.array(colors.to_rgb(SHADES[band])) for band in dur.BANDS]
    linear = [np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) for rgb in linear]
    light = np.array([float(rgb @ [0.2126, 0.7152, 0.0722]) for rgb in linear])
    contrast = (light[:-1] + 0.05) / (light[1:] + 0.05)
    assert (contrast > 1.35).all()
