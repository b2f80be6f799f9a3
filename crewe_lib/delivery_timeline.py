"""The service from 2015 to 2020 as a timeline, with the places marked where the account does not agree with itself.

Sources: FACT22 evaluation (2020), Table 1 and the text. Whether it agrees is a question of the ledger
(`leads.programme`), whose answer is marked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pandas as pd

from crewe_lib.claim_register import read_register
from crewe_lib.claim_writing import write_dates
from crewe_lib.delivery_tables import fill_claims
from crewe_lib.errors import DataError
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed
from crewe_lib.leads import Lead
from crewe_lib.provenance import infers, traced

# Item of the lead, by its beginning → the row of the timeline that it is about.
LANES: Mapping[str, str] = {
    "capacity": "capacity",
    "pods over time": "pods_crewe",
    "pods of a manager": "pods_crewe",
    "rounds of recommissioning": "funding",
    "earlier referrals": "criteria",
    "cap of a practitioner": "pod_size",
    "window of the trial": "trial",
    "years compared": "follow_up",
    "years of the service": "funding",
    "volunteers until": "volunteers",
}
_DATED: Mapping[str, str] = {"month": "month printed", "phase": "phase of the table", "not printed": "not printed"}
_MARKS = "abcdefghijklmnop"
TIMELINE_COLUMNS: Mapping[str, Column] = {
    "lane": Column("What"),
    "months": Column("When"),
    "text": Column("How it was"),
    "dating": Column("Date known by"),
    "page": Column("Page", fixed(0)),
}
INCONSISTENCY_COLUMNS: Mapping[str, Column] = {
    "mark": Column("Mark"),
    "item": Column("What"),
    "printed": Column("Printed in one place"),
    "other": Column("Elsewhere, or computed"),
}


def _mark(lead: Lead) -> list[tuple[str, str, dict[str, str]]]:
    """Letter, lane and reading of each item of the lead that does not agree. Raises DataError for an unknown item."""
    differ = lead.readings[~lead.readings["agrees"].astype(bool)].to_dict("records")
    found = []
    for mark, row in zip(_MARKS, differ, strict=False):
        lane = next((lane for start, lane in LANES.items() if str(row["item"]).startswith(start)), None)
        if lane is None:
            raise DataError(f"the timeline has no row for '{row['item']}'; LANES must name one.")
        found.append((mark, lane, {str(key): str(value) for key, value in row.items()}))
    return found


@traced
def derive_timeline(changes: pd.DataFrame, register: pd.DataFrame, lead: Lead) -> pd.DataFrame:
    """The service from 2015 to 2020, one row per aspect and span of months, the lead's disagreements marked.

    Columns: aspect, lane, marks (letters, blank if all agrees), start, end (years, the end of the last month), months,
    text, dated, dating (words), page.
    """
    marks: dict[str, list[str]] = {}
    for mark, lane, _ in _mark(lead):
        marks.setdefault(lane, []).append(mark)
    first, last = (changes[name].str.split("-", expand=True).astype(int) for name in ("first", "last"))
    months = [
        write_dates(a if a == b else f"{a} to {b}") for a, b in zip(changes["first"], changes["last"], strict=True)
    ]
    return pd.DataFrame(
        {
            "aspect": changes["aspect"],
            "lane": changes["label"],
            "marks": [", ".join(marks.get(aspect, [])) for aspect in changes["aspect"]],
            "start": first[0] + (first[1] - 1) / 12,
            "end": last[0] + last[1] / 12,
            "months": months,
            "text": fill_claims(changes["change"], read_register(register)),
            "dated": changes["dated"],
            "dating": changes["dated"].map(dict(_DATED)),
            "page": changes["page"],
        }
    )


@traced
def derive_inconsistencies(lead: Lead) -> pd.DataFrame:
    """Items of the lead that do not agree, with their letters on the timeline. Columns: mark, lane (aspect), item,
    printed, other."""
    rows = [
        {"mark": mark, "lane": lane, "item": row["item"][0].upper() + row["item"][1:]}
        | {name: row[name] for name in ("printed", "other")}
        for mark, lane, row in _mark(lead)
    ]
    return pd.DataFrame(rows, columns=["mark", "lane", "item", "printed", "other"])


@traced
def describe_timeline(timeline: pd.DataFrame) -> dict[str, str]:
    """The figure of the timeline in words, row by row."""
    said = []
    for lane, own in timeline.groupby("lane", sort=False):
        spans = "; ".join(
            f"{row['months']}: {row['text']}" + (" (date not printed)" if row["dated"] == "not printed" else "")
            for row in own.to_dict("records")
        )
        mark = own["marks"].iloc[0]
        said.append(f"{lane}{f', marked {mark}' if mark else ''}. {spans}.")
    return {"text": " ".join(said)}


@traced
@infers
def derive_exposure(register: pd.DataFrame) -> dict[str, object]:
    """When the trial's cases would have closed, had each lasted the service's mean, beside the first re-commissioning.

    drawn_to: last month of allocation, the later of the two printed; mean_days: printed, of all cases of the service;
    closed_by: month in which a case drawn on the last day is then implied to close; renewed: the first
    re-commissioning; margin: days from the one to the other; closed_share: printed, per cent of the arm's cases
    closed by the day closed_on.
    """
    reader = read_register(register)
    last, renewed = reader.day("r2.design.rct_window_main", end=True), reader.day("r2.t1.p2.period")
    closed = last + timedelta(days=reader.count("r2.mi.days"))
    return {
        "drawn_to": write_dates(f"{last:%Y-%m}"),
        "mean_days": reader.count("r2.mi.days"),
        "closed_by": write_dates(f"{closed:%Y-%m}"),
        "renewed": write_dates(f"{renewed:%Y-%m}"),
        "margin": (renewed - closed).days,
        "closed_share": reader.number("r1.closure.pc"),
        "closed_on": write_dates(reader.text("r1.design.pilot_end")),
    }
