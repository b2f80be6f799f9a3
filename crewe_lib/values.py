"""What evidence must know of a value: whether it is plain, whether only the library may make it, whether it changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd


def is_plain(value: Any) -> bool:
    """True for values that can stand in `evidence.json` as they are."""
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and is_plain(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(is_plain(item) for item in value)
    return value is None or isinstance(value, str | int | float | bool)


def is_data(value: Any) -> bool:
    """True for what only the library may make: tables, columns, arrays and results."""
    result = is_dataclass(value) and not isinstance(value, type)
    return result or isinstance(value, pd.DataFrame | pd.Series | pd.Index | np.ndarray)


def fingerprint(value: Any) -> str:
    """A short text that differs when the content of a result does."""
    if isinstance(value, pd.DataFrame | pd.Series | pd.Index):
        frame = value.to_frame() if not isinstance(value, pd.DataFrame) else value
        try:
            content = pd.util.hash_pandas_object(frame).to_numpy().tobytes().hex()
        except TypeError:  # cells that cannot be hashed, such as lists
            content = repr(frame.to_dict("split"))
        return f"{list(frame.columns)} {list(map(str, frame.dtypes))} {content}"
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.tolist()!r}"
    if isinstance(value, Mapping):
        return repr([(key, fingerprint(item)) for key, item in value.items()])
    if isinstance(value, list | tuple):
        return repr([fingerprint(item) for item in value])
    if is_dataclass(value) and not isinstance(value, type):
        return repr([fingerprint(getattr(value, f.name)) for f in fields(value)])
    return repr(value)
