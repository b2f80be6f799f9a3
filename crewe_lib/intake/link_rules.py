"""The rules of records that span columns, rows and tables: lead children, the order of days, overlaps, risk levels."""

from __future__ import annotations

import pandas as pd

from crewe_lib.contract import TABLES
from crewe_lib.intake.faults import mask, nearest, show
from crewe_lib.intake.links import (
    NONE,
    Context,
    LinkRule,
    before_birth,
    earlier,
    key_rule,
    overlaps,
    reference_rule,
    repeats,
    rows_at,
)

MONTHS_BEFORE_BIRTH = 9


def all_rules() -> tuple[LinkRule, ...]:
    """Every rule, those that follow from keys and references first."""
    # families with two arms have a rule of their own
    keys = [key_rule(table, _second_arms if name == "families" else None) for name, table in TABLES.items()]
    references = [reference_rule(table, name) for table in TABLES.values() for name in table.refers]
    return (*keys, *references, *RULES)


def _second_arms(context: Context) -> pd.Series:
    families = context.tables["families"][["family_id", "arm"]].dropna()
    first = families.assign(row=families.index).drop_duplicates("family_id").set_index("family_id")
    other = families[families["family_id"].map(first["arm"]) != families["arm"]]
    rows = other["family_id"].map(first["row"])
    return rows.map(lambda row: f"another arm than in row {row}").astype(object)


def _second_leads(context: Context) -> pd.Series:
    children = context.tables["children"]
    return repeats(children[children["lead_child"] == "1"], ["family_id"])


def _no_lead(context: Context) -> pd.Series:
    """Families with case data and no lead child; nothing is said of families with a child whose mark was refused."""
    families, children = context.tables["families"], context.tables["children"]
    may_lead = children["lead_child"].isna() | (children["lead_child"] == "1")
    if (children["family_id"].isna() & may_lead).any():
        return NONE
    ids = families.loc[families["case_data"] == "1", "family_id"].dropna()
    lacking = ids[~ids.isin(children.loc[may_lead, "family_id"])]
    has_child = lacking.isin(children["family_id"])
    return has_child.map({True: "no lead child", False: "no child at all"})


def _no_episode(context: Context) -> pd.Series:
    """Families with case data whose lead child has no episode; nothing is said if an episode's child was refused, or
    of families without a lead child, of which another rule speaks."""
    families, children = context.tables["families"], context.tables["children"]
    written = context.tables["episodes"]["child_id"]
    if written.isna().any():
        return NONE
    leads = children[children["lead_child"] == "1"].dropna(subset=["child_id", "family_id"])
    served = leads.loc[leads["child_id"].isin(written), "family_id"]
    lacking = families["family_id"].isin(leads["family_id"]) & ~families["family_id"].isin(served)
    return rows_at(lacking & (families["case_data"] == "1"), "no episode")


def _followed_too_short(context: Context) -> pd.Series:
    children = context.tables["children"]
    last = context.tables["episodes"].groupby("child_id")["referred_on"].max()
    return earlier(children["child_id"].map(last), children["followed_to"])


def _plan_before_referral(context: Context) -> pd.Series:
    frame = context.tables["episodes"]
    return earlier(frame["referred_on"], frame["plan_opened_on"])


def _closed_before_referral(context: Context) -> pd.Series:
    frame = context.tables["episodes"]
    return earlier(frame["referred_on"], frame["closed_on"])


def _closed_before_plan(context: Context) -> pd.Series:
    frame = context.tables["episodes"]
    return earlier(frame["plan_opened_on"], frame["closed_on"]).drop(
        _closed_before_referral(context).index, errors="ignore"
    )


def _closed_without_reason(context: Context) -> pd.Series:
    frame = context.tables["episodes"]
    return rows_at((frame["status"] == "closed") & (frame["closed_reason"] == ""), "a blank")


def _open_with_reason(context: Context) -> pd.Series:
    frame = context.tables["episodes"]
    return rows_at(
        (frame["status"] == "open") & frame["closed_reason"].notna() & (frame["closed_reason"] != ""), "a reason"
    )


def _open_with_closing(context: Context) -> pd.Series:
    frame = context.tables["episodes"]
    return rows_at((frame["status"] == "open") & frame["closed_on"].notna(), "a day")


def _overlapping_episodes(context: Context) -> pd.Series:
    frame = context.tables["episodes"]
    unknown = (frame["status"] != "open") & frame["closed_on"].isna()
    return overlaps(frame, ["child_id"], "referred_on", "closed_on", unknown, "the earlier one is still open")


def _overlapping_protection(context: Context) -> pd.Series:
    frame = context.tables["protection"]
    unknown = pd.Series(False, index=frame.index)
    return overlaps(frame, ["child_id", "event"], "started_on", "ended_on", unknown, "the earlier one lasts")


def _too_many_sessions(context: Context) -> pd.Series:
    frame = context.tables["absence"]
    missed = frame["sessions_authorised"] + frame["sessions_unauthorised"]
    wrong = (missed > frame["sessions_possible"]).fillna(False).astype(bool)
    pairs = zip(missed[wrong], frame.loc[wrong, "sessions_possible"], strict=True)
    return pd.Series([f"{a} of {b} sessions" for a, b in pairs], index=frame.index[wrong], dtype=object)


