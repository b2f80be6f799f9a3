"""What this book assumes about the uncertainty of each input of the cost tables, and draws from it.

The reports print no standard error for any cost, so every distribution is an assumption of this book.
`DISTRIBUTIONS` states each one with its basis, and the chapter shows that table in full. A mean lies on the printed or
implied value, except where two printed statements of one quantity disagree and a draw takes either.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pandera.pandas as pa

from crewe_lib.checks import check_table
from crewe_lib.cost_benefit import IMPLIED
from crewe_lib.datapackage import find_resource
from crewe_lib.errors import CreweError, DataError
from crewe_lib.evidence import traced
from crewe_lib.unit_costs import derive_values

Family = Literal["beta", "normal", "uniform", "gamma", "count", "two_point", "whole"]
Array = npt.NDArray[np.float64]
ROUNDS, ARMS = ("trial_end", "november_2019"), ("pc", "cec")
FEWEST_DRAWS = 100


def _text(description: str, allowed: tuple[str, ...] = ()) -> pa.Column:
    check = pa.Check.isin(allowed) if allowed else pa.Check.str_matches(r"\S", error="must not be blank")
    return pa.Column(str, check, description=description, metadata={"enum": list(allowed)} if allowed else {})


def _count(description: str, unit: str | None = None) -> pa.Column:
    check = pa.Check.ge(1, error="must be 1 or more")
    return pa.Column("int64", check, description=description, metadata={"minimum": 1, "unit": unit} if unit else {})


CLOSURE_COUNTS = pa.DataFrameSchema(
    {
        "round": _text("When closure was looked at", ROUNDS),
        "arm": _text("pc is Project Crewe or FACT22, cec is Cheshire East", ARMS),
        "closed": _count("Families whose case was closed, implied", "families"),
        "families": _count("Families followed, implied unless `basis` says that it is printed", "families"),
        "basis": _text("How the counts were found"),
        "source": _text("Report that prints the share"),
        "page": _count("Page of that report on which the share is printed"),
    },
    checks=[pa.Check(lambda f: f["closed"] <= f["families"], error="closed must not exceed families")],
    unique=["round", "arm"],
    strict=True,
    ordered=True,
    name="closure_counts",
)


def read_closure_counts(folder: Path) -> pd.DataFrame:
    """Implied counts of families with a closed case, by round and arm: resource 'closure_counts' of `folder`.

    Returns the columns of `CLOSURE_COUNTS` and `kind`. Raises DataError with every fault of the file.
    """
    resource = find_resource(folder, "closure_counts")
    try:
        frame = pd.read_csv(resource.path, encoding="utf-8")
    except (UnicodeDecodeError, ValueError) as fault:
        raise DataError(f"{resource.path}: cannot be read as UTF-8 CSV ({fault}).") from None
    return check_table(frame, CLOSURE_COUNTS, str(resource.path)).assign(kind=resource.kind)


@dataclass(frozen=True)
class Distribution:
    """One assumption. `counts` is the round and arm whose families weigh a share; `together` names inputs that share
    one relative error."""

    input: str
    family: Family
    basis: str
    counts: tuple[str, str] = ("", "")
    together: str = ""


_SHARE = "Chance variation among as many families as implied; covariate adjustment is ignored."
_ROUNDED = "Anything that rounds to what is printed; the source's own error is not known."
_COST = "No spread is printed; the parameter cost_cv is our assumption."
_CASE = f"{_COST} Both case costs have one source and err by the same share."
_FEW = "A Poisson count; the expected number behind it is drawn."
_SIZE = "Any whole number that the two reports leave open."
DISTRIBUTIONS: tuple[Distribution, ...] = (
    Distribution("closed_share_pc", "beta", _SHARE, ("trial_end", "pc")),
    Distribution("closed_share_cec", "beta", _SHARE, ("trial_end", "cec")),
    Distribution("closed_share_pc_2019", "beta", _SHARE, ("november_2019", "pc")),
    Distribution("closed_share_cec_2019", "beta", _SHARE, ("november_2019", "cec")),
    Distribution(
        "lifetime_earnings_gain",
        "normal",
        "The report calls it not significant; the parameter earnings_cv is our assumption.",
    ),
    Distribution("gcse_share_peers", "uniform", _ROUNDED),
    Distribution("gcse_share_cin", "uniform", _ROUNDED),
    Distribution("weekly_cost_pc", "gamma", _COST),
    Distribution("weekly_cost_cec", "gamma", _COST),
    Distribution("weeks_open_pc", "gamma", _COST),
    Distribution("weeks_open_cec", "gamma", _COST),
    Distribution("cp_case_cost", "gamma", _CASE, together="case costs"),
    Distribution("cin_case_cost", "gamma", _CASE, together="case costs"),
    Distribution("escalations_pc", "count", _FEW),
    Distribution("escalations_pilot_year", "count", _FEW),
    Distribution("pilot_year_counts", "two_point", "The report gives both counts; each is taken to be equally likely."),
    Distribution("escalation_national", "two_point", "The two reports disagree; each is taken to be equally likely."),
    Distribution("rereferrals_pc", "count", _FEW),
    Distribution("rereferrals_cec", "count", _FEW),
    Distribution("cases_pc", "whole", _SIZE),
    Distribution("cases_cec", "whole", _SIZE),
)
# Not a figure but a choice between two: 0 for the escalations of Table 9, 1 for those of the pilot year.
_CHOICE = {
    "input": "pilot_year_counts",
    "label": "Which count of escalations holds (0 is Table 9's, 1 the pilot year's)",
    **{"value": 0.0, "low": 0.0, "high": 1.0, "unit": "choice", "kind": "published"},
}


@traced
def derive_distributions(
    inputs: pd.DataFrame, counts: pd.DataFrame, *, cost_cv: float, earnings_cv: float
) -> pd.DataFrame:
    """The assumed distribution of every input, with its mean and standard deviation in the input's own unit.

    cost_cv, earnings_cv: standard deviation of a cost or duration, and of the lifetime earnings gain, as a share of
    the value; 0 means known for certain. 'Not significant at 5%' means an earnings_cv of at least 1/1.96 = 0.51.
    Returns input, label, unit, family, value (printed or implied), low, high, weight (families), cv, mean, sd,
    together, basis, kind. Raises CreweError for a negative share, an absent input or an absent count.
    """
    for name, share in (("cost_cv", cost_cv), ("earnings_cv", earnings_cv)):
        if not 0 <= share < float("inf"):
            raise CreweError(f"{name} is {share}; it must be 0 or more (0.2 is 20% of the value).")
    names = [d.input for d in DISTRIBUTIONS]
    derive_values(inputs, needs=[name for name in names if name != _CHOICE["input"]])
    known = pd.concat([inputs, pd.DataFrame([_CHOICE])], ignore_index=True).set_index("input").loc[names].reset_index()
    frame = pd.DataFrame([asdict(d) for d in DISTRIBUTIONS]).drop(columns="basis")
    frame = frame.merge(known.drop(columns="basis"), on="input").assign(basis=[d.basis for d in DISTRIBUTIONS])
    frame["weight"] = [_families(counts, where) for where in frame["counts"]]
    frame["cv"] = frame["family"].map({"gamma": cost_cv, "normal": earnings_cv})
    frame.loc[frame["weight"].notna(), "kind"] = IMPLIED  # a printed share, weighed with an implied count
    moments = [_MOMENTS[row["family"]](row) for row in _records(frame)]
    frame["mean"], frame["sd"] = zip(*moments, strict=True)
    columns = ["input", "label", "unit", "family", "value", "low", "high", "weight", "cv", "mean", "sd", "together"]
    return frame[[*columns, "basis", "kind"]]


@traced
def derive_draws(
    distributions: pd.DataFrame, *, n_draws: int, rng: np.random.Generator, hold: Collection[str] = ()
) -> pd.DataFrame:
    """Joint draws of all inputs, one row per draw and one column per input, independent except `together`.

    hold: inputs kept at their printed or implied value; the draws of the others do not change with it. Also returns
    `escalations_drawn`, the count of escalations that the drawn choice points to. Raises CreweError for fewer than
    100 draws or an unknown name.
    """
    if n_draws < FEWEST_DRAWS:
        raise CreweError(f"n_draws is {n_draws}; it must be at least {FEWEST_DRAWS}, or shares mean nothing.")
    unknown = sorted(set(hold) - set(distributions["input"]))
    if unknown:
        raise CreweError(f"hold names {', '.join(unknown)}; allowed are {', '.join(distributions['input'])}.")
    columns: dict[str, Array] = {}
    shared: dict[str, Array] = {}
    for row in _records(distributions):
        drawn = _DRAW[row["family"]](row, n_draws, rng)
        if row["together"]:
            drawn = row["value"] * shared.setdefault(row["together"], drawn / row["value"])
        columns[row["input"]] = np.full(n_draws, float(row["value"])) if row["input"] in hold else drawn
    return pd.DataFrame(_choose_count(columns))


def derive_point(distributions: pd.DataFrame) -> pd.DataFrame:
    """The printed and implied values themselves, laid out as one draw."""
    values = zip(distributions["input"], distributions["value"], strict=True)
    return pd.DataFrame(_choose_count({str(name): np.array([float(value)]) for name, value in values}))


def _choose_count(columns: Mapping[str, Array]) -> dict[str, Array]:
    pilot_year = columns["pilot_year_counts"] == 1
    chosen = np.where(pilot_year, columns["escalations_pilot_year"], columns["escalations_pc"])
    return {**columns, "escalations_drawn": chosen}


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return cast(list[dict[str, Any]], frame.to_dict("records"))


def _families(counts: pd.DataFrame, where: tuple[str, str]) -> float:
    """Families behind one share; NaN where the input is no share of families."""
    if not where[0]:
        return float("nan")
    found = counts.loc[(counts["round"] == where[0]) & (counts["arm"] == where[1]), "families"]
    if len(found) != 1:
        raise CreweError(
            f"the closure counts must hold round '{where[0]}', arm '{where[1]}' once; see closure_counts.csv."
        )
    return float(found.iloc[0])


def _gamma(row: Mapping[str, Any], n: int, rng: np.random.Generator) -> Array:
    """Mean `value`, coefficient of variation `cv`; the value itself if that is 0."""
    shape = 1 / max(row["cv"], 1e-12) ** 2
    return rng.gamma(shape, row["value"] / shape, n) if row["cv"] > 0 else np.full(n, float(row["value"]))


def _beta(row: Mapping[str, Any], n: int, rng: np.random.Generator) -> Array:
    return rng.beta(row["value"] * row["weight"], (1 - row["value"]) * row["weight"], n)


# Per family: mean and standard deviation, and draws.
_MOMENTS: Mapping[str, Callable[[Mapping[str, Any]], tuple[float, float]]] = {
    "beta": lambda r: (r["value"], float(np.sqrt(r["value"] * (1 - r["value"]) / (r["weight"] + 1)))),
    "normal": lambda r: (r["value"], r["cv"] * r["value"]),
    "gamma": lambda r: (r["value"], r["cv"] * r["value"]),
    "count": lambda r: (r["value"], float(np.sqrt(r["value"]))),
    "uniform": lambda r: ((r["low"] + r["high"]) / 2, float((r["high"] - r["low"]) / np.sqrt(12))),
    "two_point": lambda r: ((r["low"] + r["high"]) / 2, (r["high"] - r["low"]) / 2),
    "whole": lambda r: ((r["low"] + r["high"]) / 2, float(np.sqrt(((r["high"] - r["low"] + 1) ** 2 - 1) / 12))),
}
_DRAW: Mapping[str, Callable[[Mapping[str, Any], int, np.random.Generator], Array]] = {
    "beta": _beta,
    "normal": lambda r, n, rng: rng.normal(r["value"], r["cv"] * r["value"], n),
    "gamma": _gamma,
    "count": lambda r, n, rng: rng.gamma(r["value"], 1.0, n),
    "uniform": lambda r, n, rng: rng.uniform(r["low"], r["high"], n),
    "two_point": lambda r, n, rng: np.where(rng.random(n) < 0.5, r["low"], r["high"]),
    "whole": lambda r, n, rng: rng.integers(int(r["low"]), int(r["high"]) + 1, n).astype(np.float64),
}
