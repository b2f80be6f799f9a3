"""The whole way on a tiny book: run, stage, HTML, evidence, swap; and that a failure leaves the last book alone."""

import json
from pathlib import Path

import nbformat
import pytest

from crewe_lib.book import Request, build_book
from crewe_lib.errors import BuildError, CreweError
from crewe_lib.provenance import REPOSITORY
from crewe_lib.trace import check_item, load_evidence

GOOD = """
from crewe_lib import formats as f
from crewe_lib.evidence import Chapter, Column
from crewe_lib.results import derive_settings
ev = Chapter("{name}", parameters={{"alpha": alpha}})
settings = derive_settings(alpha=alpha)
ev.number("{short}.level", settings, "confidence_level", show_as=f.percent())
"""


def notebook(name: str, code: str, text: str = "The level is {glue:text}`%s.level`.") -> nbformat.NotebookNode:
    short = name.partition("_")[2]
    cells = [
        nbformat.v4.new_markdown_cell(f"# {short.title()}\n\nAn opening line."),
        nbformat.v4.new_code_cell("alpha = 0.05", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(code.format(name=name, short=short).strip()),
        nbformat.v4.new_markdown_cell(text % short if "%s" in text else text),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A repository in small: two chapters, the real settings and styles."""
    root = tmp_path_factory.mktemp("repository")
    (root / "chapters").mkdir()
    (root / "params").mkdir()
    (root / "_config.yml").write_text((REPOSITORY / "_config.yml").read_text())
    (root / "_static").symlink_to(REPOSITORY / "_static")
    (root / "references.bib").write_text((REPOSITORY / "references.bib").read_text())
    (root / "index.md").write_text("# A tiny book\n\n```{tableofcontents}\n```\n")
    chapters = "".join(f"      - file: chapters/{name}\n" for name in ("01_one", "02_two"))
    (root / "_toc.yml").write_text(
        f"format: jb-book\nroot: index\nparts:\n  - caption: Part\n    chapters:\n{chapters}"
    )
    alpha = "{type: float, default: 0.05, above: 0, below: 1, help: error rate}"
    (root / "params" / "published.yml").write_text(f"01_one:\n  alpha: {alpha}\n02_two:\n  alpha: {alpha}\n")
    for name in ("01_one", "02_two"):
        nbformat.write(notebook(name, GOOD), root / "chapters" / f"{name}.ipynb")
    return root


@pytest.fixture(scope="module")
def book(root, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "book"
    said: list[str] = []
    build_book(Request(out=out, root=root, given=("alpha=0.1",), pdf=False), said.append)
    return out, said


def change(root: Path, name: str, code: str, text: str = "Text.") -> None:
    nbformat.write(notebook(name, code, text), root / "chapters" / f"{name}.ipynb")


def build(root: Path, out: Path, **options) -> None:
    build_book(Request(**({"out": out, "root": root, "pdf": False} | options)), lambda line: None)


def test_parameters_reach_the_pages_and_the_evidence(book) -> None:
    out, said = book
    evidence = load_evidence(out)
    assert [item["value"] for item in evidence["items"]] == [0.9, 0.9]
    assert evidence["run"]["parameters"]["02_two"] == {"alpha": 0.1}
    page = (out / "html" / "chapters" / "02_two.html").read_text()
    assert 'The level is <span class="pasted-text">90%</span>.' in page
    assert "This run" in page and "= 0.1" in page
    assert "The numbers in this page" in page
    assert any("02_two: done" in line for line in said)


def test_every_item_resolves(book) -> None:
    for item in load_evidence(book[0])["items"]:
        assert check_item(item) == []


def test_pages_ask_the_network_for_nothing_and_hide_the_parameter_cell(book) -> None:
    page = (book[0] / "html" / "chapters" / "01_one.html").read_text()
    assert "alpha = 0.05" not in page and "https://cdn" not in page
    assert 'lang="en-GB"' in page


def test_nothing_is_left_beside_the_book(book) -> None:
    assert sorted(p.name for p in book[0].parent.iterdir()) == [".kernel", "book"]


def test_a_failing_cell_leaves_the_last_book_and_says_where(root, book, tmp_path) -> None:
    out = book[0]
    before = {p: p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}
    stored = (root / "chapters" / "02_two.ipynb").read_bytes()
    try:
        change(root, "02_two", "value = 1\nraise ValueError('no such thing')")
        with pytest.raises(BuildError) as fault:
            build(root, out)
    finally:
        (root / "chapters" / "02_two.ipynb").write_bytes(stored)
    said = str(fault.value)
    assert "chapter 02_two failed in cell 3 (value = 1): ValueError: no such thing" in said
    assert "Traceback" in said and "untouched" in said and "\x1b" not in said
    kept = out.with_name("book.failed") / "02_two.ipynb"
    assert str(kept) in said and nbformat.read(kept, as_version=4).cells
    assert {p: p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()} == before


@pytest.mark.parametrize(
    ("code", "text", "message"),
    [
        ("import os\nos.kill(os.getpid(), 9)", "Text.", "02_two failed.*DeadKernelError"),
        ("pass", "Text.", "02_two: no number, table or figure was registered"),
        (GOOD, "Shown: {glue:text}`two.typo`.", "'two.typo' is shown but never registered"),
    ],
)
def test_a_chapter_that_shows_nothing_or_dies_is_an_error(root, tmp_path, code, text, message) -> None:
    stored = (root / "chapters" / "02_two.ipynb").read_bytes()
    try:
        change(root, "02_two", code, text)
        with pytest.raises(BuildError, match=message):
            build(root, tmp_path / "book", chapters=("02_two",))
    finally:
        (root / "chapters" / "02_two.ipynb").write_bytes(stored)
    assert not (tmp_path / "book").exists()


def test_one_chapter_alone_and_twice_the_same(root, tmp_path) -> None:
    for name in ("a", "b"):
        build(root, tmp_path / name, chapters=("01_one",))
    files = [
        {p.relative_to(tmp_path / n): p.read_bytes() for p in (tmp_path / n).rglob("*") if p.is_file()} for n in "ab"
    ]
    different = [str(path) for path in files[0] if files[0][path] != files[1].get(path)]
    assert files[0].keys() == files[1].keys() and not different
    assert not (tmp_path / "a" / "html" / "chapters" / "02_two.html").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chapters": ("03_three",)}, "--chapter 03_three: no such chapter; there are 01_one, 02_two"),
        (
            {"given": ("nonsense=1",)},
            "-p nonsense: no selected chapter has this parameter; allowed are alpha",
        ),
        ({"data": Path("no-such-folder")}, "--data no-such-folder: there is no such folder"),
    ],
)
def test_wrong_calls_fail_before_anything_runs(root, tmp_path, options, message) -> None:
    with pytest.raises(CreweError, match=message):
        build(root, tmp_path / "book", **options)
    assert not list(tmp_path.iterdir())


def test_another_folder_is_never_replaced(root, tmp_path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(BuildError, match="not an earlier book; nothing was touched"):
        build(root, tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_evidence_is_plain_json(book) -> None:
    assert json.loads((book[0] / "evidence.json").read_text())["items"][0]["lines"][0] > 0


def test_missing_system_libraries_stop_the_build_before_it_begins(root, tmp_path, monkeypatch) -> None:
    from crewe_lib import book

    monkeypatch.setattr(book, "missing_system_libraries", lambda: ["pango"])
    with pytest.raises(BuildError, match="make html") as fault:
        build(root, tmp_path / "book", pdf=True)
    assert "libpango-1.0-0" in str(fault.value) and "brew install pango" in str(fault.value)
    assert not list(tmp_path.iterdir())
