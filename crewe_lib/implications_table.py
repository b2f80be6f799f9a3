"""Limits, implications and recommendations of both reports, with a verdict each: what the table must look like."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from crewe_lib.tables import text

KINDS = ("limit", "implication", "recommendation")
VERDICTS = ("holds", "holds in part", "does not follow", "open")
_CLAIMS = r"^[a-z0-9]+(\.[a-z0-9_]+)+( [a-z0-9]+(\.[a-z0-9_]+)+)*$"


def _begins_with_report(frame: pd.DataFrame) -> pd.Series[bool]:
    pairs = zip(frame["id"], frame["report"], strict=True)
    return pd.Series([id.startswith(f"{report}_") for id, report in pairs], index=frame.index)


IMPLICATIONS = pa.DataFrameSchema(
    {
        "id": text("Name of the statement; begins with its report", pattern=r"^r[12]_[a-z0-9_]+$"),
        "kind": text("What it is", allowed=KINDS),
        "report": text("Report that makes it: r1 of 2017, r2 of 2020", allowed=("r1", "r2")),
        "page": pa.Column(
            "Int64",
            pa.Check.gt(0, error="must be more than 0"),
            nullable=True,
            description="Page printed on the report; blank where it cannot be told",
            metadata={"unit": "page", "minimum": 1},
        ),
        "said": text("What is said, in our own words"),
        "claims": text("Claims of the register that it rests on, separated by spaces", pattern=_CLAIMS, blank=True),
        "verdict": text("Our reading of it", allowed=VERDICTS),
        "reason": text("Why, in our own words; ids of claims in braces stand for what is printed"),
    },
    checks=[
        pa.Check(
            _begins_with_report,
            name="id/report",
            error="id must begin with its report",
        )
    ],
    unique=["id"],
    strict=True,
    ordered=True,
    name="implications",
)  # fmt: skip
