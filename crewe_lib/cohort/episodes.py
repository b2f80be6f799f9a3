"""The simulated cohort's episodes of need: earlier ones, the one that brought the family into the study, later ones,
what was escalated, and which families crossed over. Arrays, as in `synthetic_families`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from crewe_lib.cohort.families import FAR, NEVER, Days, draw_codes
from crewe_lib.cohort.truth import DAYS_IN_YEAR, Truth

MOST_LATER_EPISODES = 4
ADULT_DAYS = round(18 * DAYS_IN_YEAR)
COLUMNS = ["child", "referred", "plan", "closed", "unknown", "reason"]


@dataclass(frozen=True)
class Course:
    """What happened to the children: episodes (child, referred, plan, closed, unknown, reason), protection (child,
    event, started, ended), crossovers (family, crossed). A blank day is NEVER."""

    episodes: pd.DataFrame
    protection: pd.DataFrame
    crossovers: pd.DataFrame


@dataclass(frozen=True)
class Children:
    """What the episodes need to know of each child in need, as arrays of one length."""

    child: Days
    family: Days
    treated: npt.NDArray[np.bool_]
    history: npt.NDArray[np.bool_]
    teenager: npt.NDArray[np.bool_]
    origin: Days
    leaves: Days  # eighteenth birthday
    moves: Days


def draw_course(rng: np.random.Generator, families: pd.DataFrame, children: pd.DataFrame, truth: Truth) -> Course:
    """Everything that happened, up to the last day of the study."""
    earlier, early_protection = _draw_earlier(rng, families, children, truth)
    plan = families["referred"].to_numpy() + rng.integers(*truth.plan_delay, len(families), endpoint=True)
    plan = np.where(rng.random(len(families)) < truth.plan_opens, plan, NEVER)
    who = _describe(families, children, earlier, plan, truth)
    referred = np.maximum(families["referred"].to_numpy()[who.family], children["born"].to_numpy()[who.child])
    ends = who.origin + draw_closing_days(rng, who, families["frailty"].to_numpy()[who.family], truth)
    # A child born after the family's referral joins the plan that there is.
    own_plan = np.where(plan[who.family] == NEVER, NEVER, np.maximum(plan[who.family], referred))
    current = _end_episodes(rng, who, referred, own_plan, ends, truth)
    parts = [earlier, current]
    for _ in range(MOST_LATER_EPISODES):
        who, current = _draw_later(rng, who, current, families, truth)
        parts.append(current)
    episodes = pd.concat(parts, ignore_index=True).sort_values(["child", "referred"], kind="stable", ignore_index=True)
    protection = pd.concat([early_protection, _protect(rng, episodes, children, truth)], ignore_index=True)
    protection = protection.sort_values(["child", "started"], kind="stable", ignore_index=True)
    return Course(episodes, protection, _draw_crossovers(rng, families, children, episodes, truth))


def draw_closing_days(rng: np.random.Generator, who: Children, frailty: npt.NDArray[np.float64], truth: Truth) -> Days:
    """Days until each child's first episode would close: a proportional-hazards model, constant within periods."""
    effect = frailty + truth.history * who.history + truth.treatment_by_history * who.history * who.treated
    effect = effect + truth.age_teenager * who.teenager
    needed = rng.exponential(1.0, len(effect)) / np.exp(effect)
    knots = np.array([0, *truth.periods, 10**6], dtype=float)
    days = np.empty(len(effect))
    for arm in (False, True):
        rates = np.array(truth.closing_control) * (np.exp(truth.treatment) if arm else 1)
        reached = np.r_[0, np.cumsum(rates * np.diff(knots))]
        own = who.treated == arm
        days[own] = np.interp(needed[own], reached, knots)
    whole: Days = np.ceil(days).clip(1, FAR).astype(np.int64)
    return whole


