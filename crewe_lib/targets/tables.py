"""What the targets of calibration must look like (see `crewe_lib.tables`)."""

from __future__ import annotations

import pandera.pandas as pa

from crewe_lib.tables import text

CALIBRATION_TARGETS = pa.DataFrameSchema(
    {
        "id": text("Name of the row", pattern=r"^[a-z0-9_.]+$"),
        "chapter": text("Which part of the evaluation it belongs to, with its number", pattern=r"^[0-9]+ \S"),
        "quantity": text("What is measured"),
        "group": text("For which cases; of several groups, in the order of the values"),
        "target": text("The figure or figures of the reports, separated by semicolons, or a description"),
        "n": pa.Column(
            "Int64",
            pa.Check.gt(0, error="must be more than 0"),
            nullable=True,
            description="Cases that it is measured on, where known",
            metadata={"unit": "cases", "minimum": 1},
        ),
        "tolerance": text(
            "What counts as met: exact, ±x (either side), a to b (range), rule (the description holds), or none",
            pattern=r"^(exact|±[0-9.]+|[0-9.]+ to [0-9.]+|rule|none)$",
        ),
        "status": text(
            "firm: printed; derived: follows from what is printed; conflict: the reports disagree; free: our choice",
            allowed=("firm", "derived", "conflict", "free"),
        ),
        "claims": text(
            "Ids in claims.csv that it rests on, separated by spaces", pattern=r"^[a-z0-9_. ]+$", blank=True
        ),
        "reading": text("How it is read here", blank=True),
        "rejected": text("Readings that were rejected, and why", blank=True),
    },
    unique=["id"],
    strict=True,
    ordered=True,
    name="calibration_targets",
)
