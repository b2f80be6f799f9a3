"""How chapter 03 writes its results: printed statements, findings, the figure's points, headings and bindings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from crewe_lib.claim_register import to_claims
from crewe_lib.errors import DataError
from crewe_lib.evidence import Binding, Column
from crewe_lib.formats import (
    NO_BREAK,
    agree,
    choose,
    count,
    fixed,
    interval,
    level,
    p_phrase,
    p_value,
    percent,
    spelt,
)
from crewe_lib.models.ranks import find_detectable_superiority
from crewe_lib.provenance import traced
from crewe_lib.sdq import ARMS
from crewe_lib.sdq_scoring import OUTCOMES, most_points

# What the 2017 report prints of behaviour, in the order of its pages.
STATEMENTS = (
    "r1.sdq.direction",
    "r1.sdq.sig",
    "r1.sdq.waves",
    "r1.sdq.interval",
    "r1.sdq.respondent",
    "r1.sdq.respondent_app",
    "r1.sdq.age",
    "r1.sdq.age_young",
)
PRINTED_COLUMNS = {
    "statement": Column("What it is about"),
    "value": Column("Printed"),
    "place": Column("Where"),
}
DETECTABLE_COLUMNS = {
    "share": Column("If so many families answered", percent(1)),
    "n_treatment": Column("Project Crewe", fixed(0)),
    "n_control": Column("Cheshire East", fixed(0)),
    "better": Column("Chance of the better score", percent()),
    "deviations": Column("Standard deviations apart", fixed(2)),
}
ANSWER_COLUMNS = {
    "label": Column("Arm"),
    "families": Column("Families", fixed(0)),
    "answered": Column("With a questionnaire", fixed(0)),
    "share": Column("Share", percent()),
    "practitioner": Column("By a worker", fixed(0)),
    "parent": Column("By a parent", fixed(0)),
    "self": Column("By the child", fixed(0)),
    "items_left_out": Column("With gaps", fixed(0)),
    "unused": Column("Not used", fixed(0)),
}
PUBLISHED_COLUMNS = {
    "label": Column("Score"),
    "better_when": Column("Better when"),
    "treatment": Column("Project Crewe"),
    "control": Column("Cheshire East"),
    "favours": Column("Better by ranks"),
    "p_value": Column("p", p_value),
    "note": Column("Not tested because", blank=""),
}
BETTER_COLUMNS = {
    "label": Column("Score"),
    "favours": Column("Better by ranks"),
    "better": Column("Chance that Project Crewe’s child is better", percent()),
    "better_interval": Column("Interval"),
    "shift": Column("Difference in points", fixed(1, sign=True)),
    "shift_interval": Column("Interval"),
    "p_exact": Column("Exact p", p_value),
    "p_step_down": Column("p, step-down", p_value),
    "p_holm": Column("p, Holm", p_value),
}
SPECIFICATION_COLUMNS = {
    "specification": Column("Test, sum or respondents"),
    "n_treatment": Column("Project Crewe", fixed(0)),
    "n_control": Column("Cheshire East", fixed(0)),
    "better": Column("Chance that Project Crewe’s child is better", percent()),
    "p_value": Column("p", p_value),
    "note": Column("Not tested because", blank=""),
}


@traced
def derive_printed(register: pd.DataFrame) -> pd.DataFrame:
    """What the 2017 report prints of behaviour: statement, value, place. Raises DataError if the register lacks one."""
    claims = to_claims(register)
    if lacking := [id for id in STATEMENTS if id not in claims]:
        raise DataError(f"the register has no claim {', '.join(lacking)}, which chapter 03 shows.")
    shown = {"n.s.": "not significant"}
    rows = [(one.statement, shown.get(one.value, one.value), one.place) for one in (claims[id] for id in STATEMENTS)]
    return pd.DataFrame(rows, columns=["statement", "value", "place"])


@traced
def write_published(published: pd.DataFrame) -> pd.DataFrame:
    """The table of the report's tests with each arm's scores as words: treatment, control."""
    arms = {
        arm: [
            f"{fixed(1)(mean)}; {fixed(1)(median)}; {fixed(0)(n)}" if pd.notna(mean) else "–"
            for mean, median, n in published[[f"mean_{arm}", f"median_{arm}", f"n_{arm}"]].itertuples(index=False)
        ]
        for arm in ("treatment", "control")
    }
    return published.assign(**arms)


@traced
def write_better(better: pd.DataFrame) -> pd.DataFrame:
    """The table of exact results with its intervals as words: better_interval, shift_interval ('–' where missing)."""
    chances = [
        f"{percent()(low)}{NO_BREAK}to{NO_BREAK}{percent()(high)}" if pd.notna(low) else "–"
        for low, high in zip(better["better_low"], better["better_high"], strict=True)
    ]
    shifts = [
        interval(low, high) if pd.notna(low) else "–"
        for low, high in zip(better["shift_low"], better["shift_high"], strict=True)
    ]
    return better.assign(better_interval=chances, shift_interval=shifts)


@traced
def summarise_findings(
    published: pd.DataFrame, better: pd.DataFrame, answers: pd.DataFrame, *, alpha: float, power: float
) -> dict[str, Any]:
    """What prose needs: numbers of tests, how many reject at alpha and after allowing for all, the total's results, the
    scores that favour each arm, who answered, and the least chance that so many children could have shown."""
    total = better[better["outcome"] == "total"].iloc[0]
    tested = better[better["note"] == ""]
    shares = dict(zip(answers["arm"], answers["share"].astype(float), strict=True))
    exact = tested["p_exact"].astype(float).to_numpy()
    first, words = int(np.argmin(exact)), write_better(tested).set_index("outcome").loc["total"]
    n, m = int(total["n_treatment"]), int(total["n_control"])
    detectable = find_detectable_superiority(n, m, alpha=alpha, power=power)
    found = {
        "tests": len(tested),
        "all_tests": len(OUTCOMES),
        "rejected_published": int((published["p_value"] <= alpha).sum()),
        "rejected": int((exact <= alpha).sum()),
        "rejected_step_down": int((tested["p_step_down"] <= alpha).sum()),
        "favour_treatment": int((tested["favours"] == ARMS["treatment"]).sum()),
        "favour_control": int((tested["favours"] == ARMS["control"]).sum()),
        "smallest": float(exact[first]),
        "smallest_label": str(tested["label"].iloc[first]).lower(),
        "favours": str(total["favours"]),
        "interval": words["better_interval"],
        "shift_interval": words["shift_interval"],
        "n": n + m,
        "n_treatment": n,
        "n_control": m,
        "answered": int(answers["answered"].sum()),
        "families": int(answers["families"].sum()),
        "share_gap": shares["treatment"] - shares["control"],
        "workers": int(answers["practitioner"].sum()),
        "others": int(answers[["parent", "self"]].to_numpy().sum()),
        "detectable": detectable,
        "verdict": f"can {'hardly' if total['p_exact'] <= alpha else 'easily'} be put down",
    }
    return {**found, **{name: total[name] for name in ("better", "shift", "p_exact", "p_step_down")}}


@traced
def derive_points(scores: pd.DataFrame) -> pd.DataFrame:
    """Total difficulties of each child as the figure shows them: arm, label, score, height (place in the stack of equal
    scores), median and n of the arm. Project Crewe first; children without a total are left out."""
    known = scores.loc[scores["total"].notna(), ["arm", "total"]].astype({"total": int})
    parts = []
    for arm, label in ARMS.items():
        own = known.loc[known["arm"] == arm, "total"].sort_values()
        stack = own.groupby(own).cumcount() + 1
        part = pd.DataFrame({"arm": arm, "label": label, "score": own, "height": stack})
        parts.append(part.assign(median=float(own.median()), n=len(own)))
    return pd.concat(parts, ignore_index=True)


@traced
def derive_behind(points: pd.DataFrame) -> pd.DataFrame:
    """The figure's data: how many children of each arm have each score."""
    counts = points.groupby(["score", "label"]).size().unstack("label", fill_value=0)
    table: pd.DataFrame = counts.reindex(columns=list(ARMS.values()), fill_value=0).reset_index()
    return table.rename_axis(columns=None)


