"""The trial's outcomes at the end of the pilot: closing, time to closing, re-referrals, escalations."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from crewe_lib.claim_classes import ALPHA, Recomputed
from crewe_lib.claim_register import Reader
from crewe_lib.claim_rules.common import difference, restated, total, written
from crewe_lib.claim_rules.registry import RuleFunction, add_rule, rule
from crewe_lib.formats import fixed, p_phrase
from crewe_lib.implied import (
    Pair,
    closed_total,
    cost_arms,
    implied_days,
    pairs_printing,
    printed_arms,
    printed_pairs,
    trial_arms,
)

PC, CEC, EFFECT = "r1.closure.pc", "r1.closure.cec", "r1.closure.ate"
_points, _rate = fixed(1), fixed(2)


def _raw_note(reader: Reader) -> str:
    pairs = pairs_printing(
        reader.claim("r1.closure.pc").number, reader.claim("r1.closure.cec").number, trial_arms(reader)
    )
    said = ", or ".join(pair.written for pair in pairs) or "no whole numbers of families"
    return f"As raw shares both percentages would be {said} (implied)."


@rule(EFFECT, "arithmetic")
def _effect(reader: Reader) -> Recomputed:
    pc, cec = reader.number(PC), reader.number(CEC)
    note = f"A model's estimate beside its rounded means. {_raw_note(reader)} The estimate itself needs the records."
    return Recomputed(f"{written(pc)} − {written(cec)}", value=pc - cec, note=note)


# A raw share could be checked against whole numbers of families, but the arms that are possible reach nearly every
# percentage, and a model's prediction need not be a whole number of families at all.
_PREDICTED = (
    "A model's prediction at the average of the covariates, so it need not be a whole number of families; checked "
    "against the other arm and the effect only."
)


@rule(PC, "arithmetic")
def _closed_pc(reader: Reader) -> Recomputed:
    cec, effect = reader.number(CEC), reader.number(EFFECT)
    return Recomputed(f"{written(cec)} + {written(effect)}", value=cec + effect, note=_PREDICTED)


@rule(CEC, "arithmetic")
def _closed_cec(reader: Reader) -> Recomputed:
    pc, effect = reader.number(PC), reader.number(EFFECT)
    note = f"{_PREDICTED} The 2020 report gives another figure for the same share."
    return Recomputed(f"{written(pc)} − {written(effect)}", value=pc - effect, note=note)


@rule("r1.closure.ate_percent", "arithmetic")
def _effect_in_percent(reader: Reader) -> Recomputed:
    pc, cec = reader.number(PC), reader.number(CEC)
    return Recomputed(
        f"{written(pc)} / {written(cec)} − 1",
        value=100 * (pc / cec - 1),
        differs="minor",
        note="Printed as '% more likely'; it is the difference in percentage points. Nothing rests on the word.",
    )


def closure_significance(reader: Reader) -> Recomputed:
    """Every test of the difference in closing at the counts that the printed shares imply."""
    pairs = printed_pairs(reader, (PC, CEC), trial_arms(reader))
    return Recomputed(
        " or ".join(pair.written for pair in pairs) + " (implied), by ten tests",
        p_values={name: p for pair in pairs for name, p in pair.tests().items()},
        note="Without the report's control variables, whose effect on the standard error is not published.",
    )


add_rule("r1.closure.sig", closure_significance, "test from counts")
add_rule("sum.closure.sig", closure_significance, "test from counts")


@rule("r1.claim.effective", "test from counts")
def _effective(reader: Reader) -> Recomputed:
    """Whether any outcome that can be tested from counts differs between the arms."""
    closed = closure_significance(reader).p_values
    (k1, k2), (n1, n2) = (reader.count("r1.reref.pc"), reader.count("r1.reref.cec")), cost_arms(reader)
    again = Pair(k1, n1, k2, n2).tests()
    least = {name: min(p.values(), default=1.0) for name, p in (("closing", closed), ("re-referrals", again))}
    said = ", ".join(f"{name} {p_phrase(p)}" for name, p in least.items())
    own = " The same summary says so itself." if reader.text("r1.claim.no_significance") == "n.s." else ""
    return Recomputed(
        f"least of ten tests at implied counts: {said}",
        words="effective" if min(least.values()) < ALPHA else "not established",
        differs="decision",
        note="No difference between the arms that can be tested is significant, so the trial gives indications and no "
        f"proof.{own} The sentence also draws on the interviews, which compare no arms.",
    )


@rule("r1.closure.total_implied", "arithmetic")
def _closed_in_all(reader: Reader) -> Recomputed:
    totals = [closed_total(reader, arms) for arms in trial_arms(reader)]
    found = sorted({k for item in totals for k in item.whole})
    fits = " or ".join(f"{item.arms[0]} and {item.arms[1]}" for item in totals if item.whole)
    if not found:
        return Recomputed("no whole number of families for any possible arms", words="none", differs="major")
    return Recomputed(
        f"control mean + treated share × effect, times {sum(totals[0].arms)}, with arms of {fits} (implied)",
        choices=tuple(map(float, found)),
        note="Holds if the printed means and the printed effect come from the same least squares model.",
    )


def _other_size(source: str) -> RuleFunction:
    """The other printed size of the effect with a history, and what the overall effect would be as a relative rise."""

    def compute(reader: Reader) -> Recomputed:
        pc, cec, effect = reader.number(PC), reader.number(CEC), reader.number(EFFECT)
        note = (
            "Two sizes for the same families on neighbouring pages. Which one the model gave cannot be told without "
            "the records; the readings under which both could stand are compared in the chapter. The overall effect as "
            f"a relative rise is {_points(100 * (pc / cec - 1))}% from the two shares, {_points(100 * effect / cec)}% "
            "from the effect."
        )
        return replace(restated(source)(reader), note=note)

    return compute


add_rule("r1.closure.hist_bullet", _other_size("r1.closure.hist_text"), "arithmetic")
add_rule("r1.closure.hist_text", _other_size("r1.closure.hist_bullet"), "arithmetic")


def more_closed(reader: Reader) -> Recomputed:
    """Which arm closed more, from the printed shares."""
    pc, cec = reader.number(PC), reader.number(CEC)
    words = "PC more" if pc > cec else "CEC more" if pc < cec else "alike"
    return Recomputed(f"{written(pc)}% and {written(cec)}%", words=words, differs="decision")


def history_largest(reader: Reader, word: str = "largest") -> Recomputed:
    """Whether the effect in families with a history exceeds the overall one, by both printed sizes."""
    overall = reader.number(EFFECT)
    sizes = [reader.number(f"r1.closure.hist_{name}") for name in ("text", "bullet")]
    largest = all(size > overall for size in sizes)
    return Recomputed(
        f"{written(sizes[0])} (or {written(sizes[1])}) against {written(overall)} over all families",
        words=word if largest else f"not {word}",
        differs="decision",
        note="No test of whether the two groups differ is published.",
    )


def shorter(reader: Reader, words: tuple[str, str] = ("CEC shorter", "PC shorter")) -> Recomputed:
    """Which arm's cases were open for a shorter time, from cost per case over weekly cost."""
    reader.infer()
    pc, cec = (implied_days(reader, arm) for arm in ("pc", "cec"))
    found = words[0] if cec < pc else words[1] if cec > pc else "alike"
    return Recomputed(
        f"cost per case / weekly cost × 7: {_points(pc)} and {_points(cec)} days (implied)",
        words=found,
        differs="decision",
        note="On average over all cases; the course over time is in a figure only.",
    )


