"""How uncertain the cost results are, given what `crewe_lib.cost_distributions` assumes.

Probabilistic sensitivity analysis, and the chance that a closed case is worth its extra cost (acceptability). Results
fall to different payers and are never added; the acceptability curve sets one payer's cost against closed cases, not
against pounds. After Briggs, Claxton and Sculpher (2006), Decision Modelling for Health Economic Evaluation.
A difference is PC − CEC. Every result rests on implied inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd

from crewe_lib import cost_benefit
from crewe_lib.cost_benefit import Outcome, Values
from crewe_lib.cost_distributions import Array, derive_point
from crewe_lib.errors import CreweError
from crewe_lib.evidence import traced

_FORMULAS: Mapping[Outcome, Callable[[Values], float]] = {
    "lifetime_earnings_gap": cost_benefit.lifetime_earnings_gap,
    "extra_cost": cost_benefit.extra_cost,
    "escalation_saving": cost_benefit.escalation_saving,
    "rereferral_cost_gap": cost_benefit.rereferral_cost_gap,
}
# Which pair of closure shares a reading takes.
CLOSURES: Mapping[str, tuple[str, str]] = {
    "trial_end": ("closed_share_pc", "closed_share_cec"),
    "november_2019": ("closed_share_pc_2019", "closed_share_cec_2019"),
}

_CURVE_LABELS = {"trial_end": "Closures at trial end", "november_2019": "Closures in November 2019"}


@dataclass(frozen=True)
class Reading:
    """One outcome under one reading of the reports; `swap` says which input stands in for which."""

    outcome: Outcome
    reading: str
    label: str
    swap: Mapping[str, str]

    @property
    def key(self) -> str:
        """The outcome's column among the outcomes of each draw."""
        return f"{self.outcome}/{self.reading}"


_LATER = dict(zip(CLOSURES["trial_end"], CLOSURES["november_2019"], strict=True))
READINGS: tuple[Reading, ...] = (
    Reading("lifetime_earnings_gap", "trial_end", "Lifetime earnings, closures at trial end", {}),
    Reading("lifetime_earnings_gap", "november_2019", "Lifetime earnings, closures in November 2019", _LATER),
    Reading("extra_cost", "table_6", "Extra staff cost", {}),
    Reading("rereferral_cost_gap", "table_8", "Extra cost of re-referrals", {}),
    Reading("escalation_saving", "table_9", "Escalation saving, Table 9's count", {}),
    Reading(
        "escalation_saving",
        "pilot_year",
        "Escalation saving, the pilot year's count",
        {"escalations_pc": "escalations_pilot_year"},
    ),
    Reading(
        "escalation_saving",
        "either",
        "Escalation saving, either count",
        {"escalations_pc": "escalations_drawn"},
    ),
)


@traced
def derive_outcomes(draws: pd.DataFrame) -> pd.DataFrame:
    """Every outcome under every reading of `READINGS`, in £ per case: a row per draw, a column 'outcome/reading'.

    The cost of a case is the drawn weekly cost times the drawn weeks. At the printed and implied values that is the
    printed cost to the penny, because the implied weeks carry four decimals.
    """
    columns = {str(name): draws[name].to_numpy(dtype=np.float64) for name in draws}
    for arm in ("pc", "cec"):
        columns[f"cost_per_case_{arm}"] = columns[f"weekly_cost_{arm}"] * columns[f"weeks_open_{arm}"]
    found = {}
    for item in READINGS:
        values = {**columns, **{name: columns[other] for name, other in item.swap.items()}}
        # The formulas are plain arithmetic and so work on arrays as they do on numbers.
        found[item.key] = _FORMULAS[item.outcome](cast(Values, values))
    return pd.DataFrame(found)


