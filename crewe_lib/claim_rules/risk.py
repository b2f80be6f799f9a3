"""Risk: the shares of Table 2, means of whole scores, and what the statements on risk imply of each other."""

from __future__ import annotations

from collections.abc import Callable

from crewe_lib.claim_classes import Recomputed
from crewe_lib.claim_register import Reader
from crewe_lib.claim_rules.common import difference, percentage, restated, say_passing
from crewe_lib.claim_rules.registry import add_rule, rule
from crewe_lib.formats import fixed

ROWS = ("dv", "mh", "sub")
# No total score of the framework lies further from zero, so no mean change does.
MOST_CHANGE = 60


def _number_behind(row: str) -> Callable[[Reader], Recomputed]:
    """The count that a printed percentage of the sample stands for."""

    def compute(reader: Reader) -> Recomputed:
        pct, n = reader.number(f"r1.t2.{row}.pct"), reader.number("r1.risk.n")
        return Recomputed(f"{fixed(1)(pct)}% of {fixed(0)(n)}", value=pct * n / 100)

    return compute


def mean_of(cases: str, *, step: float = 1.0, decimals: int = 1, note: str = "") -> Callable[[Reader], Recomputed]:
    """A printed mean that must be a whole total (or a multiple of `step`) over a printed number of cases.

    decimals: of the printed mean; the note says how many means would pass.
    """

    def compute(reader: Reader) -> Recomputed:
        reader.infer()
        n = reader.count(cases)
        totals = range(int(MOST_CHANGE * n / step) + 1)
        choices = tuple(total * step / n for total in totals)
        weak = say_passing(choices, decimals, MOST_CHANGE * 10**decimals + 1, f"means from 0 to {MOST_CHANGE}")
        return Recomputed(
            f"whole scores over {n} cases",
            choices=choices,
            differs="minor",
            note=" ".join(filter(None, (note, weak))),
        )

    return compute


for _row in ROWS:
    add_rule(f"r1.t2.{_row}.pct", percentage(f"r1.t2.{_row}.n", "r1.risk.n"), "arithmetic")
    add_rule(f"r1.t2.{_row}.n", _number_behind(_row), "arithmetic")
add_rule("r1.risk.original_target", restated("r1.sample.randomised"), "arithmetic")
add_rule("r2.risk.treat", mean_of("r2.risk.n_treat"), "attainable percentages")
add_rule(
    "r2.risk.control",
    mean_of(
        "r2.risk.n_control",
        note="No whole total over so few cases rounds to it. It can be reached if the mean was cut off, with half "
        "points (two ratings of engagement averaged), or as a difference of two rounded means; each is implied, none "
        "stated.",
    ),
    "attainable percentages",
)
add_rule("r2.risk.gap", difference("r2.risk.control", "r2.risk.treat"), "arithmetic")


@rule("r1.risk.t2_title", "arithmetic")
def find_population(reader: Reader) -> Recomputed:
    """Whom Table 2 is about: whose number makes its percentages."""
    n, pct = reader.number("r1.t2.dv.n"), reader.number("r1.t2.dv.pct")
    sizes = {
        "PC cases": reader.number("r1.risk.n_pc"),
        "PC and CEC cases": reader.number("r1.risk.n_pc") + reader.number("r1.risk.n_cec"),
    }
    nearest = min(sizes, key=lambda words: abs(100 * n / sizes[words] - pct))
    return Recomputed(
        f"{fixed(0)(n)} cases are {fixed(1)(pct)}% of {fixed(0)(sizes[nearest])}",
        words=nearest,
        differs="minor",
        note="The table's own percentages are of the cases of both arms; its title names one.",
    )


@rule("r1.risk.shift_order", "arithmetic")
def order_shifts(reader: Reader) -> Recomputed:
    """Who began with more risk and ended with less has moved further."""
    began, ended = reader.text("r1.risk.referral_order"), reader.text("r1.risk.latest_order")
    follows = began == "PC more" and ended == "PC lower"
    return Recomputed(
        f"risk at referral: {began}; with the latest information: {ended}",
        words="PC larger" if follows else "does not follow from the two levels",
        note="The first is said of risk factors and the second of risk, so that it follows if both mean the score.",
    )


@rule("r2.risk.reduction_wording", "arithmetic")
def name_direction(reader: Reader) -> Recomputed:
    """The direction of the change that the report prints for the same cases."""
    treat, control = reader.number("r2.risk.treat"), reader.number("r2.risk.control")
    words = "increase" if treat > 0 else "reduction"
    return Recomputed(
        f"risk rose by {fixed(1)(treat)} and by {fixed(1)(control)}",
        words=words,
        differs="minor",
        note="The same page reports a rise in both groups. A smaller rise may be meant by a greater reduction.",
    )


@rule("r2.risk.tested_r1", "arithmetic")
def find_test(reader: Reader) -> Recomputed:
    """What the first report says of tests of risk."""
    tested = reader.text("r1.risk.no_test") != "none"
    return Recomputed(
        "the first report's appendix says that no test of significance was attempted",
        words="not significant" if tested else "not tested",
        differs="minor",
        note="A difference that was not tested is neither significant nor not.",
    )


@rule("r1.risk.prot_both", "arithmetic")
def compare_ends(reader: Reader) -> Recomputed:
    """Whether protective factors rose in both programmes, from the two directions that are printed."""
    rose = {name: "increase" in reader.text(f"r1.risk.prot_{name.lower()}") for name in ("PC", "CEC")}
    words = "both" if all(rose.values()) else " and ".join(name for name in rose if rose[name]) or "neither"
    return Recomputed(
        "; ".join(f"{name}: {reader.text(f'r1.risk.prot_{name.lower()}')}" for name in rose),
        words=words,
        differs="minor",
        note="The sentence speaks of protective factors or of engagement; more engagement alone would bear it out.",
    )
