"""Chapter 11: what the book's data are, written from the data themselves: sources, dictionary, rules, definitions."""

from __future__ import annotations

import csv
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from crewe_lib import definitions, definitions_follow_up
from crewe_lib.contract import TABLES, Field
from crewe_lib.datapackage import KINDS, Kind, Resource, find_resource, read_descriptor
from crewe_lib.errors import DataError
from crewe_lib.intake.check import examine_folder
from crewe_lib.intake.link_rules import all_rules
from crewe_lib.intake.place import files_read
from crewe_lib.intake.template import say_rule
from crewe_lib.kinds import BANNERS, SHORT
from crewe_lib.load import list_packages, records_folder
from crewe_lib.provenance import DataFile, note_read, traced
from crewe_lib.records import Records

HASH_SHOWN = 12
NUMBERED = re.compile(r"^(\D+_)(\d+)$")


@traced
def derive_sources() -> pd.DataFrame:
    """Every data file of the book, one row each, in the order of kinds.

    Columns: kind, dataset, about (title of the dataset), licence, source, file, title, dates, rows, sha256 (its
    beginning). Each file is read, so each is noted as evidence. Raises DataError if one is not what its card states.
    """
    rows = [row for folder, label in list_packages() for row in _describe_package(folder, label)]
    table = pd.DataFrame([*rows, *_describe_brought()])
    return table.sort_values("kind", key=lambda kinds: kinds.map(KINDS.index), kind="stable", ignore_index=True)


def _describe_package(folder: Path, label: str) -> Iterator[dict[str, Any]]:
    card = read_descriptor(folder)
    about = {
        "kind": card["kind"],
        "dataset": label,
        "about": card["title"],
        "licence": "; ".join(str(licence.get("title", licence["name"])) for licence in card["licenses"]),
        "source": write_sources(card["sources"]),
    }
    for entry in card["resources"]:
        resource = find_resource(folder, entry["name"])
        rows = count_rows(resource)
        file = f"{label}/{resource.path.name}"
        note_read(DataFile(path=file, sha256=resource.sha256, rows=rows, kind=resource.kind))
        found = {"title": entry["title"], "dates": entry.get("dates", ""), "rows": rows}
        yield {**about, "file": file, **found, "sha256": resource.sha256[:HASH_SHOWN]}


def _describe_brought() -> Iterator[dict[str, Any]]:
    """Records that a researcher brought, if any: their files, which no card need describe."""
    folder, label = records_folder()
    if not label.startswith("<data>"):
        return
    for item in files_read(examine_folder(folder), label):
        note_read(item)
        about = {"about": "Brought with --data", "licence": "", "source": "The researcher who built this copy"}
        found = {"title": Path(item.path).stem, "dates": "", "rows": item.rows, "sha256": item.sha256[:HASH_SHOWN]}
        yield {"kind": item.kind, "dataset": label, **about, "file": item.path, **found}


def write_sources(sources: list[Mapping[str, Any]]) -> str:
    """Where a dataset comes from, in one line; releases of a publisher are counted, not listed."""
    publishers = pd.Series([str(source.get("publisher", "")) for source in sources]).value_counts(sort=False)
    if "" in publishers.index:
        return "; ".join(str(source["title"]) for source in sources)
    return "; ".join(f"{name}, {n} file{'s' if n > 1 else ''}" for name, n in publishers.items())


def count_rows(resource: Resource) -> int:
    """Rows of a CSV file below its header; entries of a YAML file. Raises DataError for another format."""
    if resource.path.suffix == ".csv":
        with resource.path.open(encoding="utf-8", newline="") as lines:
            return sum(1 for _ in csv.reader(lines)) - 1
    if resource.path.suffix == ".yml":
        content = yaml.safe_load(resource.path.read_text(encoding="utf-8"))
        return sum(len(part) for part in content.values() if _holds_entries(part))
    raise DataError(f"{resource.path.name}: rows can be counted in .csv and .yml files only.")


def _holds_entries(part: Any) -> bool:
    return isinstance(part, dict) and all(isinstance(entry, dict) for entry in part.values())


@traced
def derive_datasets(sources: pd.DataFrame) -> pd.DataFrame:
    """The datasets, one row each: kind, dataset, about, licence, source."""
    return sources[["kind", "dataset", "about", "licence", "source"]].drop_duplicates(ignore_index=True)


@traced
def derive_kinds(sources: pd.DataFrame) -> pd.DataFrame:
    """The five kinds of data: kind, name, meaning, files and rows that the book holds of it."""
    held = sources.groupby("kind").agg(files=("file", "size"), rows=("rows", "sum"))
    rows = [{"kind": kind, "name": SHORT[kind], "meaning": _meaning(kind)} for kind in KINDS]
    return pd.DataFrame(rows).join(held, on="kind").fillna({"files": 0, "rows": 0}).astype({"files": int, "rows": int})


def _meaning(kind: Kind) -> str:
    """What the banner of a page says of a kind, without its first words in bold."""
    return re.sub(r"^\*\*.*?\*\* ", "", BANNERS[kind])


