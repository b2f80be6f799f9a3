"""Pictures and tables, and what a screen reader is told of them: words, headers, the PDF's tag tree.

WeasyPrint writes the tree from the HTML; left to do in the finished file are the scope of header cells,
formulas marked as formulas, and page labels. The file declares PDF/UA-1; conformance is not claimed.
"""

from __future__ import annotations

import copy
import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pikepdf
from bs4 import BeautifulSoup, Tag

from crewe_lib.errors import BuildError
from crewe_lib.pdf.math import FORMULA_MARK

FILE_NAME = re.compile(r"\S*\.(png|svg|jpe?g|gif|webp)|data:\S*", re.IGNORECASE)
# A number as a report prints it: "−1,203", "£5", "42 %", "<0.001", "42.6 (39.8 to 45.4)", a dash.
NUMBER = re.compile(r"(?=.*\d)[-−+±<>≤≥=~≈£$€%\d.,;:()\[\]\s×eE–/‡†*]*(to[-−+£\d.,%)\s\]]+)?|[-−–—]|…|\.\.\.|n/?a|NaN")
MEASURE = 170 / 25.4 * 96  # CSS pixels between the margins of print.css, upright and (below) turned
TURNED_MEASURE = 257 / 25.4 * 96
BOX = 48  # CSS pixels that the border and padding of a box take
SMALLEST_UPRIGHT, SMALLEST = (
    0.75,
    0.55,
)  # of a table's normal size, before it is turned and before it is refused
WIDE = 75  # letters across: fewer always fit between the margins, even in a box
SHORT = 24  # letters: the name of a row up to this length stays on one line


@dataclass(frozen=True)
class TagCounts:
    """What the tag tree of a finished PDF holds."""

    figures: int
    figures_without_alt: int
    tables: int
    formulas: int
    dead_links: int


def text_of(element: Tag, attribute: str) -> str:
    """Give an attribute as text: "" where there is none."""
    value = element.get(attribute) or ""
    return value if isinstance(value, str) else " ".join(value)


def resolve_pictures(article: Tag, page: str, html_dir: Path) -> list[str]:
    """Give each picture of a page the address of its file; return what is wrong with pictures, in words."""
    faults = []
    for image in article.select("img"):
        source, alt = text_of(image, "src"), text_of(image, "alt").strip()
        figure = image.find_parent("figure")
        caption = figure.select_one("figcaption") if figure else None
        name = caption.get_text(" ", strip=True)[:60] if caption else posixpath.basename(source)[:60]
        if not alt or FILE_NAME.fullmatch(alt):
            faults.append(f"figure without alt text in {page}.html: {name!r}; say in `alt` what it shows")
        if source.startswith("data:"):
            continue
        place = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(source)))
        file = html_dir / place
        if re.match(r"[a-z]+:", source) or place.startswith(("/", "..")) or not file.is_file():
            faults.append(f"picture not found in {page}.html: {source} (it must be a file of the book)")
            continue
        image["src"] = f"book:///{quote(place)}"  # not a path: WeasyPrint would work it into the bytes
        _set_natural_width(image, file)
    return faults


def _set_natural_width(image: Tag, file: Path) -> None:
    """Print a bitmap at the size it was drawn, where WeasyPrint takes 96 dots to the inch for all."""
    if image.has_attr("width") or "width" in text_of(image, "style") or file.suffix.lower() == ".svg":
        return
    from PIL import Image

    with Image.open(file) as picture:
        dots = float(picture.info.get("dpi", (96, 96))[0]) or 96.0
        image["style"] = f"width:{picture.width / dots:.2f}in"


def prepare_tables(article: Tag) -> None:
    """Give header cells their scope, make empty ones plain cells, and mark columns of numbers."""
    for table in article.select("table"):
        _fold_index_names(table)
        for cell in table.select("th"):
            if cell.get_text(strip=True) or cell.select_one("img"):
                cell["scope"] = "col" if cell.find_parent("thead") else "row"
            else:
                cell.name = "td"  # an empty header says nothing, and a screen reader would announce it
        for name in ("border", "style"):
            table.attrs.pop(name, None)
        for row in table.select("tr"):
            row.attrs.pop("style", None)
        _mark_number_columns(table)


