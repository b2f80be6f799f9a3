"""`crewe new`: a folder of empty tables to fill in, with a dictionary, a data package and a mapping to start from."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from crewe_lib.contract import CONVERSIONS, TABLES, Field, Table
from crewe_lib.datapackage import DESCRIPTOR, Kind
from crewe_lib.errors import CreweError
from crewe_lib.intake.dates import DATE_EXAMPLES, MONTH_EXAMPLES
from crewe_lib.intake.link_rules import all_rules
from crewe_lib.intake.mapping import MAPPING

DICTIONARY = "dictionary.md"
ID_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
TYPES: Mapping[str, str] = {
    "id": "id: letters a to z, digits, - and _",
    "code": "code",
    "integer": "whole number",
    "date": "day, YYYY-MM-DD",
    "month": "month, YYYY-MM",
    "text": "text",
}


def write_template(folder: Path) -> list[str]:
    """Write the folder and return the names of its files. An empty folder is filled; any other is left as it is.

    Raises CreweError if the folder is not empty or cannot be written.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise CreweError(f"{folder}: this is not a folder; nothing was written. Name a new folder.")
    if folder.is_dir() and any(folder.iterdir()):
        raise CreweError(
            f"{folder}: the folder is not empty; nothing was written. Name a new folder, or empty this one."
        )
    texts = {
        "README.md": _README,
        DICTIONARY: write_dictionary(),
        DESCRIPTOR: json.dumps(describe_package("records"), indent=2, ensure_ascii=False) + "\n",
        MAPPING: write_mapping(),
        **{f"{table.name}.csv": ",".join(table.names) + "\n" for table in TABLES.values()},
    }
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            for name, text in texts.items():
                (stage / name).write_text(text, encoding="utf-8", newline="\n")
            stage.chmod(0o755)
            stage.replace(folder)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    except OSError as fault:
        raise CreweError(f"{folder}: cannot be written ({fault.strerror}); nothing was.") from None
    return list(texts)


def describe_package(kind: Kind, name: str = "records", title: str = "Records of a trial") -> dict[str, Any]:
    """The data package of a folder of records, without hashes: kind, and each table with its fields and keys."""
    return {
        "name": name,
        "kind": kind,
        "title": title,
        "resources": [describe_table(table) for table in TABLES.values()],
    }


def describe_table(table: Table) -> dict[str, Any]:
    """A table of the contract as a Frictionless resource."""
    foreign = [
        {"fields": [name], "reference": {"resource": other, "fields": [column]}}
        for name, (other, column) in table.refers.items()
    ]
    schema = {"fields": [_describe_field(item) for item in table.fields], "primaryKey": list(table.key)}
    return {
        "name": table.name,
        "path": f"{table.name}.csv",
        "description": table.description,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": {**schema, **({"foreignKeys": foreign} if foreign else {}), "missingValues": [""]},
    }


def _describe_field(item: Field) -> dict[str, Any]:
    kinds = {"integer": "integer", "date": "date", "month": "yearmonth"}
    limits: dict[str, Any] = {"required": item.required}
    if item.type == "id":
        limits["pattern"] = ID_PATTERN
    if item.allowed:
        limits["enum"] = list(item.allowed)
    for name, value in (("minimum", item.minimum), ("maximum", item.maximum)):
        if value:
            limits[name] = int(value) if item.type == "integer" else value
    codes = [{"value": code, "label": label} for code, label in item.allowed.items()]
    return {
        "name": item.name,
        "type": kinds.get(item.type, "string"),
        "description": item.description,
        **({"unit": item.unit} if item.unit else {}),
        **({"categories": codes} if codes else {}),
        "constraints": limits,
    }


