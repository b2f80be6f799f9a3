"""Where stored simulation studies are written: one folder with one card, each study's table an entry of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from crewe_lib.datapackage import DESCRIPTOR, read_descriptor, write_descriptor
from crewe_lib.provenance import REPOSITORY

TO = REPOSITORY / "data" / "simulated_studies"
ENTRY = ("name", "path", "title", "description", "format", "mediatype", "encoding", "dates", "schema")


def describe_fields(fields: Mapping[str, tuple[str, str]], *, blank: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Fields of a card from name to (type, meaning); those in `blank` may be empty."""
    return [
        {"name": name, "type": type_, "description": meaning, "constraints": {"required": name not in blank}}
        for name, (type_, meaning) in fields.items()
    ]


def write_study(table: pd.DataFrame, folder: Path, resource: Mapping[str, Any]) -> None:
    """Write a study's table and its entry in the folder's card; entries of other studies stay, in order of names.

    resource: what is particular to the study, with its name; its script is benchmarks/NAME.py.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = str(resource["name"])
    table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    filled = {**resource, "path": f"{name}.csv", "format": "csv", "mediatype": "text/csv", "encoding": "utf-8"}
    known = read_descriptor(folder)["resources"] if (folder / DESCRIPTOR).is_file() else []
    entries = {entry["name"]: entry for entry in [*known, {key: filled[key] for key in ENTRY}]}
    write_descriptor(
        folder,
        {
            "profile": "tabular-data-package",
            "name": "simulated_studies",
            "kind": "simulated",
            "title": "Stored simulation studies of the methods",
            "description": "Invented data of which the truth is known, to see how often a method finds something where "
            "nothing happened, and how often its interval holds the truth. They say nothing about Crewe.",
            "licenses": [{"name": "CC0-1.0", "title": "CC0 1.0 Universal (made by this project)"}],
            "sources": [{"title": f"Simulated by this project, benchmarks/{each}.py"} for each in sorted(entries)],
            "resources": [entries[each] for each in sorted(entries)],
        },
    )
