"""How a chapter's results reach the page: glue outputs, MyST tables and figures. Nothing here computes a result."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Container, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from IPython import display as ipython
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from crewe_lib.figures.style import house_style
from crewe_lib.formats import JOIN
from crewe_lib.kinds import format_kinds

# The builder sets this to the folder (relative to the chapter) that figures are written to. When it is not set the
# chapter is being run by hand in Jupyter, and figures appear inline instead.
FIGURE_FOLDER = "CREWE_FIGURES"
RECORD = "application/papermill.record/"
MARK = "crewe"
EVIDENCE_MIME = "application/vnd.crewe.evidence+json"
# Set by the builder when the repository has a public address: links from results to their code.
SOURCE_LINK = "CREWE_SOURCE_LINK"


def set_up() -> None:
    """Figures are shown by us, once each, so the notebook's own inline display is switched off."""
    plt.switch_backend("agg")


def bound(item: Mapping[str, Any]) -> None:
    """Publish a number or word: its text for {glue:text}, its record for evidence.json."""
    # Quoted, because glue evaluates what it shows: '1,234' would become a pair and '+6.1' would lose its sign.
    _publish(item, {RECORD + "text/plain": repr(item["text"])})


def table(item: Mapping[str, Any], rows: Sequence[Sequence[str]], note: str, *, as_is: Container[int] = ()) -> None:
    """Publish a table with its caption, note and the trail behind it. as_is: places of the columns whose cells are
    Markdown already."""
    cells = [[cell if i in as_is else escape(cell) for i, cell in enumerate(row)] for row in rows]
    lines = list_table(cells, caption=_caption(item), name=anchor(item["id"]))
    if note:
        lines += ["```{div} crewe-note", note, "```", ""]
    _write("\n".join(lines + _trail(item, None)), item["id"])
    _publish(item, {})


def ledger(item: Mapping[str, Any], body: str, note: str) -> None:
    """Publish a long table, whose HTML is `body`. Sphinx numbers and captions a table of one cell that stands in for
    it; `html.finish_html` puts that caption on the table itself."""
    name = anchor(item["id"])
    lines = [f"```{{list-table}} {_caption(item)}", f":name: {name}", ":class: crewe-stand-in", "", f"* - {name}"]
    lines += ["```", "", body, ""]
    if note:
        lines += ["```{div} crewe-note", note, "```", ""]
    _write("\n".join(lines + _trail(item, None)), item["id"])
    _publish(item, {})


def list_table(rows: Sequence[Sequence[str]], *, caption: str = "", name: str = "") -> list[str]:
    """MyST lines of a table: the first row heads the columns, the first column the rows."""
    classes = ["crewe-table"]
    classes += ["crewe-wide"] if len(rows[0]) > 5 else []
    classes += ["crewe-long"] if any(len(row[-1]) > 60 for row in rows) else []
    lines = [f"```{{list-table}} {caption}".rstrip(), *([f":name: {name}"] if name else [])]
    lines += [":header-rows: 1", ":stub-columns: 1", ":align: center", f":class: {' '.join(classes)}", ""]
    for row in rows:
        lines += [f"{'* -' if i == 0 else '  -'} {cell}".rstrip() for i, cell in enumerate(row)]
    return [*lines, "```", ""]


def escape(text: str) -> str:
    """Text as Markdown that shows just that text, on one line."""
    plain = re.sub(r"([\\`*_{}\[\]<>$|~^#])", r"\\\1", " ".join(text.split(" ")).replace("\n", " "))
    plain = plain.replace("--", f"-{JOIN}-")  # which would become a dash
    return re.sub(r"^([-+]|\d+[.)])(\s|$)", r"\\\1\2", plain)


