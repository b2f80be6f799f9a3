"""Risk at the third time point: the cases of round one that were scored again in January 2019 (Figures 4 to 6 of 2020).

**A higher score is safer**; where the report writes that risk rose, the score fell. Cases are followed because they
were open again or still, so that those followed were chosen by an outcome. In points of the score.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from math import comb, nan, sqrt
from typing import Any, get_args

import numpy as np
import pandas as pd
from scipy import stats

from crewe_lib.claim_register import read_register
from crewe_lib.definitions_follow_up import ClosedReading
from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import count, fixed, moved, p_phrase, p_value
from crewe_lib.models.panel import check_alpha
from crewe_lib.provenance import infers, traced
from crewe_lib.records import Records
from crewe_lib.results import Estimate
from crewe_lib.risk import ARMS, OUTCOMES, TIMES, derive_changes
from crewe_lib.risk_estimates import ANCOVA, CHANGE, RANDOMISED, adjust_for_start, randomise, to_row
from crewe_lib.risk_scoring import COMBINED, Combine, derive_risk_scores, list_child_factors

SHOWN = ("total", "protective", "risk")  # Figures 4, 5 and 6
LEAST_FOR_INTERVAL = 2
FOLLOWED_COLUMNS: Mapping[str, Column] = {
    "arm_label": Column("Arm"),
    "followed_label": Column("Scored again in January 2019"),
    "n": Column("Cases", count),
    "closed": Column("Closed at the end", count),
    "aged_out": Column("Turned eighteen", count),
    "referral": Column("Mean total at referral", fixed(1)),
    "latest": Column("Mean total, latest", fixed(1)),
    "child_new": Column("Child scored for the first time", count),
}
TIME_COLUMNS: Mapping[str, Column] = {
    "label": Column("Part of the score"),
    "arm_label": Column("Arm"),
    "time_label": Column("When"),
    "n": Column("Cases", count),
    "mean": Column("Mean", fixed(1)),
    "low": Column("from", fixed(1)),
    "high": Column("to", fixed(1)),
}
DIFFERENCE_COLUMNS: Mapping[str, Column] = {
    "label": Column("Part of the score"),
    "since": Column("Change since"),
    "method": Column("Method"),
    "estimate": Column("Difference, points", fixed(1, sign=True)),
    "interval": Column("Interval"),
    "p_value": Column("p", p_value),
    "n": Column("Cases", count),
    "note": Column("Remark", blank=""),
}


@traced
@infers
def derive_implied_spread(register: pd.DataFrame, *, alpha: float) -> dict[str, float]:
    """How alike the changes in the printed groups would have to be for the printed means to differ significantly.

    By a two-sided t test of two means with one spread. Keys: gap (of the printed means, points), spread (the greatest
    standard deviation of changes within groups at which p ≤ alpha, points), n. The difference is a printed one, the
    spread is implied. Raises DataError, CreweError for bad alpha.
    """
    check_alpha(alpha)
    reader = read_register(register)
    ours, theirs = reader.count("r2.risk.n_treat"), reader.count("r2.risk.n_control")
    gap = abs(reader.number("r2.risk.control") - reader.number("r2.risk.treat"))
    limit = float(stats.t.isf(alpha / 2, ours + theirs - 2)) * sqrt(1 / ours + 1 / theirs)
    return {"gap": gap, "spread": gap / limit, "n": ours + theirs}


@traced
def summarise_followed(scores: pd.DataFrame, families: pd.DataFrame, *, closed_reading: ClosedReading) -> pd.DataFrame:
    """Cases with a total both at referral and latest, by arm, and by whether they have one at follow-up too.

    scores: as from `risk_scoring.derive_risk_scores`; families: as from `follow_up.derive_follow_up_set`. Columns: arm,
    arm_label, followed, followed_label, n, closed and aged_out (cases, by the last day of the follow-up), referral and
    latest (mean total), child_new (cases whose child was scored at follow-up and not before, as when it grew past the
    framework's age). Every row is there, also without a case.
    """
    known = scores.dropna(subset=["total"])
    wide = known.pivot_table(index="family_id", columns="time_point", values="total").reindex(columns=list(TIMES))
    wide = wide.dropna(subset=["referral", "latest"]).join(scores.groupby("family_id")["arm"].first())
    child = scores[scores["child"]].groupby("time_point")["family_id"].agg(set)
    new = child.get("follow_up", set()) - child.get("latest", set())
    later = families.set_index("family_id")
    rows = []
    for arm, label in ARMS.items():
        for followed in (True, False):
            own = wide[(wide["arm"] == arm) & (wide["follow_up"].notna() == followed)]
            ends = later.reindex(own.index)
            row: dict[str, object] = {"arm": arm, "arm_label": f"{arm} ({label})", "followed": followed, "n": len(own)}
            row |= {"followed_label": "yes" if followed else "no"}
            row |= {"closed": int(ends[f"closed_{closed_reading}"].sum()), "aged_out": int(ends["aged_out"].sum())}
            row |= {time: float(own[time].mean()) if len(own) else nan for time in ("referral", "latest")}
            rows.append(row | {"child_new": int(own.index.isin(list(new)).sum()) if followed else None})
    return pd.DataFrame(rows)


@traced
def derive_courses(scores: pd.DataFrame) -> pd.DataFrame:
    """The scores of the cases with a total at all three time points: arm, outcome and one column for each time."""
    known = scores.dropna(subset=["total"])
    complete = known.groupby("family_id")["time_point"].nunique() == len(TIMES)
    own = known[known["family_id"].isin(complete.index[complete])]
    courses = []
    for outcome in SHOWN:
        wide = own.pivot_table(index=["arm", "family_id"], columns="time_point", values=outcome)
        courses.append(wide.reindex(columns=list(TIMES)).reset_index().assign(outcome=outcome))
    return pd.concat(courses, ignore_index=True)[["outcome", "arm", "family_id", *TIMES]]


@traced
def summarise_times(courses: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Means at the three time points of the same cases throughout, by arm: Figures 4 to 6 of the 2020 report.

    Columns: outcome, label, arm, arm_label, time_point, time_label, n, mean, low, high (t interval of the mean at
    alpha; missing with fewer than two cases, or if they are all alike). Every row is there, also without a case.
    Raises CreweError for bad alpha.
    """
    check_alpha(alpha)
    rows = []
    for outcome in SHOWN:
        for arm, label in ARMS.items():
            own = courses[courses["outcome"].eq(outcome) & courses["arm"].eq(arm)]
            for time, when in TIMES.items():
                values = own[time].to_numpy(float)
                n = len(values)
                mean = float(values.mean()) if n else nan
                spread = float(values.std(ddof=1)) if n >= LEAST_FOR_INTERVAL else 0.0
                half = float(stats.t.isf(alpha / 2, n - 1)) * spread / sqrt(n) if spread > 0 else nan
                row: dict[str, object] = {"outcome": outcome, "label": OUTCOMES[outcome], "arm": arm}
                row |= {"arm_label": f"{arm} ({label})"}
                row |= {"time_point": time, "time_label": when, "n": n}
                rows.append(row | {"mean": mean, "low": mean - half, "high": mean + half})
    return pd.DataFrame(rows)


def _list_rows(framework: pd.DataFrame, combine: Combine) -> Iterator[tuple[str, str, str, Combine, tuple[str, ...]]]:
    """outcome, words for it, since when, reading of engagement, and factors left out; one row for each."""
    for outcome in ("total", "protective", "risk", "engagement"):
        yield outcome, OUTCOMES[outcome], "latest", combine, ()
    other: Combine = next(one for one in get_args(Combine) if one != combine)
    yield "total", f"Total score, {COMBINED[other]}", "latest", other, ()
    yield "total", "Total score, without the child's own part", "latest", combine, list_child_factors(framework)
    yield "total", OUTCOMES["total"], "referral", combine, ()


@traced
def estimate_follow_up_risk(
    records: Records, framework: pd.DataFrame, *, combine: Combine, alpha: float, n_draws: int, seed: int
) -> pd.DataFrame:
    """How far the arms' changes in risk score to the third time point differ, treatment less control.

    Rows: change since latest of the total and of each part by `combine`; the total under the other reading of
    engagement, without what is scored of the child itself (which comes in when a child grows past the framework's
    age), and since referral; each by allocating the families anew, arm sizes kept (all allocations where they are at
    most n_draws). For the total, too, the difference at follow-up for the same score at the start (ANCOVA, CR2).

    Columns: `Estimate`'s, label, since, start, treated and others (cases by arm), interval (in words), note. What the
    cases do not allow, such as anything with fewer than three followed in an arm, keeps its row with the reason in
    note. Raises CreweError for bad alpha, n_draws, or another `combine`; DataError as `derive_risk_scores` does.
    """
    check_alpha(alpha)
    rows: list[dict[str, object]] = []
    for outcome, label, start, reading, without in _list_rows(framework, combine):
        scores = derive_risk_scores(records, framework, combine=reading, without=without)
        own: dict[str, object] = {"label": label, "since": TIMES[start], "start": start, "treated": 0, "others": 0}
        try:
            changes = derive_changes(scores, start=start, end="follow_up")
        except CreweError as reason:
            blank = Estimate(outcome, CHANGE, nan, nan, nan, nan, nan, 0, "none")
            rows.append({**vars(blank), "n": None, "interval": None, "note": str(reason).partition(": ")[2], **own})
            continue
        own |= {"treated": int(changes["treated"].sum()), "others": int((changes["treated"] == 0).sum())}
        rng = np.random.default_rng(seed)
        draw = partial(randomise, changes, outcome, alpha=alpha, n_draws=n_draws, rng=rng)
        rows.append(to_row(draw, outcome, RANDOMISED, changes) | own)
        if label == OUTCOMES["total"]:
            adjust = partial(adjust_for_start, changes, outcome, alpha=alpha)
            rows.append(to_row(adjust, outcome, ANCOVA, changes) | own)
    return pd.DataFrame(rows)


@traced
def summarise_follow_up_risk(
    estimates: pd.DataFrame, times: pd.DataFrame, followed: pd.DataFrame, *, alpha: float, n_draws: int
) -> dict[str, object]:
    """For prose: n_treatment, n_control (cases with a total at all three times) and lost; moved_treatment and
    moved_control (their mean total since latest, in words); said (difference, interval and p-value of the
    total since latest in words, or why there is none), rows, small (rows with p ≤ alpha), range (of all rows of the
    total, in words), allocations (how many the first row was compared with), child_new."""
    rows: list[dict[str, Any]] = [
        {str(name): value for name, value in row.items()}
        for row in times.to_dict("records")
        if row["outcome"] == "total"
    ]
    total = {(row["arm"], row["time_point"]): row for row in rows}
    change = {arm: float(total[arm, "follow_up"]["mean"] - total[arm, "latest"]["mean"]) for arm in ARMS}
    known, first = estimates.dropna(subset=["p_value"]), estimates.iloc[0]
    totals = known.loc[known["outcome"] == "total", "estimate"].to_numpy(float)
    ends = [fixed(1, sign=True)(end) for end in (np.min(totals), np.max(totals))] if len(totals) else []
    both = int(first["treated"]), int(first["others"])
    return {
        **{f"n_{arm}": int(total[arm, "latest"]["n"]) for arm in ARMS},
        **{f"moved_{arm}": "is not known" if np.isnan(size) else moved(1)(size) for arm, size in change.items()},
        "lost": int(followed.loc[~followed["followed"], "n"].sum()),
        "child_new": int(followed.loc[followed["followed"], "child_new"].sum()),
        "allocations": min(n_draws, comb(sum(both), both[0])),
        "said": _say(first),
        "rows": len(known),
        "small": int((known["p_value"] <= alpha).sum()),
        "range": " to ".join(ends) or "none",
    }


def _say(row: pd.Series) -> str:
    """The difference in words, or why there is none."""
    if pd.isna(row["p_value"]):
        return f"it cannot be assessed ({row['note']})"
    size = fixed(1)(abs(row["estimate"]))
    side = "safer" if row["estimate"] > 0 else "less safe"
    return f"treatment cases came out {size} points {side} (interval {row['interval']}, {p_phrase(row['p_value'])})"
