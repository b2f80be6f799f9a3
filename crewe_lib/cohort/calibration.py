"""The published draw: the model's families, chosen so that they agree with the figures the reports print.

Conditioning, in four steps, none of which edits a value that the model drew:

1. `POOL` families are drawn from the model, and the reports' definitions are applied to them.
2. 84 + 4 treated and 44 control families are chosen from the pool so that every count is met (`BOUNDS`).
3. Chosen families are swapped for others with the same counts until the adjusted effects and the survival curves fit.
4. Absence, questionnaires and coded risk are drawn for the chosen families, again and again from numbered streams,
   until directions, tests and counts fit; of coded risk, many draws for each family form a pool to choose from.

What the reports leave open (the history share, arm splits of pupils, numbers of questionnaires, …) is as it falls.
`calibration.check_calibration` holds the result, read as tables, against every target.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from crewe_lib.cohort import draw as base
from crewe_lib.cohort import text as text
from crewe_lib.cohort.episodes import Course
from crewe_lib.cohort.outcomes import choose_pupils, draw_absence, draw_sdq, find_phase
from crewe_lib.cohort.risk_calibration import draw_calibrated_risk
from crewe_lib.cohort.search import Whole, choose_rows, improve_by_swaps
from crewe_lib.cohort.truth import Truth
from crewe_lib.contract import TABLES
from crewe_lib.definitions import StudyDates
from crewe_lib.errors import CreweError
from crewe_lib.records import Records, to_records
from crewe_lib.targets import measures as measures
from crewe_lib.targets.shape import miss_of_curves

POOL = 60_000
TRIES = 2_000
STARTS = 20
PUPILS = (109, 65)
# Counts by arm (treatment, control): exact, or the lowest and highest sum. Of cases with case data.
BOUNDS: Mapping[str, tuple[int | tuple[int, int], int | tuple[int, int]]] = {
    "known": (82, 44),
    "closed": (59, 28),
    "known_history": (35, 20),
    "closed_history": (28, 12),
    "rereferred_1": (5, 3),
    "closed_2": (60, 36),
    "rereferred_2": (34, 19),
    "known_2": (83, 43),
    "escalated": (4, 0),
    "female": (35, 14),
    "under_11": (56, 24),
    "aged_out": (11, 13),
    "disabled": (2, 0),
    "not_recorded": (0, 0),
    "other_cin": (69, 33),
    "white_british": (64, 36),
    "white_other": (4, 4),
    "crossed": (0, 5),
    "children": (208, 108),
    "primary": ((86, 100), (42, 52)),
    "secondary": ((48, 62), (26, 36)),
    "last_day": ((1, 3), (0, 2)),
    "open_briefly": ((0, 5), (0, 4)),
    "days": ((82 * 252 - 40, 82 * 252 + 40), (44 * 2279 // 10 - 20, 44 * 2279 // 10 + 20)),
}
FREE = (
    "days",
    "last_day",
    "primary",
    "secondary",
    "open_briefly",
)  # may differ between families that are swapped in the third step
LONG = 400  # days: cases still open that were referred late pull the end of the curve down
ALL_CHILDREN, WITHOUT_DATA = 326, 4


def draw_calibrated(seed: int, truth: Truth, say: Callable[[str], None]) -> dict[str, pd.DataFrame]:
    """The tables of the published draw. Raises CreweError if a step of the search fails."""
    dates = StudyDates(*(pd.Timestamp(day) for day in (truth.pilot_start, truth.pilot_end, truth.study_end)))
    say(f"drawing a pool of {POOL:,} families")
    pool = base.draw_people(POOL, seed, truth)
    outcomes = _describe_pool(pool, seed, truth, dates)
    say("choosing families by their counts")
    rng = base.stream(seed, "choice")
    chosen = _choose_families(rng, outcomes, dates)
    without = _choose_without_data(rng, pool, ALL_CHILDREN - int(outcomes["children"].to_numpy()[chosen].sum()))
    drawn = take(pool, np.sort(np.r_[outcomes["position"].to_numpy()[chosen], without]))
    tables = base.base_tables(drawn, seed, truth)
    say("drawing absence, questionnaires and coded risk")
    tables["absence"] = _draw_absence(drawn, tables, seed, truth, dates)
    tables["sdq"] = _draw_sdq(drawn, tables, seed, truth)
    cases, followable = base.find_risk_cases(drawn, truth)
    which, codes, followed = draw_calibrated_risk(base.stream(seed, "risk"), cases, followable, truth)
    tables["risk"] = text.risk_table(tables, which, codes, followed)
    return {name: tables[name] for name in TABLES}


def take(pool: base.Drawn, families: Whole) -> base.Drawn:
    """Some families of a draw, with all that belongs to them; positions are counted anew."""
    family_at = np.full(len(pool.families), -1)
    family_at[families] = np.arange(len(families))
    children = pool.children[family_at[pool.children["family"]] >= 0]
    child_at = np.full(len(pool.children), -1)
    child_at[children.index] = np.arange(len(children))
    course = pool.course

    def kept(frame: pd.DataFrame, name: str, at: Whole) -> pd.DataFrame:
        position: Whole = at[frame[name].to_numpy(dtype=np.int64)]
        moved = frame.assign(**{name: position})
        return moved[position >= 0].reset_index(drop=True)

    return base.Drawn(
        pool.families.iloc[families].reset_index(drop=True),
        children.assign(family=family_at[children["family"]]).reset_index(drop=True),
        Course(
            kept(course.episodes, "child", child_at),
            kept(course.protection, "child", child_at),
            kept(course.crossovers, "family", family_at),
        ),
    )


def _describe_pool(pool: base.Drawn, seed: int, truth: Truth, dates: StudyDates) -> pd.DataFrame:
    """The cases of the pool by the reports' definitions, with the features that are counted, as whole numbers."""
    tables = base.base_tables(pool, seed, truth)
    cases = measures.describe_outcomes(to_records(tables, "simulated"), dates)
    number = pd.Series(np.arange(len(pool.families)), index=tables["families"]["family_id"])
    cases["position"] = number[cases["family_id"]].to_numpy()
    cases["known"] = cases["closed_1"].notna()
    cases["closed"] = cases["closed_1"].fillna(False).astype(bool)
    cases["known_history"] = cases["known"] & cases["history"]
    cases["closed_history"] = cases["closed"] & cases["history"]
    cases["known_2"] = cases["rereferred_2"].notna()
    cases["female"] = cases["sex"] == "female"
    cases["not_recorded"] = (cases["sex"] == "not_recorded") | (cases["disability"] == "")
    cases["disabled"] = cases["disability"] == "1"
    for group in ("white_british", "white_other"):
        cases[group] = cases["ethnicity"] == group
    cases["children"] = pool.families["size"].to_numpy()[cases["position"]]
    phase = np.where(pool.children["is_cin"], find_phase(pool.children["born"].to_numpy()), -1)
    for name, value in (("primary", 0), ("secondary", 1)):
        counts = np.bincount(pool.children["family"].to_numpy()[phase == value], minlength=len(pool.families))
        cases[name] = counts[cases["position"]]
    cases["last_day"] = cases["referred_on"] == pd.Timestamp(truth.last_referral)
    cases["days"] = cases["days_open"]
    cases["open_briefly"] = cases["known"] & ~cases["closed"] & (cases["days"] < LONG)
    numbers: pd.DataFrame = cases.assign(**{name: cases[name].astype("Int64").fillna(0).astype(int) for name in BOUNDS})
    return numbers


