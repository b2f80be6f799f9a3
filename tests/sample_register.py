"""The published register with chosen values changed, for tests of the sample's rules and of what is built on them."""

from typing import Any

import pandas as pd
from register_copy import PUBLISHED

from crewe_lib.claim_register import to_claims
from crewe_lib.claims import Entry, check_claim


def register(changes: dict[str, str] | None = None) -> pd.DataFrame:
    """The register, with `changes` (id → value)."""
    frame = PUBLISHED.copy()
    for id, value in (changes or {}).items():
        assert (frame["id"] == id).sum() == 1, id
        frame.loc[frame["id"] == id, "value"] = value
    return frame


def entry(id: str, changes: dict[str, str] | None = None, **columns: Any) -> Entry:
    """The ledger's entry of a claim; `columns` set other columns of its row."""
    frame = register(changes)
    for name, value in columns.items():
        frame.loc[frame["id"] == id, name] = value
    return check_claim(to_claims(frame), id, {})
