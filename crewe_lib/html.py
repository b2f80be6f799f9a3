"""From staged pages to HTML: Jupyter Book with execution off, then the checks that make it fit to publish."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from bs4 import BeautifulSoup, Tag

from crewe_lib.errors import BuildError

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_WARNING = re.compile(r"\b(WARNING|ERROR|CRITICAL):")
# What a part of the book may lack: what stands on a page that is not built.
_ELSEWHERE = re.compile(
    r"WARNING:.*(undefined label|unknown document|could not find bibtex key|"
    r"cross-reference (source document|target) not found|Glue reference '[^']+' not found in doc '(?P<doc>[^']+)')"
)
_FATAL = re.compile(r"^(\w+ )*error\b.*:$|^(?!RuntimeError)[\w.]*(Error|Exception): .", re.IGNORECASE)
# What a browser fetches by itself when a page is opened; ordinary links are not among them.
_FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href", "object": "data"}
_FETCHED_RELS = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "modulepreload", "prefetch"}
_VALUE = r"[−+-]?[£<]?\s?[−+-]?[\u2060\d.,]+%?"
_NUMBER = re.compile(rf"^({_VALUE}(\s*(to|–)\s*{_VALUE})?|–|)$")
_TEXTS = {".html", ".svg", ".json", ".txt", ".md", ".ipynb", ".js"}
NOT_HERE = "(not in this copy of the book)"
_CSS_ADDRESS = re.compile(r"""(?:url\(\s*['"]?|@import\s+['"])(https?:)?//""")


def build_html(source: Path, scratch: Path, *, strict: bool) -> Path:
    """Run Jupyter Book over staged pages; returns the folder of HTML.

    Any warning is an error, but that a part of the book (strict=False) may lack the targets of its links. Raises
    BuildError with the warnings.
    """
    start = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"  # it has no __main__
    command = [sys.executable, "-c", start, "build", str(source), "--path-output", str(scratch)]
    command += ["-W", "--keep-going"] if strict else []
    own = scratch / "tmp"  # where Sphinx leaves a log when it fails
    own.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "PYTHONNOUSERSITE": "1", "SPHINX_DISABLE_COLORS": "1", "NO_COLOR": "1"}
    environment |= {"TMPDIR": str(own)}
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    html = scratch / "_build" / "html"
    lines = [_ANSI.sub("", line) for line in (run.stderr + run.stdout).splitlines()]
    said = [line for line in lines if _WARNING.search(line) and (strict or not _is_elsewhere(line, source))]
    failed = run.returncode != 0 or not (html / "index.html").is_file()
    if failed or (said and not strict):
        said += [text for line, after in pairwise([*lines, ""]) if _FATAL.match(line) for text in (line, after) if text]
        detail = "\n".join([*dict.fromkeys(said)][:20] or lines[-20:])
        raise BuildError(f"Jupyter Book could not build the pages:\n{detail}".replace(f"{source}/", ""))
    return html


def _is_elsewhere(line: str, source: Path) -> bool:
    found = _ELSEWHERE.search(line)
    return found is not None and not (found["doc"] and list(source.glob(f"{found['doc']}.*")))


def finish_html(html: Path, absent: Mapping[str, str] | None = None) -> None:
    """Mend what the stock theme gets wrong, on every page: for screen readers, and for columns of numbers.

    absent: chapters that this book lacks, with their titles; what would link to them becomes plain text.
    """
    for page in sorted(html.rglob("*.html")):
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "lxml")
        if soup.html is None:
            continue
        soup.html["lang"] = "en-GB"
        for double in soup.select("#jb-print-docs-body"):
            double.decompose()  # a second title and contents, for the browser's own printing; the PDF is for that
        for link in soup.select("figure a.image-reference"):
            link.unwrap()  # a link whose name would be the whole alternative text
        _unlink_absent(soup, absent or {})
        for table in soup.select("table.crewe-ledger"):
            _finish_ledger(soup, table, page)
        for table in soup.select("article table"):
            _finish_table(table)
        page.write_text(str(soup), encoding="utf-8")


def _unlink_absent(soup: BeautifulSoup, absent: Mapping[str, str]) -> None:
    """Leave of references to what the book lacks only their words: the title of a chapter where there were none."""
    names = "|".join(map(re.escape, absent)) or "(?!)"  # which nothing matches
    address = re.compile(rf"(?:^|[/#])({names})(?:\.(?:ipynb|html|md))?(?:#.*)?$")
    for link in soup.select("article a[href]"):
        if found := address.search(str(link["href"])):
            if address.search(link.get_text(strip=True)):
                link.string = absent[found[1]]
            link.unwrap()
    for reference in soup.select("article .xref.std"):
        words = reference.get_text(strip=True)
        if reference.find_parent("a") is None and " " not in words:  # Sphinx leaves the target where it finds nothing
            found = address.search(words)
            looks_a_label = "std-doc" not in reference["class"] and "-" in words
            reference.string = absent[found[1]] if found else NOT_HERE if looks_a_label else words
            reference.unwrap()


def _finish_ledger(soup: BeautifulSoup, table: Tag, page: Path) -> None:
    """Give a long table the caption and number of its stand-in, and link the other chapters that the book has.

    Raises BuildError if there is no stand-in.
    """
    name = str(table.attrs.pop("data-caption", ""))
    stand_in = soup.select_one(f"table#{name}.crewe-stand-in") if name else None
    caption = stand_in.caption if stand_in else None
    if stand_in is None or caption is None:
        raise BuildError(f"{page.name}: the long table '{name}' has lost its caption.")
    table.insert(0, caption.extract())
    table["id"], caption["id"] = name, f"{name}-caption"
    around = stand_in.find_parent("div", class_="pst-scrollable-table-container")
    (around or stand_in).decompose()
    for span in table.select("span[data-chapter]"):
        file = f"{span.attrs.pop('data-chapter')}.html"
        if file != page.name and (page.parent / file).is_file():
            span.name, span["href"] = "a", file
        else:
            span.unwrap()


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


def check_paths(book: Path, private: Sequence[Path]) -> None:
    """No file of the book may name a folder of the machine that built it. Raises BuildError naming the files."""
    names = b"|".join(re.escape(os.fsencode(path)) for path in private)
    pattern = re.compile(rb"(?<![\w.~/-])(" + names + rb")(?![\w-])")
    files = [path for path in sorted(book.rglob("*")) if path.suffix in _TEXTS and "_static" not in path.parts]
    if found := [path.relative_to(book).as_posix() for path in files if pattern.search(path.read_bytes())]:
        raise BuildError(
            "these files of the book would name folders of this machine; find what shows a path and mend it:\n"
            + "\n".join(found[:20])
        )
