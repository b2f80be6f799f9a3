"""The published register with chosen values changed, for tests of the sample's rules and of what is built on them."""

from typing import Any

import pandas as pd

from crewe_lib.claim_register import read_claims_file, to_claims
from crewe_lib.claims import Entry, check_claim
from crewe_lib.provenance import REPOSITORY

PUBLISHED = read_claims_file(REPOSITORY / "data" / "published" / "claims.csv")
# Rows with rules that the register may not hold yet: id, value, unit.
for _id, _value, _unit in (
    ("r1.sample.estimated", "132", "families"),
    ("r1.sample.pc_share_words", "66.7", "%"),
    ("r2.sample.randomised", "128", "families"),
    ("r2.sample.fraction_treat", "two-thirds", "label"),
    ("r2.sample.fraction_control", "one third", "label"),
):
    if _id not in set(PUBLISHED["id"]):
        _row = PUBLISHED[PUBLISHED["id"] == "r1.sample.randomised"].assign(id=_id, value=_value, unit=_unit)
        PUBLISHED = pd.concat([PUBLISHED, _row])


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
