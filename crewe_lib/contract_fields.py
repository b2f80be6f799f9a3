"""The data contract as Frictionless resources, for the data packages of records and of simulated cohorts."""

from __future__ import annotations

from typing import Any

from crewe_lib.contract import Field, Table

_TYPES = {
    "id": "string",
    "code": "string",
    "text": "string",
    "integer": "integer",
    "date": "date",
    "month": "yearmonth",
}


def describe_contract_table(table: Table) -> dict[str, Any]:
    """A table's entry in `datapackage.json`: its fields, its key and what it refers to."""
    schema: dict[str, Any] = {
        "fields": [describe_contract_field(item) for item in table.fields],
        "primaryKey": list(table.key),
        "missingValues": [""],
    }
    if table.refers:
        schema["foreignKeys"] = [
            {"fields": [name], "reference": {"resource": other, "fields": [field]}}
            for name, (other, field) in table.refers.items()
        ]
    return {
        "name": table.name,
        "path": f"{table.name}.csv",
        "title": table.description.split(",")[0].split(":")[0].rstrip("."),
        "description": table.description,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": schema,
    }


def describe_contract_field(item: Field) -> dict[str, Any]:
    """A field's entry: type, description, unit, what its codes mean, and limits."""
    limits: dict[str, Any] = {"required": item.required}
    for name, limit in (("minimum", item.minimum), ("maximum", item.maximum)):
        if limit:
            limits[name] = int(limit) if item.type == "integer" else limit
    if item.allowed:
        limits["enum"] = list(item.allowed)
    unit = {"unit": item.unit} if item.unit else {}
    codes = {"categories": [{"value": code, "label": label} for code, label in item.allowed.items()]}
    return {
        "name": item.name,
        "type": _TYPES[item.type],
        "description": item.description,
        **unit,
        **(codes if item.allowed else {}),
        "constraints": limits,
    }