@traced
def derive_contract_tables() -> pd.DataFrame:
    """The tables of the data contract: table, description, columns (how many), key, refers (to which tables)."""
    return pd.DataFrame(
        {
            "table": table.name,
            "description": table.description,
            "columns": len(table.fields),
            "key": ", ".join(table.key),
            "refers": ", ".join(f"{other} by {name}" for name, (other, _) in table.refers.items()),
        }
        for table in TABLES.values()
    )


@traced
def derive_fields(table: str) -> pd.DataFrame:
    """The columns of one table of the contract: column, type, allowed, blank, meaning. Numbered columns that are
    alike, such as the items of a questionnaire, share a row."""
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    for item in TABLES[table].fields:
        numbered = NUMBERED.match(item.name)
        stem = numbered[1] if numbered else item.name
        row = {
            "column": item.name,
            "type": item.type,
            "allowed": _write_allowed(item),
            "blank": "no" if item.required else "yes",
            "meaning": re.sub(r"\b\d+\b", "…", item.description, count=1) if numbered else item.description,
        }
        known = rows.setdefault((stem, *list(row.values())[1:]), row)
        if known is not row:
            known["column"] = f"{known['column'].partition(' to ')[0]} to {item.name}"
    return pd.DataFrame(rows.values())


def _write_allowed(item: Field) -> str:
    if item.allowed:
        return "; ".join(f"{code}: {meaning}" for code, meaning in item.allowed.items())
    return f"{item.minimum} to {item.maximum} {item.unit}".strip() if item.minimum else ""


@traced
def derive_rules() -> pd.DataFrame:
    """The rules of the contract across rows, columns and tables: table, column, rule."""
    rows = [{"table": rule.table, "column": rule.column, "rule": say_rule(rule.rule)} for rule in all_rules()]
    order = {name: place for place, name in enumerate(TABLES)}
    return pd.DataFrame(rows).sort_values("table", key=lambda names: names.map(order), kind="stable", ignore_index=True)


# Where the reports state what each function carries out; R1 is the report of 2017, R2 that of 2020.
STATED: Mapping[str, str] = {
    "derive_study_dates": "R1, assumptions 1 and 3; R2, Appendix 4",
    "derive_cases": "R1, Appendix 6; R2, Appendix 4",
    "derive_children": "Ours; the reports analyse one lead child of each family",
    "derive_index_episodes": "Our reading, after R1, assumption 1",
    "derive_history": "R1, assumption 2",
    "derive_rereferred_round1": "R1, assumption 3",
    "derive_closed_round1": "R1, assumption 4; the first reading counts every closing but by escalation, which is ours",
    "derive_days_open": "R1, Appendix 6; rules but 'lasting' are ours",
    "derive_closed_round2": "R2, Appendix 4, whose words are the reading 'printed'; the others are ours",
    "derive_rereferred_round2": "R2, Appendix 4, whose words are the reading 'printed'; the others are ours",
    "derive_escalated": "R2, Appendix 4",
    "derive_aged_out": "R2, on the long-term follow-up",
    "derive_case_length": "R2, Appendix 4",
}


def find_definitions() -> list[Callable[..., Any]]:
    """The functions that carry out the reports' definitions, in the order of the code."""
    found = [
        function
        for module in (definitions, definitions_follow_up)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if name.startswith("derive_") and function.__module__ == module.__name__
    ]
    return sorted(found, key=lambda each: (each.__module__, inspect.unwrap(each).__code__.co_firstlineno))


@traced
def derive_definitions() -> pd.DataFrame:
    """The reports' definitions as code: function, module, says (from its docstring), stated (where)."""
    return pd.DataFrame(
        {
            "function": function.__name__,
            "module": f"{function.__module__.rpartition('.')[2]}.py",
            "says": read_docstring(inspect.getdoc(function) or ""),
            "stated": STATED[function.__name__],
        }
        for function in find_definitions()
    )


def read_docstring(text: str) -> str:
    """The first sentence of a docstring, and the one that says between which readings the function chooses."""
    first, *others = re.split(r"(?<=\.)\s+(?=[A-Zr])", " ".join(text.split()))
    readings = [f"Reading {said.removeprefix('reading ')}" for said in others if said.startswith("reading '")]
    return " ".join([first.partition(" Columns:")[0], *readings])


@traced
def count_files(sources: pd.DataFrame) -> dict[str, int]:
    """How many files and datasets the book has."""
    return {"files": len(sources), "datasets": sources["dataset"].nunique()}


@traced
def count_people(cohort: Records) -> dict[str, int]:
    """How many families and children a cohort has."""
    return {"families": len(cohort.families), "children": len(cohort.children)}


@traced
def count_contract(rules: pd.DataFrame, defined: pd.DataFrame) -> dict[str, int]:
    """How much the contract holds: tables, columns, rules across them, definitions as code."""
    columns = sum(len(table.fields) for table in TABLES.values())
    return {"tables": len(TABLES), "columns": columns, "rules": len(rules), "definitions": len(defined)}