def figure(item: Mapping[str, Any], path: Path | None, alt: str, rows: Sequence[Sequence[str]] | None) -> None:
    """Publish a figure with its caption, alternative text, data table and the trail behind it."""
    if path is not None:
        body = [
            f"```{{figure}} {path.as_posix()}",
            f":name: {anchor(item['id'])}",
            f":alt: {json.dumps(' '.join(alt.split()), ensure_ascii=False)}",  # quoted: ' #' or a colon would cut it
        ]
        body += [":width: 100%", "", _caption(item), "```", ""]
        _write("\n".join(body + _trail(item, rows)), item["id"])
    _publish(item, {})


def anchor(id: str) -> str:
    """The cross-reference name of a table or figure: 'la_did.fig_closures' becomes 'la-did-fig-closures'."""
    return id.replace(".", "-").replace("_", "-")


def draw(
    id: str,
    function: Callable[..., Axes],
    data: pd.DataFrame,
    *,
    size: tuple[float, float],
    panels: tuple[int, int],
    stamp: bool,
    **options: Any,
) -> Path | None:
    """Draw in the house style; write an SVG into the builder's folder and return its path, or show it inline.

    With more than one panel (rows, columns) the draw function receives a list of Axes, row by row.
    """
    folder = os.environ.get(FIGURE_FOLDER)
    with house_style():
        canvas, axes = plt.subplots(*panels, figsize=size, layout="constrained", squeeze=False)
        function(data, ax=axes[0, 0] if panels == (1, 1) else list(axes.flat), **options)
        if stamp:
            canvas.text(0.5, 0.5, "SIMULATED", ha="center", va="center", rotation=25, alpha=0.12, fontsize=44)
        try:
            if folder is None:
                ipython.display(canvas)
                return None
            path = Path(folder) / f"{anchor(id)}.svg"
            path.parent.mkdir(parents=True, exist_ok=True)
            canvas.savefig(path, metadata={"Date": None, "Creator": None})
            return path
        finally:
            plt.close(canvas)


def _caption(item: Mapping[str, Any]) -> str:
    return f"{item['caption']} {format_kinds(item['kinds_of_data'])}".replace("\n", " ").strip()


def _trail(item: Mapping[str, Any], rows: Sequence[Sequence[str]] | None) -> list[str]:
    """The 'Behind this' box: functions with their lines, data with their hashes, the numbers themselves."""
    what = "table" if item["kind"] == "ledger" else item["kind"]
    lines = [f"````{{dropdown}} Behind this {what}", ":class-container: crewe-trail html-only", ""]
    lines += [f"`{item['id']}`", ""]
    link = os.environ.get(SOURCE_LINK, "")
    lines += [f"- {format_step(step, link)}" for step in item["steps"]]
    lines += [f"- `{d['path']}`, {d['rows']:,} rows, SHA-256 `{d['sha256'][:12]}`" for d in item["data"]]
    lines += [f"- {format_kinds(item['kinds_of_data'])}"] if item["kinds_of_data"] else []
    if rows:
        lines += ["", *list_table([[escape(cell) for cell in row] for row in rows])]
    return [*lines, "````", ""]


def format_step(step: Mapping[str, Any], base: str) -> str:
    """One line of a trail: the function, its file and lines, linked where the code has an address (`base`)."""
    first, last = step["lines"]
    place = f"{step['file']}, lines {first} to {last}"
    return f"`{step['function']}` in " + (f"[{place}]({base}/{step['file']}#L{first}-L{last})" if base else place)


def _publish(item: Mapping[str, Any], bundle: Mapping[str, Any]) -> None:
    """An output that the page hides and the builder reads (the scheme that scrapbook and glue share)."""
    data = {**bundle, f"{RECORD}{EVIDENCE_MIME}": dict(item)}
    ipython.display(data, raw=True, metadata={"scrapbook": {"name": item["id"], "mime_prefix": RECORD}})


def _write(myst: str, id: str) -> None:
    """A visible output, marked so that the builder knows it for registered evidence."""
    ipython.display(ipython.Markdown(myst), metadata={MARK: id})
