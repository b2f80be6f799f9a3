"""A small hand-written book, in the markup of sphinx-book-theme, through to the tags of its PDF."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from PIL import Image

from crewe_lib import pdf as crewe_pdf
from crewe_lib.errors import BuildError
from crewe_lib.pdf import PdfReport, build_pdf, explain_missing, missing_system_libraries
from crewe_lib.pdf.assemble import assemble, read_toc
from crewe_lib.pdf.math import Formula, find_node, set_formulas

MISSING = missing_system_libraries()
needs_weasyprint = pytest.mark.skipif(bool(MISSING), reason=explain_missing(MISSING) if MISSING else "")

TOC = """\
format: jb-book
root: index
parts:
  - caption: The trial
    chapters:
      - file: chapters/01_rct
      - file: chapters/02_models.md
      - url: https://example.org
"""
INDEX = """
<section id="a-book"><h1>A small book<a class="headerlink" href="#a-book">#</a></h1>
<p>See <a class="reference internal" href="chapters/01_rct.html#fig-km">Fig. 1</a>,
<a href="chapters/02_models.html">the models</a>, <a href="https://example.org/x">a site</a>,
<a href="_static/data.csv">the data</a> and a note<a class="footnote-reference" href="#n1" id="id1">1</a>.</p>
<div class="html-only"><p>ONLY-ON-SCREEN</p></div>
<div class="print-only"><p>ONLY-ON-PAPER</p></div>
<aside class="footnote" id="n1"><span class="label">[<a href="#id1">1</a>]</span><p>A small note.</p></aside>
</section>
"""
RCT = """
<section id="the-trial"><span id="sec-rct"></span><h1>1. The trial</h1>
<section id="results"><h2>1.1. Results</h2>
<div class="cell tag_hide-input"><details class="admonition hide above-input"><summary>Show code</summary>
<div class="cell_input"><pre>HIDDEN-CODE</pre></div></details>
<div class="cell_output"><figure id="fig-km">
<a class="image-reference" href="../_images/km.svg"><img alt="Two falling curves" src="../_images/km.svg"></a>
<figcaption><p><span class="caption-number">Fig. 1 </span>Cases open.</p></figcaption></figure></div></div>
<figure id="fig-dots"><img alt="A grey square" src="../_images/dots.png" style="width:50%"></figure>
<div class="pst-scrollable-table-container"><table class="table" id="tbl-arms">
<caption><span class="caption-number">Table 1 </span>Children by arm.</caption>
<thead><tr><th></th><th>n</th><th colspan="2">Closed</th></tr></thead>
<tbody>{rows}</tbody></table></div>
<p>After the long table.</p>
<table id="tbl-wide"><thead><tr>{wide_head}</tr></thead><tbody><tr>{wide_body}</tr></tbody></table>
<details class="sd-dropdown"><summary><span class="sd-summary-text">Sensitivity</span>
<span class="sd-summary-state-marker"><svg></svg></span></summary><div><p>INSIDE-DROPDOWN</p></div></details>
</section></section>
"""
MODELS = r"""
<section id="models"><h1>2. Models</h1><p id="same">The hazard <span class="math">\(\lambda_0(t)\)</span>, and
<a href="#equation-one">(2.1)</a>; back to <a href="01_rct.html#sec-rct">the trial</a>.</p>
<div class="math" id="equation-one">
<span class="eqno">(2.1)<a class="headerlink" href="#equation-one">#</a></span>\[
\frac{a}{b} = \sum_i x_i \]</div>
<section id="results"><h2>2.1. Results</h2><p>The id of this section stands on two pages.
<a href="#results">Here</a>.</p></section></section>
"""
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="200pt" height="90pt" viewBox="0 0 200 90">'
    '<path d="M10 10 L190 80" stroke="black"/></svg>'
)


def write_page(book: Path, name: str, article: str, head: str = "") -> None:
    """Write a page as the theme would: what the PDF wants is in `article.bd-article`."""
    file = book / "html" / f"{name}.html"
    file.parent.mkdir(parents=True, exist_ok=True)
    text = f"<!DOCTYPE html><html><head>{head}</head><body><nav>SIDEBAR</nav><article class='bd-article'>"
    file.write_text(text + article + "<script>var x;</script></article></body></html>", encoding="utf-8")


def write_book(book: Path) -> Path:
    """Write the small book into a folder and return the folder."""
    row = "<tr><th>Child {0}</th><td>{0}</td><td>1,203</td><td>42.6 (39.8 to 45.4)</td></tr>"
    rct = RCT.format(
        rows="".join(row.format(number) for number in range(80)),
        wide_head="".join(f"<th>Variable{number}</th>" for number in range(16)),
        wide_body="".join(f"<td>{number}.123456</td>" for number in range(16)),
    )
    write_page(book, "index", INDEX)
    write_page(book, "chapters/01_rct", rct)
    write_page(book, "chapters/02_models", MODELS)
    (book / "_toc.yml").write_text(TOC, encoding="utf-8")
    for folder in ("_images", "_static"):
        (book / "html" / folder).mkdir()
    (book / "html/_images/km.svg").write_text(SVG, encoding="utf-8")
    Image.new("L", (60, 60), 128).save(book / "html/_images/dots.png", dpi=(100, 100))
    (book / "html/_static/data.csv").write_text("a\n1\n", encoding="utf-8")
    return book


def build(book: Path, name: str = "book.pdf") -> tuple[Path, PdfReport]:
    """Print the book of a folder."""
    out = book / name
    return out, build_pdf(
        book / "html", book / "_toc.yml", out, title="A report & more", author="A. Author", rights="CC BY 4.0"
    )


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A fresh copy of the book, to be spoilt."""
    return write_book(tmp_path)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PdfReport]:
    """The book, printed once."""
    return build(write_book(tmp_path_factory.mktemp("book")))


