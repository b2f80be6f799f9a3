"""Every number, table and figure of the book, registered under an id and bound to the code and data behind it.

A chapter opens one `Chapter` in its first cell and shows results only through it. What is shown is *taken from* a
result that a traced library function returned, so the function, its lines and its data files are known, not declared.
Each item goes into the notebook as a glue output: Markdown cells show it with {glue:text}`id`, and the builder
collects the same outputs into `evidence.json`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crewe_lib import show
from crewe_lib.errors import EvidenceError
from crewe_lib.formats import Column, Formatter, fixed, plain
from crewe_lib.kinds import format_spoken
from crewe_lib.ledger import Filter, LedgerColumn, format_ledger
from crewe_lib.provenance import Origin, start_recording, traced
from crewe_lib.values import is_plain

__all__ = ["EVIDENCE_MIME", "Chapter", "Column", "Item", "traced"]

EVIDENCE_MIME = "application/vnd.crewe.evidence+json"
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*\.[a-z0-9_]+)\}")


@dataclass(frozen=True)
class Binding:
    """A number or word to register: its id without the chapter's prefix, the name of its source in the chapter, the
    field, the row, and how it is written. same_as: the full id of the same number in the chapter that explains it; a
    build in which the two differ fails. A chapter's bindings stand together in its `…_words` module."""

    id: str
    source: str
    field: str
    where: Mapping[str, Any] | None = None
    show: Formatter | None = None
    same_as: str = ""


@dataclass(frozen=True)
class Item:
    """One registered piece of evidence, as it stands in `evidence.json`."""

    id: str
    kind: str
    chapter: str
    text: str
    value: Any
    origin: Origin
    same_as: str = ""

    def as_json(self) -> dict[str, Any]:
        """The published form; the last function of the chain is the one named first."""
        last = self.origin.steps[-1]
        return {
            "id": self.id,
            "kind": self.kind,
            "chapter": self.chapter,
            "text" if self.kind in ("number", "word") else "caption": self.text,
            "value": self.value,
            "function": last.function,
            "file": last.file,
            "lines": list(last.lines),
            "steps": [{"function": s.function, "file": s.file, "lines": list(s.lines)} for s in self.origin.steps],
            "data": [{"path": d.path, "sha256": d.sha256, "rows": d.rows} for d in sorted(self.origin.data)],
            "parameters": _as_json_value(dict(last.parameters)),
            "kinds_of_data": list(self.origin.kinds),
            **({"same_as": self.same_as} if self.same_as else {}),
        }


