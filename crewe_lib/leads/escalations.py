"""Escalations: seven counts in four places, and what the 2020 key messages call similar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from scipy import stats

from crewe_lib.claim_classes import ALPHA
from crewe_lib.claim_register import Reader, read_register
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed, p_phrase, p_value
from crewe_lib.implied import LEAST_EXPECTED, cost_arms, counts_printing, printed_arms, smallest_expected
from crewe_lib.leads import Lead, Verdict
from crewe_lib.models.proportions import fit_newcombe, fit_two_proportions, fit_wilson
from crewe_lib.provenance import infers, traced

_whole, _one, _two = fixed(0), fixed(1), fixed(2)
COLUMNS: Mapping[str, Column] = {
    "reading": Column("Count"),
    "place": Column("Where"),
    "escalated": Column("Escalated", _whole),
    "of": Column("of", _whole),
    "unit": Column("Unit"),
    "share": Column("%", _one),
    "conf_low": Column("95% from", _one),
    "conf_high": Column("to", _one),
    "p_low_benchmark": Column("p against the lower national rate", p_value),
    "p_high_benchmark": Column("p against the higher", p_value),
}
# Fewer are the case studies, which were chosen and not sampled.
SMALLEST = 20
# id of the count, what it counts, where 'of' is found, unit.
_COUNTS = (
    ("r1.escal.year", "pilot year, service", "", "cases"),
    ("r1.escal.nov_apr", "of these November 2015 to April 2016", "", "cases"),
    ("r1.cost.escal_obs", "cost calculation", "cost arm", "cases"),
    ("r1.t3.escalated.pc", "case studies, PC", "denominator", "cases"),
    ("r1.t3.escalated.cec", "case studies, CEC (or in process)", "denominator", "cases"),
    ("r2.escal.treat", "trial to November 2019, FACT22", "r2.sample.n_treat", "families"),
    ("r2.escal.control", "trial to November 2019, CEC", "r2.sample.n_control", "families"),
)
_OTHERS = (
    "r2.escal.n",
    "r2.did.rowsig_similar",
    "r2.mi.escalated",
    "r2.mi.national_escalation",
    "r1.cost.escal_nat_text",
    "r1.cost.escal_nat_table",
    "blog.cpp",
    "blog.lac",
)


@traced
@infers
def check_escalations(register: pd.DataFrame) -> Lead:
    """Whether the printed numbers of escalations can be one series, and whether 'similar' rates follow from them.

    Raises DataError if a claim it needs is missing.
    """
    reader = read_register(register)
    readings = pd.DataFrame(list(_rows(reader)), columns=list(COLUMNS))
    numbers = _numbers(reader, readings)
    apart = numbers["cost_count"] != numbers["year_count"] or numbers["case_study_cec"] > numbers["trial_cec"]
    few = numbers["expected"] < LEAST_EXPECTED
    verdict: Verdict = "confirmed" if apart and few else "confirmed in part" if apart or few else "refuted"
    return Lead(
        id="escalations",
        title="How many cases escalated",
        verdict=verdict,
        finding=_finding(numbers),
        settles="A list of escalations with date, arm, unit (child or family) and destination (plan or care), for the "
        "trial and for the service.",
        claims=(*(id for id, *_ in _COUNTS), *_OTHERS),
        readings=readings,
        numbers=numbers,
    )


def _rows(reader: Reader) -> Iterator[tuple[str | float, ...]]:
    for id, what, whole, unit in _COUNTS:
        claim = reader.claim(id)
        sizes = {"": None, "cost arm": cost_arms(reader)[0], "denominator": claim.denominator}
        of = sizes[whole] if whole in sizes else reader.count(whole)
        yield _row(reader, what, claim.place, reader.count(id), of, unit)
    article = reader.claim("blog.cpp")
    yield _row(reader, "service to March 2017, plan or care", article.place, _article(reader), None, "children")
    children = reader.count("blog.children")
    yield _row(reader, "the same, of all engaged", article.place, _article(reader), children, "children")
    claim, families = reader.claim("r2.mi.escalated"), reader.count("r2.mi.families")
    k = round(claim.number * families / 100)
    yield _row(reader, "service to January 2020, plan or care", claim.place, k, families, "families")


def _article(reader: Reader) -> int:
    return reader.count("blog.cpp") + reader.count("blog.lac")


def _row(reader: Reader, what: str, place: str, k: int, n: int | None, unit: str) -> tuple[str | float, ...]:
    """One count; interval and tests only where the families are no hand-picked case studies."""
    if n is None or n < SMALLEST:
        return what, place, k, np.nan if n is None else n, unit, *([np.nan] * 5)
    low, high = fit_wilson(k, n)
    tests = [
        float(stats.binomtest(k, n, reader.share(id)).pvalue)
        for id in ("r2.mi.national_escalation", "r1.cost.escal_nat_table")
    ]
    return what, place, k, n, unit, 100 * k / n, 100 * low, 100 * high, *tests


def _numbers(reader: Reader, readings: pd.DataFrame) -> dict[str, float]:
    k1, k2 = reader.count("r2.escal.treat"), reader.count("r2.escal.control")
    arms = printed_arms(reader)
    low, high = fit_newcombe(k1, arms[0], k2, arms[1])
    service = readings.iloc[-1]
    middle = reader.number("r1.cost.escal_nat_text") / 100
    possible = counts_printing(reader.number("r2.mi.escalated"), reader.count("r2.mi.families"))
    return {
        **_first_numbers(reader),
        "trial_fact22": k1,
        "trial_cec": k2,
        "difference": 100 * (k1 / arms[0] - k2 / arms[1]),
        "difference_low": 100 * low,
        "difference_high": 100 * high,
        "expected": smallest_expected((k1, k2), arms),
        "fisher": fit_two_proportions(k1, arms[0], k2, arms[1]).p_values["Fisher's exact"] if k1 + k2 else 1.0,
        "service": int(service["escalated"]),
        "service_least": min(possible),
        "service_most": max(possible),
        "service_families": int(service["of"]),
        "p_low": float(service["p_low_benchmark"]),
        "p_high": float(service["p_high_benchmark"]),
        "p_text": float(stats.binomtest(int(service["escalated"]), int(service["of"]), middle).pvalue),
        "low": reader.number("r2.mi.national_escalation"),
        "middle": reader.number("r1.cost.escal_nat_text"),
        "high": reader.number("r1.cost.escal_nat_table"),
        **_article_numbers(reader, int(service["escalated"])),
    }


def _first_numbers(reader: Reader) -> dict[str, float]:
    """Counts of the first report, and its cost calculation with the pilot year's count in place of its own."""
    arm, price = cost_arms(reader)[0], reader.number("r1.cost.cp_diff")
    avoided = reader.share("r1.cost.escal_nat_table") * arm - reader.count("r1.escal.year")
    return {
        "year_count": reader.count("r1.escal.year"),
        "case_study_pc": reader.count("r1.t3.escalated.pc"),
        "case_study_cec": reader.count("r1.t3.escalated.cec"),
        "cost_count": reader.count("r1.cost.escal_obs"),
        "cost_arm": arm,
        "year_share": 100 * reader.count("r1.escal.year") / arm,
        "saving_printed": reader.number("r1.cost.escal_save_case"),
        "saving_year": avoided * price / arm,
    }


