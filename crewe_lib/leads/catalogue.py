"""All questions together: each answered once, and set out as one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from crewe_lib.evidence import Column
from crewe_lib.leads import Lead
from crewe_lib.leads.ageing_out import check_ageing_out
from crewe_lib.leads.authorities import check_authority_comparison
from crewe_lib.leads.closure import check_closure_at_trial_end
from crewe_lib.leads.costs import check_costs
from crewe_lib.leads.design import check_crossover, check_unit_of_analysis
from crewe_lib.leads.escalations import check_escalations
from crewe_lib.leads.families import check_families_and_arms
from crewe_lib.leads.history import check_history_effect
from crewe_lib.leads.interviews import check_interviews
from crewe_lib.leads.long_term import check_long_term_closure, check_rereferral
from crewe_lib.leads.power import check_power_calculation
from crewe_lib.leads.programme import check_programme_table
from crewe_lib.leads.risk import check_risk, check_sdq_definition
from crewe_lib.leads.service import check_caseload_relief, check_trial_and_service
from crewe_lib.leads.slips import FOLLOW_COLUMNS, SLIP_COLUMNS, check_minor_slips, check_reproduced
from crewe_lib.leads.survival import check_survival_curves
from crewe_lib.leads.under_11 import check_under_11
from crewe_lib.provenance import infers, traced

__all__ = [
    "FOLLOW_COLUMNS",
    "LEAD_COLUMNS",
    "SLIP_COLUMNS",
    "check_interviews",
    "check_leads",
    "check_minor_slips",
    "check_reproduced",
    "tabulate_leads",
]

# Questions that need the register alone, those that may change a conclusion first.
_FROM_REGISTER = (
    check_ageing_out,
    check_families_and_arms,
    check_closure_at_trial_end,
    check_history_effect,
    check_long_term_closure,
    check_rereferral,
    check_escalations,
    check_power_calculation,
    check_costs,
    check_under_11,
    check_survival_curves,
    check_risk,
    check_trial_and_service,
    check_caseload_relief,
    check_programme_table,
    check_crossover,
    check_sdq_definition,
    check_unit_of_analysis,
    check_authority_comparison,
)
VERDICTS: Mapping[str, str] = {
    "confirmed": "yes",
    "confirmed in part": "in part",
    "refuted": "no",
    "open": "open",
}
LEAD_COLUMNS: Mapping[str, Column] = {
    "title": Column("Question"),
    "verdict": Column("Unclear in the documents?", VERDICTS.__getitem__),
    "finding": Column("What the printed figures show"),
    "settles": Column("What would settle it"),
}


@traced
@infers
def check_leads(register: pd.DataFrame) -> dict[str, Lead]:
    """Every question that the register alone can answer, by its id. Raises DataError."""
    return {lead.id: lead for lead in (check(register) for check in _FROM_REGISTER)}


@traced
def tabulate_leads(leads: Mapping[str, Lead], *more: Lead, without: Sequence[str]) -> pd.DataFrame:
    """Questions as rows, those named in `without` left out. Columns: id, title, verdict, finding, settles."""
    chosen = [*(lead for id, lead in leads.items() if id not in without), *more]
    rows = [(lead.id, lead.title, lead.verdict, lead.finding, lead.settles) for lead in chosen]
    return pd.DataFrame(rows, columns=["id", "title", "verdict", "finding", "settles"])
