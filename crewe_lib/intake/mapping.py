"""mapping.yml: how a researcher's files name and count things, so that nobody edits code to bring data.

Everything in the file is read as text (1 and 01 and yes are what they look like). What it does not name is called as
in the contract.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from crewe_lib.contract import CONVERSIONS, TABLES, Field, Table
from crewe_lib.intake.dates import DATE_EXAMPLES, DAY, MONTH, MONTH_EXAMPLES, DayFormat, make_format
from crewe_lib.intake.faults import Fault, join, nearest, printable
from crewe_lib.intake.yaml_text import TextLoader

MAPPING = "mapping.yml"
_TOP = ("tables", "dates", "months", "missing")
_TABLE = ("file", "columns", "codes", "units", "ignore", "dates", "months", "missing")


@dataclass(frozen=True)
class Settings:
    """How dates and months are written, and cells that mean missing beside blank ones."""

    dates: DayFormat = DAY
    months: DayFormat = MONTH
    missing: frozenset[str] = frozenset()


@dataclass(frozen=True)
class TablePlan:
    """How one table is brought.

    columns: our column → yours, for each column of the table; codes: our column → (your code → ours); ignored: your
    columns that are left out; units: our column → the unit you count in, where it is not ours.
    """

    file: str
    columns: Mapping[str, str]
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    settings: Settings = field(default_factory=Settings)
    units: Mapping[str, str] = field(default_factory=dict)


Plan = Mapping[str, TablePlan]


def plain_plan() -> dict[str, TablePlan]:
    """Tables brought under the names of the contract."""
    return {name: _plain(table) for name, table in TABLES.items()}


def _plain(table: Table) -> TablePlan:
    return TablePlan(f"{table.name}.csv", {name: name for name in table.names})


def read_mapping(folder: Path) -> tuple[dict[str, TablePlan], list[Fault]]:
    """How the tables of a folder are brought, and what is wrong with its mapping.yml. Without one: by our names."""
    path = folder / MAPPING
    if not os.path.lexists(path):
        return plain_plan(), []
    if not path.is_file():
        return plain_plan(), [_fault("", "must be a file", "something else")]
    try:
        content = yaml.load(path.read_bytes().decode("utf-8-sig"), TextLoader)
    except OSError as fault:
        return plain_plan(), [_fault("", "must be a file that can be read", str(fault.strerror))]
    except UnicodeDecodeError:
        return plain_plan(), [_fault("", "must be text in UTF-8", "other bytes")]
    except yaml.MarkedYAMLError as fault:
        line = fault.problem_mark.line + 1 if fault.problem_mark else 1
        what = printable(f"line {line}: {fault.problem or fault.context}")
        return plain_plan(), [_fault("", "must be YAML", what)]
    except (yaml.YAMLError, RecursionError, ValueError):
        return plain_plan(), [_fault("", "must be YAML", "something else")]
    reader = _MappingReader()
    plan = reader.plan({} if content in (None, "") else content)
    return plan, reader.faults


def _convertible(table: Table) -> dict[str, Field]:
    """The columns that may be counted in another unit, by name."""
    return {item.name: item for item in table.fields if item.unit in CONVERSIONS}


def _fault(place: str, rule: str, found: str = "", mend: str = "") -> Fault:
    mend = mend or "correct it, or delete it if your names are ours; 'crewe new DIR' writes one to start from"
    return Fault(MAPPING, rule, mend, under=place, found=(found,) if found else ())


class _MappingReader:
    """Turns the content of mapping.yml into a plan; collects every fault on the way."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def plan(self, content: Any) -> dict[str, TablePlan]:
        """The plan; where the content is at fault, our own names stand in."""
        top = self._section(content, "", _TOP)
        tables = self._section(top.get("tables", {}), "tables", tuple(TABLES))
        common = self._settings(top, "", Settings())
        plan = {}
        for name, table in TABLES.items():
            known = tuple(key for key in _TABLE if key != "units" or _convertible(table))
            own = self._section(tables.get(name, {}), f"tables.{name}", known)
            plan[name] = self._table(table, own, common)
        files = [plan[name].file for name in TABLES]
        for twice in sorted({file for file in files if files.count(file) > 1}):
            both = join([name for name in TABLES if plan[name].file == twice])
            self._add("tables", "each table must have a file of its own", f"'{printable(twice)}' for {both}")
        return plan

    def _table(self, table: Table, own: Mapping[str, Any], common: Settings) -> TablePlan:
        place = f"tables.{table.name}"
        settings = self._settings(own, place, common)
        ignored = self._texts(own, "ignore", place, frozenset())
        columns = self._columns(table, own.get("columns", {}), ignored, place)
        codes = self._codes(table, own.get("codes", {}), place)
        units = self._units(table, own.get("units", {}), place)
        return TablePlan(self._file(own, table, place), columns, codes, ignored, settings, units)

    def _settings(self, section: Mapping[str, Any], place: str, usual: Settings) -> Settings:
        return Settings(
            self._format(section, "dates", place, usual.dates),
            self._format(section, "months", place, usual.months),
            self._texts(section, "missing", place, usual.missing),
        )

    def _add(self, place: str, rule: str, found: str = "", mend: str = "") -> None:
        self.faults.append(_fault(place, rule, found, mend))

    def _section(self, content: Any, place: str, known: tuple[str, ...]) -> dict[str, Any]:
        """A part of the file that may hold only known names."""
        if content == "":
            return {}
        if not isinstance(content, dict):
            what = "a list" if isinstance(content, list) else "a text"
            self._add(place, f"must hold names and their values; names are {', '.join(known)}", what)
            return {}
        for name in content:
            if name not in known:
                self._unknown(place, name, known)
        return {name: value for name, value in content.items() if name in known}

    def _unknown(self, place: str, name: Any, known: Iterable[str]) -> None:
        known = list(known)
        near = nearest(str(name), known)
        mend = f"write {near}" if near else "use one of these names"
        self._add(place, f"names may be {', '.join(known)}", f"'{printable(str(name)[:40])}'", mend)

    def _file(self, own: Mapping[str, Any], table: Table, place: str) -> str:
        name = own.get("file", f"{table.name}.csv")
        if (
            not isinstance(name, str)
            or not name
            or len(name) > 200
            or "/" in name
            or "\\" in name
            or name in (".", "..")
            or not name.isprintable()
        ):
            mend = f"write the name of a file that lies beside {MAPPING}, without a folder or signs that cannot be seen"
            self._add(f"{place}.file", "must be the name of a file in the same folder", mend=mend)
            return f"{table.name}.csv"
        return name

    def _format(self, section: Mapping[str, Any], name: str, place: str, usual: DayFormat) -> DayFormat:
        if name not in section:
            return usual
        words, month = section[name], name == "months"
        made = make_format(words, month=month) if isinstance(words, str) else None
        if made is None:
            allowed = f"must say how {name} are written, such as {MONTH_EXAMPLES if month else DATE_EXAMPLES}"
            shown = f"'{printable(words[:20])}'" if isinstance(words, str) else "no text"
            self._add(f"{place}.{name}".lstrip("."), allowed, shown, "write such a format")
        return made or usual

    def _texts(self, section: Mapping[str, Any], name: str, place: str, usual: frozenset[str]) -> frozenset[str]:
        value = section.get(name, [])
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            self._add(f"{place}.{name}".lstrip("."), "must be a list of texts", mend=f"write {name}: [first, second]")
            return usual
        return frozenset(texts) - {""} if name in section else usual

    def _columns(self, table: Table, given: Any, ignored: frozenset[str], place: str) -> dict[str, str]:
        """Our column → yours, from 'yours: ours'."""
        place = f"{place}.columns"
        if given == "" or not isinstance(given, dict):
            if given != "":
                self._add(place, "must hold lines such as 'your column: our column'", mend="write such lines")
            given = {}
        yours: dict[str, str] = {}
        for name, ours in given.items():
            if not name.isprintable():
                self._add(place, "names must be made of signs that can be seen", mend="write the name anew")
            elif not isinstance(ours, str) or ours not in table.names:
                self._unknown(place, ours if isinstance(ours, str) else "a list", table.names)
            elif ours in yours:
                found = f"'{printable(yours[ours])}' and '{printable(name)}'"
                self._add(place, f"one column only may stand for {ours}", found, "keep one of them")
            else:
                yours[ours] = name
        columns = {name: yours.get(name, name) for name in table.names}
        for name, mine in columns.items():
            others = [other for other, used in columns.items() if used == mine and other != name]
            if name not in yours and others:
                rule = f"{name} needs a name of its own, since your '{printable(mine)}' stands for {others[0]}"
                self._add(place, rule, mend=f"add a line 'your column: {name}'")
            if mine in ignored:
                self._add(place, f"your '{printable(mine)}' stands for {name}, so it cannot be ignored too")
        return columns

    def _codes(self, table: Table, given: Any, place: str) -> dict[str, dict[str, str]]:
        place = f"{place}.codes"
        fields = {item.name: item for item in table.fields if item.type in ("code", "text")}
        codes: dict[str, dict[str, str]] = {}
        for column, pairs in self._section(given, place, tuple(fields)).items():
            item, here = fields[column], f"{place}.{column}"
            if isinstance(pairs, dict) and not all(code.isprintable() for code in pairs):
                self._add(here, "codes must be made of signs that can be seen", mend="write the code anew")
                continue
            if not isinstance(pairs, dict) or not all(isinstance(ours, str) for ours in pairs.values()):
                self._add(here, "must hold lines such as 'your code: our code'", mend="write such lines")
                continue
            for ours in dict.fromkeys(pairs.values()):
                if item.type == "code" and ours not in item.allowed and not (ours == "" and not item.required):
                    self._unknown(here, ours, item.allowed)
            codes[column] = dict(pairs)
        return codes

    def _units(self, table: Table, given: Any, place: str) -> dict[str, str]:
        """Our column → your unit, where it is another than ours and can be turned into it."""
        fields = _convertible(table)
        units: dict[str, str] = {}
        for column, unit in self._section(given, f"{place}.units", tuple(fields)).items():
            known = (fields[column].unit, *CONVERSIONS[fields[column].unit])
            if unit not in known:
                self._unknown(f"{place}.units.{column}", unit if isinstance(unit, str) else "a list", known)
            elif unit != fields[column].unit:
                units[column] = unit
        return units
