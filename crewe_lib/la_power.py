"""What change in a whole authority the placebos could tell from nothing, and what the service would have had to do."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor

import numpy as np
import pandas as pd

from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import either, fixed, percent
from crewe_lib.la_did import CHESHIRE_EAST, OUTCOMES, PER, derive_rates
from crewe_lib.la_eligible import Eligible
from crewe_lib.models.panel import Array, check_alpha
from crewe_lib.models.permutation import placebo_did
from crewe_lib.provenance import traced

POWER_COLUMNS = {
    "label": Column("Outcome"),
    "direction": Column("Direction"),
    "before": Column("Rate before", fixed(1)),
    "detectable": Column("Smallest change detectable, per 10,000", fixed(1, sign=True)),
    "percent": Column("As % of the rate before", fixed(0, sign=True)),
    "cases": Column("Cases a year", fixed(0, sign=True)),
    "possible": Column("Possible", either("yes", "no: more than there were")),
    "n": Column("Placebos"),
}
REACH_COLUMNS = {
    "label": Column("Outcome"),
    "direction": Column("Direction"),
    "phase": Column("Phase"),
    "capacity": Column("Capacity", fixed(0)),
    "in_need": Column("Children in need", fixed(0)),
    "share": Column("Places as share of them", percent(1)),
    "cases": Column("Cases a year", fixed(0, sign=True)),
    "per_place": Column("Per place and year", fixed(1, sign=True)),
}
ALL_PHASES = "all years, mean"


@traced
def estimate_power(eligible: Sequence[Eligible], *, alpha: float, power: float) -> pd.DataFrame:
    """The smallest change in the treated authority's rate that a placebo test at alpha finds with this power.

    For each outcome and direction. The noise is taken to be that of the other authorities: each one's change less the
    mean change of the rest of them, the treated one left out. An effect d is added to each in turn; the test rejects
    in the direction of d if the size of the sum is among the floor(alpha · n) largest of all n. `detectable` is the
    smallest d that exceeds what is needed in ceil(power · n) of the n cases: exact, by ranks, no normality. The share
    d / (n − 1) by which an effect would move the others' mean is left out, as is that a large authority is less noisy
    than a small one, which makes the figure too large for it, and too small for a small one.

    Columns: outcome, label, direction, before (the treated authority's mean rate before), detectable (per 10,000
    residents), percent (of `before`), cases (a year, with the residents of the last pre-year), residents, possible
    (false for a fall below zero), n (placebos), alpha, power. Raises CreweError for bad alpha or power, or too few
    authorities for a test at alpha.
    """
    check_alpha(alpha)
    if not 0 < power < 1:
        raise CreweError(f"power is {power}; it must lie between 0 and 1 (0.8 is usual).")
    rows = []
    for one in eligible:
        placebos = placebo_did(np.delete(one.matrix, one.treated_row, axis=0), one.n_pre).estimates
        before = float(one.matrix[one.treated_row, : one.n_pre].mean())
        if before == 0:
            raise CreweError(f"{one.outcome}: the treated authority has no case before; a change has no percentage.")
        residents = float(one.population[one.treated_row])
        for direction, sign in (("rise", 1), ("fall", -1)):
            detectable = sign * find_detectable(sign * placebos, alpha=alpha, power=power)
            rows.append(
                {
                    "outcome": one.outcome,
                    "label": OUTCOMES[one.outcome].label,
                    "direction": direction,
                    "before": before,
                    "detectable": detectable,
                    "percent": 100 * detectable / before,
                    "cases": detectable * residents / PER,
                    "residents": residents,
                    "possible": detectable >= -before,
                    "n": len(placebos),
                    "alpha": alpha,
                    "power": power,
                }
            )
    return pd.DataFrame(rows)


def find_detectable(placebos: Array, *, alpha: float, power: float) -> float:
    """The smallest rise d ≥ 0 so that placebo + d is found, upwards, for a share `power` of the n placebos (n,).

    Found: fewer than floor(alpha · n) of the other sizes are at least as large. Any larger rise is found at least as
    often; at d itself the sum ties with the size that it must exceed.
    """
    n = len(placebos)
    k = floor(alpha * n + 1e-9)
    if k < 1:
        raise CreweError(
            f"{n} placebos cannot give a p-value of {alpha}; at least {ceil(1 / alpha - 1e-9)} are needed."
        )
    sizes = np.abs(placebos)
    ordered = np.sort(sizes)[::-1]
    # The kth largest among the others: one place further for who is among the k largest.
    needed = np.where(sizes >= ordered[k - 1], ordered[min(k, n - 1)], ordered[k - 1])
    return max(0.0, float(np.sort(needed - placebos)[ceil(power * n - 1e-9) - 1]))


@traced
def derive_reach(
    power: pd.DataFrame, panel: pd.DataFrame, capacity: pd.DataFrame, *, treated: str, last_year: int
) -> pd.DataFrame:
    """What FACT22 would have had to do to reach the smallest change seen: one row per outcome, direction and phase.

    Columns: outcome, label, direction, phase, capacity (cases at a time, at most), in_need (children in need at 31
    March, mean of the phase's years), share (capacity of in_need), cases (a year, from `power`), per_place (cases over
    capacity: further closures, re-referrals or escalations a year for each place in the service). A place serves
    several cases in turn in a year, so the effect for each case served would be smaller; the report's 'cases' may also
    be families, and the share then larger. The last phase, `ALL_PHASES`, takes means over all the years. Raises
    CreweError for another authority than Cheshire East, the only one that had the service, or if no year remains.
    """
    if treated != CHESHIRE_EAST:
        raise CreweError(f"reach: FACT22 served Cheshire East ({CHESHIRE_EAST}), and not {treated}; leave this out.")
    years = [
        (str(phase), year, float(cases))
        for phase, first, last, cases in capacity[["phase", "first_year", "last_year", "capacity"]].itertuples(
            index=False
        )
        for year in range(first, min(last, last_year) + 1)
    ]
    if not years:
        raise CreweError(f"reach: last_year is {last_year}; the service began in {capacity['first_year'].min()}.")
    yearly = pd.DataFrame(years, columns=["phase", "year", "capacity"])
    rates = derive_rates(
        panel, outcome="children_in_need", series="main", first_year=years[0][1], last_year=yearly["year"].max()
    )
    need = rates[rates["authority"] == treated].set_index("year")["cin"]
    yearly["in_need"] = yearly["year"].map(need)
    phases = pd.concat([yearly, yearly.assign(phase=ALL_PHASES)]).groupby("phase", sort=False)[["capacity", "in_need"]]
    reach = power[["outcome", "label", "direction", "cases"]].merge(phases.mean().reset_index(), how="cross")
    return reach.assign(share=reach["capacity"] / reach["in_need"], per_place=reach["cases"] / reach["capacity"])
