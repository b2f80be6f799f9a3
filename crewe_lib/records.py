"""Records as typed tables: what the definitions and the chapters on the trial work with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from crewe_lib.contract import TABLES
from crewe_lib.datapackage import Kind
from crewe_lib.errors import DataError
from crewe_lib.intake.check import Examined, examine_folder
from crewe_lib.intake.faults import write_faults
from crewe_lib.intake.types import to_typed
from crewe_lib.provenance import traced


@dataclass(frozen=True)
class Records:
    """The tables of one folder.

    Ids, codes and texts are str ('' if blank), integers Int64, dates and months datetime64[s] (a month is its first
    day), NaT if blank. A table that the folder does not hold is empty. `kind` is 'records' or 'simulated'.
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


def read_records(folder: Path) -> Records:
    """The records of a folder, brought in by its mapping.yml if there is one.

    Raises DataError with every fault if the folder does not pass the check, CreweError if there is none.
    """
    return examined_records(examine_folder(folder))


@traced
def describe_cohort(records: Records) -> dict[str, str]:
    """What prose and captions call these records: name ('simulated cohort', 'records'), and one of its families."""
    simulated = records.kind == "simulated"
    return {
        "name": "simulated cohort" if simulated else "records",
        "family": "simulated family" if simulated else "family",
        "families": "simulated families" if simulated else "families",
    }


def examined_records(seen: Examined) -> Records:
    """The records of a folder that has been examined. Raises DataError with every fault if it did not pass."""
    if seen.faults or seen.kind is None:
        raise DataError(f"{seen.folder}: these records cannot be used.\n{write_faults(seen.faults)}")
    typed = {name: _empty(name) for name in TABLES}
    typed |= {name: frame.reset_index(drop=True) for name, frame in seen.tables.items()}
    return Records(**typed, kind=seen.kind)


def _empty(name: str) -> pd.DataFrame:
    return to_typed(TABLES[name], pd.DataFrame(columns=TABLES[name].names, dtype=object))


def to_records(tables: Mapping[str, pd.DataFrame], kind: Kind) -> Records:
    """Checked tables of text as records; a table that is not given is empty. Raises DataError for an unknown table."""
    if unknown := set(tables) - set(TABLES):
        raise DataError(f"no table is named {', '.join(sorted(unknown))}; there are {', '.join(TABLES)}.")
    typed = {name: to_typed(TABLES[name], frame) for name, frame in tables.items()}
    return Records(
        **{item.name: typed.get(item.name, _empty(item.name)) for item in fields(Records) if item.name != "kind"},
        kind=kind,
    )