@pytest.fixture
def pdf(built: tuple[Path, PdfReport]) -> Iterator[Any]:
    """The printed book, open."""
    with pikepdf.open(built[0]) as document:
        yield document


def elements(node: Any, kind: str) -> list[Any]:
    """All structure elements of a kind, in reading order."""
    if isinstance(node, pikepdf.Array):
        return [found for child in node for found in elements(child, kind)]
    if not isinstance(node, pikepdf.Dictionary) or "/S" not in node:
        return []
    return [*([node] if kind == node.S else []), *elements(node.get("/K", pikepdf.Array()), kind)]


def spoil(book: Path, name: str, old: str, new: str) -> None:
    """Change one page of the book."""
    file = book / "html" / f"{name}.html"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


# --- the finished PDF ---------------------------------------------------------------------------------------


@needs_weasyprint
def test_report_counts_what_the_pdf_holds(built: tuple[Path, PdfReport], pdf: Any) -> None:
    report = built[1]
    assert report.pages == len(pdf.pages)
    assert (report.figures, report.figures_without_alt, report.math, report.dead_links) == (2, 0, 2, 0)
    assert report.tables >= 3  # the long table has a part on each of its pages


@needs_weasyprint
def test_metadata(pdf: Any) -> None:
    assert str(pdf.docinfo["/Title"]) == "A report & more"
    assert str(pdf.docinfo["/Author"]) == "A. Author"
    assert "/CreationDate" not in pdf.docinfo and "/ModDate" not in pdf.docinfo
    assert str(pdf.Root.Lang) == "en-GB"
    assert pdf.Root.MarkInfo.Marked is True
    assert "/StructTreeRoot" in pdf.Root
    assert pdf.Root.PageLabels.Nums[1].S == "/D"


@needs_weasyprint
def test_bookmarks_follow_parts_and_chapters(pdf: Any) -> None:
    with pdf.open_outline() as outline:
        titles = [item.title for item in outline.root]
        part = outline.root[-1]
        chapters = [item.title for item in part.children]
        sections = [item.title for item in part.children[0].children]
    assert titles == ["Contents", "A small book", "The trial"]
    assert chapters == ["1. The trial", "2. Models"]
    assert sections == ["1.1. Results"]