def _article_numbers(reader: Reader, service: int) -> dict[str, float]:
    """Before and after March 2017, if every child of the article stands for a family of its own."""
    families, everyone = reader.count("blog.families"), reader.count("r2.mi.families")
    return {
        "article": _article(reader),
        "article_share": 100 * _article(reader) / families,
        "later_share": 100 * (service - _article(reader)) / (everyone - families),
    }


def _finding(found: Mapping[str, float]) -> str:
    most = "some" if found["case_study_cec"] > found["trial_cec"] else "none beyond that"
    return (
        f"The 2017 report prints {_whole(found['year_count'])} escalated cases for the pilot year, and "
        f"{_whole(found['cost_count'])} in its cost calculation, against an annual national rate; with "
        f"{_whole(found['year_count'])} the saving per case would be £{_two(found['saving_year'])} instead of "
        f"£{_two(found['saving_printed'])} (implied). The 2020 report has {_whole(found['trial_fact22'])} in FACT22 "
        f"and {_whole(found['trial_cec'])} in CEC to 2019; the 2017 case studies show {most} in CEC, though perhaps "
        f"not completed. The article counts {_whole(found['article'])} children by March 2017, the 2020 report's share "
        f"implies {_whole(found['service'])} of {_whole(found['service_families'])} families by 2020. Whether these "
        "differ in population (trial or whole service), unit or period, the reports do not say. Key messages call the "
        f"rates similar: {_whole(found['trial_fact22'])} and {_whole(found['trial_cec'])} events (Fisher "
        f"{p_phrase(found['fisher'])}; difference {_one(found['difference_low'])} to "
        f"{_one(found['difference_high'])} points) are too few to say so, as the text itself grants. The whole "
        f"service's share {_apart(found['p_low'], found['low'])}, which the 2020 report calls national, and "
        f"{_apart(found['p_high'], found['high'])}, which the 2017 report uses."
    )


def _apart(p: float, rate: float) -> str:
    return f"{'differs' if p < ALPHA else 'cannot be told'} from {_one(rate)}% ({p_phrase(p)})"
