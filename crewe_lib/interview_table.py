"""Tables 4 and 5 of the 2017 report, the interviews one by one: what the table must look like, and counts from it."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from crewe_lib.claim_register import Reader

FAMILY_ROLES = ("Mother", "Grandmother", "CIN")
WORKER_ROLES = ("Family Practitioner", "Social worker")
ROLES = (*FAMILY_ROLES, *WORKER_ROLES, "Senior Leader")
ARMS = ("Project Crewe", "Cheshire East")
OUTCOMES = ("Closed", "Ongoing but improved", "No change", "Escalated to CP")
WAVES = ("november", "april")


def _choice(description: str, allowed: tuple[str, ...], *, blank: bool = False) -> pa.Column:
    values = (*allowed, "") if blank else allowed
    error = f"must be one of {', '.join(allowed)}{' or blank' if blank else ''}"
    return pa.Column(
        str,
        pa.Check.isin(values, error=error),
        description=description,
        metadata={"required": not blank, "enum": list(values)},
    )


def _whole(description: str, low: int, high: int, *, nullable: bool = False) -> pa.Column:
    return pa.Column(
        "Int64",
        pa.Check.in_range(low, high, error=f"must be from {low} to {high}"),
        nullable=nullable,
        description=description,
        metadata={"minimum": low, "maximum": high},
    )


def _fits_its_table(frame: pd.DataFrame) -> pd.Series[bool]:
    """Table 4 gives case, outcome and both waves; Table 5 gives none of these but April."""
    filled = frame["case"].notna() & (frame["outcome"] != "") & (frame["november"] != "")
    empty = frame["case"].isna() & (frame["outcome"] == "") & (frame["november"] == "")
    return (filled & (frame["table"] == 4)) | (empty & (frame["table"] == 5))


INTERVIEWS = pa.DataFrameSchema(
    {
        "table": _whole("Table of the 2017 report: 4, people of the case studies; 5, others", 4, 5),
        "row": _whole("Row of that table, from 1; the family that withdrew has none", 1, 99),
        "case": _whole("Number of the case study; none in Table 5", 1, 99, nullable=True),
        "role": _choice("Who was to be interviewed", ROLES),
        "arm": _choice("Scheme, as printed", ARMS),
        "outcome": _choice("State of the case, as printed; none in Table 5", OUTCOMES, blank=True),
        "november": _choice("Interviewed in November 2015, as ticked; none in Table 5", ("Y", "N"), blank=True),
        "april": _choice("Interviewed in April 2016, as ticked", ("Y", "N")),
        "total": _whole("Interviews, as printed in the last column", 0, 2),
    },
    checks=[
        pa.Check(
            _fits_its_table,
            name="table/case",
            error="a row of Table 4 needs case, outcome and november; a row of Table 5 has none of them",
        )
    ],
    unique=["table", "row"],
    strict=True,
    ordered=True,
    name="interviews",
)  # fmt: skip


def row_claim(table: int, row: int) -> str:
    """The claim that holds the printed total of a row."""
    return f"r1.t4.row{row:02d}" if table == 4 else f"r1.t5.row{row}"


def read_interviews(reader: Reader, *, skip: str = "") -> pd.DataFrame:
    """The table with the totals that the register prints (column `printed`) and the ticks counted (`ticked`).

    skip: the claim under check, whose printed total stays missing. Raises DataError.
    """
    frame = reader.table("interviews").copy()
    ids = [row_claim(int(table), int(row)) for table, row in zip(frame["table"], frame["row"], strict=True)]
    frame["printed"] = [None if id == skip else reader.count(id) for id in ids]
    frame["printed"] = frame["printed"].astype("Int64")
    frame["ticked"] = sum((frame[wave] == "Y").astype(int) for wave in WAVES)
    frame["family"] = frame["role"].isin(FAMILY_ROLES)
    return frame
