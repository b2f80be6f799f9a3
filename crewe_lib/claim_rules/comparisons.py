"""Smaller claims of the 2020 report and its companions: orders in words, periods, fractions, counts."""

from __future__ import annotations

from datetime import date, timedelta

from crewe_lib.claim_classes import Recomputed
from crewe_lib.claim_register import Reader
from crewe_lib.claim_rules.common import difference, product, restated, written
from crewe_lib.claim_rules.registry import RuleFunction, add_rule, rule
from crewe_lib.claim_writing import write_dates
from crewe_lib.formats import fixed, spelt

PHASES = ("p1", "p2", "p3", "p4")


def order(first: str, second: str, more: str, fewer: str, *, note: str = "") -> RuleFunction:
    """Which of two printed numbers is the larger. more, fewer: the words if the first is the larger, the smaller."""

    def compute(reader: Reader) -> Recomputed:
        a, b = reader.number(first), reader.number(second)
        words = more if a > b else fewer if a < b else "alike"
        return Recomputed(f"{written(a)} and {written(b)}", words=words, differs="decision", note=note)

    return compute


def years_of(source: str, *, note: str = "") -> RuleFunction:
    """The years that another printed period spans."""

    def compute(reader: Reader) -> Recomputed:
        start, end = reader.day(source), reader.day(source, end=True)
        return Recomputed(f"{start:%B %Y} to {end:%B %Y}", words=f"{start:%Y} to {end:%Y}", differs="minor", note=note)

    return compute


def _compare() -> None:
    add_rule("r2.t1.capacity_trend", order("r2.t1.p4.capacity", "r2.t1.p1.capacity", "raised", "reduced"), "arithmetic")
    add_rule(
        "r2.risk.gap_direction",
        order("r2.risk.treat", "r2.risk.control", "FACT22 larger", "FACT22 smaller"),
        "arithmetic",
    )


@rule("r2.risk.not_sustained", "arithmetic")
def _risk_not_sustained(reader: Reader) -> Recomputed:
    rise, cases = reader.number("r2.risk.treat"), spelt(reader.count("r2.risk.n_treat"))
    return Recomputed(
        f"mean risk of the cases of FACT22 followed changed by {fixed(1, sign=True)(rise)}",
        words="not sustained" if rise > 0 else "sustained",
        differs="decision",
        note=f"It rests on {cases} cases; whether their risk is above or below that at referral is in a chart only. "
        "Those followed leave out cases that were closed and stayed closed, so the outcome itself selects them.",
    )


def _periods() -> None:
    add_rule("r2.design.dfe_funding", years_of("r2.design.pilot_period"), "dates")
    add_rule("r2.design.rct_year", years_of("r2.design.rct_window_app"), "dates")
    add_rule(
        "r2.design.r1_evaluation",
        years_of("sum.design.eval_period", note="The summary has the evaluation end in 2016; its report is of 2017."),
        "dates",
    )
    for last, this, following in (("p1", "p2", "p3"), ("p2", "p3", "p4"), ("p3", "p4", "")):
        add_rule(f"r2.t1.{this}.period", _between_phases(last, following), "dates")


def _between_phases(last: str, following: str) -> RuleFunction:
    """From the end of one phase of the service to the beginning of the next, or to the end of the funding."""

    def compute(reader: Reader) -> Recomputed:
        before = "r2.design.pilot_period" if last == PHASES[0] else f"r2.t1.{last}.period"
        start = reader.day(before, end=True) + timedelta(days=1)
        if following:
            end = reader.day(f"r2.t1.{following}.period") - timedelta(days=1)
        else:
            end = reader.day("r2.design.funding_to", end=True)
        return Recomputed(
            "from the end of the phase before to the beginning of the next, or to the end of the funding",
            words=f"{start:%Y-%m} to {end:%Y-%m}",
            differs="minor",
        )

    return compute


def _month(claim: str, source: str) -> None:
    @rule(claim, "dates")
    def compute(reader: Reader) -> Recomputed:
        end = reader.day(source, end=True)
        return Recomputed(f"the pilot ended in {end:%B %Y}", words=f"{end:%Y-%m}", differs="minor")


@rule("blog.funding_year", "dates")
def _funding_year(reader: Reader) -> Recomputed:
    start = reader.day("r2.design.pilot_period")
    return Recomputed(f"the pilot began in {start:%B %Y}", words=f"{start:%Y}", differs="minor")


@rule("r2.risk.follow_up_period", "dates")
def _follow_up_period(reader: Reader) -> Recomputed:
    second, third = reader.day("r2.risk.t2"), reader.day("r2.risk.t3")
    return Recomputed(f"{second:%Y} and {third:%B %Y}", words=f"{second:%Y} to {third:%Y}", differs="minor")


@rule("r2.qual.tenure_since", "dates")
def _tenure_since(reader: Reader) -> Recomputed:
    when, years = reader.day("r2.qual.dates"), int(reader.number("r2.qual.tenure_mode"))
    return Recomputed(
        f"{years} years before {when:%B %Y}",
        words=f"{date(when.year - years, when.month, 1):%Y}",
        differs="minor",
        note="Counted from the later months of 2017 it is a little more than two years.",
    )


@rule("r2.t1.volunteers_text", "dates")
def _volunteers(reader: Reader) -> Recomputed:
    pilot, until = reader.day("r2.design.pilot_period", end=True), reader.day("r2.t1.volunteers_until", end=True)
    years = (until - pilot).days / 365.25
    return Recomputed(
        f"re-commissioned after {pilot:%B %Y}; in the table volunteers stay until {until:%B %Y}",
        words="after re-commissioning" if years < 1 else f"{years:.0f} years after re-commissioning",
        differs="minor",
        note="The text lets the support end when the service was re-commissioned; in the table it lasts on.",
    )


@rule("r2.design.towns", "total of a table")
def _towns(reader: Reader) -> Recomputed:
    pods = [reader.number(f"r2.t1.{PHASES[-1]}.pods_{town}") for town in ("crewe", "macc")]
    return Recomputed(
        f"pods in Crewe and Macclesfield in the last phase: {written(pods[0])} and {written(pods[1])}",
        value=sum(number > 0 for number in pods),
    )


@rule("blog.reduced_service", "arithmetic")
def _reduced(reader: Reader) -> Recomputed:
    before, after = (reader.number(f"r2.t1.{phase}.pods_crewe") for phase in PHASES[:2])
    return Recomputed(
        f"{written(before)} pods in Crewe during the pilot, {written(after)} after it",
        words="reduced" if after < before else "not reduced",
        differs="decision",
    )


@rule("sum.qual.timepoints", "arithmetic")
def _rounds(reader: Reader) -> Recomputed:
    months = reader.text("sum.qual.waves").split(" and ")
    return Recomputed(f"months named: {', '.join(map(write_dates, months))}", value=len(months))


def _others() -> None:
    add_rule("r2.design.cases_pod_before", product("r2.design.swc_fps_before", "r2.design.fp_cap"), "arithmetic")
    add_rule("r2.risk.r1_treat", difference("r2.risk.n_r1", "r2.risk.r1_control"), "arithmetic")
    add_rule("r2.risk.r1_control", difference("r2.risk.n_r1", "r2.risk.r1_treat"), "arithmetic")
    add_rule("reg.sig", restated("r1.closure.sig"), "cited source")


_compare()
_periods()
_month("r2.design.dfe_funding_end", "r2.design.pilot_period")
_others()
