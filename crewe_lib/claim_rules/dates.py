"""Dates and durations: what lies between printed dates, windows printed twice, and references to figures."""

from __future__ import annotations

from datetime import date

from crewe_lib.claim_classes import Recomputed, Severity
from crewe_lib.claim_register import Reader
from crewe_lib.claim_rules.registry import RuleFunction, add_rule, rule
from crewe_lib.claim_writing import write_dates

DAYS_PER_MONTH, DAYS_PER_YEAR = 365.25 / 12, 365.25
_WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def say(day: date) -> str:
    """A day as it stands in 'how': '1 August 2015'."""
    return f"{day.day} {day:%B %Y}"


def between(
    first: str,
    last: str,
    per: float = 1.0,
    *,
    ends: tuple[bool, bool] = (False, False),
    differs: Severity | None = None,
    note: str = "",
) -> RuleFunction:
    """Days from one printed date to another, in units of `per` days. ends: whether the last day of each is meant."""

    def compute(reader: Reader) -> Recomputed:
        start, stop = reader.day(first, end=ends[0]), reader.day(last, end=ends[1])
        days = (stop - start).days
        unit = "" if per == 1.0 else f" = {days / per:.2f} {'months' if per == DAYS_PER_MONTH else 'years'}"
        return Recomputed(f"{say(start)} to {say(stop)}: {days} days{unit}", days / per, differs=differs, note=note)

    return compute  # fmt: skip


PILOT = ("r1.design.pilot_start", "r1.design.pilot_end")
add_rule("r1.design.max_followup", between(*PILOT), "dates")
add_rule("r1.design.min_followup", between("r1.design.rct_end", PILOT[1], ends=(True, False)), "dates")
add_rule(
    "r1.design.data_months",
    between(*PILOT, DAYS_PER_MONTH, differs="minor", note="The dates of the method section span more."),
    "dates",
)
add_rule(
    "r1.design.pilot_year",
    between(
        *PILOT, DAYS_PER_MONTH, differs="minor", note="The phrase stands for the pilot, which was longer than a year."
    ),
    "dates",
)
add_rule(
    "r2.design.years_running",
    between("r2.design.pilot_period", "r2.design.funding_to", DAYS_PER_YEAR, ends=(False, True)),
    "dates",
)
add_rule(
    "r1.design.running_years",
    between(
        "r2.design.pilot_period",
        "r1.design.pilot_end",
        DAYS_PER_YEAR,
        note="From the first month that the 2020 report gives to the end of the evaluation. When the cap on caseloads "
        "began is not printed.",
    ),
    "dates",
)


@rule("r2.design.five_year", "dates")
def _five_year(reader: Reader) -> Recomputed:
    start, stop = reader.day("r1.design.pilot_start"), reader.day("r2.design.study_end")
    years = (stop - start).days / DAYS_PER_YEAR
    return Recomputed(
        f"{say(start)} to {say(stop)}: {years:.1f} years",
        words=_WORDS[min(round(years), 10)],
        differs="minor",
        note=f"No family was followed for longer than {years:.1f} years.",
    )


@rule("r2.design.programme_period", "dates")
def _programme(reader: Reader) -> Recomputed:
    start, stop = reader.day("r2.design.pilot_period"), reader.day("r2.design.funding_to", end=True)
    return Recomputed(f"{start:%B %Y} to {stop:%B %Y}", words=f"{start:%Y} to {stop:%Y}")


def window(first: str, last: str, *, repeats: str = "", note: str = "") -> RuleFunction:
    """A window of months from two printed months."""

    def compute(reader: Reader) -> Recomputed:
        words = f"{reader.day(first):%Y-%m} to {reader.day(last, end=True):%Y-%m}"
        return Recomputed(
            f"{write_dates(words)} in the 2017 report", words=words, differs="minor", note=note, repeats=repeats
        )

    return compute


