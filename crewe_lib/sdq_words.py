"""How chapter 03 writes its results: findings, the figure's points and words, and bindings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from crewe_lib.evidence import Binding
from crewe_lib.formats import agree, choose, count, fixed, level, p_phrase, percent, spelt
from crewe_lib.models.ranks import find_detectable_superiority
from crewe_lib.provenance import traced
from crewe_lib.sdq import ARMS
from crewe_lib.sdq_scoring import most_points
from crewe_lib.sdq_tables import write_better


@traced
def summarise_findings(
    published: pd.DataFrame, better: pd.DataFrame, answers: pd.DataFrame, *, alpha: float, power: float
) -> dict[str, Any]:
    """What prose needs: how many tests reject at alpha and after allowing for all, the total's results, the scores that
    favour each arm, who answered and when, and the least chance that so many children could have shown."""
    total = better[better["outcome"] == "total"].iloc[0]
    tested = better[better["note"] == ""]
    shares = dict(zip(answers["arm"], answers["share"].astype(float), strict=True))
    p_values, days = tested["p_value"].astype(float).to_numpy(), answers.set_index("arm")["days_median"]
    first, words = int(np.argmin(p_values)), write_better(tested).set_index("outcome").loc["total"]
    n, m = int(total["n_treatment"]), int(total["n_control"])
    detectable = find_detectable_superiority(n, m, alpha=alpha, power=power)
    found = {
        "rejected_published": int((published["p_value"] <= alpha).sum()),
        "rejected": int((p_values <= alpha).sum()),
        "rejected_step_down": int((tested["p_step_down"] <= alpha).sum()),
        "favour_treatment": int((tested["favours"] == ARMS["treatment"]).sum()),
        "favour_control": int((tested["favours"] == ARMS["control"]).sum()),
        "smallest": float(p_values[first]),
        "smallest_label": str(tested["label"].iloc[first]).lower(),
        "favours": str(total["favours"]),
        "interval": words["better_interval"] if pd.notna(total["better_low"]) else "none, as the arms do not overlap",
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
        **{f"days_{arm}": float(days[arm]) for arm in ARMS},
    }
    return {**found, **{name: total[name] for name in ("better", "shift", "p_value", "form")}}


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


def _scores_have(value: int) -> str:
    """A count of scores with its verb: 'no score has', '1 score has', '3 scores have'."""
    return "no score has" if value == 0 else f"{count(value)} {'score has' if value == 1 else 'scores have'}"


def _detectable() -> Iterator[Binding]:
    every, one = {"children": "all"}, {"children": "lead", "share": 1.0}
    yield Binding("detect_every", "detectable", "better", every, percent())
    yield Binding("detect_every_deviations", "detectable", "deviations", every, fixed(2))
    yield Binding("detect_all", "detectable", "better", one, percent())
    yield Binding("detect_all_treatment", "detectable", "n_treatment", one, count)
    yield Binding("detect_all_control", "detectable", "n_control", one, count)
    yield Binding("detect_quarter", "detectable", "better", {"children": "lead", "share": 0.25}, percent())
    yield Binding("children", "design", "children", show=count)
    yield Binding("share_2017", "design", "share_2017", show=level)
    yield Binding("share_2020", "design", "share_2020", show=level)
    yield Binding("icc_low", "design", "icc_low", show=fixed(2))
    yield Binding("icc_high", "design", "icc_high", show=fixed(0))


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
    Binding("wave", "settings", "wave"),
    Binding("cut_sources", "cut_counts", "sources"),
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
    Binding("p", "findings", "p_value", show=p_phrase),
    Binding("form", "findings", "form"),
    Binding("most_exact", "settings", "most_exact", show=count),
    Binding("days_treatment", "findings", "days_treatment", show="{:g}".format),
    Binding("days_control", "findings", "days_control", show="{:g}".format),
    Binding("rejected", "findings", "rejected", show=_scores_have),
    Binding("rejected_step_down", "findings", "rejected_step_down", show=_scores_have),
    Binding("rejected_published", "findings", "rejected_published", show=_scores_have),
    Binding("favour_treatment", "findings", "favour_treatment", show=agree("favours", "favour")),
    Binding("favour_control", "findings", "favour_control", show=agree("favours", "favour")),
    Binding("smallest_label", "findings", "smallest_label"),
    Binding("smallest", "findings", "smallest", show=p_phrase),
    Binding("share_gap", "findings", "share_gap", show=choose("more often than", "less often than", "as often as")),
    Binding("detectable", "findings", "detectable", show=percent()),
)
