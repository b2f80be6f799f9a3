"""How many claims of each class, and what the numbers in the ledger's text count."""

from __future__ import annotations

import pandas as pd

from crewe_lib.claim_classes import CLASSES
from crewe_lib.claim_register import EXTERNAL
from crewe_lib.provenance import traced


@traced
def summarise_classes(ledger: pd.DataFrame) -> pd.DataFrame:
    """How many claims of each class, in the order of `CLASSES`.

    Columns: cls, meaning, claims (printed), by_rule (of these, how many a rule recomputes), derived (rows that no
    document prints, apart).
    """
    printed = ledger[ledger["origin"] == "printed"]
    counts, ruled = printed["cls"].value_counts(), printed.loc[printed["recomputed"] != "", "cls"].value_counts()
    derived = ledger.loc[ledger["origin"] == "derived", "cls"].value_counts()
    rows = [
        (name, meaning, *(int(found.get(name, 0)) for found in (counts, ruled, derived)))
        for name, meaning in CLASSES.items()
    ]
    return pd.DataFrame(rows, columns=["cls", "meaning", "claims", "by_rule", "derived"])


@traced
def summarise_totals(ledger: pd.DataFrame) -> dict[str, int]:
    """How many printed claims there are, how many a rule recomputes, and how those come out.

    claims; computed: with a rule that could fail; follow, differ: of those, exact or but for rounding (or external and
    borne out), and not; exact, supports: exact ones, and the different sets of numbers on which they rest (a total and
    its parts are one set); external, external_checked: figures of other sources, and those of them we hold data for;
    derived: rows that no document prints, which the other counts leave out.
    """
    printed = ledger[ledger["origin"] == "printed"]
    computed = (printed["method"] != "") & (printed["recomputed"] != "")
    differ = printed["cls"].isin(("minor", "major", "decision"))
    external, exact = printed["cls"] == EXTERNAL, printed["cls"] == "exact"
    return {
        "claims": len(printed),
        "computed": int(computed.sum()),
        "follow": int((computed & ~differ).sum()),
        "differ": int(differ.sum()),
        "exact": int(exact.sum()),
        "supports": int(printed.loc[exact, "together"].nunique()),
        "external": int(external.sum()),
        "external_checked": int((external & computed).sum()),
        "derived": len(ledger) - len(printed),
    }
