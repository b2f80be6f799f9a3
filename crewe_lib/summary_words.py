"""How chapter 00 writes its numbers. Each repeats a number of the chapter that explains it (`same_as`), and a build in
which the two differ fails. Nothing is computed here."""

from __future__ import annotations

from crewe_lib.design_words import POWER, PRINTED
from crewe_lib.evidence import Binding
from crewe_lib.formats import agree, count, fixed, level, p_phrase, p_value, pounds, spelt

_signed = fixed(1, sign=True)
_ESCALATED, _RATIO = {"outcome": "escalated"}, {"basis": "as printed as a ratio"}


def _of(bindings: tuple[Binding, ...], chapter: str, *ids: str) -> tuple[Binding, ...]:
    """Bindings of another chapter, by id, each said to be the same there."""
    known = {binding.id: binding for binding in bindings}
    return tuple(
        Binding(id, known[id].source, known[id].field, known[id].where, known[id].show, f"{chapter}.{id}") for id in ids
    )


NUMBERS = (
    *_of(tuple(PRINTED), "design", "randomised_2017", "children_2017"),
    *_of(tuple(POWER), "design", "closing_rise", "closing_fall", "families_needed"),
    Binding("power", "settings", "power", show=level, same_as="design.power_sought"),
    Binding("margin", "settings", "margin", show=lambda value: f"{value:g}", same_as="design.power_margin"),
    Binding("level", "settings", "confidence_level", show=level, same_as="follow_up.level"),
    Binding("closed_first", "at_dates", "closed_first", show=_signed, same_as="follow_up.closed_first"),
    Binding("closed_second", "at_dates", "closed_second", show=_signed, same_as="follow_up.closed_second"),
    Binding("closed_first_interval", "at_dates", "closed_first_interval", same_as="follow_up.closed_first_interval"),
    Binding("closed_second_interval", "at_dates", "closed_second_interval", same_as="follow_up.closed_second_interval"),
    Binding("again", "at_dates", "rereferred_second", show=_signed, same_as="follow_up.rereferred_second"),
    Binding("again_interval", "at_dates", "rereferred_second_interval", same_as="follow_up.rereferred_second_interval"),
    Binding("events", "events", "of", _RATIO, fixed(0), same_as="rct.events"),
    Binding("escalated", "printed", "treatment", _ESCALATED, same_as="follow_up.escalated_second_treatment"),
    Binding("escalated_without", "printed", "control", _ESCALATED, same_as="follow_up.escalated_second_control"),
    Binding("escalated_p", "printed", "boschloo", _ESCALATED, p_phrase, same_as="follow_up.escalated_second_p"),
    Binding(
        "earnings_first", "closures", "earnings_gap", {"reading": "report_2017"}, pounds(sign=True),
        same_as="cost_benefit.earnings_report_2017",
    ),
    Binding(
        "earnings_later", "closures", "earnings_gap", {"reading": "november_2019"}, pounds(sign=True),
        same_as="cost_benefit.earnings_november_2019",
    ),
    Binding("computed", "totals", "computed", show=fixed(0), same_as="claims.computed"),
    Binding("follow", "totals", "follow", show=fixed(0), same_as="claims.follow"),
    Binding("differ", "totals", "differ", show=fixed(0), same_as="claims.differ"),
    Binding("decision", "classes", "claims", {"cls": "decision"}, spelt, same_as="claims.decision"),
)  # fmt: skip
AUTHORITIES = (
    Binding("tests", "finding_counts", "tests", show=count, same_as="la_did.tests"),
    Binding("tests_below", "finding_counts", "below", show=agree("rejects", "reject"), same_as="la_did.tests_below"),
    Binding("smallest_p", "finding_counts", "smallest", show=p_value, same_as="la_did.smallest_p"),
)
