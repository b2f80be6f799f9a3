"""Did Project Crewe close more cases? The published linear model, and beside it one better.

Source of the published analysis: Project Crewe evaluation (2017), "Likelihood of closing cases", Figure 1, Appendix 6.
All functions take the table that `rct.derive_closing_set` gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import count, fixed, interval, p_value
from crewe_lib.models.linear import Array, Covariance, fit_linear
from crewe_lib.models.randomisation import fit_randomisation
from crewe_lib.provenance import traced
from crewe_lib.rct import ARMS, closing_design
from crewe_lib.results import Estimate

GROUPS: Mapping[str, str] = {
    "all": "All",
    "without_history": "Without history",
    "with_history": "With history",
    "interaction": "With less without history",
}
EFFECT_COLUMNS: Mapping[str, Column] = {
    "label": Column("Cases"),
    "method": Column("Method"),
    "estimate": Column("Difference in points", fixed(1, sign=True)),
    "interval": Column("Interval"),
    "p_value": Column("p", p_value),
    "n": Column("n", count),
    "df": Column("df", fixed(1)),
}
_OUTCOME, _POINTS = "closed", 100
_TREATED, _HISTORY = (1, 0), (0, 1)  # in the order of ARMS and of the groups by history


@traced
def estimate_published(closing: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """The report's model of closing: least squares on treatment, sex, age, disability and history, Huber–White errors.

    One row for each of GROUPS: all cases; those without and with history, and the difference between these two, from
    the model with treatment times history. The report says neither which Huber–White errors it took nor how it cut age:
    HC1, the default of Stata, and four bands stand here, the others in the table of specifications.

    Columns: those of Estimate (points of 100; n: cases in the group), and group, label, approach ('published'),
    interval. Raises CreweError if an arm has no case with, or without, history.
    """
    return pd.DataFrame(_effects(closing, "published", "HC1", "least squares, HC1 (published)", alpha))


@traced
def estimate_better(closing: pd.DataFrame, *, n_draws: int, seed: int, alpha: float) -> pd.DataFrame:
    """The same differences with CR2 errors by family and Satterthwaite degrees of freedom (approach 'better'), and with
    family-level randomisation inference, its interval by inversion (approach 'randomisation').

    In a group by history only its own families are allocated anew; the treatment of the others is held, as a covariate,
    so that nothing is supposed of the effect on them. The interaction has no randomisation test: that two groups gain
    equally on average does not say what any family would have done in the other arm. Columns as `estimate_published`.
    """
    rows = _effects(closing, "better", "CR2", "least squares, CR2 by family", alpha)
    rng = np.random.default_rng(seed)
    for group, (x, index) in _effect_designs(closing).items():
        if group == "interaction":
            continue
        found = fit_randomisation(
            closing["closed"],
            x[:, index],
            covariates=np.delete(x, [0, index], axis=1),
            families=closing["family_id"],
            among=_members(closing, group),
            n_draws=n_draws,
            rng=rng,
            alpha=alpha,
        )
        method = f"randomisation, {'all ' if found.exact else ''}{found.n_draws:,} allocations"
        numbers = (found.estimate, found.std_error, found.conf_low, found.conf_high)
        rows.append(_row(closing, group, "randomisation", method, numbers, found.p_value, None))
    return pd.DataFrame(rows)


@traced
def derive_effects(published: pd.DataFrame, better: pd.DataFrame) -> pd.DataFrame:
    """Both tables as one, group by group, the published method first."""
    both = pd.concat([published, better], ignore_index=True)
    order = both["group"].map({group: place for place, group in enumerate(GROUPS)})
    return both.loc[order.sort_values(kind="stable").index].reset_index(drop=True)


@traced
def summarise_effects(effects: pd.DataFrame, *, alpha: float) -> dict[str, float]:
    """What prose says of the table: how many tests there are (`tests`) and reject at alpha (`rejecting`); of all cases,
    the widths of the intervals (`published_width`, `better_width`, `randomisation_width`, points), by how much the
    better is wider (`wider`, negative if narrower), and on which side of zero it lies (`side`, 0 if it holds zero),
    as that of the interaction does (`interaction_side`)."""
    overall = effects[effects["group"] == "all"].set_index("approach")
    width = overall["conf_high"] - overall["conf_low"]
    robust = effects[effects["approach"] == "better"].set_index("group")
    side = np.sign(robust["conf_low"]) * np.sign(robust["conf_low"]).eq(np.sign(robust["conf_high"]))
    return {
        "tests": len(effects),
        "rejecting": int(effects["p_value"].le(alpha).sum()),
        **{f"{approach}_width": float(size) for approach, size in width.items()},
        "wider": float(width["better"] - width["published"]),
        "side": int(side["all"]),
        "interaction_side": int(side["interaction"]),
    }


@traced
def estimate_means(closing: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Re-weighted means, the report's Figure 1: % closed that the model predicts in each arm at the means of the
    covariates, with HC1 errors. A covariate that a single case carries is held at nought instead.

    All cases: from the main model. Without and with history: from the model with treatment times history, the other
    covariates at their means over all cases. The arms differ by what `estimate_published` gives. Columns: those of
    Estimate, with no p_value since nothing is tested, and group, label, arm, interval, closed and n (as counted), raw
    (% closed as counted).
    """
    _check_groups(closing)
    x, names = closing_design(closing, ages="bands")
    rows = []
    for groups in (("all",), ("without_history", "with_history")):
        cells = {
            (group, arm): (_members(closing, group) & closing["treated"].eq(treated)).to_numpy(float)
            for group in groups
            for arm, treated in zip(ARMS, _TREATED, strict=True)
        }
        spoken_for = {"constant", "treated"} | ({"history"} if len(groups) > 1 else set())
        rest = x[:, [i for i, name in enumerate(names) if name not in spoken_for]]
        fit = fit_linear(closing["closed"], np.column_stack([*cells.values(), rest - _centre(rest)]), covariance="HC1")
        for index, ((group, arm), cell) in enumerate(cells.items()):
            numbers = (float(fit.coefficients[index]), float(fit.std_errors[index]), *fit.interval(index, alpha)[:2])
            row = _row(closing, group, "published", "least squares, HC1", numbers, None, float(fit.df[index]))
            closed, n = int(cell @ closing["closed"]), int(cell.sum())
            own = {"arm": arm, "closed": closed, "n": n, "raw": _POINTS * closed / n}
            rows.append({**row, "measure": "% closed at the means of the covariates", **own})
    return pd.DataFrame(rows)