def _draw_earlier(
    rng: np.random.Generator, families: pd.DataFrame, children: pd.DataFrame, truth: Truth
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Episodes that were over before the family's referral, shared by its children then born; and what was escalated
    then."""
    count = len(families)
    has = rng.random(count) < truth.earlier_episode
    closed = families["referred"].to_numpy() - 30 - np.ceil(rng.exponential(300, count)).astype(np.int64).clip(0, 2500)
    referred = closed - 40 - np.ceil(rng.exponential(200, count)).astype(np.int64).clip(0, 1500)
    plan = referred + rng.integers(*truth.plan_delay, count, endpoint=True)
    # Later than the pilot's first day would not be an earlier episode: a family referred in the pilot has it before.
    shift = np.maximum(closed - (truth.day("pilot_start") - 1), 0)
    escalated = rng.random(count) < truth.earlier_escalated
    lasts = rng.integers(90, 366, count)
    child = np.flatnonzero(children["is_cin"].to_numpy())
    family = children["family"].to_numpy()[child]
    here = has[family] & (children["born"].to_numpy()[child] <= (referred - shift)[family])
    child, family = child[here], family[here]
    reason = np.where(escalated[family], "escalated", "stepped_down").astype(object)
    days = {"referred": (referred - shift)[family], "plan": (plan - shift)[family], "closed": (closed - shift)[family]}
    episodes = pd.DataFrame({"child": child, **days, "unknown": False, "reason": reason})
    ended = np.minimum(episodes["closed"] + lasts[family], families["referred"].to_numpy()[family] - 1)
    event = {"child": child, "event": "child_protection", "started": episodes["closed"], "ended": ended}
    return episodes, pd.DataFrame(event)[reason == "escalated"]


def _describe(
    families: pd.DataFrame, children: pd.DataFrame, earlier: pd.DataFrame, plan: Days, truth: Truth
) -> Children:
    """The children in need; history as the first report defines it: a plan in the family before the pilot."""
    start = truth.day("pilot_start")
    known = (plan != NEVER) & (plan < start)
    before = earlier.loc[earlier["plan"] < start, "child"].to_numpy()
    known[children["family"].to_numpy()[before]] = True
    child = np.flatnonzero(children["is_cin"].to_numpy())
    family = children["family"].to_numpy()[child]
    born, origin = children["born"].to_numpy()[child], families["origin"].to_numpy()[family]
    return Children(
        child=child,
        family=family,
        treated=families["treated"].to_numpy()[family],
        history=known[family],
        teenager=origin - born >= 11 * DAYS_IN_YEAR,
        origin=origin,
        leaves=born + ADULT_DAYS,
        moves=families["moves"].to_numpy()[family],
    )


def _end_episodes(
    rng: np.random.Generator, who: Children, referred: Days, plan: Days, ends: Days, truth: Truth
) -> pd.DataFrame:
    """Episodes with what ended them: closing, escalation, the eighteenth birthday, a move, or nothing yet."""
    size = len(referred)
    start = np.maximum(referred, truth.day("pilot_start"))
    escalates = start + np.ceil(rng.exponential(DAYS_IN_YEAR / max(truth.escalation_per_year, 1e-9), size)).clip(
        1, FAR
    ).astype(np.int64)
    rival = np.stack([ends, escalates, who.leaves, who.moves])
    closed = rival.min(axis=0)
    reason = np.array(["stepped_down", "escalated", "aged_out", "moved"], dtype=object)[rival.argmin(axis=0)]
    reason[(reason == "stepped_down") & (rng.random(size) < 0.04)] = "other"
    still = closed > truth.day("study_end")
    # Where an episode was open before the pilot, the day of closing is always known.
    unknown = ~still & (referred >= truth.day("pilot_start")) & (reason == "stepped_down")
    unknown &= rng.random(size) < truth.closing_day_unknown
    return pd.DataFrame(
        {
            "child": who.child,
            "referred": referred,
            "plan": np.where(plan <= np.minimum(closed, truth.day("study_end")), plan, NEVER),
            "closed": np.where(still, NEVER, closed),
            "unknown": unknown,
            "reason": np.where(still, "", reason),
        }
    )


def _draw_later(
    rng: np.random.Generator, who: Children, current: pd.DataFrame, families: pd.DataFrame, truth: Truth
) -> tuple[Children, pd.DataFrame]:
    """The next episode of the children who were referred again, and those children."""
    reason, closed = current["reason"].to_numpy(), current["closed"].to_numpy()
    effect = families["rereferral_frailty"].to_numpy()[who.family] + truth.rereferral_treatment * who.treated
    rate = truth.rereferral_per_year / DAYS_IN_YEAR * np.exp(effect)
    wait = np.ceil(rng.exponential(1.0, len(rate)) / rate.clip(1e-12)).clip(1, FAR).astype(np.int64)
    day = closed + wait
    last = np.minimum(np.minimum(who.leaves, who.moves) - 1, truth.day("study_end"))
    again = np.isin(reason.astype(str), ("stepped_down", "other")) & (day <= last)
    kept = Children(**{name: values[again] for name, values in vars(who).items()})
    referred, size = day[again], int(again.sum())
    planned = rng.random(size) < truth.later_plan_opens
    plan = np.where(planned, referred + rng.integers(*truth.plan_delay, size, endpoint=True), NEVER)
    per_year = np.where(kept.treated, truth.later_closing_per_year[1], truth.later_closing_per_year[0])
    lasts = np.ceil(rng.exponential(DAYS_IN_YEAR / per_year)).clip(1, FAR).astype(np.int64)
    short = rng.integers(10, 46, size)
    return kept, _end_episodes(rng, kept, referred, plan, referred + np.where(planned, lasts, short), truth)


def _protect(rng: np.random.Generator, episodes: pd.DataFrame, children: pd.DataFrame, truth: Truth) -> pd.DataFrame:
    """A child protection plan, or care, from the day on which an episode was escalated in the study's time."""
    start, end = truth.day("pilot_start"), truth.day("study_end")
    found = episodes[(episodes["reason"] == "escalated") & (episodes["closed"] >= start)]
    event = draw_codes(rng, {"child_protection": 0.75, "looked_after": 0.25}, len(found))
    lasts = rng.integers(90, 600, len(found))
    ended = np.minimum(found["closed"].to_numpy() + lasts, children["born"].to_numpy()[found["child"]] + ADULT_DAYS)
    return pd.DataFrame(
        {
            "child": found["child"].to_numpy(),
            "event": event,
            "started": found["closed"].to_numpy(),
            "ended": np.where(ended > end, NEVER, ended),
        }
    )


def _draw_crossovers(
    rng: np.random.Generator, families: pd.DataFrame, children: pd.DataFrame, episodes: pd.DataFrame, truth: Truth
) -> pd.DataFrame:
    """Control families who got the new service in an episode that went on after the pilot, with the first such day."""
    first, end = truth.day("pilot_end") + 1, truth.day("study_end")
    family = children["family"].to_numpy()[episodes["child"]]
    lead = children["lead"].to_numpy()[episodes["child"]]
    closed = episodes["closed"].to_numpy()
    until = np.where(closed == NEVER, end, closed)
    begin = np.maximum(episodes["referred"].to_numpy(), first)
    fits = lead & ~families["treated"].to_numpy()[family] & (until - begin >= 60) & ~episodes["unknown"].to_numpy()
    rows = pd.DataFrame({"family": family, "begin": begin, "until": until})[fits].drop_duplicates("family")
    size = len(rows)
    crossed = (rows["begin"] + np.floor(rng.random(size) * (rows["until"] - rows["begin"]))).astype(np.int64)
    taken = rng.random(size) < truth.crossover
    return pd.DataFrame({"family": rows["family"], "crossed": crossed})[taken].reset_index(drop=True)
