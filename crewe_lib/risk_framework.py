"""The risk framework that both reports print: its factors, with the points that each adds to a family's score."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from crewe_lib.checks import check_table
from crewe_lib.datapackage import find_resource
from crewe_lib.errors import DataError

NAME = "risk_framework"


def _choice(description: str, *allowed: str) -> pa.Column:
    check = pa.Check.isin(allowed, error=f"must be one of {', '.join(allowed)}")
    return pa.Column(str, check, description=description, metadata={"required": True, "enum": list(allowed)})


def _text(description: str, pattern: str = r"\S") -> pa.Column:
    check = pa.Check.str_matches(pattern, error=f"must match {pattern}")
    return pa.Column(str, check, description=description, metadata={"required": True})


def _points(description: str) -> pa.Column:
    check = pa.Check.isin((-2, -1, 1, 2), error="must be -2, -1, 1 or 2")
    return pa.Column("int64", check, description=description, metadata={"unit": "points", "minimum": -2, "maximum": 2})


def _signs_fit(frame: pd.DataFrame) -> pd.Series[bool]:
    """Risk lowers the score, protection raises it, engagement counts as its level; a factor is found or not."""
    fits = {
        "risk": (frame["weight"] < 0) & (frame["level"] == 1),
        "protective": (frame["weight"] > 0) & (frame["level"] == 1),
        "engagement": frame["weight"] == frame["level"],
    }
    good = pd.Series(False, index=frame.index)
    for kind, fit in fits.items():
        good |= (frame["kind"] == kind) & fit
    return good


RISK_FRAMEWORK = pa.DataFrameSchema(
    {
        "factor": _text("Code of the factor; engagement has one for each person rated", r"^[a-z_]+$"),
        "level": _points("Level as it stands in the records: 1 for a factor that was found, −2 to 2 for engagement"),
        "subject": _choice("Whom or what the factor is about; cin is the child in need", "parent", "cin", "family",
                           "social"),
        "label": _text("The factor or level as printed"),
        "kind": _choice("Part of the score", "risk", "protective", "engagement"),
        "weight": _points("Points that the factor at this level adds to the score; more points are safer"),
        "applies_to": _choice("Which cases it is scored in", "all", "over_11"),
        "source": _text("The report, by its short name"),
        "place": _text("Table of the report"),
        "page": pa.Column(
            "int64",
            pa.Check.gt(0, error="must be more than 0"),
            description="Page on which the table begins, by the report's own list of contents",
            metadata={"unit": "page", "minimum": 1},
        ),
    },
    checks=[
        pa.Check(
            _signs_fit,
            name="kind/weight",
            error="risk must lower the score and protection raise it at level 1; engagement must count as its level",
        )
    ],
    unique=["factor", "level"],
    strict=True,
    ordered=True,
    name=NAME,
)  # fmt: skip


def read_risk_framework(folder: Path) -> pd.DataFrame:
    """The framework: resource 'risk_framework' of the package in `folder`, columns of `RISK_FRAMEWORK`. Raises
    DataError if the file is not what its package states."""
    resource = find_resource(folder, NAME)
    try:
        frame = pd.read_csv(resource.path, keep_default_na=False, encoding="utf-8")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as fault:
        raise DataError(f"{resource.path}: cannot be read as UTF-8 CSV ({fault}).") from None
    return check_table(frame, RISK_FRAMEWORK, str(resource.path))