@needs_weasyprint
def test_pictures_keep_their_words(pdf: Any) -> None:
    assert [str(f.Alt) for f in elements(pdf.Root.StructTreeRoot.K, "/Figure")] == [
        "Two falling curves",
        "A grey square",
    ]
    formulas = [str(f.Alt) for f in elements(pdf.Root.StructTreeRoot.K, "/Formula")]
    assert formulas == [r"\lambda_0(t)", r"\frac{a}{b} = \sum_i x_i"]


@needs_weasyprint
def test_header_cells_have_scope_and_keep_spans(pdf: Any) -> None:
    tables = elements(pdf.Root.StructTreeRoot.K, "/Table")
    headers = elements(tables[0].K, "/TH")
    scopes = [str(header.A.Scope) for header in headers]
    assert scopes[:3] == ["/Column", "/Column", "/Row"]  # the empty header is a plain cell
    assert headers[1].A.ColSpan == 2
    assert str(elements(tables[1].K, "/TH")[0].A.Scope) == "/Column"  # heads repeat on the next page


@needs_weasyprint
def test_links_lead_to_places_in_the_pdf(pdf: Any) -> None:
    notes = [note for page in pdf.pages for note in page.get("/Annots", [])]
    inside = {str(note.Dest) for note in notes if "/Dest" in note}
    outside = {str(note.A.URI) for note in notes if "/A" in note}
    names = {str(name) for name in list(pdf.Root.Names.Dests.Names)[::2]}
    assert {"chapters-01_rct--fig-km", "chapters-02_models", "index--n1", "index--id1"} <= inside
    assert "chapters-01_rct--the-trial" in inside, "the label before the heading stands for the heading"
    assert "chapters-02_models--results" in inside
    assert inside <= names
    assert outside == {"https://example.org/x"}


@needs_weasyprint
def test_a_table_too_wide_for_the_page_turns_it_and_only_it(pdf: Any) -> None:
    turned = [page.MediaBox[2] > page.MediaBox[3] for page in pdf.pages]
    assert turned.count(True) == 1
    assert not turned[-1]


@needs_weasyprint
def test_fonts_are_the_books_own(pdf: Any) -> None:
    fonts = {str(item.BaseFont) for item in pdf.objects if isinstance(item, pikepdf.Dictionary) and "/BaseFont" in item}
    assert fonts
    assert all("+Crewe-" in font for font in fonts)


@needs_weasyprint
def test_same_pages_same_bytes(built: tuple[Path, PdfReport], book: Path) -> None:
    again, report = build(book, "again.pdf")
    assert again.read_bytes() == built[0].read_bytes()
    assert report == built[1]


@needs_weasyprint
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
def test_text_is_prose_and_not_code(built: tuple[Path, PdfReport]) -> None:
    text = subprocess.run(["pdftotext", "-layout", str(built[0]), "-"], capture_output=True, text=True).stdout
    for present in ("ONLY-ON-PAPER", "Sensitivity", "INSIDE-DROPDOWN", "(2.1)", "Fig. 1", "CC BY 4.0"):
        assert present in text
    for absent in ("ONLY-ON-SCREEN", "HIDDEN-CODE", "Show code", "SIDEBAR", "var x"):
        assert absent not in text
    assert re.search(r"2\. Models[ .]+\d", text), "the contents give the page"


# --- named errors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "old", "new", "message"),
    [
        ("index", "#fig-km", "#fig-gone", "link with no target: chapters-01_rct#fig-gone"),
        (
            "index",
            "_static/data.csv",
            "_static/gone.csv",
            "link with no target in index.html: _static/gone.csv",
        ),
        ("chapters/01_rct", 'id="fig-dots"', 'id="fig-km"', "duplicate ids in chapters/01_rct.html: fig-km"),
        ("chapters/01_rct", 'alt="A grey square"', "", "figure without alt text in chapters/01_rct.html"),
        ("chapters/01_rct", "A grey square", "../_images/dots.png", "figure without alt text"),
        ("chapters/01_rct", 'src="../_images/dots.png"', 'src="no.png"', "picture not found"),
        ("chapters/01_rct", 'src="../_images/dots.png"', 'src="https://x.org/a.png"', "picture not found"),
        ("chapters/02_models", "bd-article", "other", "no article.bd-article"),
    ],
)
def test_faults_of_pages_are_named(book: Path, page: str, old: str, new: str, message: str) -> None:
    spoil(book, page, old, new)
    with pytest.raises(BuildError, match=re.escape(message)):
        assemble(book / "html", book / "_toc.yml")