@traced
def summarise_psa(draws: pd.DataFrame, distributions: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Each outcome's distribution over the draws.

    Returns outcome, reading, label, value (at the printed and implied inputs), mean, median, low, high (£ per case;
    quantiles alpha/2 and 1 − alpha/2), share_above (of draws above zero), mc_error (standard error of that share from
    drawing alone), n_draws, method. The interval says what the stated assumptions imply; it is not a confidence
    interval. Raises CreweError unless 0 < alpha < 1.
    """
    if not 0 < alpha < 1:
        raise CreweError(f"alpha is {alpha}; it must lie between 0 and 1 (0.05 gives 95% intervals).")
    outcomes, value = derive_outcomes(draws), derive_outcomes(derive_point(distributions)).iloc[0]
    rows = []
    for item in READINGS:
        drawn = outcomes[item.key].to_numpy()
        low, median, high = np.quantile(drawn, [alpha / 2, 0.5, 1 - alpha / 2])
        share = float((drawn > 0).mean())
        first = (item.outcome, item.reading, item.label, float(value[item.key]), float(drawn.mean()))
        rows.append((*first, median, low, high, share, error_of_share(share, len(drawn)), len(drawn)))
    names = ["outcome", "reading", "label", "value", "mean", "median", "low", "high", "share_above", "mc_error"]
    return pd.DataFrame(rows, columns=[*names, "n_draws"]).assign(method="probabilistic sensitivity analysis")


@traced
def derive_densities(draws: pd.DataFrame, summary: pd.DataFrame, *, bins: int = 40) -> pd.DataFrame:
    """The drawn outcomes as histograms between their 0.5% and 99.5% quantiles, with `summary` beside them.

    About `bins` bars an outcome, one edge of which is zero. Returns label, left, right (£ per case), share (of all
    draws), mean, low, high, share_above.
    """
    outcomes, frames = derive_outcomes(draws), []
    for item, row in zip(READINGS, summary.to_dict("records"), strict=True):
        drawn = outcomes[item.key].to_numpy()
        first, last = (float(end) for end in np.quantile(drawn, [0.005, 0.995]))
        step = (last - first) / bins or 1.0
        edges = step * np.arange(np.floor(first / step), np.ceil(last / step) + 1)
        frame = pd.DataFrame({"label": item.label, "left": edges[:-1], "right": edges[1:]})
        frame["share"] = np.histogram(drawn, edges)[0] / len(drawn)
        frames.append(frame.assign(**{name: row[name] for name in ("mean", "low", "high", "share_above")}))
    return pd.concat(frames, ignore_index=True)


@traced
def estimate_acceptability(
    draws: pd.DataFrame, *, highest: float, steps: int = 80, readings: Sequence[str] = tuple(CLOSURES)
) -> pd.DataFrame:
    """Chance that extra closed cases are worth the extra staff cost, to someone who values one at £λ.

    P(λ × difference in closed share − extra staff cost > 0), for λ from 0 to `highest` in `steps` steps, with the
    closures of either round and the staff cost of the trial. At λ = 0 it is the chance that PC costs less. Returns
    reading, label, value_per_closure (£), probability, mc_error, net_benefit (mean, £ per case), n_draws. Raises
    CreweError unless highest > 0 and steps ≥ 1, and for an unknown reading.
    """
    if not (0 < highest < float("inf") and steps >= 1):
        raise CreweError(f"highest is {highest} and steps {steps}; give a value above £0 and at least 1 step.")
    unknown = [name for name in readings if name not in CLOSURES]
    if unknown or not readings:
        raise CreweError(
            f"readings holds {', '.join(map(repr, unknown)) or 'nothing'}; allowed are {', '.join(CLOSURES)}."
        )
    values, cost = np.linspace(0, highest, steps + 1), _extra_cost(draws)
    frames = []
    for reading in readings:
        benefit = values[:, None] * _extra_closed(draws, reading) - cost
        share = (benefit > 0).mean(axis=1)
        frame = pd.DataFrame({"value_per_closure": values, "probability": share, "net_benefit": benefit.mean(axis=1)})
        error = [error_of_share(p, len(cost)) for p in share]
        frames.append(frame.assign(reading=reading, label=_CURVE_LABELS[reading], mc_error=error, n_draws=len(cost)))
    columns = ["reading", "label", "value_per_closure", "probability", "mc_error", "net_benefit", "n_draws"]
    return pd.concat(frames, ignore_index=True)[columns]


@traced
def estimate_cost_per_closure(draws: pd.DataFrame, distributions: pd.DataFrame) -> pd.DataFrame:
    """Extra staff cost per extra closed case (the ICER) at the printed and implied inputs, and where the draws fall.

    Returns reading, label, extra_closed (a share), extra_cost (£ per case), icer (£ per extra closed case), verdict,
    and shares of draws: closes_more, dearer_closes_more, dearer_closes_fewer, cheaper_closes_more,
    cheaper_closes_fewer. The ICER is missing unless PC both costs more and closes more: if it closes fewer, the same
    ratio would be negative or would praise what is worse.
    """
    point, rows = derive_point(distributions), []
    for reading in CLOSURES:
        closed, cost = float(_extra_closed(point, reading)[0]), float(_extra_cost(point)[0])
        more, dearer = _extra_closed(draws, reading) > 0, _extra_cost(draws) > 0
        quadrants = (dearer & more, dearer & ~more, ~dearer & more, ~dearer & ~more)
        trade_off = closed > 0 and cost > 0
        verdict = "costs more, closes more" if trade_off else _verdict(closed, cost)
        first = (reading, _CURVE_LABELS[reading], closed, cost, cost / closed if trade_off else np.nan, verdict)
        rows.append((*first, more.mean(), *(part.mean() for part in quadrants)))
    shares = ["dearer_closes_more", "dearer_closes_fewer", "cheaper_closes_more", "cheaper_closes_fewer"]
    first_names = ["reading", "label", "extra_closed", "extra_cost", "icer", "verdict", "closes_more"]
    return pd.DataFrame(rows, columns=[*first_names, *shares])


def _verdict(closed: float, cost: float) -> str:
    if cost > 0:
        return "costs more, closes no more"
    return "costs no more, closes more" if closed > 0 else "costs no more, closes no more"


def _extra_closed(draws: pd.DataFrame, reading: str) -> Array:
    pc, cec = CLOSURES[reading]
    return (draws[pc] - draws[cec]).to_numpy(dtype=np.float64)


def _extra_cost(draws: pd.DataFrame) -> Array:
    return np.asarray(cost_benefit.extra_cost(cast(Values, draws)), dtype=np.float64)


def error_of_share(share: float, n: int) -> float:
    """Standard error of a share of n draws, from drawing alone."""
    return float(np.sqrt(share * (1 - share) / n))