def _choose_families(rng: np.random.Generator, outcomes: pd.DataFrame, dates: StudyDates) -> Whole:
    """Rows of `outcomes`: counts first, then effects and curves by swaps."""
    features = outcomes[list(BOUNDS)].to_numpy(dtype=np.int64)
    treated = outcomes["treated"].to_numpy() == 1
    fixed = [name for name in BOUNDS if name not in FREE]
    labels = outcomes[["treated", *fixed]].to_numpy(dtype=np.int64)
    _, kinds = np.unique(labels, axis=0, return_inverse=True)
    cost = _make_cost(outcomes, dates)
    for number in range(STARTS):
        chosen = []
        for arm, size in ((0, 84), (1, 44)):
            low, high = _bounds(arm)
            rows = np.flatnonzero(treated if arm == 0 else ~treated)
            chosen.append(rows[choose_rows(rng, features[rows], low, high, size)])
        try:
            return improve_by_swaps(rng, np.concatenate(chosen), kinds.ravel(), cost, steps=40_000)
        except CreweError:
            # Swaps keep each family's counts, so some first choices cannot reach the curves: another is tried.
            if number == STARTS - 1:
                raise
    raise AssertionError("the last start returns or raises")


def _bounds(arm: int) -> tuple[Whole, Whole]:
    """Lowest and highest sums in one arm (0 treatment, 1 control)."""
    own = [bound[arm] for bound in BOUNDS.values()]
    pairs: Whole = np.array([bound if isinstance(bound, tuple) else (bound, bound) for bound in own], dtype=np.int64)
    return pairs[:, 0], pairs[:, 1]


