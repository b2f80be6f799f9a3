"""Scores of the Strengths and Difficulties Questionnaire from its items, which are known here by number only.

The wording of the items is copyright Youthinmind and stands nowhere in this repository. Rules: Youthinmind, 'Scoring
the Strengths & Difficulties Questionnaire for age 4-17' (19 August 2014) and '... for 2-4 year olds' (6 October 2015),
both opened as public copies; the version for two to four is scored alike. In the four scales of difficulties more
points are worse; in prosocial behaviour more points are better.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from crewe_lib.errors import DataError
from crewe_lib.provenance import traced
from crewe_lib.records import Records

SCALES: Mapping[str, tuple[int, ...]] = {
    "emotional": (3, 8, 13, 16, 24),
    "conduct": (5, 7, 12, 18, 22),
    "hyperactivity": (2, 10, 15, 21, 25),
    "peer": (6, 11, 14, 19, 23),
    "prosocial": (1, 4, 9, 17, 20),
}
REVERSED = (7, 11, 14, 21, 25)
DIFFICULTIES = tuple(scale for scale in SCALES if scale != "prosocial")
OUTCOMES = (*SCALES, "total")
LABELS: Mapping[str, str] = {
    "emotional": "Emotional symptoms",
    "conduct": "Conduct problems",
    "hyperactivity": "Hyperactivity and inattention",
    "peer": "Peer problems",
    "prosocial": "Prosocial behaviour",
    "total": "Total difficulties",
}
LEAST_ITEMS, MOST_POINTS = 3, 2  # answers that a scale needs; points of an item


def is_better_low(outcome: str) -> bool:
    """Whether fewer points are better: true but for prosocial behaviour."""
    return outcome != "prosocial"


def most_points(outcome: str) -> int:
    """The highest score: of a scale, or of the total of the scales of difficulties."""
    items = MOST_POINTS * len(SCALES["emotional"])
    return items * (len(DIFFICULTIES) if outcome == "total" else 1)


@traced
def score_items(sdq: pd.DataFrame) -> pd.DataFrame:
    """Scores of each questionnaire: one row for each row of `sdq`, in its order.

    sdq: columns item_01 to item_25, each 0, 1, 2 or missing. Items 7, 11, 14, 21 and 25 are turned round (0 for 2). A
    scale is the sum of its five items; with three or four answers their mean times five, rounded half up; with fewer it
    is missing. Columns: the five scales (0 to 10), total (the four scales of difficulties, 0 to 40; missing if one of
    them is), total_five (the total and prosocial behaviour, as the 2017 report's main text words it; it mixes points
    that are worse with points that are better, 0 to 50), answered (items, 0 to 25). Nullable whole numbers. Raises
    DataError for an answer that is not allowed or a column that is lacking.
    """
    items = _read_items(sdq)
    scores = pd.DataFrame(index=sdq.index)
    for scale, numbers in SCALES.items():
        own = items[[_name(number) for number in numbers]].copy()
        for number in set(numbers) & set(REVERSED):
            own[_name(number)] = MOST_POINTS - own[_name(number)]
        answers, points = own.notna().sum(axis=1), own.sum(axis=1).astype("Int64")
        # ⌊points / answers × 5 + ½⌋ in whole numbers, so that no half is lost in a fraction.
        score = (2 * len(numbers) * points + answers) // (2 * answers.clip(lower=1))
        scores[scale] = score.astype("Int64").mask(answers < LEAST_ITEMS)
    scores["total"] = scores[list(DIFFICULTIES)].sum(axis=1, skipna=False).astype("Int64")
    scores["total_five"] = scores["total"] + scores["prosocial"]
    scores["answered"] = items.notna().sum(axis=1).astype("Int64")
    return scores


def _name(number: int) -> str:
    return f"item_{number:02d}"


def _read_items(sdq: pd.DataFrame) -> pd.DataFrame:
    names = [_name(number) for numbers in SCALES.values() for number in numbers]
    if lacking := [name for name in names if name not in sdq]:
        raise DataError(f"sdq: no column {', '.join(lacking)}; all 25 items are needed, blank where left out.")
    items = sdq[names].astype("Float64")
    wrong = items.notna() & ~items.isin([0, 1, MOST_POINTS])
    if bool(wrong.to_numpy().any()):
        columns = ", ".join(str(name) for name in items.columns[wrong.any(axis=0)])
        raise DataError(f"sdq: {columns} hold answers other than 0, 1 and 2; leave an item blank that has none.")
    return items.astype("Int64")


@traced
def derive_scores(records: Records) -> pd.DataFrame:
    """Every questionnaire filled in since its family was randomised, with its scores.

    Columns: child_id, family_id, arm, lead_child (true or false), informant, version, completed_on, days (since
    randomisation), and those of `score_items`; ordered by family, child and day. One filled in before the day of
    randomisation cannot show what followed from it and is left out.
    """
    people = records.children[["child_id", "family_id", "lead_child"]]
    families = records.families[["family_id", "arm", "randomised_on"]]
    found = records.sdq.merge(people, on="child_id", validate="many_to_one").merge(families, on="family_id")
    found = found[found["completed_on"] >= found["randomised_on"]].reset_index(drop=True)
    kept = found[["child_id", "family_id", "arm", "lead_child", "informant", "version", "completed_on"]]
    days = (found["completed_on"] - found["randomised_on"]).dt.days
    kept = kept.assign(lead_child=kept["lead_child"] == "1", days=days).join(score_items(found))
    order = ["family_id", "child_id", "completed_on", "informant"]
    return kept.sort_values(order, kind="stable", ignore_index=True)