def to_plain(value: Any) -> Any:
    """NumPy and pandas values as JSON would have them; a missing value becomes None."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is pd.NA or value is pd.NaT or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value if is_plain(value) else str(value)


def _as_json_value(value: Any) -> Any:
    """A parameter as JSON would have it: within mappings and sequences too, a missing number becomes None."""
    if isinstance(value, Mapping):
        return {str(key): _as_json_value(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json_value(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def pick(source: Any, field: str, where: Mapping[str, Any] | None) -> Any:
    """One value out of a result: a dataclass field, a mapping's entry, or a cell of a tidy table.

    For a table, `where` must single out exactly one row. Raises EvidenceError otherwise.
    """
    if isinstance(source, pd.DataFrame):
        mask = pd.Series(True, index=source.index)
        for column, wanted in (where or {}).items():
            mask &= source[column] == wanted
        if int(mask.sum()) != 1:
            raise EvidenceError(f"where={dict(where or {})} fits {int(mask.sum())} rows of the table; it must fit one.")
        return source.loc[mask, field].iloc[0]
    if isinstance(source, Mapping):
        return source[field]
    if is_dataclass(source):
        name, _, entry = field.partition(".")  # 'numbers.gap' is an entry of the field 'numbers'
        return getattr(source, name)[entry] if entry else getattr(source, name)
    raise EvidenceError(
        f"a value can be taken from a table, a mapping or a dataclass, not from {type(source).__name__}."
    )


class Chapter:
    """The evidence of one chapter.

    name: the notebook's name without suffix, such as '05_cost_benefit'; ids begin with the part after its number
    ('cost_benefit.…'). parameters: the chapter's parameters, recorded with the run.
    """

    def __init__(self, name: str, *, parameters: Mapping[str, Any]) -> None:
        self.name = name
        self.prefix = re.sub(r"^\d+_", "", name)
        self.parameters = dict(parameters)
        self.items: dict[str, Item] = {}
        self._recorder = start_recording()
        show.set_up()

    def number(
        self,
        id: str,
        source: Any,
        field: str,
        *,
        show_as: Formatter,
        where: Mapping[str, Any] | None = None,
        same_as: str = "",
    ) -> None:
        """Register one number for use in prose; shown with {glue:text}`id`. A missing value is an error. same_as: see
        `Binding`."""
        value = self._pick(id, source, field, where)
        if isinstance(value, bool):
            raise EvidenceError(f"{id}: the value is true or false, not a number; show it as a word.")
        self._bind(id, "number", source, value, show_as(value), same_as)

    def word(
        self,
        id: str,
        source: Any,
        field: str,
        *,
        show_as: Formatter = plain,
        where: Mapping[str, Any] | None = None,
        same_as: str = "",
    ) -> None:
        """Register a name, or a word that follows from a result ('rose', 'fell'), for use in prose. A missing value is
        an error."""
        value = self._pick(id, source, field, where)
        self._bind(id, "word", source, value, show_as(value), same_as)

    def bind(self, bindings: Iterable[Binding], sources: Mapping[str, Any]) -> None:
        """Register many at once; `sources` maps the names that the bindings use to results (pass `globals()`)."""
        for binding in bindings:
            if binding.source not in sources:
                raise EvidenceError(f"{binding.id}: the chapter has no result named '{binding.source}'.")
            id, source = f"{self.prefix}.{binding.id}", sources[binding.source]
            if binding.show is None:
                self.word(id, source, binding.field, where=binding.where, same_as=binding.same_as)
            else:
                self.number(
                    id, source, binding.field, where=binding.where, show_as=binding.show, same_as=binding.same_as
                )

    def table(
        self, id: str, frame: pd.DataFrame, *, columns: Mapping[str, Column], caption: str, note: str = ""
    ) -> None:
        """Register and show a tidy table: the named columns, in order, under their labels."""
        _check_columns(id, frame, columns)
        text = self.fill(caption)
        value = [{name: to_plain(row[name]) for name in columns} for row in frame.to_dict("records")]
        item = self._register(id, "table", frame, value, text)
        as_is = [place for place, column in enumerate(columns.values()) if column.markdown]
        show.table(item.as_json(), written(frame, columns), self.fill(note), as_is=as_is)

    def ledger(
        self,
        id: str,
        frame: pd.DataFrame,
        *,
        columns: Mapping[str, LedgerColumn],
        filters: Sequence[Filter],
        caption: str,
        key: str = "id",
        note: str = "",
    ) -> None:
        """Register and show a long table that a reader can search, filter and sort; one to a page. Every column of the
        frame is registered, also those not shown. `key` names the rows, which can be linked to."""
        _check_columns(id, frame, [*columns, key, *(entry.column for entry in filters)])
        text = self.fill(caption)
        value = [{str(name): to_plain(cell) for name, cell in row.items()} for row in frame.to_dict("records")]
        item = self._register(id, "ledger", frame, value, text)
        body = format_ledger(value, written(frame, columns), columns, filters, key=key, name=show.anchor(id))
        show.ledger(item.as_json(), body, self.fill(note))

    def figure(
        self,
        id: str,
        draw: Callable[..., Axes],
        data: pd.DataFrame,
        *,
        caption: str,
        alt: str,
        behind: pd.DataFrame | None = None,
        columns: Mapping[str, Column] | None = None,
        described: Mapping[str, str] | None = None,
        size: tuple[float, float] = (7.0, 4.0),
        panels: tuple[int, int] = (1, 1),
        **options: Any,
    ) -> None:
        """Draw, register and show a figure. `behind` is a table of its data, one click away from it, under the
        headings of `columns` or those of its own; `described`, from a `describe_` function, follows `alt`. With
        `panels` (rows, columns) the draw function gets a list of Axes."""
        if behind is not None:
            _check_columns(id, behind, columns or {})
        origin = self._recorder.find(data)
        if origin is None:
            raise EvidenceError(f"{id}: the data were not returned by a traced crewe_lib function.")
        for words, extra in (("table behind the figure", behind), ("description", described)):
            if extra is not None and self._recorder.find(extra) is None:
                raise EvidenceError(f"{id}: the {words} was not returned by a traced crewe_lib function.")
            origin = origin.beside(None if extra is None else self._recorder.find(extra))
        text = self.fill(caption)
        spoken = [format_spoken(origin.kinds), self.fill(alt), described["text"] if described else ""]
        alternative = " ".join(filter(None, spoken))
        path = show.draw(id, draw, data, size=size, panels=panels, stamp="simulated" in origin.kinds, **options)
        value = [{str(name): to_plain(cell) for name, cell in row.items()} for row in data.to_dict("records")]
        item = self._register(id, "figure", data, value, text, origin=origin.then(draw))
        show.figure(
            item.as_json(),
            path,
            alternative,
            None if behind is None else written(behind, columns or plain_columns(behind)),
        )

    def fill(self, template: str) -> str:
        """Replace {id} by the registered text of that number or word; an unknown id is an error."""

        def look_up(found: re.Match[str]) -> str:
            item = self.items.get(found[1])
            if item is None or item.kind not in ("number", "word"):
                raise EvidenceError(f"{{{found[1]}}} names no number or word registered so far in {self.name}.")
            return item.text

        return _PLACEHOLDER.sub(look_up, template)

    def _pick(self, id: str, source: Any, field: str, where: Mapping[str, Any] | None) -> Any:
        value = to_plain(pick(source, field, where))
        if value is None:
            raise EvidenceError(f"{id}: the value is missing; a chapter must say why instead of showing it.")
        return value

    def _bind(self, id: str, kind: str, source: Any, value: Any, text: str, same_as: str) -> None:
        item = self._register(id, kind, source, value, text, same_as=same_as)
        show.bound(item.as_json())

    def _register(
        self,
        id: str,
        kind: str,
        source: Any,
        value: Any,
        text: str,
        origin: Origin | None = None,
        same_as: str = "",
    ) -> Item:
        if not re.fullmatch(rf"{self.prefix}\.[a-z0-9_]+", id):
            raise EvidenceError(f"'{id}' must be '{self.prefix}.' and a name in small letters, digits and underscores.")
        if id in self.items:
            raise EvidenceError(f"'{id}' is registered already in {self.name}; ids are used once.")
        origin = origin or self._recorder.find(source)
        if origin is None:
            raise EvidenceError(
                f"{id}: its source was not returned by a traced crewe_lib function, so it cannot be traced. "
                "Compute it in the library and pass the returned object itself."
            )
        item = Item(id=id, kind=kind, chapter=self.name, text=text, value=value, origin=origin, same_as=same_as)
        self.items[id] = item
        return item


def _check_columns(id: str, frame: pd.DataFrame, columns: Iterable[str]) -> None:
    missing = [name for name in columns if name not in frame]
    if missing or frame.empty:
        raise EvidenceError(f"{id}: the table has no {'rows' if frame.empty else 'column ' + ', '.join(missing)}.")


def written(frame: pd.DataFrame, columns: Mapping[str, Column]) -> list[list[str]]:
    """A tidy table as text: the labels, then one row of formatted cells per row."""
    rows: list[list[str]] = [[column.label for column in columns.values()]]
    for row in frame.to_dict("records"):
        endless = [str(name) for name in columns if isinstance(row[name], float) and math.isinf(row[name])]
        if endless:
            raise EvidenceError(
                f"column {', '.join(endless)} of the table holds an infinite value; mend it in the library."
            )
        values = {name: to_plain(row[name]) for name in columns}
        rows.append([c.blank if values[n] is None else c.show(values[n]) for n, c in columns.items()])
    return rows


def plain_columns(frame: pd.DataFrame) -> dict[str, Column]:
    """Every column under its own name, fractions to one decimal."""
    return {
        str(name): Column(str(name), fixed(1) if pd.api.types.is_float_dtype(frame[name]) else plain) for name in frame
    }


def unregistered(outputs: Sequence[Mapping[str, Any]]) -> list[str]:
    """What stands among a notebook cell's outputs that no `Chapter` method put there, as text."""
    ids = {item["id"] for item in collect(outputs)}
    found = []
    for output in outputs:
        data, metadata = output.get("data", {}), output.get("metadata", {})
        if "scrapbook" in metadata:
            ours = f"{show.RECORD}{EVIDENCE_MIME}" in data and all(mime.startswith(show.RECORD) for mime in data)
        else:
            ours = metadata.get(show.MARK) in ids and set(data) == {"text/markdown", "text/plain"}
        text = str(output.get("text") or data.get("text/plain") or data.get("text/markdown") or next(iter(data), ""))
        if not ours and (text.strip() or output.get("output_type") != "stream"):
            found.append(text)
    return found


def collect(outputs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The evidence items among a notebook cell's outputs, in order."""
    mime = f"application/papermill.record/{EVIDENCE_MIME}"
    return [dict(o["data"][mime]) for o in outputs if mime in o.get("data", {})]
