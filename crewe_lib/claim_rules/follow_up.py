"""The follow-up of the trial's families to November 2019."""

from __future__ import annotations

from crewe_lib.claim_classes import ALPHA, Recomputed
from crewe_lib.claim_register import Reader
from crewe_lib.claim_rules.common import attainable, difference, restated, say_passing, written
from crewe_lib.claim_rules.registry import add_rule, rule
from crewe_lib.formats import fixed, p_phrase
from crewe_lib.implied import (
    LEAST_EXPECTED,
    Arms,
    counts_printing,
    follow_up_arms,
    printed_arms,
    printed_pairs,
    smallest_expected,
)
from crewe_lib.models.proportions import fit_two_proportions

CLOSED = ("r2.closure.treat", "r2.closure.control")
AGAIN = ("r2.reref.treat", "r2.reref.control")

_PREDICTED = "The report's treatment bar is a model's prediction, so a count is indicative only."
add_rule(CLOSED[0], attainable("r2.sample.n_treat", decimals=0, note=_PREDICTED), "attainable percentages")
add_rule(CLOSED[1], attainable("r2.sample.n_control", decimals=0), "attainable percentages")


@rule("r2.closure.sig", "test from counts")
def _closure_significance(reader: Reader) -> Recomputed:
    pairs = printed_pairs(reader, CLOSED, [printed_arms(reader)])
    return Recomputed(
        " or ".join(pair.written for pair in pairs) + " (implied), by ten tests",
        p_values={name: p for pair in pairs for name, p in pair.tests().items()},
        note="Without the report's control variables.",
    )


@rule("r2.closure.order", "arithmetic")
def _closure_order(reader: Reader) -> Recomputed:
    treated, control = (reader.number(id) for id in CLOSED)
    words = "CEC higher" if control > treated else "FACT22 higher" if control < treated else "alike"
    before = reader.number("r1.closure.ate")
    return Recomputed(
        f"{written(control)}% and {written(treated)}%",
        words=words,
        differs="decision",
        note=f"Called 'slightly' higher; the gap is {written(abs(control - treated))} percentage points, against the "
        f"{written(before)} of the 2017 report that are called promising.",
    )


@rule("r2.closure.similar", "arithmetic")
def _similar_closure(reader: Reader) -> Recomputed:
    (treated, control), before = (reader.number(id) for id in CLOSED), reader.number("r1.closure.ate")
    gap = abs(control - treated)
    return Recomputed(
        f"a gap of {written(gap)} points, against {written(before)} called promising in the 2017 report",
        words="similar" if gap < before else "further apart than in 2017",
        differs="major",
        note="Neither gap is significant. By the measure of the earlier report this one is not small; the later one "
        "calls it slight in another place.",
    )


@rule("r2.closure.not_sustained", "arithmetic")
def _not_sustained(reader: Reader) -> Recomputed:
    before = reader.number("r1.closure.ate")
    now = reader.number(CLOSED[0]) - reader.number(CLOSED[1])
    return Recomputed(
        f"FACT22 less CEC: {written(before)} points in 2016, {written(now)} in 2019",
        words="not sustained" if now < before else "sustained",
        differs="decision",
        note="Neither difference is significant, so a change between them is not shown either; the two reports may not "
        "define closing alike.",
    )


@rule("r2.closure.increased", "arithmetic")
def _increased(reader: Reader) -> Recomputed:
    now, then = reader.number(CLOSED[1]), [reader.number(id) for id in ("r2.closure.r1_control", "r1.closure.cec")]
    return Recomputed(
        f"{written(now)}% against {written(then[0])}% (or {written(then[1])}% as the 2017 report prints)",
        words="rose" if now > max(then) else "fell" if now < min(then) else "unclear",
        differs="decision",
    )


add_rule("r2.r1.history_sig", restated("r1.closure.hist_sig"), "cited source")
add_rule(
    "r2.closure.r1_control",
    restated(
        "r1.closure.cec",
        note="The 2017 report prints this other figure and bases its costs on it. One may be a raw share and the other "
        "a model's prediction.",
    ),
    "cited source",
)


@rule("r2.closure.increase", "arithmetic")
def _increase(reader: Reader) -> Recomputed:
    now, then, first = (reader.number(id) for id in (CLOSED[1], "r2.closure.r1_control", "r1.closure.cec"))
    note = (
        f"From the {written(first)}% that the 2017 report prints, the rise is {written(now - first)} percentage points."
    )
    return Recomputed(f"{written(now)} − {written(then)}", value=now - then, note=note)


@rule("r2.closure.increase_percent", "arithmetic")
def _increase_in_percent(reader: Reader) -> Recomputed:
    now, then = reader.number(CLOSED[1]), reader.number("r2.closure.r1_control")
    return Recomputed(
        f"{written(now)} / {written(then)} − 1",
        value=100 * (now / then - 1),
        differs="minor",
        note="Printed as an increase of so many per cent; it is the difference in percentage points.",
    )