def _fold_index_names(table: Tag) -> None:
    """Bring pandas' second header row, which holds nothing but the name of the index, up into the first."""
    rows = table.select("thead tr")
    if len(rows) < 2:
        return
    last, above = rows[-1].find_all(["th", "td"]), rows[-2].find_all(["th", "td"])
    same_width = len(last) == len(above) and not any(cell.has_attr("colspan") for cell in above)
    pairs = list(zip(last, above, strict=False))
    if same_width and all(not (low.get_text(strip=True) and up.get_text(strip=True)) for low, up in pairs):
        for low, up in pairs:
            if low.get_text(strip=True):
                up.replace_with(low.extract())
        rows[-1].decompose()


def _mark_number_columns(table: Tag) -> None:
    """Add class `number` to the cells of each column whose body holds numbers only, and to their headers."""
    rows = [list(_places(row)) for row in table.select("tr")]
    body = [row for row, tag in zip(rows, table.select("tr"), strict=True) if not tag.find_parent("thead")]
    columns = {column for row in body for column, _ in row}
    numeric = {
        column
        for column in columns
        if (cells := [cell for row in body for place, cell in row if place == column and cell.name == "td"])
        and all(NUMBER.fullmatch(cell.get_text(" ", strip=True) or "–") for cell in cells)
    }
    for row in body:
        for column, cell in row:
            if column == 0 and len(cell.get_text(strip=True)) <= SHORT:
                _add_class(cell, "short")
    for row in rows:
        for column, cell in row:
            if column in numeric:
                aligned = {"text-left", "text-center"} & set(text_of(cell, "class").split())
                _add_class(cell, "short" if aligned else "number")


def _add_class(element: Tag, name: str) -> None:
    """Add a class to an element."""
    element["class"] = f"{text_of(element, 'class')} {name}".strip()


def _places(row: Tag) -> Iterator[tuple[int, Tag]]:
    """Yield each cell of a row with the column at which it starts."""
    column = 0
    for cell in row.find_all(["th", "td"], recursive=False):
        yield column, cell
        span = text_of(cell, "colspan")
        column += int(span) if span.isdigit() else 1


def fit_tables(soup: BeautifulSoup, main: Tag, lay_out: Callable[[str], Any]) -> None:
    """Make wide tables smaller, and turn the page for those that would become too small to read.

    Only the tables are laid out (by `lay_out`, from HTML), to measure them: WeasyPrint never makes a table
    narrower than its longest words.

    Raises
    ------
    BuildError
        If a table is too wide even for a turned page.
    """
    # A long table has its widths from its columns, on pages that the style sheet turns.
    tables = [table for table in main.select("table:not(.crewe-ledger)") if _may_be_wide(table)]
    if not tables:
        return
    for number, table in enumerate(tables):
        table["data-table"] = str(number)
    widths = _table_widths(lay_out("".join(_without_ids(table) for table in tables)))
    for number, table in enumerate(tables):
        room = MEASURE - (BOX if table.find_parent(class_=["dropdown", "admonition"]) else 0)
        share = room / widths[number]
        if share >= 1:
            continue
        if share < SMALLEST_UPRIGHT:
            table.wrap(soup.new_tag("div", attrs={"class": "turned"}))
            share = min(1.0, TURNED_MEASURE / widths[number])
        if share < SMALLEST:
            raise BuildError(f"This table is too wide for any page, split it: {_caption(table)}")
        table["style"] = f"font-size:{share * 0.99:.3f}em"


def _may_be_wide(table: Tag) -> bool:
    """Say whether a table needs measuring: a generous guess from the longest piece of each column."""
    widest: dict[int, int] = {}
    for row in table.select("tr"):
        for column, cell in _places(row):
            whole = {"number", "short"} & set(text_of(cell, "class").split())
            pieces = [cell.get_text(" ", strip=True)] if whole else cell.get_text(" ").split()
            widest[column] = max([widest.get(column, 0), *map(len, pieces)])
    letters = sum(widest.values()) + 2.5 * len(widest)
    return letters > WIDE


