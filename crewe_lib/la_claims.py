"""What the second report says of Cheshire East as a whole, as chapter 07 shows it: the ledger's own rows."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from crewe_lib.claim_classes import AGREES
from crewe_lib.claim_register import to_claims
from crewe_lib.claim_rules import authorities
from crewe_lib.claim_rules.authorities import DISAGREES, IN_PART
from crewe_lib.claims import Entry, Tables, check_claim
from crewe_lib.errors import DataError
from crewe_lib.evidence import Column
from crewe_lib.provenance import traced

# In the order of the report.
STATEMENTS = (
    "r2.did.closures_fell",
    "r2.did.rereferrals_east",
    "r2.did.rereferrals_west",
    "r2.did.rereferrals_alike",
    "r2.did.rereferrals_below_england",
    "r2.did.escalations_before",
    "r2.did.escalations_after",
    "r2.did.wandsworth_like_england",
    "r2.did.cin_fell",
    "r2.did.cin_below",
    "r2.did.cin_exception",
    "r2.did.first_year",
    "r2.did.closure_sig",
    "r2.did.reref_sig",
    "r2.did.escal_sig",
    "r2.did.parallel",
)
COLUMNS = {
    "claim": Column("The report says"),
    "place": Column("Where"),
    "shown": Column("The panel shows"),
    "verdict": Column("Verdict"),
    "note": Column("Remark", blank=""),
}
VERDICTS: Mapping[str, str] = {
    **dict.fromkeys(AGREES, authorities.AGREES),
    "minor": IN_PART,
    "major": DISAGREES,
    "decision": DISAGREES,
}


@traced
def check_statements(register: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Every statement on the wider impact that the panel can speak to, as the ledger has it.

    register: the published claims; panel: the official one. Columns: id, claim, place, shown, verdict, note. Raises
    DataError if the register lacks one of them.
    """
    claims = to_claims(register)
    tables: Tables = {"la_panel": ("official", panel)}
    if absent := [id for id in STATEMENTS if id not in claims]:
        raise DataError(f"the register has no claim '{absent[0]}', which the table of statements shows.")
    return pd.DataFrame([_as_row(check_claim(claims, id, tables)) for id in STATEMENTS])


def _as_row(entry: Entry) -> dict[str, str]:
    claim = entry.claim
    words = (authorities.AGREES, IN_PART, DISAGREES)
    verdict = entry.recomputed if isinstance(entry.recomputed, str) and entry.recomputed in words else None
    return {
        "id": claim.id,
        "claim": claim.statement,
        "place": f"p. {claim.page}" if claim.page is not None else claim.section,
        "shown": entry.how,
        "verdict": verdict or VERDICTS[entry.cls],
        "note": entry.note,
    }


@traced
def summarise_statements(checks: pd.DataFrame) -> dict[str, int]:
    """How many statements were checked, and how many agree, agree in part, and do not agree."""
    counts = checks["verdict"].value_counts()
    keys = {"agree": authorities.AGREES, "partly": IN_PART, "disagree": DISAGREES}
    return {"all": len(checks)} | {key: int(counts.get(verdict, 0)) for key, verdict in keys.items()}
