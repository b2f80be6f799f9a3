"""The table of changes to the service in the 2020 report: does it add up, and does it agree with the text?"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from crewe_lib.claim_register import Reader, read_register
from crewe_lib.claim_rules.dates import DAYS_PER_YEAR
from crewe_lib.claim_rules.service import PHASES
from crewe_lib.claim_writing import write_dates
from crewe_lib.evidence import Column
from crewe_lib.formats import either, fixed
from crewe_lib.leads import Lead
from crewe_lib.provenance import infers, traced

PROGRAMME_COLUMNS: Mapping[str, Column] = {
    "item": Column("Item"),
    "printed": Column("Printed"),
    "other": Column("Elsewhere, or computed"),
    "agrees": Column("Agrees", either("yes", "no")),
}


@traced
@infers
def check_programme_table(register: pd.DataFrame) -> Lead:
    """Table 1 of the 2020 report against its text and its own arithmetic.

    readings: item, printed, other, agrees (all text but the last). Raises DataError.
    """
    reader = read_register(register)
    rows = [*_capacity_rows(reader), *_text_rows(reader), *_date_rows(reader)]
    readings = pd.DataFrame(rows, columns=list(PROGRAMME_COLUMNS))
    differ = readings[~readings["agrees"]]
    listed = "; ".join(f"{row.item} {row.printed} against {row.other}" for row in differ.itertuples())
    return Lead(
        id="programme_table",
        title="Does the table of changes to the service add up?",
        verdict="refuted" if differ.empty else "confirmed in part" if len(differ) < len(readings) else "confirmed",
        finding=f"Of {len(readings)} items {len(readings) - len(differ)} agree"
        + (f". These do not: {listed}." if listed else ".")
        + " That a pod held as many cases in every phase is implied, not printed.",
        settles="The contracts of each phase, with pods, posts and capacity, would settle it.",
        claims=tuple(sorted(reader.read)),
        readings=readings,
        numbers={"items": len(readings), "differ": len(differ)},
    )


Row = tuple[str, str, str, bool]


def _compare(item: str, printed: str, other: str) -> Row:
    return item, write_dates(printed), write_dates(other), printed == other


def _capacity_rows(reader: Reader) -> list[Row]:
    """Capacity of each phase against pods × cases of a pod."""
    names = ("June 2015 to March 2017", "2017-18", "2018-19", "2019-20")
    size, show = reader.number("r2.design.cases_pod"), fixed(0)
    rows = []
    for name, phase in zip(names, PHASES, strict=True):
        pods = reader.number(f"r2.t1.{phase}.pods_crewe") + reader.number(f"r2.t1.{phase}.pods_macc")
        rows.append(_compare(f"capacity {name}", show(reader.number(f"r2.t1.{phase}.capacity")), show(pods * size)))
    return rows


def _text_rows(reader: Reader) -> list[Row]:
    """Statements of the text against the table or each other."""
    pods = [reader.number(f"r2.t1.{p}.pods_crewe") + reader.number(f"r2.t1.{p}.pods_macc") for p in PHASES]
    show = fixed(0)
    sequence = f"{show(pods[0])} to {show(min(pods))}, later {show(pods[-1])}"
    rounds = {1: "one", 2: "two", 3: "three"}[len(PHASES) - 1]
    spread = f"{show(min(pods[1:]))} to {show(max(pods[1:]))}"
    each = reader.number("r2.design.cases_each") / reader.number("r2.design.swc_fps_before")
    return [
        _compare("pods over time", reader.text("r2.t1.pod_sequence_text"), sequence),
        _compare("pods of a manager", reader.text("r2.pods.manager_actual"), spread),
        _compare("rounds of recommissioning", reader.text("r2.t1.recommissions"), rounds),
        _referrals(reader),
        _compare("cap of a practitioner", show(each), show(reader.number("r2.design.fp_cap"))),
    ]


def _referrals(reader: Reader) -> Row:
    """Two printings of one criterion: fewer earlier referrals than a number, and at most a number of them."""
    below, most = reader.claim("r2.design.referrals_lt2"), reader.claim("r2.design.referrals_max2")
    strict = below.precision == "under"
    words = f"{'fewer than' if strict else 'at most'} {below.value}"
    return "earlier referrals", words, f"at most {most.value}", below.number - strict == most.number


def _date_rows(reader: Reader) -> list[Row]:
    """The end of allocation, and the years followed."""
    years = (reader.day("r2.design.study_end") - reader.day("r1.design.pilot_start")).days / DAYS_PER_YEAR
    running = (reader.day("r2.design.funding_to", end=True) - reader.day("r2.design.pilot_period")).days / DAYS_PER_YEAR
    words = ("none", "one", "two", "three", "four", "five", "six", "seven")
    volunteers = reader.day("r2.t1.volunteers_until", end=True) > reader.day("r2.design.pilot_period", end=True)
    until = reader.text("r2.t1.volunteers_until")
    return [
        _compare(
            "window of the trial", reader.text("r2.design.rct_window_main"), reader.text("r2.design.rct_window_app")
        ),
        _compare("years compared", reader.text("r2.design.five_year"), words[min(round(years), 7)]),
        _compare("years of the service", fixed(0)(reader.number("r2.design.years_running")), fixed(0)(running)),
        ("volunteers until", write_dates(until), "a recommissioning after the pilot", volunteers),
    ]
