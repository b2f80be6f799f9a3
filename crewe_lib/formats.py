"""How numbers are written in the book. Each function makes a formatter; none computes anything.

A true minus sign is used, thousands take a comma, and rounding is half away from zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from crewe_lib.errors import CreweError

Formatter = Callable[[Any], str]
MINUS = "\N{MINUS SIGN}"
NO_BREAK = "\N{NO-BREAK SPACE}"
JOIN = "\N{WORD JOINER}"


def round_half_up(value: float, digits: int = 0) -> Decimal:
    """Round half away from zero on the shortest decimal that gives this float (so 2.675 becomes 2.68)."""
    return Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def fixed(digits: int, *, sign: bool = False) -> Formatter:
    """1234.5 becomes '1,234.5'; with sign, a plus is shown too."""

    def write(value: Any) -> str:
        rounded = round_half_up(value, digits)
        if rounded == 0:
            rounded = abs(rounded)
        plus = "+" if sign and rounded > 0 else ""
        return f"{plus}{rounded:,f}".replace("-", MINUS)

    return write


def pounds(digits: int = 0, *, sign: bool = False) -> Formatter:
    """-3432.0 becomes '−£3,432'."""

    def write(value: Any) -> str:
        body = fixed(digits)(abs(value))
        rounded = round_half_up(value, digits)
        before = MINUS if rounded < 0 else "+" if sign and rounded > 0 else ""
        return f"{before}{JOIN if before else ''}£{body}"

    return write


def percent(digits: int = 0) -> Formatter:
    """A share: 0.125 becomes '12.5%' with one digit."""
    return lambda value: f"{fixed(digits)(round(100 * float(value), 10))}%"


def level(value: Any) -> str:
    """A share that somebody chose, with the digits it needs, four at most: 0.95 is '95%', 0.975 is '97.5%'."""
    return f"{round_half_up(round(100 * float(value), 10), 4).normalize():f}%"


def p_value(value: Any) -> str:
    """Three decimals, or two from 0.1 on; never '0.000'."""
    if value < 0.001:
        return "< 0.001"
    return fixed(2 if value >= 0.095 else 3)(value)


def p_phrase(value: Any) -> str:
    """For prose: 'p = 0.034' or 'p < 0.001'."""
    text = p_value(value)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def plain(value: Any) -> str:
    """As it is: names, years, words."""
    return str(value)


@dataclass(frozen=True)
class Column:
    """How a column of a tidy table is shown: its heading and its formatter. `blank` stands for a missing value.
    markdown: its cells are Markdown that the library wrote, such as links, and stand as they are."""

    label: str
    show: Formatter = plain
    blank: str = "–"
    markdown: bool = False


def choose(positive: str, negative: str, zero: str = "no change") -> Formatter:
    """A word that follows the sign of a result, so that prose cannot contradict the number."""
    return lambda value: positive if value > 0 else negative if value < 0 else zero


def either(yes: str, no: str) -> Formatter:
    """A word that follows a true or false result."""
    return lambda value: yes if value else no


def _whole(value: Any) -> int:
    """A count as an integer. Raises CreweError for anything but a whole number."""
    if isinstance(value, bool) or not math.isfinite(value) or int(value) != value:
        raise CreweError(f"{value!r} is no whole number and cannot be shown as a count.")
    return int(value)


def count(value: Any) -> str:
    """A whole number; zero is 'none'. Raises CreweError for a fraction."""
    return f"{_whole(value):,}" if _whole(value) else "none"


def interval(low: Any, high: Any, digits: int = 1) -> str:
    """'−48.3 to 5.7', kept on one line; one digit more where a limit would round to zero and hide its side."""
    if any(value != 0 and round_half_up(value, digits) == 0 for value in (low, high)):
        digits += 1
    return f"{fixed(digits)(low)}{NO_BREAK}to{NO_BREAK}{fixed(digits)(high)}"


def year_range(first: Any, last: Any) -> str:
    """'2011–2019', kept on one line."""
    return f"{first}{JOIN}–{JOIN}{last}"


_SMALL = (
    "none",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)


def spelt(value: Any) -> str:
    """A small count as a word ('eight'), a larger one in digits. Raises CreweError for a fraction."""
    whole = _whole(value)
    return _SMALL[whole] if 0 <= whole < len(_SMALL) else fixed(0)(whole)


def agree(singular: str, plural: str) -> Formatter:
    """A count with its verb: 'none leaves', '1 leaves', '3 leave'."""
    return lambda value: f"{count(value)} {plural if value > 1 else singular}"


def moved(digits: int = 1) -> Formatter:
    """A change in words: 'rose by 2.5', 'fell by 8.2', 'hardly changed' where it rounds to nothing."""

    def write(value: Any) -> str:
        size = fixed(digits)(abs(value))
        if float(size.replace(",", "")) == 0:
            return "hardly changed"
        return f"{'rose' if value > 0 else 'fell'} by {size}"

    return write
