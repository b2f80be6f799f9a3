"""The simulated cohort's coded risk: factors of the reports' framework at up to three time points, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from crewe_lib.cohort.truth import DAYS_IN_YEAR, Truth

TIMES = ("referral", "latest", "follow_up")
LEVELS = np.array([-2, -1, 1, 2])
YOUNG = "family_young_children"
YOUNG_YEARS = 3
HISTORY = "parent_previous_dealings"  # cannot go away
ABSENT = 9  # no level of engagement is coded


@dataclass(frozen=True)
class Codes:
    """found (cases, times, factors), in the order of the truth's risk and then protective factors; engagement (cases,
    times, parent and child), ABSENT where a child is not over eleven."""

    factors: tuple[str, ...]
    found: npt.NDArray[np.bool_]
    engagement: npt.NDArray[np.int64]

    def take(self, rows: npt.NDArray[np.int64]) -> Codes:
        """The codes of some cases."""
        return Codes(self.factors, self.found[rows], self.engagement[rows])


def draw_risk(rng: np.random.Generator, cases: pd.DataFrame, truth: Truth) -> Codes:
    """Codes of each case at all time points.

    cases: treated, teenager (eleven or over), and young_0, young_1, young_2: whether a child of the family is under
    three at each time point.
    """
    names = (*truth.risk_prevalence, *truth.protective_prevalence)
    chances = np.array([*truth.risk_prevalence.values(), *truth.protective_prevalence.values()])
    risk = np.arange(len(names)) < len(truth.risk_prevalence)
    treated, teenager = cases["treated"].to_numpy(), cases["teenager"].to_numpy()
    severity = rng.normal(0, truth.risk_severity_sd, len(cases)) + truth.risk_treatment * treated
    odds = np.log(chances.clip(1e-9) / (1 - chances)) + np.where(risk, 1.0, -0.3) * severity[:, None]
    found = np.empty((len(cases), len(TIMES), len(names)), dtype=bool)
    found[:, 0] = rng.random(odds.shape) < 1 / (1 + np.exp(-odds))
    for time in (1, 2):
        arm = treated.astype(int)
        gains = np.where(risk, truth.risk_returns[time - 1], np.array(truth.protective_gained)[arm, time - 1, None])
        loses = np.where(risk, truth.risk_fades[time - 1], np.array(truth.protective_lost)[arm, time - 1, None])
        draw = rng.random(odds.shape)
        found[:, time] = np.where(found[:, time - 1], draw >= loses, draw < gains)
    own = names.index(HISTORY)
    found[:, 1:, own] = found[:, :1, own]
    for time in range(len(TIMES)):
        found[:, time, names.index(YOUNG)] = cases[f"young_{time}"].to_numpy()
    only_teenagers = np.array([name.startswith("child_") for name in names])
    found[~teenager] &= ~only_teenagers
    return Codes(names, found, _draw_engagement(rng, treated, teenager, truth))


def _draw_engagement(
    rng: np.random.Generator, treated: npt.NDArray[np.bool_], teenager: npt.NDArray[np.bool_], truth: Truth
) -> npt.NDArray[np.int64]:
    """Levels of engagement of parent and child, moving up or down by steps."""
    count, arm = len(treated), treated.astype(int)
    step = np.empty((count, len(TIMES), 2), dtype=np.int64)
    step[:, 0] = rng.choice(len(LEVELS), (count, 2), p=truth.engagement_levels)
    same = rng.random(count) < truth.engagement_shared
    step[same, 0, 1] = step[same, 0, 0]
    for time in (1, 2):
        up, down = (np.array(chance)[arm, time - 1, None] for chance in (truth.engagement_up, truth.engagement_down))
        moved = rng.binomial(2, np.broadcast_to(up, (count, 2))) - rng.binomial(1, np.broadcast_to(down, (count, 2)))
        step[:, time] = (step[:, time - 1] + moved).clip(0, len(LEVELS) - 1)
    levels: npt.NDArray[np.int64] = LEVELS[step]
    levels[~teenager, :, 1] = ABSENT
    return levels


def describe_cases(
    families: pd.DataFrame, children: pd.DataFrame, which: npt.NDArray[np.int64], truth: Truth
) -> pd.DataFrame:
    """What `draw_risk` needs to know of some families: family, treated, teenager, young_0, young_1, young_2, and
    adult_by_follow_up."""
    youngest = children.groupby("family")["born"].max().to_numpy()[which]
    lead = children[children["lead"]].set_index("family")["born"].to_numpy()[which]
    origin = families["origin"].to_numpy()[which]
    follow_up = np.full(len(which), follow_up_day(truth))
    table = pd.DataFrame({"family": which, "treated": families["treated"].to_numpy()[which]})
    table["teenager"] = origin - lead >= 11 * DAYS_IN_YEAR
    for time, day in enumerate((origin, origin + 182, follow_up)):
        table[f"young_{time}"] = day - youngest < YOUNG_YEARS * DAYS_IN_YEAR
    table["adult_by_follow_up"] = follow_up - lead >= 18 * DAYS_IN_YEAR
    return table


def follow_up_day(truth: Truth) -> int:
    """The third time point: January of the year in which the study ends."""
    return int(np.datetime64(f"{truth.study_end[:4]}-01-15", "D").astype(int))
