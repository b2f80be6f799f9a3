"""Rules that many claims share: sums, differences, ratios, attainable percentages, statements of another document."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal

from crewe_lib.claim_classes import Recomputed, Severity
from crewe_lib.claim_register import Reader
from crewe_lib.claim_rules.registry import RuleFunction
from crewe_lib.formats import fixed, round_half_up


def written(value: float) -> str:
    """A number as it stands in 'how', with as many decimals as it needs, four at most."""
    digits = next((d for d in range(4) if abs(value - round(value, d)) < 5e-5), 4)
    return fixed(digits)(value)


def total(*ids: str, differs: Severity | None = None, note: str = "") -> RuleFunction:
    """The sum of other claims."""

    def compute(reader: Reader) -> Recomputed:
        parts = [reader.number(id) for id in ids]
        return Recomputed(" + ".join(map(written, parts)), value=sum(parts), differs=differs, note=note)

    return compute


def difference(whole: str, part: str, *, differs: Severity | None = None, note: str = "") -> RuleFunction:
    """One claim less another."""

    def compute(reader: Reader) -> Recomputed:
        first, second = reader.number(whole), reader.number(part)
        return Recomputed(f"{written(first)} − {written(second)}", value=first - second, differs=differs, note=note)

    return compute


def product(*ids: str, differs: Severity | None = None, note: str = "") -> RuleFunction:
    """The product of other claims."""

    def compute(reader: Reader) -> Recomputed:
        parts = [reader.number(id) for id in ids]
        value = 1.0
        for part in parts:
            value *= part
        return Recomputed(" × ".join(map(written, parts)), value=value, differs=differs, note=note)

    return compute


def percentage(part: str, whole: str, *, differs: Severity | None = None, note: str = "") -> RuleFunction:
    """A percentage from two printed counts."""

    def compute(reader: Reader) -> Recomputed:
        k, n = reader.number(part), reader.number(whole)
        return Recomputed(f"{written(k)} / {written(n)}", value=100 * k / n, differs=differs, note=note)

    return compute


def attainable(
    *wholes: str, decimals: int, differs: Severity | None = None, note: str = "", among: str = "families"
) -> RuleFunction:
    """A printed percentage that must be a whole number out of a printed one (the GRIM check).

    wholes: the claims whose numbers are tried as denominators. decimals: of the printed percentage. The note says how
    many percentages would pass; where every one does by rounding the check cannot fail and says so.
    """

    def compute(reader: Reader) -> Recomputed:
        reader.infer()
        sizes = [reader.count(id) for id in wholes]
        choices = tuple(100 * k / n for n in sizes for k in range(n + 1))
        reached = {round(choice, decimals) for choice in choices}
        said = " or ".join(map(str, sizes))
        everything = 100 * 10**decimals + 1
        full = len(reached) >= everything
        weak = "" if full else say_passing(choices, decimals, everything, "percentages")
        return Recomputed(
            f"whole numbers out of {said} {among}",
            choices=choices,
            differs=differs,
            note=" ".join(filter(None, (note, weak))),
            uninformative=f"Every percentage can be reached with {said}, so it cannot be checked." if full else "",
        )

    return compute


def say_passing(choices: Sequence[float], decimals: int, everything: int, what: str) -> str:
    """How weak the check is: how many of all values of this precision a choice is printed as, rounded or cut off."""
    rounded = {round_half_up(choice, decimals) for choice in choices}
    cut = {Decimal(repr(round(choice, 10))).quantize(Decimal(1).scaleb(-decimals), ROUND_DOWN) for choice in choices}
    either = len(rounded | cut)
    more = f", {either:,} if digits may be cut off" if either > len(rounded) else ""
    return f"{len(rounded):,} of {everything:,} {what} of this precision would pass{more}."


def restated(source: str, *, differs: Severity | None = None, note: str = "") -> RuleFunction:
    """What another place or document prints for the same quantity, without a computation of its own.

    If both agree, that is repetition and no check: the claim counts as not recomputable. If they differ, that is a
    finding.
    """

    def compute(reader: Reader) -> Recomputed:
        other = reader.claim(source)
        value = other.number if other.is_number else None
        return Recomputed(
            f"as printed in the {other.place}",
            value=value,
            words="" if value is not None else other.value,
            differs=differs,
            note=note,
            repeats=f"Printed alike in the {other.place}, which is repetition and not recomputation.",
        )

    return compute
