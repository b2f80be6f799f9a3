"""How many of the printed percentages each size of an arm fits, and how many it would fit by chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from crewe_lib.arm_percentages import ARM_PERCENTAGES, ARMS, TRIAL_END, Percentage, arm_sizes, fits
from crewe_lib.claim_register import Reader, read_register
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed
from crewe_lib.provenance import infers, traced

COLUMNS: Mapping[str, Column] = {
    "arm": Column("Arm"),
    "n": Column("Families", fixed(0)),
    "group": Column("Kind of percentage"),
    "fits": Column("Fits", fixed(0)),
    "of": Column("of", fixed(0)),
    "expected": Column("Expected by chance", fixed(1)),
    "chance": Column("Chance of so many", fixed(3)),
}


@traced
@infers
def derive_arm_fits(register: pd.DataFrame) -> pd.DataFrame:
    """How many printed percentages each size of an arm fits, by rounding, and how many would fit by chance.

    Sizes: `arm_sizes` at trial end. A percentage fits if a whole number out of n (the printed count where there is
    one) is printed so. By chance, a percentage fits with the share of its possible values that n can attain.
    Columns: arm, n, group ('outcome', 'characteristic', 'all'), fits, of, expected, chance (of at least so many).
    """
    reader = read_register(register)
    rows = []
    for arm in ARMS:
        for n in arm_sizes(reader, arm, TRIAL_END):
            for group in ("outcome", "characteristic", "all"):
                own = [one for one in ARM_PERCENTAGES if one.arm == arm and group in (one.group, "all")]
                rows.append({"arm": arm, "n": n, "group": group, **count_fits(reader, own, n)})
    return pd.DataFrame(rows)


def count_fits(reader: Reader, percentages: Sequence[Percentage], n: int) -> dict[str, Any]:
    """Percentages that fit out of n, how many would by chance, and the chance of at least so many."""
    got, chances = len(fits(reader, percentages, n)), []
    for one in percentages:
        decimals = reader.claim(one.claim).decimals
        chances.append(min(1.0, len({round(100 * k / n, decimals) for k in range(n + 1)}) / (100 * 10**decimals + 1)))
    law = [1.0]
    for p in chances:
        law = [a * (1 - p) + b * p for a, b in zip([*law, 0.0], [0.0, *law], strict=True)]
    return {"fits": got, "of": len(chances), "expected": sum(chances), "chance": float(sum(law[got:]))}
