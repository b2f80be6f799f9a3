"""Reading the prices and shares behind the report's cost tables, each with its range, source and page.

Published inputs lie in `data/published/unit_costs.yml`, implied ones in
`data/inferred/unit_costs_implied.yml`.
Both have the same fields; an implied one also says how it was back-solved. All faults are reported at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa
import yaml

from crewe_lib.checks import check_table
from crewe_lib.datapackage import find_resource
from crewe_lib.errors import CreweError, DataError
from crewe_lib.evidence import traced
from crewe_lib.tables import AT_LEAST_ZERO

RANGE_BASES = ("rounding", "other statement", "assumption", "default range", "fixed")
WITHOUT_RANGE = ("default range", "fixed")
COST_UNITS = ("GBP", "GBP per week", "GBP per case", "share", "cases", "weeks")
# The names that formulas use, so that a misspelt or forgotten one is reported when the file is read.
_BOTH_ARMS = ("weekly_cost", "cost_per_case", "closed_share", "rereferral_rate", "rereferrals")
PUBLISHED_INPUTS = (
    *(f"{name}_{arm}" for name in _BOTH_ARMS for arm in ("pc", "cec")),
    *("lifetime_earnings_gain", "gcse_share_cin", "gcse_share_peers", "tax", "national_insurance"),
    *("employment_gain", "cin_case_cost", "cp_case_cost", "escalation_pc", "escalation_national"),
    *("escalation_national_text", "escalation_national_2020", "escalations_pc", "escalations_pilot_year"),
    *("cases_randomised", "cases_analysed", "cases_total_2020", "cases_pc_2020", "cases_cec_2020"),
    *("closed_share_cec_2020", "closed_share_pc_2019", "closed_share_cec_2019"),
)
IMPLIED_INPUTS = (
    *("cases_pc", "cases_cec", "cases_total", "escalations_avoided", "employment_gain_implied"),
    *("weeks_open_pc", "weeks_open_cec"),
)
ALL_INPUTS = (*PUBLISHED_INPUTS, *IMPLIED_INPUTS)


def _text(description: str, *, allowed: tuple[str, ...] = ()) -> pa.Column:
    check = pa.Check.isin(allowed) if allowed else pa.Check.str_matches(r"\S", error="must not be blank")
    return pa.Column(str, check, description=description, metadata={"enum": list(allowed)} if allowed else {})


def _number(description: str, dtype: str = "float64", *, nullable: bool = True) -> pa.Column:
    limits = {"minimum": 0}
    return pa.Column(dtype, AT_LEAST_ZERO, nullable=nullable, description=description, metadata=limits)


UNIT_COSTS = pa.DataFrameSchema(
    {
        "input": _text("Name of the input"),
        "label": _text("Its name in figures and tables"),
        "value": _number("The printed or implied figure, in `unit`", nullable=False),
        "low": _number("Lower end of its range; null where range_basis is default range or fixed"),
        "high": _number("Upper end of its range; null where range_basis is default range or fixed"),
        "range_basis": _text("What the range rests on", allowed=RANGE_BASES),
        "range_note": _text("The range in words, and other cautions"),
        "unit": _text("Unit of value, low and high", allowed=COST_UNITS),
        "price_year": _number("Year of the prices; null where the report does not state it", "Int64"),
        "source": _text("Report, by its name under `sources`"),
        "place": _text("Table or section of the report"),
        "page": _number("Page number of the report", "Int64"),
        "basis": pa.Column(str, description="How an implied figure was back-solved; blank for a printed one"),
        "kind": _text("Kind of data", allowed=("published", "inferred", "records", "simulated")),
    },
    unique=["input"],
    strict=True,
    ordered=True,
    name="unit_costs",
)
_WRITTEN = tuple(str(name) for name in UNIT_COSTS.columns if name not in ("input", "basis", "kind"))
_PROSE = ("label", "range_note", "place", "basis")


class _UniqueKeys(yaml.SafeLoader):
    """YAML in which a key written twice is a fault: the plain reader would quietly keep the second."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            if key.value in seen:
                message = f"the key '{key.value}' is there twice"
                raise yaml.constructor.ConstructorError(None, None, message, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_unit_costs(folder: Path) -> pd.DataFrame:
    """The published inputs of the cost tables: resource 'unit_costs' of the package in `folder`.

    Returns one row per input, with the columns of `UNIT_COSTS` (`basis` is blank here). Money is in pounds of
    an unstated year; shares lie between 0 and 1. Raises DataError with every fault of the file.
    """
    return _load(folder, "unit_costs", section="inputs", expected=PUBLISHED_INPUTS)


def read_implied_inputs(folder: Path) -> pd.DataFrame:
    """The implied inputs, back-solved from printed figures: resource 'unit_costs_implied' in `folder`.

    Columns as in `UNIT_COSTS`; `basis` says how each was found. Raises DataError with every fault.
    """
    return _load(folder, "unit_costs_implied", section="inferred", expected=IMPLIED_INPUTS)


def _load(folder: Path, name: str, *, section: str, expected: tuple[str, ...]) -> pd.DataFrame:
    resource = find_resource(folder, name)
    frame = read_inputs(resource.path, section=section, expected=expected).assign(kind=resource.kind)
    return check_table(frame, UNIT_COSTS, str(resource.path))


@traced
def derive_cost_inputs(published: pd.DataFrame, implied: pd.DataFrame) -> pd.DataFrame:
    """Published and implied inputs as one table, in that order; `kind` keeps them apart."""
    return pd.concat([published, implied], ignore_index=True)


def derive_values(inputs: pd.DataFrame, *, needs: Iterable[str]) -> dict[str, float]:
    """Input name → value. Raises CreweError if one of the inputs in `needs` is absent."""
    values = {str(name): float(value) for name, value in zip(inputs["input"], inputs["value"], strict=True)}
    missing = [name for name in needs if name not in values]
    if missing:
        raise CreweError(
            f"the cost inputs lack {', '.join(missing)}; printed ones come from load_unit_costs, "
            "implied ones from load_implied_inputs, and derive_cost_inputs joins the two."
        )
    return values


def read_inputs(path: Path, *, section: str, expected: tuple[str, ...]) -> pd.DataFrame:
    """The entries under `section` of a unit-cost file, one row each, once the whole file has been checked."""
    content = _read_yaml(path, section)
    entries, implied = content[section], section == "inferred"
    faults = [f"{section}: '{name}' is missing" for name in expected if name not in entries]
    for name, entry in entries.items():
        if name not in expected:
            faults.append(f"{section}.{name}: no such input; allowed: {', '.join(expected)}")
        faults += [f"{section}.{name}{fault}" for fault in _find_faults(entry, content["sources"], implied)]
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise DataError("\n  ".join([f"{path}: {count}.", *faults]))
    rows = [{"input": name, "basis": "", **entry} for name, entry in entries.items()]
    frame = pd.DataFrame(rows, columns=["input", *_WRITTEN, "basis"])
    whole: dict[str, Any] = dict.fromkeys(("price_year", "page"), "Int64")
    return frame.astype({**dict.fromkeys(("value", "low", "high"), "float64"), **whole})


def _read_yaml(path: Path, section: str) -> dict[str, Any]:
    """The file's content, once its outer shape is right."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)
    except (UnicodeDecodeError, yaml.YAMLError) as fault:
        raise DataError(f"{path}: not valid YAML: {' '.join(str(fault).split())}.") from None
    wanted = {"price_year_note": str, "sources": dict, section: dict}
    found = content if isinstance(content, dict) else {}
    wrong = [key for key, kind in wanted.items() if not isinstance(found.get(key), kind)]
    wrong += sorted(str(key) for key in found if key not in wanted)
    if wrong:
        raise DataError(
            f"{path}: look at {', '.join(wrong)}; a unit-cost file has exactly the keys price_year_note "
            f"(text), sources (a mapping) and {section} (a mapping)."
        )
    return found


def _find_faults(entry: object, sources: Mapping[str, Any], implied: bool) -> list[str]:
    """What is wrong with one input, each as '.field: fault', ready to follow the input's name."""
    if not isinstance(entry, dict):
        return [": must be a mapping of fields"]
    wanted = (*_WRITTEN, "basis") if implied else _WRITTEN
    faults = [f".{field}: missing" for field in wanted if field not in entry]
    faults += [f".{field}: no such field" for field in entry if field not in wanted]
    for field in _PROSE:
        if field in entry and not (isinstance(entry[field], str) and entry[field].strip()):
            faults.append(f".{field}: must be text that is not empty")
    for field, allowed in (("range_basis", RANGE_BASES), ("unit", COST_UNITS), ("source", tuple(sources))):
        if field in entry and entry[field] not in allowed:
            choices = ", ".join(map(str, allowed))
            faults.append(f".{field}: {entry[field]!r} is not allowed; use one of {choices}")
    for field in ("price_year", "page"):
        number = entry.get(field)
        if number is not None and (type(number) is not int or number < 1):
            faults.append(f".{field}: {number!r} must be a whole number above 0, or null")
    return faults + _find_number_faults(entry)


def _find_number_faults(entry: Mapping[str, Any]) -> list[str]:
    """Faults of value, low and high: type, limits, order, and whether there should be a range at all."""
    faults = []
    for field in ("value", "low", "high"):
        number = entry.get(field)
        if number is None and (field != "value" or field not in entry):
            continue
        if not isinstance(number, int | float) or isinstance(number, bool) or not math.isfinite(number):
            faults.append(f".{field}: {number!r} must be a number")
        elif number < 0 or (entry.get("unit") == "share" and number > 1):
            faults.append(f".{field}: {number!r} must be 0 or more, and a share at most 1")
    low, high, bare = entry.get("low"), entry.get("high"), entry.get("range_basis") in WITHOUT_RANGE
    if entry.get("range_basis") not in RANGE_BASES:
        return faults  # whether there should be a range cannot be told
    if bare and (low, high) != (None, None):
        faults.append(f".low, .high: must be null where range_basis is {' or '.join(WITHOUT_RANGE)}")
    elif not bare and (low is None or high is None):
        faults.append(f".low, .high: both are needed unless range_basis is {' or '.join(WITHOUT_RANGE)}")
    elif not (faults or bare or "value" not in entry or low <= entry["value"] <= high):
        faults.append(f".low, .high: {low:g} to {high:g} must hold the value {entry['value']:g}")
    return faults
