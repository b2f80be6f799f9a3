"""Records as typed tables: what the definitions and the chapters on the trial work with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import pandas as pd

from crewe_lib.contract import TABLES, Table
from crewe_lib.datapackage import Kind
from crewe_lib.errors import DataError


@dataclass(frozen=True)
class Records:
    """The tables of one folder.

    Ids, codes and texts are str ('' if blank), integers Int64, dates and months datetime64[s] (a month is its first
    day), NaT if blank. `kind` is 'records' or 'simulated'.
    """

    families: pd.DataFrame
    children: pd.DataFrame
    episodes: pd.DataFrame
    protection: pd.DataFrame
    absence: pd.DataFrame
    sdq: pd.DataFrame
    risk: pd.DataFrame
    crossovers: pd.DataFrame
    kind: Kind


def to_typed(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """A table of checked text in the types of the contract, its columns in the contract's order."""
    typed: dict[str, pd.Series[Any]] = {}
    for item in table.fields:
        text = frame[item.name]
        if item.type == "integer":
            typed[item.name] = pd.to_numeric(text.mask(text == "")).astype("Int64")
        elif item.type in ("date", "month"):
            shape = "%Y-%m-%d" if item.type == "date" else "%Y-%m"
            typed[item.name] = pd.to_datetime(text.mask(text == ""), format=shape).astype("datetime64[s]")
        else:
            typed[item.name] = text.astype(str)
    return pd.DataFrame(typed)


def to_records(tables: Mapping[str, pd.DataFrame], kind: Kind) -> Records:
    """Checked tables of text as records; a table that is not given is empty. Raises DataError for an unknown table."""
    if unknown := set(tables) - set(TABLES):
        raise DataError(f"no table is named {', '.join(sorted(unknown))}; there are {', '.join(TABLES)}.")
    empty = {name: pd.DataFrame(columns=table.names, dtype=str) for name, table in TABLES.items()}
    typed = {name: to_typed(TABLES[name], frame) for name, frame in {**empty, **tables}.items()}
    return Records(**{item.name: typed[item.name] for item in fields(Records) if item.name != "kind"}, kind=kind)