def _make_cost(outcomes: pd.DataFrame, dates: StudyDates) -> Callable[[Whole], float]:
    """How far a choice of cases is from the adjusted effects, the curves and the mean days open; 0 if it fits."""
    known = outcomes["known"].to_numpy() == 1
    treated, closed = outcomes["treated"].to_numpy() == 1, outcomes["closed"].to_numpy() == 1
    days, last_day = outcomes["days"].to_numpy(), outcomes["last_day"].to_numpy() == 1
    design = measures.closure_design(outcomes)
    design = np.column_stack([design, design[:, 1] * design[:, 2]])
    last = (dates.pilot_end - dates.pilot_start).days

    def cost(rows: Whole) -> float:
        used = rows[known[rows]]
        main = np.linalg.lstsq(design[used, :-1], closed[used].astype(float), rcond=None)[0]
        both = np.linalg.lstsq(design[used], closed[used].astype(float), rcond=None)[0]
        off = 100 * _outside(main[1], 0.0847, 0.0851) + 20 * _outside(both[1] + both[-1], 0.197, 0.203)
        off += 0.0 if last_day[used].any() else 1.0
        curves = []
        for arm, mean in ((True, 252.0), (False, 227.9)):
            own = used[treated[used] == arm]
            off += 0.1 * _outside(float(days[own].mean()), mean - 0.5, mean + 0.5)
            curves.append(measures.estimate_open(days[own], closed[own], last))
        return off + miss_of_curves(curves[0], curves[1])

    return cost


def _outside(value: float, low: float, high: float) -> float:
    return max(low - value, 0.0, value - high)


def _choose_without_data(rng: np.random.Generator, pool: base.Drawn, children: int) -> Whole:
    """Treated families whose case data were not found, with so many children in all."""
    rows = np.flatnonzero((pool.families["treated"] & ~pool.families["case_data"]).to_numpy())
    size = pool.families["size"].to_numpy()[rows][:, None]
    bound = np.array([children])
    return rows[choose_rows(rng, size, bound, bound, WITHOUT_DATA)]


def _records(tables: Mapping[str, pd.DataFrame], name: str, frame: pd.DataFrame) -> Records:
    return to_records({**tables, name: frame}, "simulated")


def _draw_absence(
    drawn: base.Drawn, tables: Mapping[str, pd.DataFrame], seed: int, truth: Truth, dates: StudyDates
) -> pd.DataFrame:
    """Absence of exactly the pupils that R1 counts, drawn until the three differences have R1's signs and none is
    significant."""
    pupils = base.find_pupils(drawn, truth)
    for number in range(TRIES):
        rng = base.stream(seed, "absence", number)
        terms = choose_pupils(rng, pupils["phase"].to_numpy(), truth, PUPILS)
        table = text.absence_table(tables, draw_absence(rng, pupils, terms, truth))
        if measures.absence_fits(measures.describe_absence(_records(tables, "absence", table), dates)):
            return table
    raise CreweError(f"calibration: no draw of absence fits in {TRIES} tries.")


def _draw_sdq(drawn: base.Drawn, tables: Mapping[str, pd.DataFrame], seed: int, truth: Truth) -> pd.DataFrame:
    """Questionnaires, drawn until treatment is slightly better on the total and no test is significant."""
    for number in range(TRIES):
        table = text.sdq_table(tables, draw_sdq(base.stream(seed, "sdq", number), base.find_leads(drawn), truth))
        if measures.sdq_fits(measures.compare_sdq(_records(tables, "sdq", table))):
            return table
    raise CreweError(f"calibration: no draw of questionnaires fits in {TRIES} tries.")