def test_all_faults_come_at_once(book: Path) -> None:
    (book / "html/chapters/02_models.html").unlink()
    spoil(book, "chapters/01_rct", 'alt="A grey square"', "")
    with pytest.raises(BuildError) as raised:
        assemble(book / "html", book / "_toc.yml")
    assert "missing page: chapters/02_models.html" in str(raised.value)
    assert "figure without alt text" in str(raised.value)


@pytest.mark.parametrize("toc", ["- a", "format: jb-book\nroot: index\nchapters: [{file: index}]"])
def test_a_bad_table_of_contents_is_an_error(tmp_path: Path, toc: str) -> None:
    (tmp_path / "_toc.yml").write_text(toc, encoding="utf-8")
    with pytest.raises(BuildError, match=r"_toc\.yml"):
        read_toc(tmp_path / "_toc.yml")


@needs_weasyprint
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (r"\frac{a}{b}", r"\undefined{a}", r"MathJax cannot set(.|\n)*Undefined control sequence"),
        (
            "Here</a>",
            "<b style='background-image:url(http://x.org/a.png)'>Here</b></a>",
            r"refused: http://x\.org/a\.png",
        ),
        ("Here</a>", "\ue123</a>", r"WeasyPrint could not print all|fonts lack"),
    ],
)
def test_what_cannot_be_printed_is_an_error_and_leaves_the_last_pdf(
    book: Path, old: str, new: str, message: str
) -> None:
    spoil(book, "chapters/02_models", old, new)
    (book / "book.pdf").write_bytes(b"the last good one")
    with pytest.raises(BuildError, match=message):
        build(book)
    assert (book / "book.pdf").read_bytes() == b"the last good one"


# --- mathematics and the machine ----------------------------------------------------------------------------


def test_mathjax_sets_tex_with_the_books_macros() -> None:
    inline, display = set_formulas([Formula(r"\E x", False), Formula(r"\sum_i", True)], {"E": r"\mathbb{E}"})
    assert inline.startswith("<svg") and display.startswith("<svg")


@pytest.mark.parametrize("tex", [r"\frac{a", r"\foo", r"x \tag{1}"])
def test_bad_tex_is_named(tex: str) -> None:
    with pytest.raises(BuildError) as raised:
        set_formulas([Formula("x", False), Formula(tex, True)])
    assert repr(tex) in str(raised.value)


def test_no_node_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crewe_lib.pdf.math.find_spec", lambda name: None)
    monkeypatch.setattr("crewe_lib.pdf.math.shutil.which", lambda name: None)
    with pytest.raises(BuildError, match="needs node"):
        find_node()


def test_macros_come_from_the_page(book: Path) -> None:
    head = '<script>window.MathJax = {"tex": {"macros": {"E": "\\\\mathbb{E}"}}, "options": {}}</script>'
    write_page(book, "chapters/02_models", MODELS, head)
    assert assemble(book / "html", book / "_toc.yml").macros == {"E": "\\mathbb{E}"}


def test_missing_libraries_are_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(crewe_pdf, "_loads", lambda base, version: not base.startswith("pango"))
    assert missing_system_libraries() == ["pango", "pangoft2"]
    with pytest.raises(
        BuildError, match=r"libpango-1\.0-0 libpangoft2-1\.0-0(.|\n)*brew install pango(.|\n)*make html"
    ):
        build(tmp_path)


def test_weasyprint_loads_only_when_a_pdf_is_made() -> None:
    code = "import sys, crewe_lib.pdf as p; p.missing_system_libraries(); sys.exit('weasyprint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
