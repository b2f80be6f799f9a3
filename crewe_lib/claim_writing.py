"""How a claim's printed and recomputed values are written for a reader: units, dates, digits."""

from __future__ import annotations

import re

from crewe_lib.claim_register import LABELS, Claim

# Units that are written after the number; others go without saying.
_SHOWN = ("percentage points", "days", "weeks", "months", "years")
_BEFORE = {"about": "about ", "over": "over ", "under": "under "}
_DATE = re.compile(r"\b((?:19|20)\d\d)-(0[1-9]|1[0-2])(?:-([0-3]\d))?\b")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
# Digits kept of a recomputed number: what lies beyond is the noise of arithmetic on floats.
SIGNIFICANT = 10


def write_dates(text: str) -> str:
    """'2015-08-01' becomes '1 August 2015', '2015-08 to 2016-03' becomes 'August 2015 to March 2016'."""

    def write(found: re.Match[str]) -> str:
        year, month, day = found.groups()
        said = f"{_MONTHS[int(month) - 1]} {year}"
        return f"{int(day)} {said}" if day else said

    return _DATE.sub(write, text)


def write_printed(claim: Claim) -> str:
    """The printed value with its unit; of a derived claim 'not printed' and, in brackets, the value that follows."""
    value = _write_value(claim)
    return f"not printed ({value})" if claim.origin == "derived" else value


def _write_value(claim: Claim) -> str:
    before, unit = _BEFORE.get(claim.precision, ""), claim.unit
    if not claim.is_number:
        value = write_dates(claim.value) if unit == "date" else claim.value
        return f"{before}{value} {unit}" if " to " in value and unit in _SHOWN else f"{before}{value}"
    if unit in LABELS:
        return f"{before}{claim.value}"
    value = f"{claim.number:,.{max(claim.decimals, 0)}f}".replace("-", "−")
    if unit in ("GBP", "GBP per week"):
        return f"{before}£{value}"
    if unit == "%":
        return f"{before}{value}%"
    return f"{before}{value} {unit}" if unit in _SHOWN else f"{before}{value}"


def write_recomputed(claim: Claim, value: float | str | None) -> str:
    """What a claim's rule found: numbers with two digits more than printed, at most; blank if there is nothing."""
    if not isinstance(value, float | int):
        return write_dates(value or "") if claim.unit == "date" else value or ""
    most = max(claim.decimals, 0) + 2
    digits = next((d for d in range(5) if abs(value - round(value, d)) < 5e-7), most)
    return f"{value:,.{min(digits, most)}f}".replace("-", "−")


def round_recomputed(value: float | str | None) -> float | str | None:
    """A recomputed number to ten significant digits; anything else as it is."""
    return float(f"{value:.{SIGNIFICANT}g}") if isinstance(value, float) else value
