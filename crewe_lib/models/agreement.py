"""Agreement of coders beyond chance: Cohen's weighted kappa for two of them, Krippendorff's alpha for any number.

Both are 1 where all agree, 0 where they agree no more than chance would make them, and below 0 where less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from crewe_lib.errors import CreweError

Array = npt.NDArray[np.float64]
Weights = Literal["linear", "quadratic"]
Level = Literal["nominal", "ordinal", "interval"]


@dataclass(frozen=True)
class Kappa:
    """estimate = (observed − expected) / (1 − expected), both weighted shares of agreement; n units rated twice."""

    estimate: float
    observed: float
    expected: float
    n: int


@dataclass(frozen=True)
class KrippendorffAlpha:
    """estimate = 1 − observed / expected disagreement; units with two ratings or more, and the ratings in them."""

    estimate: float
    observed: float
    expected: float
    n_units: int
    n_ratings: int


def fit_weighted_kappa(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    *,
    categories: Sequence[Any],
    weights: Weights,
    strata: npt.ArrayLike | None = None,
) -> Kappa:
    """Weighted kappa of two coders' ratings (n,) of the same n units.

    categories: all that could have been given, in order. Ratings i and j places apart agree by 1 − |i − j| / (k − 1)
    (linear) or 1 − (i − j)² / (k − 1)² (quadratic); with two categories both are Cohen's kappa. Source: Cohen (1968),
    Psychological Bulletin 70(4). With strata (n,), labels of the kinds of unit, chance agreement is reckoned within
    each and averaged over units, so that kinds that differ in how common a rating is do not pass for agreement.

    Raises CreweError for unequal lengths, no units, a missing rating or one that is no category, fewer than two
    categories, or if both coders gave all units one and the same category, where chance agrees perfectly too.
    """
    if weights not in get_args(Weights):
        raise CreweError(f"weights is {weights!r}; it must be 'linear' or 'quadratic'.")
    k = len(categories)
    if k < 2 or len(set(categories)) < k:
        raise CreweError("kappa: two or more different categories are needed, in order.")
    places = [_places(ratings, categories) for ratings in (first, second)]
    if len(places[0]) != len(places[1]) or not len(places[0]):
        raise CreweError(f"kappa: {len(places[0])} and {len(places[1])} ratings; both coders must rate the same units.")
    kind, kinds = _strata(strata, len(places[0]))
    table = np.zeros((kinds, k, k))
    np.add.at(table, (kind, *places), 1 / len(places[0]))
    apart = np.abs(np.subtract.outer(np.arange(k), np.arange(k))) / (k - 1)
    agreed = 1 - (apart if weights == "linear" else apart**2)
    observed = float((agreed * table).sum())
    chance = table.sum(axis=2)[:, :, None] * table.sum(axis=1)[:, None, :] / table.sum(axis=(1, 2))[:, None, None]
    expected = float((agreed * chance).sum())
    if expected > 1 - 1e-12:
        raise CreweError("kappa: both coders gave every unit the same rating, so chance agreement is complete too.")
    return Kappa((observed - expected) / (1 - expected), observed, expected, len(places[0]))


def _strata(strata: npt.ArrayLike | None, n: int) -> tuple[npt.NDArray[np.int64], int]:
    """The stratum of each of n units as a code from 0, and how many there are; all in one if none are given."""
    labels = np.zeros(n) if strata is None else np.asarray(strata)
    if labels.shape != (n,) or pd.isna(labels).any():
        raise CreweError(f"agreement: strata must be {n} labels without a gap, one for each unit.")
    codes, names = pd.factorize(labels)
    return np.asarray(codes, np.int64), len(names)


def _places(ratings: npt.ArrayLike, categories: Sequence[Any]) -> npt.NDArray[np.int64]:
    """The position of each rating among the categories."""
    values = np.asarray(ratings)
    known = pd.Index(categories).get_indexer(pd.Index(values))
    if pd.isna(values).any() or (known < 0).any():
        raise CreweError("kappa: a rating is missing or is none of the categories; leave such units out with a reason.")
    return np.asarray(known, dtype=np.int64)


def fit_krippendorff(ratings: npt.ArrayLike, *, level: Level, strata: npt.ArrayLike | None = None) -> KrippendorffAlpha:
    """Krippendorff's alpha of ratings (units, coders), NaN where a coder did not rate a unit.

    level: how far apart two values are: 'nominal' different or not, 'ordinal' by the ratings that lie between them,
    'interval' by their squared difference. Units with one rating say nothing and are left out. Source: Krippendorff
    (2011), Computing Krippendorff's Alpha-Reliability.

    strata (units,): labels of the kinds of unit. Expected disagreement is then reckoned within each and averaged over
    ratings. Without it, coders who know which kinds are common and nothing of the unit would seem to agree.

    Raises CreweError for another level, infinite values, no unit rated twice, or if all ratings are alike, where
    there is nothing to disagree about.
    """
    values, coincidences, counted = _coincide(ratings, level)
    kind, kinds = _strata(strata, len(counted))
    together = np.zeros((1, kinds, *coincidences.shape[1:]))
    np.add.at(together[0], kind, coincidences)
    observed, expected = (float(part[0]) for part in _disagree(together, values, level))
    if expected <= 0:
        raise CreweError("alpha: all ratings are alike, so agreement beyond chance cannot be assessed.")
    ratings_used = round(float(together.sum()))
    return KrippendorffAlpha(1 - observed / expected, observed, expected, int(counted.sum()), ratings_used)


def fit_krippendorff_interval(
    ratings: npt.ArrayLike,
    *,
    level: Level,
    strata: npt.ArrayLike | None = None,
    clusters: npt.ArrayLike,
    n_draws: int,
    rng: np.random.Generator,
    alpha: float,
) -> tuple[float, float]:
    """Percentile interval of alpha, by strata if they are given, from n_draws resamples of whole clusters (units,).

    Ratings of one family resemble each other, so families are resampled and not units. Resamples in which all ratings
    are alike have no alpha and are left out. Raises CreweError as `fit_krippendorff` does, for fewer than five
    clusters with a unit rated twice, or if over half of the resamples have no alpha.
    """
    if not 0 < alpha < 1 or n_draws < 1:
        raise CreweError(f"alpha is {alpha} and n_draws {n_draws}; they must lie between 0 and 1, and be 1 or more.")
    values, coincidences, counted = _coincide(ratings, level)
    labels = np.asarray(clusters)
    if labels.shape != counted.shape:
        raise CreweError(f"alpha: clusters has shape {labels.shape}; it must hold one label for each unit.")
    own, code = np.unique(labels[counted], return_inverse=True)
    if len(own) < 5:
        raise CreweError(f"alpha: {len(own)} clusters are too few to resample; at least five are needed.")
    kind, kinds = _strata(strata, len(counted))
    sums = np.zeros((len(own), kinds, *coincidences.shape[1:]))
    np.add.at(sums, (code, kind[counted]), coincidences[counted])
    times = rng.multinomial(len(own), np.full(len(own), 1 / len(own)), size=n_draws)
    observed, expected = _disagree(np.tensordot(times.astype(float), sums, axes=1), values, level)
    varied = expected > 0
    if varied.mean() < 0.5:
        raise CreweError("alpha: in most resamples all ratings are alike; the ratings vary too little for an interval.")
    low, high = np.quantile(1 - observed[varied] / expected[varied], [alpha / 2, 1 - alpha / 2])
    return float(low), float(high)


def _coincide(ratings: npt.ArrayLike, level: Level) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
    """values (v,), coincidences of each unit (units, v, v), and which units have two ratings or more (units,)."""
    if level not in get_args(Level):
        raise CreweError(f"level is {level!r}; it must be 'nominal', 'ordinal' or 'interval'.")
    table = np.asarray(ratings, float)
    if table.ndim != 2 or np.isinf(table).any():
        raise CreweError("alpha: ratings must be finite numbers in a table of units × coders, NaN where not rated.")
    given = np.isfinite(table)
    pairable = given.sum(axis=1) >= 2
    if not pairable.any():
        raise CreweError("alpha: no unit was rated by two coders, so agreement cannot be assessed.")
    values = np.unique(table[given & pairable[:, None]])
    counts = (table[:, :, None] == values).sum(axis=1) * pairable[:, None]
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(len(values))
    return values, pairs / np.maximum(given.sum(axis=1) - 1, 1)[:, None, None], pairable


def _disagree(coincidences: Array, values: Array, level: Level) -> tuple[Array, Array]:
    """Observed and expected disagreement (draws,) of coincidences (draws, strata, v, v), averaged over ratings."""
    totals = coincidences.sum(axis=3)
    if level == "ordinal":  # the number of ratings between two values, half of each end counted
        place = totals.cumsum(axis=2) - totals / 2
        apart = (place[..., :, None] - place[..., None, :]) ** 2
    elif level == "interval":
        apart = np.broadcast_to(np.subtract.outer(values, values) ** 2, coincidences.shape)
    else:
        apart = np.broadcast_to(1 - np.eye(len(values)), coincidences.shape)
    n = totals.sum(axis=2)
    observed = (coincidences * apart).sum(axis=(2, 3))
    pairs = (totals[..., :, None] * totals[..., None, :] * apart).sum(axis=(2, 3))
    expected = pairs / np.maximum(n - 1, 1)  # a stratum that a resample lacks adds nothing
    return observed.sum(axis=1) / n.sum(axis=1), expected.sum(axis=1) / n.sum(axis=1)
