"""The parameters of the simulated cohort: what is true in the invented world, so that methods can be tested on it.

Every number here was chosen by the authors of this book, most of them so that draws look like the figures that the
reports print. None is an estimate, and none may be read as a finding about Crewe.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from crewe_lib.errors import CreweError

DAYS_IN_YEAR = 365.25
# Variance of the standard Gumbel distribution: of the log of the integrated hazard, given the hazard.
GUMBEL_VARIANCE = math.pi**2 / 6


def _shares(**shares: float) -> Mapping[str, float]:
    return field(default_factory=lambda: dict(shares))


@dataclass(frozen=True)
class Truth:
    """Parameters of the model. Shares and chances lie between 0 and 1; hazards are per day or per year as named; log
    hazard ratios, log odds and latent effects have no unit.

    Closing: the hazard of closing the first episode is `closing_control`[period] × exp(treatment effect of the period
    + history effect + treatment × history + age effects + family effect + child effect), in the periods that `periods`
    divides, counted in days from the referral or the start of the pilot, whichever is later. `icc` is the share of the
    variance between children of the log integrated hazard that lies between families (latent scale).
    """

    pilot_start: str = "2015-08-01"
    pilot_end: str = "2016-11-01"
    study_end: str = "2019-11-22"
    last_referral: str = "2016-03-31"
    treated_share: float = 2 / 3
    case_data_found: float = 0.97

    # families and children
    family_sizes: tuple[float, ...] = (0.16, 0.42, 0.27, 0.10, 0.04, 0.01)  # shares with one, two, … children
    lead_ages: tuple[tuple[int, int, float], ...] = (  # first year of age, last, share
        (0, 4, 0.29),
        (5, 10, 0.34),
        (11, 13, 0.17),
        (14, 15, 0.12),
        (16, 17, 0.08),
    )
    sibling_gap_years: float = 3.5
    sibling_is_cin: float = 0.93
    female: float = 0.38
    sex_not_recorded: float = 0.004
    disability: float = 0.016
    disability_unknown: float = 0.01
    ethnicity: Mapping[str, float] = _shares(
        white_british=0.78, white_other=0.065, mixed=0.06, asian=0.025, black=0.02, other=0.01, not_recorded=0.04
    )
    site: Mapping[str, float] = _shares(crewe=0.97, macclesfield=0.02, other=0.01)
    needs: Mapping[str, float] = _shares(
        N1=0.45, N2=0.03, N3=0.08, N4=0.15, N5=0.20, N6=0.03, N7=0.01, N8=0.02, N9=0.01, N0=0.02
    )

    # history and referrals
    open_before_pilot: float = 0.36
    days_open_before: float = 160.0
    earlier_episode: float = 0.20
    earlier_escalated: float = 0.08
    plan_delay: tuple[int, int] = (5, 40)
    plan_opens: float = 0.97
    later_plan_opens: float = 0.85

    # closing of the first episode
    icc: float = 0.36
    periods: tuple[int, ...] = (100, 300, 458)
    closing_control: tuple[float, ...] = (0.0031, 0.0062, 0.0030, 0.0030)  # per day, in each period
    treatment: tuple[float, ...] = (-0.50, -0.40, 1.50, 0.0)  # log hazard ratio in each period
    history: float = -0.25
    treatment_by_history: float = 0.25
    age_teenager: float = -0.10  # 11 or over, log hazard ratio

    # after closing
    rereferral_per_year: float = 0.20
    rereferral_treatment: float = -0.05  # log hazard ratio
    rereferral_family_sd: float = 0.50
    later_closing_per_year: tuple[float, float] = (0.80, 0.35)  # control, treatment
    escalation_per_year: float = 0.030
    moving_per_year: float = 0.008
    closing_day_unknown: float = 0.015
    crossover: float = 0.25  # of control families with an episode after the pilot

    # absence in two terms
    absence_found: float = 0.82
    absence_one_term_lost: float = 0.02
    absence_level: tuple[float, float] = (-2.75, -2.20)  # log odds of missing a session: primary, secondary
    absence_treatment: tuple[float, float] = (0.12, -0.10)
    absence_history: float = 0.10
    absence_family_sd: float = 0.45
    absence_child_sd: float = 0.60
    absence_unauthorised: float = 0.35

    # Strengths and Difficulties Questionnaire: latent difficulties, lack of prosocial behaviour among them
    sdq_returned: float = 0.30
    sdq_by_worker: float = 0.65
    sdq_item_missing: float = 0.01
    sdq_level: tuple[float, ...] = (0.10, 0.15, 0.35, 0.0, -0.35)  # emotional, conduct, hyperactivity, peer, prosocial
    sdq_treatment: float = -0.12
    sdq_common: float = 0.50  # share of a scale's variance that the scales have in common
    sdq_loading: float = 0.75  # of an item on its scale

    # coded risk; pairs are (latest, follow-up), pairs of pairs (control, treatment)
    risk_coded: float = 15 / 44  # families coded in each arm, as a share of the smaller arm
    risk_followed: float = 0.60  # of those still under eighteen whose case did not close too early
    risk_prevalence: Mapping[str, float] = _shares(
        parent_previous_dealings=0.45, parent_mental_health=0.33, parent_substance_abuse=0.15, parent_attachment=0.12,
        parent_own_needs=0.25, parent_domestic_abuse=0.47, parent_personality_disorder=0.04, child_risk_taking=0.30,
        child_excluded=0.15, child_low_attendance=0.30, child_aggressive=0.30, family_conflict=0.40,
        family_stress=0.45, family_isolated=0.25, family_power=0.15, family_substance_abuse=0.09,
        family_young_children=0.0, social_neighbourhood=0.08, social_lack_of_support=0.20,
    )  # fmt: skip
    protective_prevalence: Mapping[str, float] = _shares(
        parent_employed=0.45, parent_empathy=0.65, parent_overcame_adversity=0.35, parent_no_denial=0.45,
        parent_responsible=0.40, child_positive_relationships=0.40, child_low_risk_taking=0.40,
        child_engaged_at_school=0.45, family_supportive_partner=0.35, family_supportive_network=0.40,
    )  # fmt: skip
    engagement_levels: tuple[float, ...] = (0.20, 0.40, 0.32, 0.08)  # of −2, −1, 1, 2 at referral
    engagement_shared: float = 0.6  # chance that a child over eleven starts at the parent's level
    risk_severity_sd: float = 0.45  # between families, on the log odds of a risk factor at referral
    risk_treatment: float = 0.30  # families in treatment have more risk at referral, on the same scale
    risk_fades: tuple[float, float] = (0.62, 0.05)  # chance that a risk factor is gone
    risk_returns: tuple[float, float] = (0.02, 0.11)  # chance that an absent one appears
    protective_gained: tuple[tuple[float, float], tuple[float, float]] = ((0.10, 0.05), (0.38, 0.06))
    protective_lost: tuple[tuple[float, float], tuple[float, float]] = ((0.12, 0.16), (0.05, 0.10))
    engagement_up: tuple[tuple[float, float], tuple[float, float]] = ((0.85, 0.10), (0.85, 0.14))  # two tries
    engagement_down: tuple[tuple[float, float], tuple[float, float]] = ((0.05, 0.40), (0.05, 0.30))  # one try

    def __post_init__(self) -> None:
        """Refuse what cannot be: shares outside 0 to 1 or not adding up to 1, an ICC of 1, periods out of order."""
        for name in _CHANCES:
            if not 0 <= getattr(self, name) <= 1:
                raise CreweError(f"truth: {name} is {getattr(self, name)}; it must lie between 0 and 1.")
        if self.icc >= 1:
            raise CreweError("truth: icc is 1; it must be less, or siblings could not differ.")
        for name in ("ethnicity", "site", "needs"):
            _check_shares(name, tuple(getattr(self, name).values()))
        _check_shares("family_sizes", self.family_sizes)
        _check_shares("lead_ages", tuple(share for _, _, share in self.lead_ages))
        if list(self.periods) != sorted(set(self.periods)) or min(self.periods) < 1:
            raise CreweError(f"truth: periods are {self.periods}; they must be days from 1 on, rising.")
        if not len(self.closing_control) == len(self.treatment) == len(self.periods) + 1:
            raise CreweError("truth: closing_control and treatment need one value more than periods has.")

    @property
    def family_sd(self) -> float:
        """Standard deviation of the family effect on the log hazard, from the ICC."""
        return math.sqrt(self.icc / (1 - self.icc) * GUMBEL_VARIANCE)

    def day(self, name: str) -> int:
        """One of the dates as a day number (days since 1 January 1970)."""
        return int(np.datetime64(getattr(self, name), "D").astype(int))

    def as_plain(self) -> dict[str, Any]:
        """The parameters as they are written into the data package."""
        return asdict(self)


_CHANCES = (
    "treated_share",
    "case_data_found",
    "sibling_is_cin",
    "female",
    "sex_not_recorded",
    "disability",
    "disability_unknown",
    "open_before_pilot",
    "earlier_episode",
    "earlier_escalated",
    "plan_opens",
    "later_plan_opens",
    "icc",
    "closing_day_unknown",
    "crossover",
    "absence_found",
    "absence_one_term_lost",
    "absence_unauthorised",
    "sdq_returned",
    "sdq_by_worker",
    "sdq_item_missing",
    "sdq_common",
    "sdq_loading",
    "risk_coded",
    "risk_followed",
)


def _check_shares(name: str, shares: tuple[float, ...]) -> None:
    if min(shares) < 0 or not math.isclose(sum(shares), 1, abs_tol=1e-9):
        raise CreweError(
            f"truth: the shares of {name} must be 0 or more and add up to 1; they add up to {sum(shares)}."
        )


assert set(_CHANCES) <= {item.name for item in fields(Truth)}
