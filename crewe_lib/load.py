"""The only reader of `data/`: each table is checked against `crewe_lib.tables` and noted as evidence when read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from crewe_lib.absence_table import CIN_ABSENCE
from crewe_lib.checks import check_table
from crewe_lib.claim_register import read_claims
from crewe_lib.cost_distributions import read_closure_counts
from crewe_lib.datapackage import DESCRIPTOR, Kind, Resource, find_resource, read_descriptor
from crewe_lib.delivery_tables import CHALLENGES, DIAGRAMS, PROGRAMME_CHANGES, QUESTIONS
from crewe_lib.errors import DataError
from crewe_lib.exhibits_table import EXHIBITS
from crewe_lib.implications_table import IMPLICATIONS
from crewe_lib.intake.check import examine_folder
from crewe_lib.intake.place import RECORDS, files_read, find_records
from crewe_lib.interview_table import INTERVIEWS
from crewe_lib.la_size import INFERENCE_SIZE
from crewe_lib.provenance import REPOSITORY, DataFile, note_read, traced
from crewe_lib.rct_coverage import COVERAGE
from crewe_lib.records import Records, examined_records
from crewe_lib.risk_framework import read_risk_framework
from crewe_lib.service_table import SERVICE_CAPACITY
from crewe_lib.tables import CONTEXT_COUNTS, LA_DURATIONS, LA_MISSING, LA_PANEL, PRIMARY_NEED
from crewe_lib.targets.tables import CALIBRATION_TARGETS
from crewe_lib.themes_table import THEMES_TABLE
from crewe_lib.unit_costs import read_implied_inputs, read_unit_costs

# Set by `crewe build --data DIR`: datasets found there are used instead of the repository's own.
DATA_FOLDER = "CREWE_DATA"
STAND_IN = "synthetic"  # the simulated cohort, where no records are given


def data_folder(dataset: str) -> tuple[Path, str]:
    """Where a dataset lies, and how evidence names that place: 'data/official', or '<data>/official' from --data."""
    brought = os.environ.get(DATA_FOLDER)
    if brought and (Path(brought) / dataset).is_dir():
        return Path(brought) / dataset, f"<data>/{dataset}"
    return REPOSITORY / "data" / dataset, f"data/{dataset}"


def check_data_folder(folder: Path) -> list[str]:
    """The datasets in a folder given with --data, checked before anything runs.

    Each must be one that the repository has, hold all its tables, and be what its card states. Raises DataError.
    """
    if not folder.is_dir():
        raise DataError(f"--data {folder}: there is no such folder.")
    known = sorted(item.parent.name for item in (REPOSITORY / "data").glob(f"*/{DESCRIPTOR}"))
    brought = sorted(item.name for item in folder.iterdir() if item.is_dir() and not item.name.startswith("."))
    found = [name for name in brought if name in known]
    records = find_records(folder)
    if not found and records is None:
        raise DataError(
            f"--data {folder}: no dataset found. It must hold tables of records, or a folder of them named {RECORDS}, "
            f"or a folder per dataset, each with a {DESCRIPTOR}, named and laid out as in data/ ({', '.join(known)})."
        )
    if records != folder and (unknown := [name for name in brought if name not in (*known, RECORDS)]):
        there = ", ".join([*known, RECORDS])
        raise DataError(f"--data {folder}: no dataset is named {', '.join(unknown)}; there are {there}.")
    if records is not None:
        examined_records(examine_folder(records))
    for name in found:
        names = _resource_names(folder / name)
        missing = [table for table in _resource_names(REPOSITORY / "data" / name) if table not in names]
        if missing:
            raise DataError(f"{folder / name / DESCRIPTOR}: lists no resource named {', '.join(missing)}.")
        for table in names:
            find_resource(folder / name, table)
    return found + ([RECORDS] if records is not None else [])


def records_folder() -> tuple[Path, str]:
    """Where the records lie that the book uses, and how evidence names that place: '<data>/records' or '<data>' from
    --data, else the simulated cohort that stands in for them."""
    brought = os.environ.get(DATA_FOLDER)
    found = find_records(Path(brought)) if brought else None
    if found is None:
        return data_folder(STAND_IN)
    return found, "<data>" if found == Path(str(brought)) else f"<data>/{RECORDS}"


def list_packages() -> list[tuple[Path, str]]:
    """Every folder of data that the book can use, and how evidence names it: the datasets, by name."""
    names = sorted(item.parent.name for item in (REPOSITORY / "data").glob(f"*/{DESCRIPTOR}"))
    return [data_folder(name) for name in names]


def _resource_names(folder: Path) -> list[str]:
    entries = read_descriptor(folder)["resources"]
    return [str(entry.get("name")) if isinstance(entry, dict) else str(entry) for entry in entries]


def open_resource(dataset: str, name: str) -> tuple[Resource, str]:
    """A resource and the path evidence gives for it; its hash is checked against the package."""
    folder, label = data_folder(dataset)
    resource = find_resource(folder, name)
    return resource, f"{label}/{resource.path.name}"


def note(resource: Resource, label: str, rows: int) -> None:
    """State as evidence that a resource was read."""
    note_read(DataFile(path=label, sha256=resource.sha256, rows=rows, kind=resource.kind))


@traced
def load_la_panel() -> pd.DataFrame:
    """The local-authority panel: one row per authority, year ending 31 March and vintage (see data/official).

    Counts are nullable integers, the IMD score a float. Raises DataError if the file is not what its package states.
    """
    return _read_official("la_panel", LA_PANEL)


@traced
def load_la_durations() -> pd.DataFrame:
    """Ended episodes of need by how long they lasted: one row per authority, year ending 31 March and band, 1 to 5.

    Counts are nullable integers, missing where the publisher withholds them; `tables.DURATION_BANDS` gives the
    bands' labels in order. Raises DataError if the file is not what its package states.
    """
    return _read_official("la_durations", LA_DURATIONS)


def _read_official(name: str, schema: pa.DataFrameSchema) -> pd.DataFrame:
    resource, label = open_resource("official", name)
    frame = check_table(read_csv(resource, schema), schema, label)
    note(resource, label, len(frame))
    return frame


@traced
def load_la_missing() -> pd.DataFrame:
    """Cells of the panel that the publisher marks as missing, with the mark and its meaning (see data/official).

    Raises DataError if the file is not what its package states.
    """
    return _read_table("official", "la_missing", LA_MISSING)


@traced
def load_context_counts() -> pd.DataFrame:
    """Figures beside the panel, for England and Cheshire East: one row per year, vintage and measure (data/official).

    Raises DataError if the file is not what its package states.
    """
    return _read_official("context_counts", CONTEXT_COUNTS)


@traced
def load_primary_need() -> pd.DataFrame:
    """Episodes of need open at 31 March by category of primary need (data/official): England, the North West and
    Cheshire East, one row per place, year and need, N1 to N9 and N0.

    Counts are nullable integers, missing where the publisher withholds them; those of England and the region are
    rounded to ten. Raises DataError if the file is not what its package states.
    """
    return _read_official("primary_need", PRIMARY_NEED)


@traced
def load_cin_absence() -> pd.DataFrame:
    """Absence from school of children in need at 31 March (data/official): England, Cheshire East and the authorities
    most like it, one row per place, academic year (the one in which it ends), phase and release.

    Counts are nullable integers, missing where the publisher withholds them and for all of 2019/20; those of England
    are rounded to ten. Raises DataError if the file is not what its package states.
    """
    return _read_official("cin_absence", CIN_ABSENCE)


@traced
def load_service_capacity() -> pd.DataFrame:
    """How many cases FACT22 could hold at a time in each year (data/published). Raises DataError."""
    return _read_table("published", "service_capacity", SERVICE_CAPACITY)


@traced
def load_calibration_targets() -> pd.DataFrame:
    """What the simulated cohort is held against: one row per figure of the reports (data/published). Raises
    DataError."""
    return _read_table("published", "calibration_targets", CALIBRATION_TARGETS)


@traced
def load_risk_framework() -> pd.DataFrame:
    """The framework of risk factors and their points (data/published): columns of `risk_framework.RISK_FRAMEWORK`."""
    return _read_package_file("published", "risk_framework", read_risk_framework)


@traced
def load_inference_size() -> pd.DataFrame:
    """The stored study of how often methods find something where nothing happened (data/simulated_studies)."""
    return _read_table("simulated_studies", "inference_size", INFERENCE_SIZE)


@traced
def load_coverage() -> pd.DataFrame:
    """The stored study of how often the trial's intervals hold the truth (data/simulated_studies). Raises DataError."""
    return _read_table("simulated_studies", "coverage", COVERAGE)