def _without_ids(table: Tag) -> str:
    """Copy a table for measuring, without its ids and with its links as plain text."""
    other = copy.copy(table)
    for element in [other, *other.select("[id]")]:
        element.attrs.pop("id", None)
    for link in other.select("a"):
        link.unwrap()
    return str(other)


def _caption(table: Tag) -> str:
    """Name a table for a message."""
    caption = table.select_one("caption") or table
    return repr(caption.get_text(" ", strip=True)[:80])


def _table_widths(document: Any) -> dict[int, float]:
    """Measure each table in CSS pixels, over all the pages on which it stands."""
    widths: dict[int, float] = {}
    for page in document.pages:
        for box in page._page_box.descendants():
            number = box.element.get("data-table") if box.element is not None else None
            if number is not None and getattr(box, "is_table_wrapper", False):
                widths[int(number)] = max(widths.get(int(number), 0.0), float(box.width))
    return widths


def check_tables_fit(document: Any) -> None:
    """Raise BuildError if a table runs off its page after all, as one in a narrow box can."""
    for number, page in enumerate(document.pages, start=1):
        right = page.width - page._page_box.margin_right
        for box in page._page_box.descendants():
            if getattr(box, "is_table_wrapper", False) and box.position_x + box.width > right + 2:
                raise BuildError(f"A table runs off page {number} of the PDF: move it out of its box, or split it.")


def finish_pdf(pdf: pikepdf.Pdf) -> TagCounts:
    """Complete the tags of a PDF in place, and count what they hold.

    Header cells get their `/Scope` (columns under THead, rows elsewhere), pictures that carry the mark of
    `math.py` become `/Formula`, and page labels equal the printed numbers.
    """
    kinds: list[str] = []
    without_alt = 0
    for element, in_head in _elements(pdf.Root.StructTreeRoot.K, False):
        kind = str(element.S)
        if kind == "/TH":
            attributes = element.get("/A") or pikepdf.Dictionary(O=pikepdf.Name.Table)
            attributes.Scope = pikepdf.Name.Column if in_head else pikepdf.Name.Row
            element.A = attributes
        alt = str(element.get("/Alt", ""))
        if kind == "/Figure" and alt.startswith(FORMULA_MARK):
            kind, element.S, element.Alt = "/Formula", pikepdf.Name.Formula, pikepdf.String(alt[1:])
        without_alt += kind == "/Figure" and not alt
        kinds.append(kind)
    pdf.Root.PageLabels = pikepdf.Dictionary(Nums=pikepdf.Array([0, pikepdf.Dictionary(S=pikepdf.Name.D)]))
    return TagCounts(
        figures=kinds.count("/Figure"),
        figures_without_alt=without_alt,
        tables=kinds.count("/Table"),
        formulas=kinds.count("/Formula"),
        dead_links=_count_dead_links(pdf),
    )


def _elements(node: Any, in_head: bool) -> Iterator[tuple[Any, bool]]:
    """Yield the structure elements below a node, each with whether it stands in a table head."""
    if isinstance(node, pikepdf.Array):
        for child in node:
            yield from _elements(child, in_head)
    elif isinstance(node, pikepdf.Dictionary) and "/S" in node:
        in_head = in_head or node.S == "/THead"
        yield node, in_head
        if "/K" in node:
            yield from _elements(node.K, in_head)


def _count_dead_links(pdf: pikepdf.Pdf) -> int:
    """Count the link annotations whose named destination the PDF does not have."""
    root: Any = pdf.Root
    names = list(root.Names.Dests.Names) if "/Names" in root else []
    known = {str(name) for name in names[::2]}
    return sum(
        str(note.Dest) not in known
        for page in pdf.pages
        for note in page.get("/Annots", [])
        if "/Dest" in note and isinstance(note.Dest, pikepdf.String)
    )
