"""How often each method finds something where nothing happened: the stored study of `benchmarks/inference_size.py`."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from crewe_lib.evidence import Column
from crewe_lib.formats import percent
from crewe_lib.provenance import traced

# The panels of the study that have noise of the same size in every authority.
ALIKE = "noise alike"

INFERENCE_SIZE = pa.DataFrameSchema(
    {
        "design": pa.Column(str, description="How the panels were made"),
        "shock_sd": pa.Column("int64", pa.Check.ge(0), description="Standard deviation of lasting shocks, per 10,000"),
        "method": pa.Column(str, description="Method of inference"),
        "replications": pa.Column("int64", pa.Check.ge(1), description="Panels"),
        "rejections": pa.Column("int64", pa.Check.ge(0), description="Panels in which the method rejects at 5%"),
        "rate": pa.Column(float, pa.Check.in_range(0, 1), description="Rejections per panel"),
        "mc_error": pa.Column(float, pa.Check.ge(0), description="Monte Carlo standard error of the rate"),
    },
    unique=["design", "shock_sd", "method"],
    strict=True,
    ordered=True,
    name="inference_size",
)
SIZE_COLUMNS = {
    "method": Column("Method"),
    "none": Column("No lasting shocks", percent()),
    "some": Column("Moderate ones", percent()),
    "large": Column("Large ones", percent()),
}


@traced
def derive_size_table(study: pd.DataFrame) -> pd.DataFrame:
    """Share of simulated panels without any effect in which each method finds one at the nominal 5%.

    Columns: method, none, some, large (by the size of lasting shocks to single authorities). Only the panels with
    noise alike in all authorities.
    """
    rows = study[study["design"] == ALIKE]
    sizes = dict(zip(sorted(rows["shock_sd"].unique()), ("none", "some", "large"), strict=True))
    wide = rows.assign(size=rows["shock_sd"].map(sizes)).pivot(index="method", columns="size", values="rate")
    order = list(dict.fromkeys(rows["method"]))
    return wide.loc[order, ["none", "some", "large"]].reset_index().rename_axis(columns=None)
