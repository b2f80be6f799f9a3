"""Make one PDF of a built Jupyter Book: a title page, the contents with page numbers, then the chapters.

WeasyPrint does the printing; it and its shared libraries load only when a PDF is made, so the rest of Crewe
works without them. `missing_system_libraries` says beforehand whether they are there.
"""

from __future__ import annotations

import copy
import ctypes
import ctypes.util
import html
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pikepdf

from crewe_lib.errors import BuildError
from crewe_lib.pdf.assemble import Book, assemble
from crewe_lib.pdf.math import render_math
from crewe_lib.pdf.tags import check_tables_fit, finish_pdf, fit_tables, text_of

__all__ = ["PdfReport", "build_pdf", "explain_missing", "missing_system_libraries"]

STYLE = Path(__file__).with_name("print.css")

# The libraries that WeasyPrint 70 cannot do without (its text/ffi.py): base name, version, Debian package.
LIBRARIES = {
    "gobject": ("gobject-2.0", "0", "libglib2.0-0"),
    "pango": ("pango-1.0", "0", "libpango-1.0-0"),
    "harfbuzz": ("harfbuzz", "0", "libharfbuzz0b"),
    "fontconfig": ("fontconfig", "1", "libfontconfig1"),
    "pangoft2": ("pangoft2-1.0", "0", "libpangoft2-1.0-0"),
}
# matplotlib's fonts: they are wherever figures can be drawn, so the print does not depend on the machine's.
FONTS = {
    "Crewe Serif": ("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSerif-BoldItalic"),
    "Crewe Sans": ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique"),
    "Crewe Mono": (
        "DejaVuSansMono",
        "DejaVuSansMono-Bold",
        "DejaVuSansMono-Oblique",
        "DejaVuSansMono-BoldOblique",
    ),
}
FACES = (("normal", "normal"), ("normal", "bold"), ("italic", "normal"), ("italic", "bold"))


@dataclass(frozen=True)
class PdfReport:
    """What a finished PDF holds, counted in the PDF itself and not in the HTML it came from."""

    pages: int
    figures: int
    figures_without_alt: int
    tables: int
    math: int
    dead_links: int


def missing_system_libraries() -> list[str]:
    """Name the libraries that WeasyPrint needs and this machine cannot load; with none, a PDF can be made."""
    return [library for library, (base, version, _) in LIBRARIES.items() if not _loads(base, version)]


def _loads(base: str, version: str) -> bool:
    """Say whether a library loads under one of the names that WeasyPrint tries, found as cffi finds it."""
    names = [f"lib{base}-{version}", f"{base}-{version}", base, f"lib{base}.so.{version}"]
    names += [f"lib{base}.{version}.dylib", f"lib{base}.dylib"]
    for candidate in [*names, *map(ctypes.util.find_library, names)]:
        if candidate:
            with suppress(OSError):
                ctypes.CDLL(candidate)
                return True
    return False


def explain_missing(libs: list[str]) -> str:
    """Say how to mend missing libraries, in one message."""
    packages = " ".join(LIBRARIES[library][2] for library in libs if library in LIBRARIES)
    return (
        f"The PDF cannot be made: WeasyPrint needs shared libraries that this machine cannot load "
        f"({', '.join(libs)}).\n"
        f"  Debian, Ubuntu:  apt-get install {packages} libharfbuzz-subset0\n"
        f"  macOS:           brew install pango\n"
        f"Or build the book without the PDF: make html"
    )


def build_pdf(
    html_dir: Path,
    toc: Path,
    out: Path,
    *,
    title: str,
    author: str,
    subtitle: str = "",
    rights: str = "",
    repository_root: Path | None = None,
) -> PdfReport:
    """Print the built pages of `html_dir`, in the order of `toc`, into the PDF `out`.

    The same pages give the same bytes. `out` is written last, so a failed build leaves the last good PDF.
    With `repository_root`, no text of the PDF may hold that path: a report does not show where it was built.

    Raises
    ------
    BuildError
        For missing libraries or node; for missing pages, duplicate ids, links without a target, figures
        without alternative text, mathematics that cannot be set, tables that fit no page, and characters that
        the book's fonts lack.
    """
    missing = missing_system_libraries()
    if missing:
        raise BuildError(explain_missing(missing))
    book = assemble(html_dir, toc)
    if repository_root is not None and str(repository_root.resolve()) in book.main.get_text():
        raise BuildError(f"The pages show where they were built: their text holds {repository_root.resolve()}.")
    render_math(book.soup, book.macros)
    printer = _Printer(html_dir, title, author)
    fit_tables(book.soup, book.main, printer.lay_out)
    body = _title_page(title, subtitle, author, rights) + _contents(book) + str(book.main)
    document = printer.lay_out(body)
    check_tables_fit(document)
    data = BytesIO()
    with printer.watched():
        document.write_pdf(data, pdf_variant="pdf/ua-1")
    return _finish(data, out, book.main.get_text())


def _finish(data: BytesIO, out: Path, text: str) -> PdfReport:
    """Complete the tags, check the fonts, write the file and count what it holds."""
    with pikepdf.open(data) as pdf:
        counts = finish_pdf(pdf)
        _check_fonts(pdf, text)
        out.parent.mkdir(parents=True, exist_ok=True)
        unfinished = out.with_name(out.name + ".part")
        pdf.save(unfinished, deterministic_id=True)
        unfinished.replace(out)
        return PdfReport(
            pages=len(pdf.pages),
            figures=counts.figures,
            figures_without_alt=counts.figures_without_alt,
            tables=counts.tables,
            math=counts.formulas,
            dead_links=counts.dead_links,
        )


