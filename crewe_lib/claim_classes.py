"""How a printed value and a recomputed one are compared, and the class that follows.

| class | meaning |
|---|---|
| exact | the rule gives what is printed, to the digit printed |
| rounding | not to the digit, but rounding explains it: digits cut off, or rounded inputs |
| minor | rounding does not explain it; no more than a tenth off, or a slip on which no result rests |
| major | a reader would take away another size, count or meaning |
| decision | a conclusion about significance or direction changes |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from typing import Literal

from crewe_lib.claim_register import DEFINITION, EXTERNAL, NOT_RECOMPUTABLE, Claim
from crewe_lib.errors import DataError

Severity = Literal["minor", "major", "decision"]
CLASSES: Mapping[str, str] = {
    "exact": "follows, to the digit printed",
    "rounding": "follows but for rounding",
    "minor": "does not follow; within a tenth, or a slip of little weight",
    "major": "does not follow; another size, count or meaning",
    "decision": "with the numbers as printed, a conclusion about significance or direction changes",
    NOT_RECOMPUTABLE: "no rule: the documents do not allow it",
    DEFINITION: "a definition or a choice; nothing to recompute",
    EXTERNAL: "another source's figure; checked where we hold it",
}
AGREES = ("exact", "rounding")
# Beyond this share of the printed value a difference is major, unless its rule says what it amounts to.
MINOR_SHARE = 0.1
# 'About 20' is met by anything within this share; 'over 20' by what is above and not so far off.
ABOUT_SHARE = 0.1
ALPHA = 0.05


@dataclass(frozen=True)
class Recomputed:
    """What a rule found, before it is compared.

    how: the arithmetic in words, with its numbers. Then one of: value (one number), choices (numbers, any of which
    would do: attainable percentages), words (a direction, a label, a date), p_values (reading → p, for claims of
    significance).
    shown: what a reader sees instead of the number, where it alone would mislead.
    differs: what a mismatch amounts to; None leaves it to the size. note: why it differs, or what
    the check cannot tell. uninformative: the rule could not have failed, with the reason; repeats: what is compared is
    another printing of the same number, so that agreement is no check. In both cases the claim counts as not
    recomputable.
    """

    how: str
    value: float | None = None
    choices: tuple[float, ...] = ()
    words: str = ""
    shown: str = ""
    p_values: Mapping[str, float] = field(default_factory=dict)
    differs: Severity | None = None
    note: str = ""
    uninformative: str = ""
    repeats: str = ""


@dataclass(frozen=True)
class Judgement:
    """The class and the recomputed value that it rests on: a number, words, or None."""

    cls: str
    recomputed: float | str | None


def judge(claim: Claim, found: Recomputed, ends: tuple[float, float] | None = None) -> Judgement:
    """The class of a claim with a rule. `ends`: least and largest result as rounded inputs vary within rounding.

    Raises DataError if claim and rule do not fit together (words against a number).
    """
    if found.uninformative:
        return Judgement(NOT_RECOMPUTABLE, None)
    if found.p_values:
        judgement = _judge_significance(claim, found)
    elif found.words:
        same = found.words == claim.value
        judgement = Judgement("exact" if same else found.differs or "minor", found.words)
    elif found.choices:
        judgement = _judge_choices(claim, found)
    elif found.value is not None:
        judgement = _judge_number(claim, found, found.value, ends)
    else:
        raise DataError(f"the rule of {claim.id} returned nothing to compare.")
    if found.repeats and judgement.cls in AGREES:
        return Judgement(NOT_RECOMPUTABLE, None)
    if found.shown:
        judgement = Judgement(judgement.cls, found.shown)
    if claim.status == EXTERNAL and judgement.cls in AGREES:
        return Judgement(EXTERNAL, judgement.recomputed)
    return judgement


def rounds_to(value: float, printed: Decimal, decimals: int) -> bool:
    """Whether `value` is printed so, however a half is rounded."""
    exact, unit = Decimal(repr(round(value, 10))), Decimal(1).scaleb(-decimals)
    return all(exact.quantize(unit, mode) == printed for mode in (ROUND_HALF_UP, ROUND_HALF_DOWN))


def cut_to(value: float, printed: Decimal, decimals: int) -> bool:
    """Whether `value` is printed so if further digits are cut off, or a half is rounded either way."""
    exact, unit = Decimal(repr(round(value, 10))), Decimal(1).scaleb(-decimals)
    return any(exact.quantize(unit, mode) == printed for mode in (ROUND_DOWN, ROUND_HALF_UP, ROUND_HALF_DOWN))


def _judge_number(claim: Claim, found: Recomputed, value: float, ends: tuple[float, float] | None) -> Judgement:
    if " to " in claim.value:
        low, high = claim.ends
        inside = low <= value <= high
        return Judgement("exact" if inside else found.differs or "minor", value)
    printed = claim.number
    if claim.precision in ("about", "over", "under"):
        close = abs(value - printed) <= ABOUT_SHARE * abs(printed)
        right = {"about": True, "over": value > printed, "under": value < printed}[claim.precision]
        # 'Over 2,000' of 2,496 is true, though not close; only 'about' must be near.
        good = right and (close or claim.precision != "about")
        return Judgement("exact" if good else found.differs or _by_size(value, printed), value)
    exact = Decimal(repr(printed))
    if rounds_to(value, exact, claim.decimals):
        return Judgement("exact", value)
    cut = claim.half_unit > 0 and cut_to(value, exact, claim.decimals)
    reach = ends is not None and ends[0] - claim.half_unit <= printed <= ends[1] + claim.half_unit
    if cut or reach:
        return Judgement("rounding", value)
    return Judgement(found.differs or _by_size(value, printed), value)


def _by_size(value: float, printed: float) -> Severity:
    return "minor" if abs(value - printed) <= MINOR_SHARE * abs(printed) else "major"


def _judge_choices(claim: Claim, found: Recomputed) -> Judgement:
    """Attainable values: the nearest is the recomputed one."""
    printed = claim.number
    nearest = min(found.choices, key=lambda choice: abs(choice - printed))
    exact = Decimal(repr(printed))
    if any(rounds_to(choice, exact, claim.decimals) for choice in found.choices):
        good = [choice for choice in found.choices if rounds_to(choice, exact, claim.decimals)]
        return Judgement("exact", min(good, key=lambda choice: abs(choice - printed)))
    if cut := [choice for choice in found.choices if cut_to(choice, exact, claim.decimals)]:
        return Judgement("rounding", cut[0])
    return Judgement(found.differs or _by_size(nearest, printed), nearest)


def _judge_significance(claim: Claim, found: Recomputed) -> Judgement:
    """A claim of (no) significance against the p-values of its readings: all must agree for 'exact', all contradict
    for 'decision'; between, the claim holds under some readings only, which is major."""
    values: Sequence[float] = list(found.p_values.values())
    if claim.value not in ("n.s.", "significant"):
        raise DataError(f"claim {claim.id}: '{claim.value}' must be 'n.s.' or 'significant' to be checked by p-values.")
    holds = [(p < ALPHA) == (claim.value == "significant") for p in values]
    cls = "exact" if all(holds) else "decision" if not any(holds) else found.differs or "major"
    span = f"{min(values):.3f}" if len(values) == 1 else f"{min(values):.3f} to {max(values):.3f}"
    return Judgement(cls, f"p = {span}")