@traced
def load_claims() -> pd.DataFrame:
    """The register of published claims (data/published): columns of `crewe_lib.claim_register.CLAIMS`."""
    return _read_package_file("published", "claims", read_claims)


@traced
def load_interviews() -> pd.DataFrame:
    """The interviews of the 2017 report, row by row of its Tables 4 and 5 (data/published). Raises DataError."""
    return _read_table("published", "interviews", INTERVIEWS)


@traced
def load_themes() -> pd.DataFrame:
    """What the interviews of both reports found, one finding a row (data/published). Raises DataError."""
    return _read_table("published", "themes", THEMES_TABLE)


@traced
def load_exhibits() -> pd.DataFrame:
    """Every figure and table of both reports, and what answers it here (data/published). Raises DataError."""
    return _read_table("published", "exhibits", EXHIBITS)


@traced
def load_implications() -> pd.DataFrame:
    """Limits, implications and recommendations of both reports (data/published). Raises DataError."""
    return _read_table("published", "implications", IMPLICATIONS)


@traced
def load_programme_changes() -> pd.DataFrame:
    """How the service changed, 2015 to 2020 (data/published): one row per aspect and span. Raises DataError."""
    return _read_table("published", "programme_changes", PROGRAMME_CHANGES)


@traced
def load_challenges() -> pd.DataFrame:
    """Challenges of delivery, what was changed, and what staff saw come of it (data/published). Raises DataError."""
    return _read_table("published", "challenges", CHALLENGES)


