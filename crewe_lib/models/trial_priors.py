"""What a sceptic, an open mind and an enthusiast believe of an effect before a small trial.

After Spiegelhalter, Freedman and Parmar (1994), Bayesian approaches to randomized trials, Journal of the Royal
Statistical Society A 157(3): what fixes a prior is the difference that would be worth having. Their effects are all on
one scale. Here the worthwhile difference is one of shares and the effect a log odds ratio, so what a prior says of the
difference is averaged over the control share, which is uniform: it is not known before the trial. One set of priors
then serves every outcome and date, and none has looked at data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from scipy import stats
from scipy.optimize import brentq

from crewe_lib.errors import CreweError
from crewe_lib.models.small_trial import NormalPrior, fit_prior_chance

# The chance that the sceptic gives to a benefit worth having, and the enthusiast to no benefit.
TAIL = 0.05
# Above 0.47, no normal log odds ratio has its median difference there with so small a chance of no benefit.
LEAST_WORTHWHILE, MOST_WORTHWHILE = 0.001, 0.4
# Two shares that have nothing to do with each other, each uniform: the standard deviation of their log odds ratio.
UNRELATED = math.pi * math.sqrt(2 / 3)
# The deviations among which the right one is looked for.
NARROWEST, WIDEST = 1e-4, 8.0


@lru_cache(maxsize=8)
def fit_priors(worthwhile: float) -> Mapping[str, NormalPrior]:
    """The three priors of the log odds ratio for an outcome of which more is better, by name.

    'sceptical': centred on no effect, with a chance of `TAIL` that the difference is above worthwhile. 'neutral':
    centred on no effect, and as wide as if the arms had nothing to do with each other (`UNRELATED`). 'enthusiastic':
    the median difference is worthwhile, with a chance of `TAIL` of no benefit. Raises CreweError unless worthwhile, a
    difference of shares, is at least 0.001 and at most 0.4.
    """
    if not LEAST_WORTHWHILE <= worthwhile <= MOST_WORTHWHILE:
        raise CreweError(
            f"a worthwhile difference of {100 * worthwhile:g} percentage points gives no priors; it must be between "
            f"{100 * LEAST_WORTHWHILE:g} and {100 * MOST_WORTHWHILE:g} points."
        )
    shift = float(stats.norm.isf(TAIL))
    sceptical = _fit_spread(worthwhile, mean=0.0, chance=TAIL)
    hopeful = _fit_spread(worthwhile, mean=shift, chance=0.5)
    return MappingProxyType(
        {
            "sceptical": NormalPrior(0.0, sceptical),
            "neutral": NormalPrior(0.0, UNRELATED),
            "enthusiastic": NormalPrior(shift * hopeful, hopeful),
        }
    )


def _fit_spread(worthwhile: float, *, mean: float, chance: float) -> float:
    """The deviation that gives this chance of a difference above worthwhile; mean: in deviations."""

    def excess(sd: float) -> float:
        return fit_prior_chance(NormalPrior(mean * sd, sd), worthwhile=worthwhile) - chance

    return float(brentq(excess, NARROWEST, WIDEST, xtol=1e-13))