def _centre(covariates: Array) -> Array:
    """Means of the covariates, but nought for one that a single case carries: its coefficient fits that case exactly
    and has no error, so that a prediction that took a part of it would have none either."""
    lone = np.count_nonzero(covariates, axis=0) == 1
    return np.where(lone, 0.0, covariates.mean(axis=0))


@traced
def derive_shown(means: pd.DataFrame) -> pd.DataFrame:
    """The table behind the figure of means."""
    return means[["label", "arm", "estimate", "conf_low", "conf_high", "closed", "n", "raw"]]


@traced
def describe_means(means: pd.DataFrame, *, unit: str = "%", digits: int = 0, cases: str = "cases") -> dict[str, str]:
    """In words, for who cannot see a figure of means: that of each arm of each group, with its interval, if any, and n.

    arm_label, if the arms have other names; unit: what follows each mean, cases: what is counted.
    """
    said = []
    for label, rows in means.groupby("label", sort=False):
        arms = [
            f"{row.get('arm_label', row['arm'])} {fixed(digits)(row['estimate'])}{unit} "
            f"({_say_limits(row, digits)}{count(row['n'])} {cases})"
            for row in rows.to_dict("records")
        ]
        said.append(f"{label}: {', '.join(arms)}")
    return {"text": ". ".join(said) + "."}


def _say_limits(row: Mapping[Any, Any], digits: int) -> str:
    return "" if pd.isna(row["conf_low"]) else f"{interval(row['conf_low'], row['conf_high'], digits)}; "


def _effect_designs(closing: pd.DataFrame) -> dict[str, tuple[Array, int]]:
    """For each group the matrix of the model and the column whose coefficient is its effect.

    All: the main model. By history: treatment without and with history in place of treatment. Interaction: the report's
    own form of the same model, with treatment times history.
    """
    _check_groups(closing)
    x, _ = closing_design(closing, ages="bands")
    treated, history = x[:, 1], closing["history"].to_numpy(float)
    split = np.column_stack([x[:, 0], treated * (1 - history), treated * history, x[:, 2:]])
    crossed = np.column_stack([x[:, :2], treated * history, x[:, 2:]])
    return {"all": (x, 1), "without_history": (split, 1), "with_history": (split, 2), "interaction": (crossed, 2)}


def _check_groups(closing: pd.DataFrame) -> None:
    """Raises CreweError unless both arms have cases with and without history."""
    held = set(zip(closing["treated"], closing["history"], strict=True))
    empty = [
        f"{arm} {GROUPS[group].lower()}"
        for arm, treated in zip(ARMS, _TREATED, strict=True)
        for group, history in zip(("without_history", "with_history"), _HISTORY, strict=True)
        if (treated, history) not in held
    ]
    if empty:
        raise CreweError(
            f"closing: no case in {', '.join(empty)}, so the effects by history cannot be estimated. History means a "
            "plan opened before the pilot (plan_opened_on in episodes.csv); both arms need cases with and without it."
        )


def _effects(
    closing: pd.DataFrame, approach: str, covariance: Covariance, method: str, alpha: float
) -> list[dict[str, object]]:
    rows = []
    for group, (x, index) in _effect_designs(closing).items():
        fit = fit_linear(closing["closed"], x, covariance=covariance, clusters=closing["family_id"])
        low, high, p = fit.interval(index, alpha)
        numbers = (float(fit.coefficients[index]), float(fit.std_errors[index]), low, high)
        rows.append(_row(closing, group, approach, method, numbers, p, float(fit.df[index])))
    return rows


def _row(
    closing: pd.DataFrame,
    group: str,
    approach: str,
    method: str,
    numbers: tuple[float, float, float, float],
    p: float | None,
    df: float | None,
) -> dict[str, object]:
    """An estimate as a row; numbers: estimate, standard error and limits as shares."""
    estimate, error, low, high = (_POINTS * number for number in numbers)
    n = int(_members(closing, group).sum())
    p_value = float("nan") if p is None else p
    one = Estimate(_OUTCOME, "difference in points", estimate, error, low, high, p_value, n, method, df)
    return {
        **asdict(one),
        "group": group,
        "label": GROUPS[group],
        "approach": approach,
        "interval": interval(low, high),
    }


def _members(closing: pd.DataFrame, group: str) -> pd.Series:
    """Which cases a group has: all of them but for the two by history."""
    if group in ("all", "interaction"):
        return pd.Series(True, index=closing.index)
    return closing["history"].eq(int(group == "with_history"))
