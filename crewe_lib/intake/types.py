"""From checked text to the types of the data contract."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crewe_lib.contract import FieldType, Table


def to_typed(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """A table of text in the types of the contract, its columns in the contract's order; '' and None are missing.

    Ids, codes and texts stay text, integers become Int64, dates and months datetime64[s] (a month is its first day).
    Each different text is converted once. Texts that are neither '' nor None must have passed the rules.
    """
    return pd.DataFrame({item.name: _to_type(item.type, frame[item.name]) for item in table.fields}, index=frame.index)


def _to_type(kind: FieldType, text: pd.Series[Any]) -> pd.Series[Any]:
    if kind in ("id", "code", "text"):
        return text.astype(object)
    codes, values = pd.factorize(text.mask(text == "").to_numpy(dtype=object))
    if kind == "integer":
        numbers = pd.array([*map(int, values), pd.NA], dtype="Int64")
        return pd.Series(numbers[codes], index=text.index)
    # NumPy reads ISO dates and months only; a month is its first day.
    days = np.array([*values, "NaT"], dtype="datetime64[D]").astype("datetime64[s]")
    return pd.Series(days[codes], index=text.index)
