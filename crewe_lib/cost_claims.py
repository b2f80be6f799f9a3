"""Which claim of the register prints which input of the cost tables, so that rules and formulas read the same numbers.

`data/published/unit_costs.yml` gives the inputs with their ranges, the register gives them as claims. Both must say
the same of a figure; `check_inputs_match` refuses two files that do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from crewe_lib.claim_register import Reader, read_register
from crewe_lib.cost_benefit import cost_of_escalation, share_with_gcses
from crewe_lib.errors import DataError
from crewe_lib.unit_costs import derive_values


@dataclass(frozen=True)
class Source:
    """The claim that prints an input, and the factor from its printed unit to the input's."""

    claim: str
    factor: float = 1.0


def _percent(claim: str) -> Source:
    return Source(claim, 0.01)


PRINTED_SOURCES: Mapping[str, Source] = {
    "weekly_cost_pc": Source("r1.cost.week_pc"),
    "weekly_cost_cec": Source("r1.cost.week_cec"),
    "cost_per_case_pc": Source("r1.cost.case_pc"),
    "cost_per_case_cec": Source("r1.cost.case_cec"),
    "lifetime_earnings_gain": Source("r1.cost.premium"),
    "gcse_share_cin": _percent("r1.ext.gcse_cin"),
    "gcse_share_peers": _percent("r1.ext.gcse_all"),
    "closed_share_pc": _percent("r1.closure.pc"),
    "closed_share_cec": _percent("r1.closure.cec"),
    "tax": _percent("r1.cost.tax"),
    "national_insurance": _percent("r1.cost.ni"),
    "employment_gain": _percent("r1.cost.emp_text"),
    "rereferral_rate_pc": _percent("r1.reref.rate_pc"),
    "rereferral_rate_cec": _percent("r1.reref.rate_cec"),
    "rereferrals_pc": Source("r1.reref.pc"),
    "rereferrals_cec": Source("r1.reref.cec"),
    "cin_case_cost": Source("r1.cost.cin_case"),
    "cp_case_cost": Source("r1.cost.cp_case"),
    "escalation_national": _percent("r1.cost.escal_nat_table"),
    "escalation_national_text": _percent("r1.cost.escal_nat_text"),
    "escalation_national_2020": _percent("r2.mi.national_escalation"),
    "escalation_pc": _percent("r1.cost.escal_pc"),
    "escalations_pc": Source("r1.cost.escal_obs"),
    "escalations_pilot_year": Source("r1.escal.year"),
    "cases_randomised": Source("r1.sample.randomised"),
    "cases_analysed": Source("r1.sample.final"),
    "cases_total_2020": Source("r2.sample.families"),
    "cases_pc_2020": Source("r2.sample.n_treat"),
    "cases_cec_2020": Source("r2.sample.n_control"),
    "closed_share_cec_2020": _percent("r2.closure.r1_control"),
    "closed_share_pc_2019": _percent("r2.closure.treat"),
    "closed_share_cec_2019": _percent("r2.closure.control"),
}
# Numbers that no report prints; each is a derived claim of the register.
IMPLIED_SOURCES: Mapping[str, Source] = {
    "cases_pc": Source("r1.sample.arm_pc_implied"),
    "cases_cec": Source("r1.sample.arm_cec_implied"),
    "cases_total": Source("r1.sample.n_cba_implied"),
    "weeks_open_pc": Source("r1.cost.weeks_pc"),
    "weeks_open_cec": Source("r1.cost.weeks_cec"),
}
SOURCES: Mapping[str, Source] = {**PRINTED_SOURCES, **IMPLIED_SOURCES}


def read_values(reader: Reader, *names: str) -> dict[str, float]:
    """Inputs of the cost formulas from the register, by the names that `crewe_lib.cost_benefit` uses; shares of one."""
    return {name: reader.number(SOURCES[name].claim) * SOURCES[name].factor for name in names}


def check_inputs_match(inputs: pd.DataFrame, register: pd.DataFrame) -> None:
    """Hold unit costs (printed ones, or with the implied ones) to the register, to the digit that the register gives.

    Raises DataError that names every input with another value there.
    """
    v, reader = derive_values(inputs, needs=()), read_register(register)
    if faults := list(_find_differences(v, reader)):
        raise DataError(f"unit_costs.yml and claims.csv differ: {'; '.join(faults)}. Correct one of the two.")


def _find_differences(v: Mapping[str, float], reader: Reader) -> Iterable[str]:
    for name, source in SOURCES.items():
        if name not in v:
            continue
        claim = reader.claim(source.claim)
        # Implied weeks are kept to four decimals in one file and fewer in the other.
        tolerance = claim.half_unit if name in IMPLIED_SOURCES else 0.0
        if abs(v[name] / source.factor - claim.number) > tolerance + 1e-9:
            yield f"{name} is {v[name]:g}, {source.claim} is {claim.value} (× {source.factor:g})"


def derive_register_inputs(register: pd.DataFrame) -> pd.DataFrame:
    """The inputs of the cost formulas as the register has them, printed and implied: columns input, value.

    Two implied inputs have no claim: the escalations avoided behind Table 9, its total over the cost of one escalation
    in whole cases; and the gain in employment behind Table 7, to a tenth of a per cent. Raises DataError.
    """
    reader = read_register(register)
    v = read_values(reader, *SOURCES)
    v["escalations_avoided"] = float(round(reader.number("r1.cost.escal_save_total") / cost_of_escalation(v)))
    gains = [
        reader.number(f"r1.cost.emp_{arm}") / share_with_gcses(v, v[f"closed_share_{arm}"]) for arm in ("pc", "cec")
    ]
    v["employment_gain_implied"] = round(sum(gains) / len(gains), 1) / 100
    return pd.DataFrame({"input": list(v), "value": list(v.values())})
