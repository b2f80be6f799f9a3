"""Join the pages of a built Jupyter Book into one HTML document, in the order of `_toc.yml`.

The normal pages are joined, not the `singlehtml` builder's: that one repeats ids over chapters, and its links
land on the first chapter that has the id. Here an id is `<page>--<id>`: unique, and the same in each build.
"""

from __future__ import annotations

import json
import posixpath
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml
from bs4 import BeautifulSoup, Tag

from crewe_lib.errors import BuildError
from crewe_lib.pdf.tags import prepare_tables, resolve_pictures, text_of

# What a reader of paper cannot use. `details.hide` holds the code, and the outputs, that a chapter hides.
DROP = (
    ".html-only, .headerlink, .cell_input, details.hide, script, style, button, nav, iframe, video, audio, "
    ".prev-next-footer, .toctree-wrapper, .tableofcontents-wrapper, .sd-summary-state-marker, svg.sd-octicon"
)
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
MATHJAX_SETTINGS = re.compile(r"window\.MathJax\s*=\s*(\{.*\})\s*;?\s*$", re.DOTALL)


@dataclass(frozen=True)
class TocPage:
    """A page of the book: its document name (no suffix) and the caption of the part it stands in, or ""."""

    name: str
    part: str


@dataclass
class Book:
    """The joined document, and what is wrong with it."""

    soup: BeautifulSoup
    main: Tag
    pages: list[TocPage]
    macros: dict[str, Any] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def read_toc(toc: Path) -> list[TocPage]:
    """List the pages of a `_toc.yml` of format jb-book, the root first.

    Raises
    ------
    BuildError
        If the file is missing, is not a jb-book table of contents, or names a page twice.
    """
    if not toc.is_file():
        raise BuildError(f"There is no table of contents: {toc.name} is missing.")
    try:
        tree = yaml.safe_load(toc.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise BuildError(f"{toc.name} is not YAML: {error}") from error
    if not isinstance(tree, dict) or "root" not in tree:
        raise BuildError(f"{toc.name} must be a jb-book table of contents, with `root` and `chapters` or `parts`.")
    pages = [TocPage(_document(tree["root"]), "")]
    for part in tree.get("parts") or [tree]:
        pages += _pages_below(part.get("chapters") or [], str(part.get("caption") or ""))
    names = [page.name for page in pages]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BuildError(f"{toc.name} names a page twice: {', '.join(twice)}.")
    return pages


def _pages_below(entries: list[dict[str, Any]], part: str) -> list[TocPage]:
    """List the pages of these entries and of their sections; an entry that is a `url` is no page."""
    pages = []
    for entry in entries:
        if "file" in entry:
            pages.append(TocPage(_document(entry["file"]), part))
        pages += _pages_below(entry.get("sections") or [], part)
    return pages


def _document(file: str) -> str:
    """Give the name under which Sphinx builds a source file."""
    return re.sub(r"\.(md|ipynb|rst|txt)$", "", str(file))


def assemble(html_dir: Path, toc: Path) -> Book:
    """Join the pages into `<main>`, one `<section class="chapter">` each, cleaned for print.

    Raises
    ------
    BuildError
        With all faults at once: missing pages, duplicate ids, links without a target, pictures that are
        missing or that have no alternative text.
    """
    soup = BeautifulSoup("<main></main>", "lxml")
    main = soup.select_one("main")
    assert main is not None
    book = Book(soup, main, read_toc(toc))
    part = ""
    for page in book.pages:
        section = _read_page(book, html_dir, page)
        if section is None:
            continue
        if page.part and page.part != part:
            section.insert(0, soup.new_tag("p", attrs={"class": "part"}, string=page.part))
        part = page.part or part
        main.append(section)
    _check_links(book)
    if book.faults:
        raise BuildError("The PDF cannot be made from these pages:\n- " + "\n- ".join(book.faults))
    _forget_unused_ids(main)
    return book


def _read_page(book: Book, html_dir: Path, page: TocPage) -> Tag | None:
    """Read one built page and clean it; note its faults in the book."""
    file = html_dir / f"{page.name}.html"
    if not file.is_file():
        book.faults.append(f"missing page: {page.name}.html is in the table of contents but was not built")
        return None
    soup = BeautifulSoup(file.read_text(encoding="utf-8"), "lxml")
    article = soup.select_one("article.bd-article")
    if article is None:
        book.faults.append(f"{page.name}.html has no article.bd-article: it was not built by sphinx-book-theme")
        return None
    book.macros |= _macros(soup)
    running = _take_running_head(article)
    for element in article.select(DROP):
        element.decompose()
    _unfold(soup, article)
    _check_ids(book, article, page)
    _move_ids_to_headings(book, article, page)
    _make_links_internal(book, article, page, html_dir)
    book.faults += resolve_pictures(article, page.name, html_dir)
    prepare_tables(article)
    article.name = "section"
    article.attrs = {"class": "chapter in-part" if page.part else "chapter", "id": anchor(page.name), **running}
    return article


def _take_running_head(article: Tag) -> dict[str, str]:
    """What each printed page of the chapter must say at its head, as an attribute for the style sheet."""
    heads = article.select(".crewe-running")
    said = " ".join(head.get_text(" ", strip=True) for head in heads)
    for head in heads:
        head.decompose()
    return {"data-running": said} if said else {}


def _macros(soup: BeautifulSoup) -> dict[str, Any]:
    """Read the TeX macros that the configuration gives to MathJax; Sphinx writes them on the page as JSON."""
    for script in soup.find_all("script"):
        match = MATHJAX_SETTINGS.search(script.get_text())
        if match:
            with suppress(json.JSONDecodeError):
                return dict(json.loads(match[1]).get("tex", {}).get("macros", {}))
    return {}


def anchor(page: str, fragment: str = "") -> str:
    """Name a place in the joined document: `chapters/01_rct` and `fig-km` → `chapters-01_rct--fig-km`."""
    name = page.replace("/", "-")
    return f"{name}--{fragment}" if fragment else name


def _unfold(soup: BeautifulSoup, article: Tag) -> None:
    """Turn what opens or is ticked on a screen into what stands on paper."""
    for box in article.select("input"):
        if "task-list-item-checkbox" in text_of(box, "class"):
            box.replace_with("☑ " if box.has_attr("checked") else "☐ ")
        else:
            box.decompose()
    for summary in article.select("summary"):
        title = summary.select_one(".sd-summary-text") or summary
        summary.replace_with(
            soup.new_tag("p", attrs={"class": "dropdown-title"}, string=title.get_text(" ", strip=True))
        )
    for details in article.select("details"):
        details.name = "div"
        details.attrs = {"class": "dropdown", **{k: v for k, v in details.attrs.items() if k == "id"}}
    for label in article.select("label"):
        label.name = "p"
        label.attrs = {"class": "tab-title"}
    for link in article.select("a.image-reference"):
        link.unwrap()
    for gap in article.select("wbr"):
        gap.insert_before("\u200b")  # WeasyPrint does not break at the element
        gap.unwrap()
    for cell in article.select("div.cell"):
        if not cell.get_text(strip=True) and not cell.select_one("img, svg, table"):
            cell.decompose()


def _check_ids(book: Book, article: Tag, page: TocPage) -> None:
    """Note ids that the page has twice: a link to one of them could go to either."""
    ids = [text_of(element, "id") for element in article.select("[id]")]
    twice = sorted({i for i in ids if ids.count(i) > 1})
    if twice:
        book.faults.append(f"duplicate ids in {page.name}.html: {', '.join(twice)}")


def _move_ids_to_headings(book: Book, article: Tag, page: TocPage) -> None:
    """Make ids unique, and give each heading the id of its section, with the labels before it as aliases.

    The heading is the target, because a section or an empty label may stand at the foot of the page before.
    """
    for element in article.select("[id]"):
        element["id"] = anchor(page.name, text_of(element, "id"))
    for number, heading in enumerate(article.select(", ".join(HEADINGS))):
        own = text_of(heading, "id") or anchor(page.name, f"heading-{number}")
        section = heading.parent
        labels = [label for label in heading.find_previous_siblings("span") if not label.get_text(strip=True)]
        if section is not None and section.name == "section" and section.has_attr("id"):
            own = text_of(section, "id")
            del section["id"]
        for label in labels:
            book.aliases[text_of(label, "id")] = own
            label.decompose()
        heading["id"] = own


def _make_links_internal(book: Book, article: Tag, page: TocPage, html_dir: Path) -> None:
    """Point links between pages into the document; make plain text of links to other local files."""
    names = {known.name for known in book.pages}
    for link in article.select("a"):
        href = unquote(text_of(link, "href"))
        if re.match(r"(https?|mailto):", href):
            link["class"] = "external"
            continue
        file, _, fragment = href.partition("#")
        file, fragment = file.partition("?")[0], "" if "=" in fragment else fragment  # a filter of a table on a screen
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page.name), file)) if file else page.name
        name = target.removesuffix(".html")
        if name in names and (not file or target.endswith(".html")) and href not in ("", "#"):
            link["href"] = "#" + anchor(name, fragment)
            link.attrs.pop("title", None)
        elif href in ("", "#") or (html_dir / target).exists():
            link.name = "span"
            link.attrs = {k: v for k, v in link.attrs.items() if k == "id"}
        else:
            book.faults.append(f"link with no target in {page.name}.html: {href}")


def _check_links(book: Book) -> None:
    """Send links to the headings that labels stand for, and note those whose target does not exist."""
    ids = {text_of(element, "id") for element in book.main.select("[id]")}
    for link in book.main.select("a[href^='#']"):
        target = text_of(link, "href")[1:]
        link["href"] = "#" + book.aliases.get(target, target)
        if text_of(link, "href")[1:] not in ids:
            words = link.get_text(" ", strip=True)[:60]
            book.faults.append(f"link with no target: {target.replace('--', '#')} (link text {words!r})")


def _forget_unused_ids(main: Tag) -> None:
    """Drop ids that nothing points to: some equations are named at random, which would change the bytes."""
    used = {text_of(link, "href")[1:] for link in main.select("a[href^='#']")}
    for element in main.select("[id]"):
        if element.name not in HEADINGS and text_of(element, "id") not in used and element.parent is not main:
            del element["id"]