@rule("r1.surv.end_order", "arithmetic")
def _open_at_the_end(reader: Reader) -> Recomputed:
    pc, cec = 100 - reader.number(PC), 100 - reader.number(CEC)
    words = "PC lower" if pc < cec else "PC higher" if pc > cec else "alike"
    note = "From the model's shares closed; the curve's own end values are in a figure only."
    return Recomputed(
        f"100 − {written(100 - pc)} = {written(pc)}% and 100 − {written(100 - cec)} = {written(cec)}% open",
        words=words,
        differs="decision",
        note=note,
    )


def _add_directions() -> None:
    repeated: tuple[tuple[str, RuleFunction], ...] = (
        ("r1.surv.faster", shorter),
        ("sum.surv.faster", shorter),
        ("r2.r1.open_longer", partial(shorter, words=("FACT22 longer", "CEC longer"))),
        ("r1.closure.order", more_closed),
        ("sum.closure.more", more_closed),
        ("r1.closure.hist_order", partial(history_largest, word="larger")),
        ("sum.closure.history", history_largest),
        ("r2.closure.r1_history", history_largest),
    )
    for id, function in repeated:
        add_rule(id, function, "arithmetic")


_add_directions()
add_rule("r1.reref.total", total("r1.reref.pc", "r1.reref.cec"), "arithmetic")
add_rule("r1.reref.pc", difference("r1.reref.total", "r1.reref.cec"), "arithmetic")
add_rule("r1.reref.cec", difference("r1.reref.total", "r1.reref.pc"), "arithmetic")


@rule("r1.reref.rate_pc", "attainable percentages")
def _rate_pc(reader: Reader) -> Recomputed:
    k, n = reader.count("r1.reref.pc"), cost_arms(reader)[0]
    return Recomputed(f"{k} / {n}, the arm that the cost tables imply", value=100 * k / n)


@rule("r1.reref.rate_cec", "attainable percentages")
def _rate_cec(reader: Reader) -> Recomputed:
    k, n, other = reader.count("r1.reref.cec"), cost_arms(reader)[1], printed_arms(reader)[1]
    note = f"With the {other} control families of the 2020 report it would be {_points(100 * k / other)}%."
    return Recomputed(f"{k} / {n}, the arm that the cost tables imply", value=100 * k / n, note=note)


@rule("r1.reref.diff", "arithmetic")
def _rate_difference(reader: Reader) -> Recomputed:
    (k1, k2), (n1, n2) = (reader.count("r1.reref.pc"), reader.count("r1.reref.cec")), cost_arms(reader)
    m1, m2 = printed_arms(reader)
    gap = 100 * (k2 / n2 - k1 / n1)
    printed = reader.number("r1.reref.rate_cec") - reader.number("r1.reref.rate_pc")
    return Recomputed(
        f"{k2} / {n2} − {k1} / {n1} (arms implied)",
        value=gap,
        note=f"The rates as printed differ by {_points(printed)}; from the counts it is {_rate(gap)}, or "
        f"{_rate(100 * (k2 / m2 - k1 / m1))} with the arms of the 2020 report. Either way {k1 + k2} events decide "
        "nothing, as the report says.",
    )
