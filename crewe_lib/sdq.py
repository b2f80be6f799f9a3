"""The strengths and difficulties questionnaire by arm: the published tests, and exact ones with the size of it.

More points are worse in the four scales of difficulties and in their total, and better in prosocial behaviour. So that
no sign has to be turned in the head, results are given as the chance that a child of Project Crewe has the *better*
score than one of Cheshire East: one half is no difference, more favours Project Crewe.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from crewe_lib.errors import CreweError
from crewe_lib.models.ranks import Superiority, fit_mann_whitney, fit_shift, fit_superiority
from crewe_lib.models.step_down import fit_step_down
from crewe_lib.provenance import traced
from crewe_lib.records import Records
from crewe_lib.sdq_scoring import LABELS, OUTCOMES, SCALES, is_better_low, most_points

Children = Literal["lead", "all"]
Informant = Literal["any", "practitioner", "parent", "self"]
Wave = Literal["latest", "earliest"]
# The reports name practitioners first; of two questionnaires filled in on one day the first in this order counts.
ORDER = ("practitioner", "parent", "self")
ARMS: Mapping[str, str] = {"treatment": "Project Crewe", "control": "Cheshire East"}
LEAST = 2  # children with a score that each arm needs
EXACT_AT_MOST = 200  # children; with more the normal form hardly differs, and the exact one takes minutes
ITEMS = sum(map(len, SCALES.values()))


@traced
def choose_questionnaires(
    scores: pd.DataFrame, *, children: Children, informant: Informant, wave: Wave
) -> pd.DataFrame:
    """One questionnaire for each child: the report compared one point in time.

    scores: from `derive_scores`. children 'lead': the child analysed elsewhere, one of each family; 'all': every child.
    wave: 'latest' or 'earliest' of those with a total; one without a total only if the child has no other. informant
    'any' takes whoever answered, practitioner before parent before child on the same day. Columns as in `scores`.
    Raises CreweError for another choice.
    """
    choices = (("children", children, Children), ("informant", informant, Informant), ("wave", wave, Wave))
    for name, value, allowed in choices:
        if value not in get_args(allowed):
            raise CreweError(f"{name} is '{value}'; it must be one of {', '.join(get_args(allowed))}.")
    own = scores[scores["lead_child"]] if children == "lead" else scores
    own = own if informant == "any" else own[own["informant"] == informant]
    rank = own["informant"].map({name: place for place, name in enumerate(ORDER)})
    own = own.assign(rank=rank, lacking=own["total"].isna())
    upwards = [True, True, wave == "earliest", True]
    own = own.sort_values(["child_id", "lacking", "completed_on", "rank"], ascending=upwards)
    return own.drop_duplicates("child_id").drop(columns=["rank", "lacking"]).reset_index(drop=True)


@traced
def estimate_published(scores: pd.DataFrame) -> pd.DataFrame:
    """The report's test on each score: Mann–Whitney, normal approximation corrected for ties, no continuity correction
    (the report mentions none).

    scores: one row per child and family, from `choose_questionnaires`. Columns: outcome, label, better_when ('lower',
    'higher'), n_treatment, n_control, mean_treatment, mean_control, median_treatment, median_control, favours (the arm
    with the better rank sum), z, p_value, note. A scale that cannot be tested has its reason in `note`. Raises
    CreweError if the total cannot be tested or a family has two children.
    """
    _check_one_each(scores)
    rows = []
    for outcome in OUTCOMES:
        row, values, treated = _describe_outcome(scores, outcome)
        if not row["note"]:
            fit = fit_mann_whitney(values, treated, method="normal")
            better = _turn(outcome, fit.superiority)
            row |= {"favours": _favours(better), "z": fit.z, "p_value": fit.p_value}
        rows.append({"favours": "–", "z": np.nan, "p_value": np.nan, **row})
    return pd.DataFrame(rows)


@traced
def estimate_better(scores: pd.DataFrame, *, alpha: float, n_draws: int, seed: int) -> pd.DataFrame:
    """Each score by exact ranks, with the size of the difference, and p-values that allow for testing six.

    scores: as in `estimate_published`. With more than `EXACT_AT_MOST` children a score is tested by the normal form
    instead. Columns: outcome, label, better_when, n_treatment, n_control, better (chance
    that a child of Project Crewe has the better score, ties half), better_low, better_high (Brunner and Munzel's
    variance, logit scale; missing where the arms do not overlap), favours, shift (Hodges–Lehmann, points, Project
    Crewe less Cheshire East), shift_low, shift_high (by the same test; the range of the score where nothing can be
    rejected), form (of the test: 'exact', 'normal'), p_value, p_holm, p_step_down (Westfall–Young, families dealt
    anew), note. Raises CreweError as `estimate_published` does.
    """
    _check_one_each(scores)
    rows = []
    for outcome in OUTCOMES:
        row, values, treated = _describe_outcome(scores, outcome)
        rows.append(row | ({} if row["note"] else _measure(outcome, values, treated, alpha)))
    table = pd.DataFrame(rows).reindex(columns=_BETTER)
    tested = table["note"] == ""
    kept = scores[table.loc[tested, "outcome"]].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    rng = np.random.default_rng(seed)
    stepped = fit_step_down(kept, scores["arm"] == "treatment", families=scores["family_id"], n_draws=n_draws, rng=rng)
    table.loc[tested, "p_step_down"] = stepped.adjusted
    table.loc[tested, "p_holm"] = multipletests(table.loc[tested, "p_value"].astype(float), method="holm")[1]
    return table.assign(favours=table["favours"].fillna("–"))


_BETTER = (
    "outcome", "label", "better_when", "n_treatment", "n_control", "better", "better_low", "better_high", "favours",
    "shift", "shift_low", "shift_high", "form", "p_value", "p_holm", "p_step_down", "note",
)  # fmt: skip


def _measure(outcome: str, values: np.ndarray, treated: np.ndarray, alpha: float) -> dict[str, Any]:
    """The test, and the difference as a chance and in points, of a score that can be tested."""
    form: Literal["exact", "normal"] = "exact" if len(values) <= EXACT_AT_MOST else "normal"
    test, shift = fit_mann_whitney(values, treated, method=form), fit_shift(values, treated, alpha=alpha, method=form)
    most = float(most_points(outcome))
    found: dict[str, Any] = {"better": _turn(outcome, test.superiority), "p_value": test.p_value, "form": form}
    try:
        chance: Superiority | None = fit_superiority(values, treated, alpha=alpha)
    except CreweError:  # arms that do not overlap: the test stands alone
        chance = None
    if chance is not None:
        ends = sorted(_turn(outcome, end) for end in (chance.conf_low, chance.conf_high))
        found |= {"better_low": ends[0], "better_high": ends[1]}
    limits = {"shift_low": max(-most, shift.conf_low), "shift_high": min(most, shift.conf_high)}
    return found | {"favours": _favours(found["better"]), "shift": shift.estimate, **limits}


@traced
def summarise_answers(records: Records, scores: pd.DataFrame, chosen: pd.DataFrame) -> pd.DataFrame:
    """Who answered for the lead child, and what became of every other questionnaire: one row per arm.

    Columns: arm, label, families (randomised), answered (families with a questionnaire in `chosen`), share,
    practitioner, parent, self (who filled it in), gaps (with an answer left out), no_total (too many left out),
    days_median, days_low, days_high (from randomisation; missing if none answered); not used: before (filled in before
    randomisation), siblings, unscorable (the lead child's, without a total), other (the lead child's, at another time
    or by somebody else).
    """
    early = _count_early(records)
    return pd.DataFrame([_summarise_arm(arm, records, scores, chosen) | {"before": early.get(arm, 0)} for arm in ARMS])


def _summarise_arm(arm: str, records: Records, scores: pd.DataFrame, chosen: pd.DataFrame) -> dict[str, Any]:
    own, used = scores[scores["arm"] == arm], chosen[chosen["arm"] == arm]
    families, answered = int((records.families["arm"] == arm).sum()), int(used["family_id"].nunique())
    key = ["child_id", "informant", "completed_on"]
    left = own[own["lead_child"] & ~pd.MultiIndex.from_frame(own[key]).isin(pd.MultiIndex.from_frame(used[key]))]
    days = used["days"].to_numpy(dtype=float)
    low, median, high = np.quantile(days, [0, 0.5, 1]) if len(days) else (np.nan, np.nan, np.nan)
    return {
        "arm": arm,
        "label": ARMS[arm],
        "families": families,
        "answered": answered,
        "share": answered / families if families else np.nan,
        **{who: int((used["informant"] == who).sum()) for who in ORDER},
        "gaps": int((used["answered"] < ITEMS).sum()),
        "no_total": int(used["total"].isna().sum()),
        **{"days_median": median, "days_low": low, "days_high": high},
        "siblings": int((~own["lead_child"]).sum()),
        "unscorable": int(left["total"].isna().sum()),
        "other": int(left["total"].notna().sum()),
    }


def _count_early(records: Records) -> dict[str, int]:
    """Questionnaires filled in before the family was randomised, by arm."""
    families = records.families[["family_id", "arm", "randomised_on"]]
    people = records.children[["child_id", "family_id"]].merge(families, on="family_id")
    found = records.sdq[["child_id", "completed_on"]].merge(people, on="child_id")
    early = found.loc[found["completed_on"] < found["randomised_on"], "arm"]
    return {str(arm): int(number) for arm, number in early.value_counts().items()}


def _describe_outcome(scores: pd.DataFrame, outcome: str) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    row, values, treated = describe_score(scores, outcome)
    if row["note"] and outcome == "total":
        raise CreweError(
            f"sdq: the total cannot be compared ({row['note']}; {row['n_treatment']} of Project Crewe, "
            f"{row['n_control']} of Cheshire East). Bring more questionnaires filled in since the families were "
            "randomised, or leave the table sdq out, and the chapter with it."
        )
    head = {"outcome": outcome, "label": LABELS[outcome]}
    return {**head, "better_when": "lower" if is_better_low(outcome) else "higher", **row}, values, treated


def describe_score(scores: pd.DataFrame, column: str) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """n, means and medians by arm, why the score cannot be tested if it cannot, the scores, and the arms."""
    known = scores[scores[column].notna()]
    values, treated = known[column].to_numpy(dtype=float), (known["arm"] == "treatment").to_numpy()
    row: dict[str, Any] = {}
    for arm, own in (("treatment", values[treated]), ("control", values[~treated])):
        row[f"n_{arm}"] = len(own)
        row[f"mean_{arm}"] = float(np.mean(own)) if len(own) else np.nan
        row[f"median_{arm}"] = float(np.median(own)) if len(own) else np.nan
    few = min(row["n_treatment"], row["n_control"]) < LEAST
    row["note"] = "too few children" if few else "all scores alike" if np.ptp(values) == 0 else ""
    return row, values, treated


def _turn(outcome: str, superiority: float) -> float:
    """The chance of the better score, from that of the higher one."""
    return 1 - superiority if is_better_low(outcome) else superiority


def _favours(better: float) -> str:
    if abs(better - 0.5) < 1e-9:
        return "neither"
    return ARMS["treatment" if better > 0.5 else "control"]


def _check_one_each(scores: pd.DataFrame) -> None:
    if scores["family_id"].duplicated().any():
        raise CreweError(
            "sdq: some families have several children, and families, not children, were randomised; take one child of "
            "each with choose_questionnaires(children='lead'), or test by fit_step_down, which moves whole families."
        )
