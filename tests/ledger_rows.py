"""The register for tests of rules: as it lies in data/published, with rows that a test needs added or changed."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from crewe_lib.claim_register import CLAIMS, to_claims
from crewe_lib.claims import Entry, Tables, check_claim

DEFAULTS = {
    "section": "Text",
    "page": pd.NA,
    "line": "",
    "statement": "A statement",
    "unit": "direction",
    "group": "",
    "denominator": pd.NA,
    "precision": "none",
    "topic": "authorities",
    "origin": "printed",
    "status": "",
    "reason": "",
}


def with_rows(register: pd.DataFrame, changes: Mapping[str, Mapping[str, object]]) -> pd.DataFrame:
    """The register with the given cells changed by id; a row that is not there is added."""
    rows = {str(row["id"]): row for row in register.to_dict("records")}
    for id, cells in changes.items():
        rows.setdefault(id, {"id": id, "document": id.partition(".")[0], "value": "", **DEFAULTS})
        rows[id] = {**rows[id], **cells}
    frame = pd.DataFrame(rows.values(), columns=list(CLAIMS.columns))
    return frame.astype({name: str(column.dtype) for name, column in CLAIMS.columns.items()})


def entry(register: pd.DataFrame, id: str, tables: Tables) -> Entry:
    """One claim's entry in the ledger."""
    return check_claim(to_claims(register), id, tables)