def write_dictionary() -> str:
    """The dictionary in Markdown: each table with its columns, and the rules across columns and tables."""
    lines = [
        "# Dictionary",
        "",
        "Made from the data contract. A blank cell means missing; only some columns may be blank.",
    ]
    for table in TABLES.values():
        lines += ["", f"## {table.name}.csv", "", table.description, "", *_dictionary_table(table)]
        rules = [say_rule(rule.rule) for rule in all_rules() if rule.table == table.name]
        columns = [rule.column for rule in all_rules() if rule.table == table.name]
        lines += ["", "Rules:", "", *(f"- `{column}`: {rule}" for column, rule in zip(columns, rules, strict=True))]
    return "\n".join(lines) + "\n"


def say_rule(words: str) -> str:
    """A rule of `record_link_rules` in the contract's own names."""
    return re.sub(r"\{(?:\w+\.)?(\w+)\}", r"\1", re.sub(r"\{(\w+\.csv)\}", r"\1", words))


def _dictionary_table(table: Table) -> Iterator[str]:
    yield "| Column | Type | May be blank | Allowed | What it is |"
    yield "|---|---|---|---|---|"
    for item in table.fields:
        allowed = "; ".join(f"`{code}` {label}" for code, label in item.allowed.items())
        if item.minimum:
            allowed = f"{item.minimum} to {item.maximum}{' ' + item.unit if item.unit else ''}"
        blank = "no" if item.required else "yes"
        yield f"| `{item.name}` | {TYPES[item.type]} | {blank} | {allowed} | {item.description} |"


def write_mapping() -> str:
    """A mapping.yml whose every line is a comment, with each table, column and code."""
    lines = [
        "# What your files, columns, codes and dates are called. While every line is a comment, your names are ours.",
        "# Take the '# ' from the lines that you need, from 'tables:' down, and write your names on the left.",
        "# What is not named here is called as in the contract. Every name and code is read as text.",
        "",
        f"# dates: YYYY-MM-DD    # how days are written, such as {DATE_EXAMPLES}",
        f"# months: YYYY-MM      # how months are written, such as {MONTH_EXAMPLES}",
        "# missing: [NA, .]     # cells that mean missing, beside blank ones",
        "# tables:",
    ]
    for table in TABLES.values():
        lines += [
            f"#   {table.name}:    # {table.description}",
            f"#     file: {table.name}.csv    # your file, in this folder",
            "#     ignore: []    # columns of yours that are left out",
            "#     columns:    # your column: our column",
            *(f"#       {item.name}: {item.name}    # {item.description}" for item in table.fields),
        ]
        if counted := [item for item in table.fields if item.unit in CONVERSIONS]:
            lines.append("#     units:    # our column: the unit that you count in, where it is not ours")
        for item in counted:
            others = ", ".join(f"{name}, whole or half" for name in CONVERSIONS[item.unit])
            lines.append(f"#       {item.name}: {item.unit}    # or {others}; a day is two sessions")
        if coded := [item for item in table.fields if item.allowed]:
            lines.append("#     codes:    # your code: our code; all of yours, once a column is named")
        for item in coded:
            lines.append(f"#       {item.name}:")
            lines += [f'#         "{code}": "{code}"    # {label}' for code, label in item.allowed.items()]
    return "\n".join(lines) + "\n"


_README = f"""# Records for Crewe

Fill in the tables, or bring your own under your own names.

1. Each file is a table: UTF-8, cells separated by commas, one header row, days as 2015-08-01, blank for missing.
   `{DICTIONARY}` says what each column holds.
2. If your files, columns, codes or dates are called otherwise, say so in `{MAPPING}`; no code needs to be edited.
3. Delete the tables that you do not have. Only `families.csv` must be there, and tables that others refer to.
4. Use pseudonyms for ids. Keep the folder out of version control and off shared disks.
5. `crewe check .` lists every fault with its place and how to mend it, and shows no id or date.
6. `crewe build --data .` builds the book with these records in place of the simulated ones.

`{DESCRIPTOR}` states that these are records. If they are invented, write `"kind": "simulated"` there: the book then
says so wherever they are used.
"""