def _check_fonts(pdf: pikepdf.Pdf, text: str) -> None:
    """Raise BuildError if a character came from a font of this machine: elsewhere it would print as a box."""
    names = {str(item.get("/BaseFont", "")) for item in pdf.objects if isinstance(item, pikepdf.Dictionary)}
    foreign = sorted(name[1:] for name in names if name and "+Crewe-" not in name)
    if foreign:
        from matplotlib.ft2font import FT2Font

        known = FT2Font(_font_folder() / f"{FONTS['Crewe Sans'][0]}.ttf").get_charmap()
        lacking = sorted({letter for letter in text if ord(letter) not in known and not letter.isspace()})
        raise BuildError(f"The book's fonts lack {' '.join(lacking)} (found in {', '.join(foreign)}): use others.")


def _font_folder() -> Path:
    """Find matplotlib's fonts."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def _title_page(title: str, subtitle: str, author: str, rights: str) -> str:
    """Make the title page; what is empty is left out."""
    lines = {"title": title, "subtitle": subtitle, "author": author, "rights": rights}
    text = "".join(f'<p class="{name}">{_unbroken(line)}</p>' for name, line in lines.items() if line)
    return f'<div class="title-page">{text}</div>'


def _unbroken(line: str) -> str:
    """Escape a line, and keep its hyphened words in one piece."""
    words = [html.escape(word) for word in line.split(" ")]
    return " ".join(f'<span class="together">{word}</span>' if "-" in word else word for word in words)


def _contents(book: Book) -> str:
    """List chapters (h1) and sections (h2) under their parts; the style sheet adds the page numbers."""
    lines = []
    for heading in book.main.select("p.part, h1, h2"):
        words = copy.copy(heading)
        for element in words.select("[id]"):
            del element["id"]
        for link in words.select("a"):
            link.unwrap()
        level = "part" if heading.name == "p" else heading.name
        target = text_of(heading, "id")
        inner = words.decode_contents()
        lines.append(f'<li class="{level}">' + (f'<a href="#{target}">{inner}</a>' if target else inner) + "</li>")
    return f'<div class="contents"><h1 class="contents-title">Contents</h1><ul>{"".join(lines)}</ul></div>'


class _Printer:
    """WeasyPrint with our style, our fonts, no network, and its complaints turned into errors."""

    def __init__(self, html_dir: Path, title: str, author: str) -> None:
        """Load WeasyPrint, which must not happen before the libraries are known to be there."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # libharfbuzz-subset is not needed yet
            import weasyprint
            from weasyprint.text.fonts import FontConfiguration
            from weasyprint.urls import URLFetcher
        refused: list[str] = []

        class LocalFetcher(URLFetcher):  # type: ignore[misc]  # WeasyPrint has no types
            def fetch(self, url: str, headers: dict[str, str] | None = None) -> Any:
                address = urlsplit(url)
                if address.scheme == "book":
                    url = (html_dir.resolve() / unquote(address.path).lstrip("/")).as_uri()
                elif address.scheme not in ("file", "data"):
                    refused.append(url)
                    raise ValueError(f"not a local file: {url}")
                return super().fetch(url, headers)

        self._refused = refused
        self._fonts = FontConfiguration()
        self._fetcher = LocalFetcher()
        self._html = weasyprint.HTML
        css = _font_faces() + STYLE.read_text(encoding="utf-8")
        self._style = weasyprint.CSS(string=css, font_config=self._fonts, url_fetcher=self._fetcher)
        self._head = f"<title>{html.escape(title)}</title><meta name=author content='{html.escape(author)}'>"

    def lay_out(self, body: str) -> Any:
        """Lay out a document with this body; see `watched` for the errors."""
        text = f'<!doctype html><html lang="en-GB"><head><meta charset="utf-8">{self._head}</head>'
        text += f"<body>{body}</body></html>"
        with self.watched():
            source = self._html(string=text, url_fetcher=self._fetcher)
            return source.render(stylesheets=[self._style], font_config=self._fonts)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Raise BuildError for what WeasyPrint only logs: refused addresses, lost pictures or characters."""
        logger = logging.getLogger("weasyprint")
        records: list[logging.LogRecord] = []
        handler = logging.Handler()
        handler.handle = lambda record: not records.append(record)  # type: ignore[method-assign,func-returns-value]
        propagate, logger.propagate = logger.propagate, False
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)
            logger.propagate = propagate
        if self._refused:
            raise BuildError(f"A PDF is made from local files only; refused: {', '.join(self._refused)}")
        faults = [record.getMessage() for record in records if _matters(record)]
        if faults:
            raise BuildError("WeasyPrint could not print all of the book:\n- " + "\n- ".join(dict.fromkeys(faults)))


def _matters(record: logging.LogRecord) -> bool:
    """Tell lost content from noise about CSS that WeasyPrint does not support."""
    return record.levelno >= logging.ERROR or record.getMessage().startswith((".notdef", "Font-face"))


def _font_faces() -> str:
    """Write the @font-face rules; the folder is known only at run time."""
    folder = _font_folder()
    return "".join(
        f"@font-face{{font-family:'{family}';font-style:{style};font-weight:{weight};"
        f"src:url('{(folder / f'{file}.ttf').as_uri()}')}}\n"
        for family, files in FONTS.items()
        for (style, weight), file in zip(FACES, files, strict=True)
    )
