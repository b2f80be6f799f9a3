"""The published register, and copies of it with other printed values, for tests of what rests on it."""

import pandas as pd

from crewe_lib.claim_register import read_claims_file
from crewe_lib.provenance import REPOSITORY

PUBLISHED = read_claims_file(REPOSITORY / "data" / "published" / "claims.csv")


def reprint(register: pd.DataFrame, **values: str) -> pd.DataFrame:
    """A copy in which claims print other values; an id is written with two underscores for each dot."""
    changed = register.copy()
    for id, value in values.items():
        assert (changed["id"] == id.replace("__", ".")).sum() == 1, id
        changed.loc[changed["id"] == id.replace("__", "."), "value"] = value
    return changed