@traced
def describe_points(points: pd.DataFrame) -> dict[str, str]:
    """The figure in words: for each arm the number of children, the median and the range."""
    said = []
    for label, own in points.groupby("label", sort=False):
        low, high = int(own["score"].min()), int(own["score"].max())
        median = fixed(1)(own["median"].iloc[0])
        said.append(f"{label}: {len(own)} children, median {median}, from {low} to {high}")
    return {"text": f"{'; '.join(said)}, of {most_points('total')} points at most. Fewer points are better."}


def _detectable() -> Iterator[Binding]:
    yield Binding("detect_all", "detectable", "better", {"share": 1.0}, percent())
    yield Binding("detect_all_deviations", "detectable", "deviations", {"share": 1.0}, fixed(2))
    yield Binding("detect_all_treatment", "detectable", "n_treatment", {"share": 1.0}, count)
    yield Binding("detect_all_control", "detectable", "n_control", {"share": 1.0}, count)
    yield Binding("detect_quarter", "detectable", "better", {"share": 0.25}, percent())


NUMBERS = (
    Binding("cohort", "cohort", "name"),
    Binding("level", "settings", "confidence_level", show=level),
    Binding("alpha", "settings", "alpha", show=level),
    Binding("power", "settings", "power", show=level),
    Binding("n_draws", "settings", "n_draws", show=count),
    Binding("definition", "definition", "finding"),
    Binding("scales", "definition", "numbers.scales", show=spelt),
    Binding("scales_left", "definition", "numbers.left", show=spelt),
    Binding("items", "definition", "numbers.items", show=spelt),
    Binding("cut_sets", "cut_counts", "sets", show=spelt),
    Binding("cut_yes", "cut_counts", "yes", show=spelt),
    Binding("cut_in_part", "cut_counts", "in_part", show=spelt),
    Binding("cut_no", "cut_counts", "no", show=spelt),
    *_detectable(),
    Binding("n", "findings", "n", show=count),
    Binding("n_treatment", "findings", "n_treatment", show=count),
    Binding("n_control", "findings", "n_control", show=count),
    Binding("answered", "findings", "answered", show=count),
    Binding("families", "findings", "families", show=count),
    Binding("workers", "findings", "workers", show=count),
    Binding("others", "findings", "others", show=count),
    Binding("favours", "findings", "favours"),
    Binding("better", "findings", "better", show=percent()),
    Binding("better_interval", "findings", "interval"),
    Binding("shift", "findings", "shift", show=fixed(1, sign=True)),
    Binding("shift_interval", "findings", "shift_interval"),
    Binding("p_exact", "findings", "p_exact", show=p_phrase),
    Binding("verdict", "findings", "verdict"),
    Binding("tests", "findings", "tests", show=spelt),
    Binding("rejected", "findings", "rejected", show=agree("differs", "differ")),
    Binding("rejected_step_down", "findings", "rejected_step_down", show=agree("does", "do")),
    Binding("rejected_published", "findings", "rejected_published", show=count),
    Binding("favour_treatment", "findings", "favour_treatment", show=count),
    Binding("favour_control", "findings", "favour_control", show=count),
    Binding("smallest_label", "findings", "smallest_label"),
    Binding("smallest", "findings", "smallest", show=p_phrase),
    Binding("share_gap", "findings", "share_gap", show=choose("more often than", "less often than", "as often as")),
    Binding("detectable", "findings", "detectable", show=percent()),
)
