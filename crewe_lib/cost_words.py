"""How chapter 05 shows its tables: headings, formats, and figures in words. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from crewe_lib.evidence import Binding, Column, traced
from crewe_lib.figures.cost_benefit import format_input
from crewe_lib.figures.cost_uncertainty import format_share
from crewe_lib.formats import agree, count, fixed, level, percent, plain, pounds, spelt

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
    "statement": Column("Figure", lambda text: text[:1].upper() + text[1:]),
    "verdict": Column("Verdict"),
    "printed": Column("Printed"),
    "recomputed": Column("Recomputed"),
    "how": Column("From"),
    "note": Column("Remark", blank=""),
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


PRINTED_CLAIMS = {
    "t8_case": "r1.cost.reref_case",
    "t9_case": "r1.cost.escal_save_case",
    "text_national": "r1.cost.escal_nat_text",
    "t9_national": "r1.cost.escal_nat_table",
    "t9_escalation_pc": "r1.cost.escal_pc",
}


def _numbers() -> Iterator[Binding]:
    for key in ("printed", "inputs", "recomputed", "agree", "agree_implied"):
        yield Binding(key, "verdicts", key, show=count)
    yield Binding("truncated", "verdicts", "truncated", show=agree("follows", "follow"))
    yield Binding("disagree", "verdicts", "disagree", show=agree("does", "do"))
    for part in ("price", "duration", "both", "total"):
        yield Binding(part, "parts", "estimate", {"part": part}, pounds())
    yield Binding("duration_share", "parts", "share", {"part": "duration"}, percent())
    for reading in ("report_2017", "november_2019"):
        where = {"reading": reading}
        yield Binding(f"earnings_{reading}", "closures", "earnings_gap", where, pounds(sign=True))
        yield Binding(f"pc_{reading}", "closures", "closed_pc", where, percent())
        yield Binding(f"cec_{reading}", "closures", "closed_cec", where, percent())
    yield Binding("cec_cec_61", "closures", "closed_cec", {"reading": "cec_61"}, percent())
    for reading in ("implied", "same_cost"):
        yield Binding(f"reref_{reading}", "rereferrals", "difference", {"reading": reading}, pounds(2))
    for reading in ("unrounded", "eight", "eight_national_9"):
        yield Binding(f"escal_{reading}", "escalations", "per_case", {"reading": reading}, pounds(2))
    yield Binding("n_pilot_year", "escalations", "escalations", {"reading": "eight"}, spelt)
    for name, claim in (("rereferrals", "r1.reref.total"), ("escalations", "r1.cost.escal_obs")):
        yield Binding(f"n_{name}", "figures", "value", {"id": claim}, spelt)
    for name, claim in PRINTED_CLAIMS.items():
        yield Binding(name, "figures", "printed", {"id": claim})
    for key in ("combinations", "give_both"):
        yield Binding(f"search_{key}", "search", key, show=spelt)


def _uncertain_numbers() -> Iterator[Binding]:
    readings = {"earnings": "trial_end", "later": "november_2019", "cost": "table_6", "pilot": "pilot_year"}
    for name, reading in readings.items():
        where = {"reading": reading}
        yield Binding(f"psa_{name}_low", "psa", "low", where, pounds())
        yield Binding(f"psa_{name}_high", "psa", "high", where, pounds())
    for name in ("earnings", "later"):
        yield Binding(f"psa_{name}_share_above", "psa", "share_above", {"reading": readings[name]}, format_share)
    for name in ("trial_end_zero", "trial_end_highest", "november_2019_highest"):
        yield Binding(f"accept_{name}", "chances", name, show=format_share)
    yield Binding("accept_half", "chances", "trial_end_half_text")
    yield Binding("icer", "per_closure", "icer", {"reading": "trial_end"}, pounds(-2))
    yield Binding("dominated", "per_closure", "dearer_closes_fewer", {"reading": "november_2019"}, format_share)
    for name in ("lifetime_earnings_gap", "extra_cost", "rereferral_cost_gap", "escalation_saving"):
        yield Binding(f"best_{name}", "best", name)
        yield Binding(f"flip_{name}", "best", f"{name}_flip_share", show=format_share)
    for name in ("default_range", "cost_cv", "earnings_cv", "confidence_level"):
        yield Binding(name, "settings", name, show=level)
    yield Binding("discount_rate", "settings", "discount_rate", show=percent(1))
    yield Binding("n_draws", "settings", "n_draws", show=count)
    yield Binding("newborn", "later", "earnings_2017", {"age": 0}, pounds())
    yield Binding("management", "break_evens", "break_even", {"item": "management"}, percent())
    yield Binding("avoided", "break_evens", "break_even", {"item": "avoided"}, fixed(0))
    yield Binding("expected", "break_evens", "reported", {"item": "avoided"}, fixed(0))


NUMBERS = (*_numbers(), *_uncertain_numbers())
