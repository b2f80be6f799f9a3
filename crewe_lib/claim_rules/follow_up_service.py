"""The service's own figures to January 2020."""

from __future__ import annotations

from scipy import stats

from crewe_lib.claim_classes import ALPHA, Recomputed
from crewe_lib.claim_register import Reader
from crewe_lib.claim_rules.common import attainable, written
from crewe_lib.claim_rules.registry import add_rule, rule
from crewe_lib.formats import fixed, p_phrase, percent

NATIONAL = ("r2.mi.national_escalation", "r1.cost.escal_nat_table")
# Mean length of a month in days.
MONTH = 365.25 / 12


def _rest_of_hundred(*others: str) -> None:
    (checked,) = {"r2.mi.crewe", "r2.mi.macc", "r2.mi.unknown"} - set(others)

    @rule(checked, "arithmetic")
    def compute(reader: Reader) -> Recomputed:
        parts = [reader.number(id) for id in others]
        how = f"100 − {written(parts[0])} − {written(parts[1])}"
        return Recomputed(how, value=100 - sum(parts), note="The counts behind the shares are not published.")


_rest_of_hundred("r2.mi.macc", "r2.mi.unknown")
_rest_of_hundred("r2.mi.crewe", "r2.mi.unknown")
_rest_of_hundred("r2.mi.crewe", "r2.mi.macc")
for _id in ("r2.mi.closed", "r2.mi.escalated"):
    add_rule(_id, attainable("r2.mi.families", decimals=0), "attainable percentages")


@rule("r2.mi.escalation_higher", "test from counts")
def _higher_than_national(reader: Reader) -> Recomputed:
    reader.infer()
    families, share = reader.count("r2.mi.families"), reader.share("r2.mi.escalated")
    k, rates = round(families * share), [reader.share(id) for id in NATIONAL]
    first, second = (float(stats.binomtest(k, families, rate).pvalue) for rate in rates)
    return Recomputed(
        f"{k} of {families} (implied) against {percent(1)(rates[0])}: binomial {p_phrase(first)}",
        words="higher" if share > rates[0] and first < ALPHA else "not higher",
        differs="decision",
        note=f"Against the {percent(1)(rates[1])} that the 2017 report calls national: {p_phrase(second)}. Families "
        "and children, and shares of a year and of five years, may not be comparable.",
    )


@rule("r2.mi.months", "dates")
def _months(reader: Reader) -> Recomputed:
    days = reader.number("r2.mi.days")
    return Recomputed(f"{written(days)} / {fixed(2)(MONTH)} days a month", value=days / MONTH)
