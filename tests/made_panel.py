"""A small panel made up for tests of the local-authority modules: counts that make rates easy to read."""

import numpy as np
import pandas as pd

EAST, OTHER, THIRD = "E06000049", "E09000010", "E06000050"
MARKS = ["authority", "la_code", "name", "year", "vintage", "measure", "mark", "meaning"]


def made_panel(units: int = 14, seed: int = 3, effect: int = 0) -> pd.DataFrame:
    """`units` authorities and England, 2011–2019, 10,000 residents each. `effect`: EAST after 2015."""
    rng = np.random.default_rng(seed)
    codes = [EAST, OTHER, THIRD, *(f"E0800{i:04d}" for i in range(units - 3)), "E92000001"]
    rows = []
    for i, code in enumerate(codes):
        for year in range(2011, 2020):
            moved = effect if code == EAST and year > 2015 else 0
            ended, need = 60 + int(rng.integers(-9, 10)) + moved, 90 + int(rng.integers(-9, 10))
            for vintage in ("first_published", "revised"):
                if year > 2012 or vintage == "first_published":
                    rows.append((code, f"Name {i}", year, vintage, ended, ended // 2, need, 10 + i, 2_000 + 30 * i))
    names = ["authority", "name", "year", "vintage", "episodes_ended", "rereferrals", "cin_31_march"]
    frame = pd.DataFrame(rows, columns=[*names, "imd_2015_score", "population_0_17_in_release"])
    for kind in ("pre_census_2021", "rebased"):
        frame[f"population_0_17_{kind}"] = frame["population_0_17_in_release"]
    frame["region"], frame["population_all_ages"] = "North", 10_000
    return frame.assign(
        episodes_ended_rc7=frame["episodes_ended"] - 5, cpp_started=frame["rereferrals"] // 3, children_ended=pd.NA
    )


def marks(*cells: tuple[str, int, str, str, str]) -> pd.DataFrame:
    """A table like la_missing from (authority, year, vintage, measure, meaning)."""
    return pd.DataFrame([(a, "", "", y, v, m, "x", why) for a, y, v, m, why in cells], columns=MARKS)


def set_cell(panel: pd.DataFrame, code: str, year: int, column: str, value: object) -> pd.DataFrame:
    """A copy with one authority's figure of one year changed in every vintage."""
    changed = panel.copy()
    changed[column] = changed[column].astype("Float64")
    changed.loc[(changed["authority"] == code) & (changed["year"] == year), column] = value
    return changed
