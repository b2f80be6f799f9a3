"""How the targets on coded risk are measured, and what all measures need and give back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from crewe_lib.definitions import StudyDates
from crewe_lib.records import Records
from crewe_lib.risk_scoring import PARTS
from crewe_lib.targets.risk import RiskSummary

ARMS = ("treatment", "control")
ALIKE, SLIGHTLY = 0.5, 0.5  # points of the risk score: how we read "similar" and "small"


@dataclass(frozen=True)
class Found:
    """What a cohort has in place of a target: what is shown, in the target's order, and for a rule whether it holds."""

    shown: tuple[str, ...]
    holds: bool | None = None


@dataclass(frozen=True)
class Context:
    """What the measures need: the cases with their outcomes, dates, records, and the summary of coded risk."""

    records: Records
    dates: StudyDates
    outcomes: pd.DataFrame
    risk: RiskSummary

    @property
    def arms(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The cases of treatment and of control."""
        treated = self.outcomes["treated"] == 1
        return self.outcomes[treated], self.outcomes[~treated]


def counts(*values: float) -> Found:
    return Found(tuple(str(int(value)) for value in values))


def risk_cases(context: Context) -> Found:
    return counts(*(context.risk.counts.get(arm, {}).get("referral", 0) for arm in ARMS))


def table_2(context: Context) -> Found:
    return counts(*context.risk.found.values())


def box(time: str, low: float, high: float) -> Callable[[Context], Found]:
    """Both edges of each arm's box within the limits."""

    def find(context: Context) -> Found:
        boxes = [context.risk.hinges[arm][time] for arm in ARMS]
        words = tuple(f"{box[0]:g} to {box[1]:g}" for box in boxes)
        return Found(words, all(low <= box[0] and box[1] <= high for box in boxes))

    return find


def risk_ordering(context: Context) -> Found:
    treated, control = (context.risk.mean[arm] for arm in ARMS)
    words = tuple(f"{time} {treated[time]:.2f} and {control[time]:.2f}" for time in ("referral", "latest"))
    factors = context.risk.risk_at_referral
    riskier = treated["referral"] < control["referral"] and factors["treatment"] < factors["control"]
    return Found(words, riskier and treated["latest"] > control["latest"])


def risk_decomposition(context: Context) -> Found:
    treated, control = (context.risk.change[arm] for arm in ARMS)
    words = tuple(f"{part} {treated[part]:+.2f} and {control[part]:+.2f}" for part in ("risk", "protective"))
    alike = abs(treated["risk"] - control["risk"]) <= ALIKE
    return Found(words, alike and -SLIGHTLY <= control["protective"] < 0 < treated["protective"])


def follow_up_cases(context: Context) -> Found:
    return counts(*(context.risk.counts.get(arm, {}).get("follow_up", 0) for arm in ARMS))


def follow_up(arm: str) -> Callable[[Context], Found]:
    def find(context: Context) -> Found:
        count = context.risk.counts[arm].get("follow_up", 0)
        return Found((f"{context.risk.followed[arm]['total'] * count:g}/{count}",))

    return find


def follow_up_decomposition(context: Context) -> Found:
    treated, control = (context.risk.followed[arm] for arm in ARMS)
    words = tuple(f"{part} {treated[part]:+.2f} and {control[part]:+.2f}" for part in PARTS)
    gains = all(treated[part] > control[part] for part in ("engagement", "protective"))
    return Found(words, gains and abs(treated["risk"] - control["risk"]) <= ALIKE)
