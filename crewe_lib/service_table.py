"""Capacity of the service by year, as the 2020 report's timeline prints it: what the table must look like."""

from __future__ import annotations

import pandera.pandas as pa

from crewe_lib.tables import YEAR, text

SERVICE_CAPACITY = pa.DataFrameSchema(
    {
        "phase": text("Phase of the service, as the report names its timeline"),
        "first_year": YEAR,
        "last_year": YEAR,
        "capacity": pa.Column(
            "int64",
            pa.Check.gt(0, error="must be more than 0"),
            description="Cases that the service could hold at a time, at most",
            metadata={"unit": "cases", "minimum": 1},
        ),
        "printed": text("The capacity as printed"),
        "source": text("The report, by its short name"),
        "place": text("Table of the report"),
        "page": pa.Column(
            "Int64",
            pa.Check.gt(0, error="must be more than 0"),
            nullable=True,
            description="Page; blank where the text this was taken from has lost it",
            metadata={"unit": "page", "minimum": 1},
        ),
    },
    checks=[
        pa.Check(
            lambda frame: frame["first_year"] <= frame["last_year"],
            name="first_year/last_year",
            error="first_year must not be after last_year",
        )
    ],
    unique=["first_year"],
    strict=True,
    ordered=True,
    name="service_capacity",
)
