"""Dates and months as they are written in a folder of records: ISO, or as `mapping.yml` declares. Never guessed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TOKENS = {
    "YYYY": r"(?P<year>[0-9]{4})",
    "MMM": r"(?P<name>[A-Za-z]{3})",
    "MM": r"(?P<month>[0-9]{2})",
    "M": r"(?P<month>[1-9]|1[0-2])",
    "DD": r"(?P<day>[0-9]{2})",
    "D": r"(?P<day>[1-9]|[12][0-9]|3[01])",
}
_TOKEN = re.compile("YYYY|MMM|MM|M|DD|D")
DATE_EXAMPLES, MONTH_EXAMPLES = "YYYY-MM-DD, DD/MM/YYYY, D/M/YYYY or DD-MMM-YYYY", "YYYY-MM, MM/YYYY or MMM-YYYY"


@dataclass(frozen=True)
class DayFormat:
    """A way to write a day or month, such as DD/MM/YYYY; `read` turns it into ISO text, None if it is not one."""

    words: str
    read: Callable[[str], str | None]


def make_format(words: str, *, month: bool) -> DayFormat | None:
    """The format that some words describe: YYYY, MM or M or MMM and, for days, DD or D, with - / . or a blank between.

    A format of a month may name a day, which is left out. None if the words are no such format.
    """
    names = _TOKEN.findall(words)
    between = _TOKEN.split(words)
    pieces = sorted(name[0] for name in names)
    if pieces != ["D", "M", "Y"] and not (month and pieces == ["M", "Y"]):
        return None
    if any(sign not in ("", "-", "/", ".", " ") for sign in between) or between[0] or between[-1]:
        return None
    if "" in between[1:-1] and {"D", "M"} & set(names):  # 1112015 could be two days
        return None
    pattern = re.compile(_TOKEN.sub(lambda token: _TOKENS[token[0]], re.sub(r"\.", r"\\.", words)))

    def read(text: str) -> str | None:
        found = pattern.fullmatch(text)
        return _to_iso(found.groupdict(), month=month) if found else None

    return DayFormat(words, read)


def _to_iso(parts: dict[str, str], *, month: bool) -> str | None:
    name = parts.get("name", "").casefold()
    if name and name not in MONTHS:
        return None
    number = MONTHS.index(name) + 1 if name else int(parts["month"])
    try:
        day = date(int(parts["year"]), number, int(parts.get("day", 1)))
    except ValueError:
        return None
    return day.isoformat()[: 7 if month else 10]


def iso(*, month: bool) -> DayFormat:
    """The format of the contract: YYYY-MM-DD, or YYYY-MM for months."""
    made = make_format("YYYY-MM" if month else "YYYY-MM-DD", month=month)
    assert made is not None
    return made


DAY, MONTH = iso(month=False), iso(month=True)
