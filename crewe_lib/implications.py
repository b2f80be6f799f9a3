"""What the reports say their evaluations mean, and the numbers it rests on; and how large a next trial must be.

Verdicts are our reading, with a reason each. What the ledger says of the claims behind a statement stands beside it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from crewe_lib.claim_classes import AGREES
from crewe_lib.claim_register import read_register, to_claims
from crewe_lib.claims import Tables, check_claim
from crewe_lib.delivery_tables import fill_claims
from crewe_lib.errors import DataError
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed
from crewe_lib.implications_table import VERDICTS
from crewe_lib.models.cluster_power import Design, fit_families
from crewe_lib.provenance import infers, traced

YEARS: Mapping[str, str] = {"r1": "2017", "r2": "2020"}
FOLLOWS, DIFFERS, OTHER = "follows", "does not", "cannot be recomputed"
STATEMENT_COLUMNS: Mapping[str, Column] = {
    "said": Column("What is said"),
    "place": Column("Where"),
    "verdict": Column("Our reading"),
    "reason": Column("Because"),
    "ledger": Column("Claims behind it, in the ledger"),
}
SIZE_COLUMNS: Mapping[str, Column] = {
    "points": Column("Difference in closing, points", fixed(0)),
    "even": Column("Families, one to one", fixed(0)),
    "two": Column("Families, two to one", fixed(0)),
    "times": Column("As many times as were randomised", fixed(1)),
}


@traced
@infers
def derive_statements(table: pd.DataFrame, register: pd.DataFrame, tables: Tables, *, kind: str) -> pd.DataFrame:
    """Limits, implications or recommendations: id, said, place, verdict, reason (claims filled in), ledger (how many of
    the claims behind it follow), in the order of the file.

    tables: what the ledger's rules read. Raises DataError for a claim that the register lacks.
    """
    claims, reader = to_claims(register), read_register(register)
    own = table[table["kind"] == kind].reset_index(drop=True)
    named = {id for cell in own["claims"] for id in cell.split()}
    if lacking := sorted(named - set(claims)):
        raise DataError(f"implications: the register has no claim {', '.join(lacking)}.")
    places = [
        f"{YEARS[row['report']]}" + ("" if pd.isna(row["page"]) else f", p. {row['page']}")
        for row in own.to_dict("records")
    ]
    found = [Counter(_class(check_claim(claims, id, tables).cls) for id in cell.split()) for cell in own["claims"]]
    return pd.DataFrame(
        {
            "id": own["id"],
            "said": own["said"],
            "place": places,
            "verdict": own["verdict"],
            "reason": fill_claims(own["reason"], reader),
            "ledger": [_write(count) for count in found],
        }
    )


def _class(cls: str) -> str:
    if cls in AGREES:
        return FOLLOWS
    return DIFFERS if cls in ("minor", "major", "decision") else OTHER


def _write(found: Counter[str]) -> str:
    """'2 follow, 1 does not'; a dash without claims."""
    plural = {FOLLOWS: "follow", DIFFERS: "do not", OTHER: "cannot be recomputed"}
    said = [
        f"{many} {name if many == 1 else plural[name]}" for name in (FOLLOWS, DIFFERS, OTHER) if (many := found[name])
    ]
    return ", ".join(said) or "no claim: nothing is counted"


@traced
def derive_baseline(register: pd.DataFrame) -> dict[str, float]:
    """The control arm's printed share closed by November 2016, per cent."""
    return {"control": read_register(register).number("r1.closure.cec")}


@traced
def estimate_next_trial(
    register: pd.DataFrame, *, differences: Sequence[float], alpha: float, power: float
) -> pd.DataFrame:
    """Families that a trial of closing would need to find a rise of each of `differences` (points) from the control
    arm's printed share, one lead child a family, two-sided, by the normal approximation with unpooled variance.

    Columns: points, even, two (families in both arms, at one to one and two treated to one control), times (`two` over
    the families that were randomised). Raises CreweError for a difference that leads beyond everybody.
    """
    reader = read_register(register)
    baseline, randomised = reader.share("r1.closure.cec"), reader.count("r1.sample.randomised")
    design = Design(children=1, icc=0, alpha=alpha, power=power)
    rows: list[dict[str, Any]] = []
    for points in differences:
        even, two = (
            math.ceil(fit_families(baseline, points / 100, ratio=ratio, design=design, form="unpooled"))
            for ratio in (1.0, 2.0)
        )
        rows.append({"points": points, "even": even, "two": two, "times": two / randomised})
    return pd.DataFrame(rows)


@traced
@infers
def summarise_statements(*parts: pd.DataFrame) -> dict[str, int]:
    """How many statements there are in all parts, and of each verdict ('holds_in_part', …)."""
    every = pd.concat(parts)["verdict"].value_counts()
    counts = {verdict.replace(" ", "_"): int(every.get(verdict, 0)) for verdict in VERDICTS}
    return {"statements": int(every.sum()), **counts}
