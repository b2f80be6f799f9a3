"""Statements of the 2017 report that follow from others: which arm costs more, and figures that are printed twice."""

from __future__ import annotations

from datetime import date

from scipy.stats import binomtest

from crewe_lib.claim_classes import ALPHA, Recomputed, Severity
from crewe_lib.claim_register import Reader
from crewe_lib.claim_rules.common import difference, product, restated, total, written
from crewe_lib.claim_rules.registry import RuleFunction, add_rule, rule
from crewe_lib.formats import p_phrase
from crewe_lib.interview_table import read_interviews

RISKS = ("dv", "mh", "sub")


def ordered(first: str, second: str, words: tuple[str, str, str], differs: Severity, note: str = "") -> RuleFunction:
    """The word for the first number above, below or equal to the second."""

    def compute(reader: Reader) -> Recomputed:
        a, b = reader.number(first), reader.number(second)
        word = words[0] if a > b else words[1] if a < b else words[2]
        return Recomputed(f"{written(a)} against {written(b)}", words=word, differs=differs, note=note)

    return compute


HIGHER = ("PC higher", "CEC higher", "alike")
add_rule("r1.cost.order", ordered("r1.cost.case_pc", "r1.cost.case_cec", HIGHER, "major"), "arithmetic")
add_rule("r1.cost.tax_order", ordered("r1.cost.tax_pc", "r1.cost.tax_cec", HIGHER, "major"), "arithmetic")

add_rule("r1.cost.reref_n", total("r1.reref.pc", "r1.reref.cec"), "arithmetic")
add_rule(
    "r1.cost.reref_gap",
    difference("r1.cost.t8_rate_cec", "r1.cost.t8_rate_pc", note="A difference of two rates that were rounded first."),
    "arithmetic",
)
# Each arm as the total behind Table 8 less the other arm, so that no rate is checked with an arm implied by itself.
OTHER_ARM = {"pc": "r1.sample.arm_cec_implied", "cec": "r1.sample.arm_pc_implied"}


def rate_in_arm(count: str, arm: str, differs: Severity | None = None, note: str = "") -> RuleFunction:
    """Events of an arm in per cent of its implied size. Reads numbers that no report prints."""

    def compute(reader: Reader) -> Recomputed:
        events, whole = reader.number(count), reader.number("r1.sample.n_cba_implied")
        other = reader.number(OTHER_ARM[arm])
        how = f"{written(events)} / ({written(whole)} − {written(other)}), an implied number of cases"
        # As the only choice: the implied number is whole, so its rounding is not to be explored.
        return Recomputed(how, choices=(100 * events / (whole - other),), differs=differs, note=note)

    return compute


for _arm in OTHER_ARM:
    add_rule(f"r1.cost.t8_rate_{_arm}", rate_in_arm(f"r1.reref.{_arm}", _arm), "cost formula")
add_rule(
    "r1.cost.escal_pc_text",
    rate_in_arm(
        "r1.cost.escal_obs",
        "pc",
        "minor",
        "The number of cases that the rate is of is not printed. It is 2.5% with 79 to 81 cases.",
    ),
    "cost formula",
)
add_rule("r1.cost.t8_total", product("r1.cost.reref_case", "r2.sample.families"), "cost formula")

add_rule(
    "r1.qual.additional_month",
    restated(
        "r1.qual.additional_month_appendix",
        differs="minor",
        note="Two places give two months for the same interviews; the table of interviews has April.",
    ),
    "dates",
)


@rule("r1.t2.similar", "test from counts")
def compare_with_nation(reader: Reader) -> Recomputed:
    """Each count of Table 2 against the national share by an exact binomial test."""
    n = reader.count("r1.risk.n")
    found = {id: binomtest(reader.count(f"r1.t2.{id}.n"), n, reader.share(f"r1.t2.{id}.nat")) for id in RISKS}
    p_values = [float(test.pvalue) for test in found.values()]
    return Recomputed(
        f"exact binomial tests of the three counts out of {n}, the least {p_phrase(min(p_values))}",
        words="similar" if min(p_values) >= ALPHA else "different",
        differs="major",
        note="Shares of so few cases would pass for similar to national shares that lie well apart.",
    )


@rule("r1.risk.prot_order", "arithmetic")
def compare_protection(reader: Reader) -> Recomputed:
    """Whose protective factors rose more, from the two directions that are printed."""
    pc, cec = reader.text("r1.risk.prot_pc"), reader.text("r1.risk.prot_cec")
    follows = pc.endswith("increase") and cec.endswith("decrease")
    return Recomputed(
        f"PC: {pc}; CEC: {cec}",
        words="PC larger" if follows else "does not follow",
        differs="major",
        note="Of two means of 15 cases each, without a test.",
    )


@rule("r1.qual.additional_families", "total of a table")
def _additional(reader: Reader) -> Recomputed:
    frame = read_interviews(reader)
    late = frame[frame["table"] == 4].groupby("case").filter(lambda rows: bool((rows["november"] == "N").all()))
    late = late[late["printed"] > 0]
    cases = late["case"].nunique()
    families = late.loc[late["family"], "case"].nunique()
    return Recomputed(
        f"cases of Table 4 first interviewed in {_second_wave(reader):%B}: {cases}",
        cases,
        differs="minor",
        note=f"A case counts as a family here. Family members were interviewed in {families or 'none'} of them, social "
        "workers in the others.",
    )


def _second_wave(reader: Reader) -> date:
    """The month of the last round of interviews."""
    return date.fromisoformat(f"{reader.text('r1.qual.waves').split(' and ')[-1]}-01")


@rule("r1.qual.additional_month_appendix", "dates")
def _additional_month(reader: Reader) -> Recomputed:
    """The round in which Table 4 has cases that no earlier round has."""
    frame, month = read_interviews(reader), _second_wave(reader)
    own = frame[(frame["table"] == 4) & (frame["printed"] > 0)]
    late = own.groupby("case").filter(lambda rows: bool((rows["november"] == "N").all()))["case"].nunique()
    return Recomputed(
        f"cases of Table 4 with interviews in {month:%B} only: {late}",
        words=f"{month:%Y-%m}" if late else "none",
        differs="minor",
        note="The section on limitations has March; the tables have rounds in November and April only.",
    )