def _unknown_factors(context: Context) -> pd.Series:
    factors = context.tables["risk"]["factor"].dropna()
    unknown = factors[~factors.isin(list(context.factors))]
    near = {name: nearest(name, context.factors) for name in unknown.unique()[:20]}
    return unknown.map(lambda name: mask(name) + (f" (perhaps {near[name]})" if near.get(name) else ""))


def _wrong_levels(context: Context) -> pd.Series:
    frame = context.tables["risk"][["factor", "level"]].dropna()
    allowed = {(name, level) for name, levels in context.factors.items() for level in levels}
    pairs = frame.drop_duplicates()
    wrong = {(f, n) for f, n in zip(pairs["factor"], pairs["level"], strict=True) if f in context.factors} - allowed
    rows = [pair in wrong for pair in zip(frame["factor"], frame["level"], strict=True)] if wrong else []
    return frame.loc[rows, "level"].map(lambda level: show(str(level))) if wrong else NONE


def _crossed_before(context: Context) -> pd.Series:
    families = context.tables["families"].dropna(subset=["family_id"]).drop_duplicates("family_id")
    frame = context.tables["crossovers"]
    return earlier(frame["family_id"].map(families.set_index("family_id")["randomised_on"]), frame["crossed_on"])


_DAYS = "correct the day that is wrong"
_BIRTH = f"{{0}} must not be more than {MONTHS_BEFORE_BIRTH} months before {{children.born_in}}"
RULES: tuple[LinkRule, ...] = (
    LinkRule(
        "families", "arm", "a family is in one arm", "keep the row of the arm that it was randomised to", _second_arms
    ),
    LinkRule(
        "children",
        "lead_child",
        "a family has one lead child",
        "mark the child whose case led to the referral, and no other",
        _second_leads,
    ),
    LinkRule(
        "families",
        "family_id",
        "a family with case data must have a lead child in {children.csv}",
        "mark the child whose case led to the referral in column {children.lead_child}, or correct {case_data}",
        _no_lead,
        needs=("children",),
    ),
    LinkRule(
        "families", "family_id", "the lead child of a family with case data must have an episode in {episodes.csv}",
        "add the episode by which the family came into the study, or correct {case_data}", _no_episode,
        needs=("children", "episodes"),
    ),
    LinkRule(
        "children", "followed_to", "must not be before the child's last {episodes.referred_on}", _DAYS,
        _followed_too_short, needs=("episodes",),
    ),
    LinkRule("episodes", "plan_opened_on", "must not be before {referred_on}", _DAYS, _plan_before_referral),
    LinkRule("episodes", "closed_on", "must not be before {referred_on}", _DAYS, _closed_before_referral),
    LinkRule("episodes", "closed_on", "must not be before {plan_opened_on}", _DAYS, _closed_before_plan),
    LinkRule(
        "episodes", "closed_on", "must be blank while {status} is open", "blank it, or correct {status}",
        _open_with_closing,
    ),
    LinkRule(
        "episodes", "closed_reason", "must be blank while {status} is open", "blank it, or correct {status}",
        _open_with_reason,
    ),
    LinkRule(
        "episodes", "closed_reason", "must be given where {status} is closed",
        "fill it in; other if it is not recorded", _closed_without_reason,
    ),
    LinkRule(
        "episodes", "referred_on", "must not be before an earlier episode of the child closed",
        "correct the days, or join the episodes; a referral on the day of closing is allowed", _overlapping_episodes,
    ),
    LinkRule(
        "episodes", "referred_on", _BIRTH.replace("{0}", "{referred_on}"), "correct the day, or the month of birth",
        before_birth("episodes", "referred_on", MONTHS_BEFORE_BIRTH), needs=("children",),
    ),
    LinkRule(
        "protection", "ended_on", "must not be before {started_on}", _DAYS,
        lambda context: earlier(context.tables["protection"]["started_on"], context.tables["protection"]["ended_on"]),
    ),
    LinkRule(
        "protection", "started_on", "must not be before an earlier period of the same kind ended",
        "correct the days, or join the periods", _overlapping_protection,
    ),
    LinkRule(
        "protection", "started_on", _BIRTH.replace("{0}", "{started_on}"), "correct the day, or the month of birth",
        before_birth("protection", "started_on", MONTHS_BEFORE_BIRTH), needs=("children",),
    ),
    LinkRule(
        "absence", "sessions_possible",
        "{sessions_authorised} and {sessions_unauthorised} together must not exceed {sessions_possible}",
        "correct the number that is wrong", _too_many_sessions,
    ),
    LinkRule(
        "sdq", "completed_on", "must not be before {children.born_in}", "correct the day, or the month of birth",
        before_birth("sdq", "completed_on", 0), needs=("children",),
    ),
    LinkRule(
        "risk", "factor", "must be a factor of the framework",
        "use the codes of data/published/risk_framework.csv, or say in mapping.yml what yours are", _unknown_factors,
    ),
    LinkRule(
        "risk", "level", "must be 1 for a factor that was found; -2, -1, 1 or 2 for engagement",
        "correct the level; leave the row out if the factor was not found", _wrong_levels,
    ),
    LinkRule(
        "crossovers", "crossed_on", "must not be before {families.randomised_on}", _DAYS,
        _crossed_before, needs=("families",),
    ),
)  # fmt: skip
