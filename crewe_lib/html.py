"""From staged pages to HTML: Jupyter Book with execution off, then the checks that make it fit to publish."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bs4 import BeautifulSoup, Tag

from crewe_lib.errors import BuildError

_WARNING = re.compile(r"(WARNING|ERROR|CRITICAL):")
# What a browser fetches by itself when a page is opened; ordinary links are not among them.
_FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href", "object": "data"}
_FETCHED_RELS = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "modulepreload", "prefetch"}
_VALUE = r"[−+-]?[£<]?\s?[−+-]?[\u2060\d.,]+%?"
_NUMBER = re.compile(rf"^({_VALUE}(\s*(to|–)\s*{_VALUE})?|–|)$")
_CSS_ADDRESS = re.compile(r"""(?:url\(\s*['"]?|@import\s+['"])(https?:)?//""")


def build_html(source: Path, scratch: Path, *, strict: bool) -> Path:
    """Run Jupyter Book over staged pages; returns the folder of HTML.

    strict: any warning is an error (a whole book); a part of the book may lack the targets of its links. Raises
    BuildError with the warnings.
    """
    start = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"  # it has no __main__
    command = [sys.executable, "-c", start, "build", str(source), "--path-output", str(scratch)]
    command += ["-W", "--keep-going"] if strict else []
    environment = {**os.environ, "PYTHONNOUSERSITE": "1", "SPHINX_DISABLE_COLORS": "1", "NO_COLOR": "1"}
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    html = scratch / "_build" / "html"
    said = [line for line in (run.stderr + run.stdout).splitlines() if _WARNING.search(line)]
    if run.returncode != 0 or not (html / "index.html").is_file():
        detail = "\n".join(said[:20] or (run.stderr or run.stdout).splitlines()[-20:])
        raise BuildError(f"Jupyter Book could not build the pages:\n{detail}".replace(f"{source}/", ""))
    return html


def finish_html(html: Path) -> None:
    """Mend what the stock theme gets wrong, on every page: for screen readers, and for columns of numbers."""
    for page in sorted(html.rglob("*.html")):
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "lxml")
        if soup.html is None:
            continue
        soup.html["lang"] = "en-GB"
        for double in soup.select("#jb-print-docs-body"):
            double.decompose()  # a second title and contents, for the browser's own printing; the PDF is for that
        for link in soup.select("figure a.image-reference"):
            link.unwrap()  # a link whose name would be the whole alternative text
        for table in soup.select("article table"):
            _finish_table(table)
        page.write_text(str(soup), encoding="utf-8")


def _finish_table(table: Tag) -> None:
    """State what each header cell heads, and mark the columns that hold only numbers so that they align."""
    heads, rows = table.select("thead th"), [row.find_all(["td", "th"]) for row in table.select("tbody tr")]
    for head in heads:
        head["scope"] = "col"
    for row in rows:
        if row and row[0].name == "th":
            row[0]["scope"] = "row"
    if any(len(row) != len(heads) for row in rows):
        return
    for column, head in enumerate(heads):
        cells = [row[column] for row in rows]
        if cells and all(_NUMBER.match(cell.get_text(strip=True)) for cell in cells):
            for cell in [head, *cells]:
                cell["class"] = " ".join([*(cell.get("class") or []), "num"])


def check_offline(html: Path) -> None:
    """Every page must open from disk without asking the network for anything. Raises BuildError naming what asks."""
    asked = sorted({f"{page.relative_to(html)}: {address}" for page, address in _requests(html)})
    if asked:
        raise BuildError("the pages would ask the network for:\n" + "\n".join(asked[:20]))


def _requests(html: Path) -> Iterator[tuple[Path, str]]:
    for page in html.rglob("*.html"):
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "lxml")
        for name, attribute in _FETCHED.items():
            for tag in soup.find_all(name):
                address = str(tag.get(attribute) or "") if isinstance(tag, Tag) else ""
                rels = set(tag.get("rel") or []) if isinstance(tag, Tag) else set()
                if re.match(r"(https?:)?//", address) and (name != "link" or rels & _FETCHED_RELS):
                    yield page, address
    for sheet in html.rglob("*.css"):
        if found := _CSS_ADDRESS.search(sheet.read_text(encoding="utf-8", errors="replace")):
            yield sheet, found[0]
