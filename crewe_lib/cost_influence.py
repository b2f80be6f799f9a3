"""Which single better datum would change a cost result: how much of its spread each explains, and its sign.

A simple relative of the expected value of partial perfect information (Briggs, Claxton and Sculpher 2006), but
without a price on being wrong: the results fall to different payers, so no common one could be put on them. Every
result rests on implied inputs and on the assumptions of `crewe_lib.cost_distributions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd

from crewe_lib.cost_distributions import Array
from crewe_lib.cost_uncertainty import derive_outcomes
from crewe_lib.errors import CreweError
from crewe_lib.evidence import traced

SHORT_LABELS: Mapping[str, str] = {
    "lifetime_earnings_gap": "lifetime earnings",
    "extra_cost": "extra staff cost",
    "rereferral_cost_gap": "cost of re-referrals",
    "escalation_saving": "saving on escalations",
}
_BATCHES = 10
# Data that someone could collect, and the inputs each would settle.
DATA: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "closures": ("Closures in both arms", ("closed_share_pc", "closed_share_cec")),
    "earnings": ("Lifetime value of good results", ("lifetime_earnings_gain",)),
    "gcse": ("School results of both groups", ("gcse_share_peers", "gcse_share_cin")),
    "weekly": ("Weekly cost in both arms", ("weekly_cost_pc", "weekly_cost_cec")),
    "weeks": ("Weeks open in both arms", ("weeks_open_pc", "weeks_open_cec")),
    "escalations": ("Escalations in Project Crewe", ("escalations_drawn",)),
    "national": ("National rate of escalation", ("escalation_national",)),
    "case_costs": ("Cost of a child-protection case", ("cp_case_cost", "cin_case_cost")),
    "rereferrals": ("Re-referrals in both arms", ("rereferrals_pc", "rereferrals_cec")),
    "arms": ("Families in both arms", ("cases_pc", "cases_cec")),
}
# Of each outcome, the reading whose inputs are ranked, and the data that enter it.
_RANKED: Mapping[str, tuple[str, ...]] = {
    "lifetime_earnings_gap/trial_end": ("closures", "earnings", "gcse"),
    "extra_cost/table_6": ("weekly", "weeks"),
    "rereferral_cost_gap/table_8": ("closures", "rereferrals", "weekly", "weeks", "arms"),
    "escalation_saving/either": ("escalations", "national", "case_costs", "arms"),
}


@traced
def estimate_influence(draws: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Which datum would move each answer if it were known exactly, the other inputs staying uncertain.

    For the inputs g of one datum, E(outcome | g) is fitted by least squares on their products up to degree 2, which is
    exact for these formulas but for the arms' sizes. Returns outcome, datum, label, variance_share (Var E(outcome | g)
    / Var outcome, adjusted for the terms fitted), mc_error (its standard error from drawing alone), mean (over all
    draws), low, high (quantiles alpha/2 and 1 − alpha/2 of E(outcome | g), £ per case), flips (whether an end has
    another sign than the mean), flip_share (chance that knowing the datum would change the sign), flip_error (its error
    from drawing, from ten batches), n_draws; largest variance_share first. First-order share: Saltelli et al. (2008),
    Global Sensitivity Analysis. Raises CreweError unless 0 < alpha < 1.
    """
    if not 0 < alpha < 1:
        raise CreweError(f"alpha is {alpha}; it must lie between 0 and 1 (0.05 gives the central 95%).")
    outcomes, rows = derive_outcomes(draws), []
    for key, data in _RANKED.items():
        y, outcome = outcomes[key].to_numpy(), key.partition("/")[0]
        ranked = [(outcome, name, DATA[name][0], *_explain(y, draws[list(DATA[name][1])], alpha)) for name in data]
        rows += sorted(ranked, key=lambda row: -row[3])
    columns = ["outcome", "datum", "label", "variance_share", "mc_error", "mean", "low", "high", "flips"]
    return pd.DataFrame(rows, columns=[*columns, "flip_share", "flip_error"]).assign(n_draws=len(draws))


def _explain(
    y: Array, known: pd.DataFrame, alpha: float
) -> tuple[float, float, float, float, float, bool, float, float]:
    """variance_share, mc_error, mean, low, high, flips, flip_share, flip_error of `estimate_influence`."""
    n, mean, variance = len(y), float(y.mean()), float(y.var())
    if variance <= 1e-18 * max(1.0, mean**2):  # nothing varies, so nothing is explained
        return 0.0, 0.0, mean, mean, mean, False, 0.0, 0.0
    x = np.column_stack([np.ones(n), _products(known.to_numpy(dtype=np.float64))])
    coefficients, _, rank, _ = np.linalg.lstsq(x, y, rcond=None)
    fitted = x @ coefficients
    low, high = (float(end) for end in np.quantile(fitted, [alpha / 2, 1 - alpha / 2]))
    residual = (y - fitted) ** 2
    unexplained = float(residual.mean()) / variance
    share = 1 - unexplained * (n - 1) / (n - int(rank))
    influence = (residual - unexplained * (y - mean) ** 2) / variance
    flips = bool(np.sign(low) != np.sign(mean) or np.sign(high) != np.sign(mean))
    parts = [_flip_share(*part) for part in zip(np.array_split(y, _BATCHES), np.array_split(x, _BATCHES), strict=True)]
    flip_error = float(np.std(parts, ddof=1) / np.sqrt(_BATCHES))
    error = float(influence.std() / np.sqrt(n))
    return max(share, 0.0), error, mean, low, high, flips, _flip_share(y, x), flip_error


def _flip_share(y: Array, x: Array) -> float:
    """How often the fitted conditional mean has another sign than the mean."""
    fitted = x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return float((np.sign(fitted) != np.sign(y.mean())).mean())


def _products(known: Array) -> Array:
    """Each input, standardised, and each product of two; an input that does not vary gives zeros."""
    spread = known.std(axis=0)
    still = spread <= 1e-12 * np.abs(known).max(axis=0)
    z = np.where(still, 0.0, (known - known.mean(axis=0)) / np.where(still, 1.0, spread))
    pairs = combinations_with_replacement(range(z.shape[1]), 2)
    return np.column_stack([z, *(z[:, i] * z[:, j] for i, j in pairs)])


@traced
def describe_best_datum(influence: pd.DataFrame) -> dict[str, str | float]:
    """For each outcome the datum that, once known, would change its sign most often.

    Returns `<outcome>` (label in small letters; those within two Monte Carlo errors of the first are joined by 'or';
    'none' where no datum ever changes the sign), `<outcome>_flip_share`, and `text`, all of it in one line.
    """
    found: dict[str, str | float] = {}
    said = []
    for outcome, part in influence.groupby("outcome", sort=False):
        ordered = part.sort_values("flip_share", ascending=False, kind="stable")
        top, error = (float(ordered[name].iloc[0]) for name in ("flip_share", "flip_error"))
        margin = 2 * np.hypot(ordered["flip_error"], error)
        close = ordered["label"][(ordered["flip_share"] > 0) & (ordered["flip_share"] >= top - margin)]
        label = " or ".join(f"{text[:1].lower()}{text[1:]}" for text in sorted(close)) or "none"
        found |= {str(outcome): label, f"{outcome}_flip_share": top}
        said.append(f"{SHORT_LABELS[str(outcome)]}: {label}")
    return {**found, "text": "; ".join(said)}
