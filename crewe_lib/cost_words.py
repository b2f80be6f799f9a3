"""How chapter 05 shows its tables: headings, formats, and figures in words. Nothing is computed here."""

from __future__ import annotations

import pandas as pd

from crewe_lib.evidence import Column, traced
from crewe_lib.figures.cost_benefit import format_input
from crewe_lib.formats import fixed, percent, plain, pounds

ARMS = {"pc": "Project Crewe", "cec": "Control (Cheshire East)"}
PARTS = {
    "price": "Higher cost per week",
    "duration": "More weeks open",
    "both": "Both together",
    "total": "Extra cost of a case",
}

WEEKS_COLUMNS = {
    "arm": Column("Arm", ARMS.__getitem__),
    "weekly_cost": Column("Cost per week", pounds(2)),
    "cost_per_case": Column("Cost per case", pounds()),
    "weeks_open": Column("Implied weeks open", fixed(1)),
    "days_open": Column("Implied days", fixed(0)),
}
PARTS_COLUMNS = {
    "part": Column("Part", PARTS.__getitem__),
    "estimate": Column("Per case", pounds()),
    "share": Column("Share", percent()),
}
CHECK_COLUMNS = {
    "place": Column("Where"),
    "row": Column("Row"),
    "measure": Column("Figure"),
    "verdict": Column("Verdict"),
    "printed": Column("Printed"),
    "shown": Column("Recomputed"),
    "explanation": Column("Remark", blank=""),
}
CLOSURE_COLUMNS = {
    "label": Column("Closures taken from"),
    "closed_pc": Column("Closed, Project Crewe", percent()),
    "closed_cec": Column("Closed, control", percent()),
    "earnings_gap": Column("Earnings, difference", pounds(sign=True)),
    "tax_gap": Column("Tax, difference", pounds(sign=True)),
}
REREFERRAL_COLUMNS = {
    "label": Column("Reading"),
    "cost_pc": Column("Project Crewe", pounds(2)),
    "cost_cec": Column("Cheshire East", pounds(2)),
    "difference": Column("Difference per case", pounds(2)),
    "total": Column("In the sample", pounds()),
}
ESCALATION_COLUMNS = {
    "label": Column("Reading"),
    "national_rate": Column("National rate", percent(1)),
    "escalations": Column("Escalations", fixed(0)),
    "cases": Column("Cases", fixed(0)),
    "avoided": Column("Avoided", fixed(1)),
    "per_case": Column("Saving per case", pounds(2)),
}
SIDE_COLUMNS = {
    "label": Column("Item"),
    "table": Column("Table", plain),
    "estimate": Column("Per case (above zero: better for Project Crewe)", pounds(sign=True)),
    "falls_to": Column("Falls to"),
    "compared_with": Column("Compared with"),
    "horizon": Column("Over"),
    "caution": Column("Caution"),
}


@traced
def derive_behind(tornado: pd.DataFrame) -> pd.DataFrame:
    """A tornado's numbers as the table behind its figure, inputs and results with their units."""
    low = [format_input(value, unit) for value, unit in zip(tornado["low"], tornado["unit"], strict=True)]
    high = [format_input(value, unit) for value, unit in zip(tornado["high"], tornado["unit"], strict=True)]
    kind = tornado["kind"].map({"published": "printed", "inferred": "implied"})
    shown = {
        "Input": tornado["label"],
        "Kind": kind,
        "Low": low,
        "High": high,
        "Range": tornado["range_basis"],
    }
    results = {
        "Result at low": tornado["result_low"].map(pounds(2)),
        "Result at high": tornado["result_high"].map(pounds(2)),
    }
    return pd.DataFrame({**shown, **results})


@traced
def describe_tornado(tornado: pd.DataFrame) -> dict[str, str]:
    """In words, for who cannot see the figure: the base, then each input's range and what it does, widest first."""
    said = [f"Base {pounds(2)(tornado['base'].iloc[0])}"]
    for row in tornado.to_dict("records"):
        low, high = format_input(row["low"], row["unit"]), format_input(row["high"], row["unit"])
        results = f"{pounds(2)(row['result_low'])} to {pounds(2)(row['result_high'])}"
        said.append(f"{row['label']} from {low} to {high} gives {results}")
    return {"text": "; ".join(said) + "."}
