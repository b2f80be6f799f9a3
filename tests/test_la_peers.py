"""Peers: distances by hand, what they may not use, and who they are for Cheshire East."""

import numpy as np
import pytest
from made_panel import EAST, made_panel, marks, set_cell

from crewe_lib.errors import CreweError
from crewe_lib.la_peers import derive_peers, measure_distances
from crewe_lib.load import load_la_missing, load_la_panel


def test_distances_by_hand() -> None:
    """Three units a standard deviation apart on each of two figures, alike on none of the third's spread."""
    features = np.array([[0.0, 0, 0], [1, 10, 5], [2, 20, 10], [np.nan, 1, 1]])
    distances = measure_distances(features)
    assert distances[0, 1] == pytest.approx(np.sqrt(3)) and distances[0, 2] == pytest.approx(2 * np.sqrt(3))
    assert np.isnan(distances[3]).all()
    with pytest.raises(CreweError, match="do not differ"):
        measure_distances(np.ones((4, 3)))


def test_years_after_the_start_are_not_used() -> None:
    panel = made_panel()
    changed = panel.copy()
    changed.loc[changed["year"] > 2014, ["cin_31_march", "population_0_17_pre_census_2021"]] *= 7
    one, other = (derive_peers(p, marks(), treated=EAST, implemented=2014, n=5).table for p in (panel, changed))
    assert one.equals(other)


def test_units_of_the_figures_do_not_matter() -> None:
    panel = made_panel()
    changed = panel.assign(imd_2015_score=panel["imd_2015_score"] / 3)
    one, other = (derive_peers(p, marks(), treated=EAST, implemented=2015, n=5).table for p in (panel, changed))
    np.testing.assert_allclose(one["distance"], other["distance"])


def test_cheshire_east() -> None:
    peers = derive_peers(load_la_panel(), load_la_missing(), treated=EAST, implemented=2015)
    assert peers.table["rank"].tolist() == list(range(11)) and peers.table["authority"].is_unique
    assert peers.table["distance"].is_monotonic_increasing and peers.table["name"].iloc[1] == "Dorset"
    assert peers.table["children"].iloc[0] == 75_095  # mid-2014, before Census 2021
    assert "Cheshire West and Chester" in set(peers.table["name"])
    assert set(peers.exclusions["name"]) >= {"Hackney", "Havering", "Newham"}
    mutual = derive_peers(load_la_panel(), load_la_missing(), treated="E10000009", implemented=2015)
    assert mutual.table.set_index("authority").loc[EAST, "distance"] == pytest.approx(peers.table["distance"].iloc[1])


def test_bad_input_is_named() -> None:
    with pytest.raises(CreweError, match="n is 14; it must be from 1 to 13"):
        derive_peers(made_panel(), marks(), treated=EAST, implemented=2015, n=14)
    with pytest.raises(CreweError, match=r"lacks a figure .children in need: no figure in the files"):
        panel = set_cell(made_panel(), EAST, 2013, "cin_31_march", None)
        derive_peers(panel, marks(), treated=EAST, implemented=2015)
    with pytest.raises(CreweError, match="before is 2010"):
        derive_peers(made_panel(), marks(), treated=EAST, implemented=2015, before=2010)
