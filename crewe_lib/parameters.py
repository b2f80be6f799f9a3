"""The chapters' parameters: declared in `params/published.yml`, given with `-p name=value`, checked before a run.

papermill only logs an unknown parameter and carries on, and guesses types from the text; a report must do neither.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from crewe_lib.errors import CreweError

TYPES: Mapping[str, type] = {"int": int, "float": float, "str": str, "bool": bool}
_WORDS = {"true": True, "yes": True, "false": False, "no": False}
_MEANT = {"int": "a whole number", "float": "a number", "str": "text", "bool": "true or false"}


@dataclass(frozen=True)
class Parameter:
    """One declared parameter: its type's name, default, help text and, where they apply, bounds and choices.

    `above` and `below` are exclusive bounds, `min` and `max` inclusive ones. `pattern` is a regular expression for
    text, described by `example`. `design` marks a parameter that changes what is studied: with any of them away from
    its default the chapter no longer repeats the published analysis, and cells tagged for one case or the other go.
    """

    name: str
    type: str
    default: Any
    help: str
    min: float | None = None
    max: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[Any, ...] = ()
    pattern: str = ""
    example: str = ""
    design: bool = False

    def allowed(self) -> str:
        """What a value may be, in words."""
        if self.choices:
            return "one of " + ", ".join(map(str, self.choices))
        if self.pattern:
            return f"text such as {self.example}"
        bounds = [("at least", self.min), ("at most", self.max), ("above", self.above), ("below", self.below)]
        said = " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)
        return " ".join(filter(None, [_MEANT[self.type], said]))

    def admits(self, value: Any) -> bool:
        """True if a value of the right type lies within bounds and choices."""
        if self.choices:
            return value in self.choices
        if self.pattern:
            return re.fullmatch(self.pattern, value) is not None
        if self.type in ("int", "float"):
            return (
                math.isfinite(value)
                and (self.min is None or value >= self.min)
                and (self.max is None or value <= self.max)
                and (self.above is None or value > self.above)
                and (self.below is None or value < self.below)
            )
        return True

    def parse(self, text: str) -> Any:
        """The typed value of what stands after '='. Raises CreweError saying what is allowed."""
        try:
            value = _WORDS[text.strip().lower()] if self.type == "bool" else TYPES[self.type](text.strip())
            admitted = self.admits(value)
        except (ValueError, KeyError, OverflowError):
            admitted = False
        if not admitted:
            raise CreweError(f"-p {self.name}={_short(text)}: {self.name} must be {self.allowed()} ({self.help}).")
        return value


def _short(text: str) -> str:
    """A text that was given, as it fits into a message: on one line and not too long."""
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:60] + "…"


Schema = Mapping[str, Mapping[str, Parameter]]


def load_parameters(path: Path) -> dict[str, dict[str, Parameter]]:
    """chapter → name → Parameter, from the YAML file. Raises CreweError if the file breaks its own rules."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    schema: dict[str, dict[str, Parameter]] = {}
    for chapter, entries in raw.items():
        schema[chapter] = {}
        for name, entry in (entries or {}).items():
            try:
                parameter = Parameter(name=name, **{**entry, "choices": tuple(entry.get("choices", ()))})
            except TypeError as fault:
                raise CreweError(f"{path.name}: {chapter}.{name}: {fault}.") from None
            if parameter.type not in TYPES:
                raise CreweError(f"{path.name}: {chapter}.{name}: type must be one of {', '.join(TYPES)}.")
            if type(parameter.default) is not TYPES[parameter.type] or not parameter.admits(parameter.default):
                raise CreweError(f"{path.name}: {chapter}.{name}: the default must be {parameter.allowed()}.")
            schema[chapter][name] = parameter
    return schema


def resolve(schema: Schema, chapters: Sequence[str], given: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The values each selected chapter runs with: defaults, then every `name=value` for the chapters that declare it.

    Raises CreweError for a text without '=', a name given twice or declared by no selected chapter, or an ill-typed
    value; the message lists what is allowed.
    """
    values = {c: {name: p.default for name, p in schema.get(c, {}).items()} for c in chapters}
    seen: set[str] = set()
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise CreweError(f"-p {_short(text)}: write it as name=value, for example -p alpha=0.1.")
        if name in seen:
            raise CreweError(f"-p {_short(name)}: given more than once.")
        seen.add(name)
        declared = [c for c in chapters if name in schema.get(c, {})]
        if not declared:
            raise CreweError(
                f"-p {_short(name)}: no selected chapter has this parameter; allowed are {describe(schema, chapters)}."
            )
        for chapter in declared:
            values[chapter][name] = schema[chapter][name].parse(value)
    return values


def is_published(schema: Schema, chapter: str, values: Mapping[str, Any]) -> bool:
    """True if every parameter that changes what is studied has its default, so that the published analysis runs."""
    return all(values[name] == p.default for name, p in schema.get(chapter, {}).items() if p.design)


def describe(schema: Schema, chapters: Sequence[str]) -> str:
    """The allowed names with their types and chapters, in one line."""
    names: dict[str, list[str]] = {}
    for chapter in chapters:
        for name, parameter in schema.get(chapter, {}).items():
            names.setdefault(f"{name} ({parameter.allowed()})", []).append(chapter)
    return "; ".join(f"{name} in {', '.join(where)}" for name, where in names.items()) or "none"