_SAME = "Printed alike in the 2017 report, which is repetition and not recomputation."
RCT = ("r1.design.rct_start", "r1.design.rct_end")
add_rule(
    "r2.design.rct_window_main",
    window(*RCT, repeats=_SAME, note="The appendix of the same report and the 2017 report end it in March 2016."),
    "dates",
)
add_rule("r2.design.rct_window_app", window(*RCT, repeats=_SAME), "dates")
add_rule("sum.design.window", window(*RCT, repeats=_SAME), "dates")


@rule("r1.qual.months_in", "dates")
def _months_in(reader: Reader) -> Recomputed:
    start, waves = reader.day("r1.design.rct_start"), reader.text("r1.qual.waves")
    year, month = (int(part) for part in waves.split(" and ")[-1].split("-"))
    months = 12 * (year - start.year) + month - start.month
    return Recomputed(f"{start:%B %Y} to {date(year, month, 1):%B %Y}", months)


@rule("r2.qual.tenure_max", "dates")
def _tenure(reader: Reader) -> Recomputed:
    start, stop = reader.day("r2.design.pilot_period"), reader.day("r2.qual.dates", end=True)
    years = (stop - start).days / DAYS_PER_YEAR
    return Recomputed(
        f"the service ran {years:.1f} years from {start:%B %Y} to the interviews of {stop:%B %Y}",
        choices=tuple(range(round(years) + 1)),
        differs="minor",
        note="Longer service may be with Catch22 or the council; the sentence also counts oversight of the service.",
    )


add_rule(
    "r2.qual.tenure_mode",
    between(
        "reg.date",
        "r2.qual.dates",
        DAYS_PER_YEAR,
        ends=(True, False),
        note="Counted from the publication of the 2017 report, which the sentence seems to mean.",
    ),
    "dates",
)
add_rule(
    "r2.data.delete",
    between("r2.data.report", "r2.data.delete_date", DAYS_PER_MONTH, ends=(True, False)),
    "dates",
)


def cited(source: str, note: str) -> RuleFunction:
    """What a caption, heading or other place prints, compared as words: a figure's number is not rounded."""

    def compute(reader: Reader) -> Recomputed:
        other = reader.claim(source)
        return Recomputed(f"as printed in the {other.place}", words=other.value, differs="minor", note=note)

    return compute


# References: what is cited against the heading or caption that carries it.
for _cited, _found, _what in (
    ("r1.ref.stress_fig", "r1.ref.stress_caption", "The figure of stress scores carries this number."),
    ("r1.ref.need_fig", "r1.ref.need_caption", "The figure of categories of need carries this number."),
    ("r1.ref.need_app", "r1.ref.need_heading", "The categories are listed in the appendix of this number."),
    ("r2.framework.appendix", "r2.ref.framework_heading", "The framework stands in the appendix of this number."),
    ("r1.ref.gcse_page", "r1.ref.gcse_page_app", "The same figures are cited with two pages of the same source."),
    ("r2.ref.logit_equation", "r2.ref.logit_list", "The list below the equation explains another symbol."),
    ("r2.ref.did_list", "r2.ref.did_equation", "The equation above the list has another symbol."),
    ("sum.claim.first_rct", "r1.claim.first_rct", "The two documents claim different things."),
):
    add_rule(_cited, cited(_found, _what), "cited source")


def standing(source: str, what: str) -> RuleFunction:
    """The page on which something stands, as the register has it of another claim."""

    def compute(reader: Reader) -> Recomputed:
        page = reader.claim(source).page
        return Recomputed(f"{what} stands on page {page}", words=str(page), differs="minor", note=_COUNTED)

    return compute


_COUNTED = "As pages can be counted in the text; a page may have moved between editions."
add_rule("r1.ref.page_stress", standing("r1.stress.k_cec", "the survey of stress"), "cited source")
add_rule("r1.ref.page_disengage", standing("r1.qual.disengage", "the passage on letting go gradually"), "cited source")


@rule("r2.ref.fig_blank", "cited source")
def _blank(reader: Reader) -> Recomputed:
    number = reader.text("r2.ref.closure_caption")
    return Recomputed(
        f"the figure of closures is Figure {number}", words=number, differs="minor", note="The number is missing."
    )
