"""Whether the means and words on risk agree, and what the questionnaire's total score adds up."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from crewe_lib.claim_register import Reader, read_register
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed, spelt
from crewe_lib.leads import Lead, Verdict
from crewe_lib.provenance import infers, traced

COLUMNS: Mapping[str, Column] = {
    "reading": Column("Reading"),
    "treat_total": Column("FACT22, points in all", fixed(1)),
    "treat_mean": Column("FACT22, mean", fixed(3)),
    "control_total": Column("Comparison, points in all", fixed(1)),
    "control_mean": Column("Comparison, mean", fixed(3)),
    "fits": Column("Means that fit", fixed(0)),
}
# Reading → (least step of a case's score, how far the mean may lie above and below what is printed, in last digits).
_READINGS: Mapping[str, tuple[float, float, float]] = {
    "whole scores, rounded": (1.0, 0.5, 0.5),
    "whole scores, cut off": (1.0, 1.0, 0.0),
    "half points, rounded": (0.5, 0.5, 0.5),
    "difference of two rounded means": (1.0, 1.0, 1.0),
}
_EDGE = 1e-9


def find_total(printed: float, n: int, *, step: float, above: float, below: float) -> tuple[float, bool]:
    """The total over n cases whose mean lies nearest to a mean printed with one decimal, and whether it may be it.

    step: of one case's score; above, below: how far the mean may lie from what is printed, in units of its last digit.
    """
    totals = [step * round(printed * n / step + shift) for shift in (-1, 0, 1)]
    gaps = {total: total / n - printed for total in totals}
    fitting = [total for total, gap in gaps.items() if -0.1 * below - _EDGE <= gap <= 0.1 * above + _EDGE]
    if above == 1.0:  # cut off, or each of two means rounded: the whole last digit is not reached
        fitting = [total for total in fitting if abs(gaps[total]) < 0.1 - _EDGE]
    best = min(fitting or totals, key=lambda total: abs(gaps[total]))
    return best, bool(fitting)


@traced
@infers
def check_risk(register: pd.DataFrame) -> Lead:
    """Whether the mean changes in risk can be means of so few scores, and whether words and numbers agree.

    Means are changes of the total score between the second and the third time, where a rise in risk is a fall of the
    score. Raises DataError.
    """
    reader = read_register(register)
    readings = pd.DataFrame([_derive_reading(reader, name) for name in _READINGS])
    treat, control = reader.number("r2.risk.treat"), reader.number("r2.risk.control")
    plain = readings.iloc[0]
    contradicts = treat > 0 and reader.text("r2.risk.reduction_wording") == "reduction"
    untested = reader.text("r1.risk.no_test") == "none"
    unreached = int(plain["fits"]) < 2
    faults = [contradicts, unreached]
    verdict: Verdict = "confirmed" if all(faults) else "confirmed in part" if any(faults) else "refuted"
    fitting = readings.loc[readings["fits"] == 2, "reading"].tolist()
    numbers = {
        "treat": treat,
        "control": control,
        "gap": reader.number("r2.risk.gap"),
        "treat_cases": reader.count("r2.risk.n_treat"),
        "control_cases": reader.count("r2.risk.n_control"),
        "nearest": float(plain["control_mean"]),
        "fitting": len(fitting),
        "wording": contradicts,
        "untested": untested,
    }
    return Lead(
        id="risk",
        title="Did risk rise or fall, and by how much?",
        verdict=verdict,
        finding=_write_finding(numbers, unreached, fitting),
        settles="The scores of the cases followed at each of the three times, and how engagement was scored.",
        claims=("r2.risk.treat", "r2.risk.control", "r2.risk.gap", "r2.risk.reduction_wording", "r1.risk.no_test"),
        readings=readings,
        numbers=numbers,
    )


def _derive_reading(reader: Reader, name: str) -> dict[str, object]:
    step, above, below = _READINGS[name]
    row: dict[str, object] = {"reading": name}
    fits = 0
    for arm in ("treat", "control"):
        n = reader.count(f"r2.risk.n_{arm}")
        total, good = find_total(reader.number(f"r2.risk.{arm}"), n, step=step, above=above, below=below)
        row |= {f"{arm}_total": total, f"{arm}_mean": total / n}
        fits += good
    return row | {"fits": fits}


def _write_finding(numbers: Mapping[str, float | bool], unreached: bool, fitting: list[str]) -> str:
    treat, control = (fixed(1)(numbers[arm]) for arm in ("treat", "control"))
    said = (
        f"Risk is reported to rise by {treat} in {spelt(numbers['treat_cases'])} FACT22 cases and by {control} in "
        f"{spelt(numbers['control_cases'])} comparison cases"
    )
    said += ", although the same page speaks of a greater reduction for FACT22." if numbers["wording"] else "."
    if unreached:
        said += (
            f" No whole total over so few cases rounds to both means (the nearest for comparison cases is "
            f"{fixed(2)(numbers['nearest'])}); implied is one of these: {'; '.join(fitting) or 'none of those tried'}."
        )
    else:
        said += " Both means can be means of whole scores, which is implied by the numbers of cases."
    if numbers["untested"]:
        said += " The first report tested no difference in risk, so it cannot be said that none was significant."
    return said


@traced
def check_sdq_definition(register: pd.DataFrame) -> Lead:
    """What the total difficulties score adds up, by the main text, by the appendix, and by the appendix's own words.

    Raises DataError.
    """
    reader = read_register(register)
    scales, items = reader.count("r1.sdq.subscales"), reader.count("r1.sdq.items")
    printed, each = reader.number("r1.sdq.composite"), items / scales
    left = scales - 1
    rows = [
        ("main text: all scales", scales, "yes"),
        ("appendix: as many, without prosocial behaviour", printed, "yes" if printed == left else "no"),
        ("all scales but prosocial behaviour", left, "yes"),
    ]
    readings = pd.DataFrame(
        [{"reading": name, "scales": number, "items": number * each, "fits": fits} for name, number, fits in rows]
    )
    differ = reader.text("r1.sdq.respondent") != reader.text("r1.sdq.respondent_app")
    miscounted = printed != left
    verdict: Verdict = (
        "confirmed" if miscounted and differ else "confirmed in part" if miscounted or differ else "refuted"
    )
    said = (
        f"The main text adds up all {spelt(scales)} scales; the appendix leaves out prosocial behaviour and says "
        f"{spelt(int(printed))}, where {spelt(left)} are left."
    )
    who = (
        f" The respondents are given as {reader.text('r1.sdq.respondent')}, and in the appendix as "
        f"{reader.text('r1.sdq.respondent_app')}."
    )
    return Lead(
        id="sdq_definition",
        title="What does the total score add up, and who answered?",
        verdict=verdict,
        finding=said + (who if differ else ""),
        settles="The scoring used for the total, and the number and the kind of respondents in each arm.",
        claims=("r1.sdq.composite", "r1.sdq.subscales", "r1.sdq.items", "r1.sdq.respondent"),
        readings=readings,
        numbers={"scales": scales, "left": left, "printed": printed, "items": items, "respondents_differ": differ},
    )
