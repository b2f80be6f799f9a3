"""Which years the second report's comparison of authorities covers, and how many observations its model has."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from crewe_lib.claim_register import Reader, read_register
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed, plain, spelt
from crewe_lib.leads import Lead, Verdict
from crewe_lib.provenance import infers, traced

year = fixed(0)
COLUMNS: Mapping[str, Column] = {
    "reading": Column("Reading"),
    "first": Column("First year ends", plain),
    "last": Column("Last year ends", plain),
    "before": Column("Years before", fixed(0)),
    "after": Column("Years after", fixed(0)),
    "observations": Column("Observations", fixed(0)),
    "residual": Column("Left after the model", fixed(0)),
    "fits": Column("Printed statements that fit", fixed(0)),
}
# Intercept, authority, period, their product, and children in need.
COEFFICIENTS = 5
AUTHORITIES = 2


@traced
@infers
def check_authority_comparison(register: pd.DataFrame) -> Lead:
    """Whether one set of years fits everything printed on them, and how little data the model has.

    Years end on 31 March unless a reading says otherwise. Raises DataError.
    """
    reader = read_register(register)
    readings = pd.DataFrame([_derive_reading(reader, name, shift) for name, shift in _SHIFTS.items()])
    best = readings.loc[readings["fits"].idxmax()]
    _, described = reader.claim("r2.did.escal_span").ends
    end = reader.day("r2.did.figure_end", end=True).year
    beyond = int(described) > end
    whole = int(best["fits"]) == len(_STATEMENTS)
    verdict: Verdict = "refuted" if whole and not beyond else "confirmed in part" if whole or beyond else "open"
    if not whole and beyond:
        verdict = "confirmed"
    numbers = {
        "observations": int(best["observations"]),
        "residual": int(best["residual"]),
        "fits": int(best["fits"]),
        "statements": len(_STATEMENTS),
        "described_to": int(described),
        "figures_end": end,
        "first": int(best["first"]),
        "last": int(best["last"]),
    }
    return Lead(
        id="authority_comparison",
        title="Which years does the comparison of authorities use?",
        verdict=verdict,
        finding=_write_finding(numbers, str(best["reading"]), beyond),
        settles="The data that the model was fitted to, or its estimates and standard errors, none of them printed.",
        claims=(*_STATEMENTS, "r2.did.pre_years", "r2.did.post_years", "r2.did.escal_span", "r2.did.n_obs"),
        readings=readings,
        numbers=numbers,
    )


# How a printed year is read: by the year ending in March of it, or by the year that begins in April of it.
_SHIFTS: Mapping[str, int] = {
    "a printed year is the one that ends in it": 0,
    "a printed year is the one that begins in it": 1,
}
# Printed spans; whether their end is also a beginning under the second reading, or always the end of the data.
_STATEMENTS: Mapping[str, str] = {
    "r2.did.matching_years": "before",
    "r2.did.data_span": "span",
    "r2.did.figure_end": "span",
}


def _derive_reading(reader: Reader, name: str, shift: int) -> dict[str, object]:
    """One reading of the printed years: how many lie before and after the start, and how many statements it fits."""
    start = reader.day("r1.design.pilot_start")
    last_before = start.year if start.month > 3 else start.year - 1
    first = int(reader.claim("r2.did.data_span").ends[0]) + shift
    last = reader.day("r2.did.figure_end", end=True).year
    before, after = last_before - first + 1, last - last_before
    matched = [int(end) + shift for end in reader.claim("r2.did.matching_years").ends]
    figures = reader.day("r2.did.figure_end").year + shift
    printed = (int(reader.number("r2.did.pre_years")), int(reader.number("r2.did.post_years")))
    fits = (
        (matched == [last_before - printed[0] + 1, last_before])
        + ((before, after) == printed)
        + (figures == last - sum(printed) + 1)
    )
    observations = AUTHORITIES * (before + after)
    return {
        "reading": name,
        "first": first,
        "last": last,
        "before": before,
        "after": after,
        "observations": observations,
        "residual": observations - COEFFICIENTS,
        "fits": int(fits),
    }


def _write_finding(numbers: Mapping[str, int], reading: str, beyond: bool) -> str:
    fits, statements, observations = (spelt(numbers[key]) for key in ("fits", "statements", "observations"))
    said = (
        f"{fits.capitalize()} of {statements} printed spans fit if {reading}: implied are the years ending March "
        f"{numbers['first']} to {numbers['last']}, {observations} observations for {spelt(COEFFICIENTS)} coefficients."
    )
    if beyond:
        end = numbers["figures_end"]
        said += f" A trend to {numbers['described_to']} is described, but the figures end in March {end}."
    return said + " Neither estimates nor standard errors are printed."