@rule("r2.closure.steady", "arithmetic")
def _steady(reader: Reader) -> Recomputed:
    now, then = reader.number(CLOSED[0]), reader.number("r1.closure.pc")
    return Recomputed(
        f"{written(now)} − {written(then)}",
        value=now - then,
        note="The 2017 report does not count re-referred families as closed; the 2020 report does not say whether it "
        "does, so the two shares may not be comparable.",
    )


def _again(checked: int) -> None:
    other = AGAIN[1 - checked]

    @rule(AGAIN[checked], "attainable percentages")
    def compute(reader: Reader) -> Recomputed:
        printed = reader.number(other)
        arms = [both for both in follow_up_arms(reader) if counts_printing(printed, both[1 - checked])]
        sizes = sorted({both[checked] for both in arms})
        if not sizes:
            return Recomputed("no possible arms give the other arm's percentage", words="none", differs="major")
        full = printed_arms(reader)[checked]
        choices = tuple(100 * k / n for n in sizes for k in range(n + 1))
        return Recomputed(
            f"whole numbers out of {' or '.join(map(str, sizes))} families: {full} less those left out, where the "
            "other arm's percentage can be reached too (implied)",
            choices=choices,
            note=f"Not a whole number of the {full} families that the report prints; it leaves two families out for "
            f"some outcomes and does not say which. {say_passing(choices, 0, 101, 'percentages')}",
        )


_again(0)
_again(1)


@rule("r2.reref.sig", "test from counts")
def _rereferral_significance(reader: Reader) -> Recomputed:
    pairs = printed_pairs(reader, AGAIN, follow_up_arms(reader))
    return Recomputed(
        " or ".join(pair.written for pair in pairs) + " (implied), by ten tests",
        p_values={name: p for pair in pairs for name, p in pair.tests().items()},
        note="Without the report's control variables.",
    )


@rule("r2.reref.order", "arithmetic")
def _rereferral_order(reader: Reader) -> Recomputed:
    treated, control = (reader.number(id) for id in AGAIN)
    words = "FACT22 lower" if treated < control else "CEC lower" if treated > control else "alike"
    return Recomputed(f"{written(treated)}% and {written(control)}%", words=words, differs="decision")


@rule("r2.def.reref_feasible", "attainable percentages")
def _how_many_again(reader: Reader) -> Recomputed:
    pairs = printed_pairs(reader, AGAIN, follow_up_arms(reader))
    words = " or ".join(dict.fromkeys(f"{pair.k1 + pair.k2} of {pair.n1 + pair.n2}" for pair in pairs))
    early = reader.count("r1.reref.total")
    return Recomputed(
        " or ".join(f"{pair.k1} + {pair.k2} of {pair.n1} + {pair.n2}" for pair in pairs) or "no whole numbers fit",
        words=words or "none",
        note=f"The 2017 report saw {early} by November 2016, and every window of one year from referral ended by March "
        "2017. Whether that rule gave the printed rates is discussed in the chapter.",
    )


add_rule(
    "r2.escal.control",
    difference(
        "r2.escal.n",
        "r2.escal.treat",
        note="The 2017 report lists one control family among its case studies as escalated or about to be.",
    ),
    "arithmetic",
)


def compare_few(events: tuple[int, int], arms: Arms) -> Recomputed:
    """'too few to compare' by the smaller cell's expected count, else 'similar' or 'different' by Fisher's test."""
    expected = smallest_expected(events, arms)
    fisher = fit_two_proportions(events[0], arms[0], events[1], arms[1]).p_values["Fisher's exact"]
    words = "too few to compare" if expected < LEAST_EXPECTED else "similar" if fisher >= ALPHA else "different"
    return Recomputed(
        f"{events[0]} of {arms[0]} and {events[1]} of {arms[1]}: {fixed(1)(expected)} expected in the smaller arm, "
        f"where {LEAST_EXPECTED} are usually asked for; Fisher {p_phrase(fisher)}",
        words=words,
    )


@rule("r2.escal.too_few", "test from counts")
def _too_few(reader: Reader) -> Recomputed:
    return compare_few((reader.count("r2.escal.treat"), reader.count("r2.escal.control")), printed_arms(reader))


@rule("r2.did.rowsig_similar", "test from counts")
def _similar(reader: Reader) -> Recomputed:
    found = compare_few((reader.count("r2.escal.treat"), reader.count("r2.escal.control")), printed_arms(reader))
    note = "The report's own text says that it cannot comment on escalations, all of which were in FACT22."
    return Recomputed(found.how, words=found.words, differs="major", note=note)


@rule("r2.reref.r1_too_few", "test from counts")
def _too_few_before(reader: Reader) -> Recomputed:
    return compare_few((reader.count("r1.reref.pc"), reader.count("r1.reref.cec")), printed_arms(reader))


@rule("r2.r1.risk_fig", "cited source")
def _first_risk(reader: Reader) -> Recomputed:
    said = [reader.text(id) for id in ("r1.risk.referral_order", "r1.risk.shift_order")]
    return Recomputed(
        "the 2017 report's orders at referral and of the change",
        words="yes" if all(text.startswith("PC") for text in said) else "no",
        repeats="Printed alike in the 2017 report, which tested neither; repetition and not recomputation.",
    )