@traced
def load_diagrams() -> pd.DataFrame:
    """Boxes and arrows of the diagrams of the service (data/published): one row per box. Raises DataError."""
    return _read_table("published", "diagrams", DIAGRAMS)


@traced
def load_questions() -> pd.DataFrame:
    """What both evaluations asked, by which measures, and whether they answer (data/published). Raises DataError."""
    return _read_table("published", "questions", QUESTIONS)


@traced
def load_ledger_tables() -> dict[str, tuple[Kind, pd.DataFrame]]:
    """The other tables that rules of the ledger read, by name, each with its kind of data."""
    return {
        "la_panel": ("official", load_la_panel()),
        "context_counts": ("official", load_context_counts()),
        "interviews": ("published", load_interviews()),
    }


@traced
def load_records() -> Records:
    """The records that the book uses: those given with --data, else the simulated cohort in data/synthetic.

    Each file read is noted with its kind, mapping.yml too. Raises DataError with every fault of the tables.
    """
    return _read_records(*records_folder())


@traced
def load_simulated_cohort() -> Records:
    """The simulated cohort of the book (data/synthetic), also where a researcher's records take its place elsewhere.

    Raises DataError with every fault of the tables.
    """
    return _read_records(*data_folder(STAND_IN))


def _read_records(folder: Path, label: str) -> Records:
    seen = examine_folder(folder)
    records = examined_records(seen)
    if not label.startswith("<data>"):  # our own are what their package states
        for name in seen.files:
            find_resource(folder, name)
    for item in files_read(seen, label):
        note_read(item)
    return records


@traced
def load_unit_costs() -> pd.DataFrame:
    """The printed inputs of the report's cost tables (data/published): columns of `crewe_lib.unit_costs.UNIT_COSTS`."""
    return _read_package_file("published", "unit_costs", read_unit_costs)


@traced
def load_implied_inputs() -> pd.DataFrame:
    """The implied inputs of the cost tables, back-solved from printed figures (data/inferred): same columns."""
    return _read_package_file("inferred", "unit_costs_implied", read_implied_inputs)


@traced
def load_closure_counts() -> pd.DataFrame:
    """Implied counts of families with a closed case, by round and arm (data/inferred)."""
    return _read_package_file("inferred", "closure_counts", read_closure_counts)


def _read_table(dataset: str, name: str, schema: pa.DataFrameSchema) -> pd.DataFrame:
    resource, label = open_resource(dataset, name)
    frame = check_table(read_csv(resource, schema), schema, label)
    note(resource, label, len(frame))
    return frame


def _read_package_file(dataset: str, name: str, read: Callable[[Path], pd.DataFrame]) -> pd.DataFrame:
    resource, label = open_resource(dataset, name)
    frame = read(resource.path.parent)
    note(resource, label, len(frame))
    return frame


def read_csv(resource: Resource, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """A CSV file in the types of its schema; an empty cell is a missing number or an empty text."""
    try:
        raw = pd.read_csv(resource.path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as fault:
        raise DataError(f"{resource.path}: cannot be read as UTF-8 CSV ({fault}).") from None
    for name, column in schema.columns.items():
        if name not in raw:
            continue
        if str(column.dtype) == "str":
            raw[name] = raw[name].fillna("")
        else:
            try:
                raw[name] = raw[name].astype("Float64").astype(str(column.dtype))
            except (TypeError, ValueError) as fault:
                raise DataError(
                    f"{resource.path}: column '{name}' must hold {column.dtype} values ({fault})."
                ) from None
    return raw
