"""The whole way on a tiny book: run, stage, HTML, evidence, swap; and that a failure leaves the last book alone."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from small_repository import make_repository

from crewe_lib.book import Request, build_book, forget_failures
from crewe_lib.errors import BuildError, CreweError
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
    root = make_repository(tmp_path_factory.mktemp("repository"), ("01_one", "02_two"))
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
    assert sorted(p.name for p in book[0].parent.iterdir()) == ["book"]


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


STRAYS = """
from IPython.display import HTML, Markdown, display
import pandas, sys, warnings
print("fell by 21.3")
display(Markdown("rose by 4"))
display(HTML("<b>7</b>"))
warnings.warn("old")
pandas.DataFrame([dict(a=42)])
"""


def test_what_is_printed_or_displayed_past_the_evidence_is_refused(root, tmp_path) -> None:
    stored = (root / "chapters" / "02_two.ipynb").read_bytes()
    try:
        change(root, "02_two", GOOD + STRAYS, "The level is {glue:text}`%s.level`.")
        with pytest.raises(BuildError) as fault:
            build(root, tmp_path / "book", chapters=("02_two",))
    finally:
        (root / "chapters" / "02_two.ipynb").write_bytes(stored)
    lines = str(fault.value).splitlines()
    assert all(line.startswith("chapter 02_two, cell 3 (from crewe_lib") for line in lines[:-1])
    for words in ("unregistered: fell by 21.3", "Markdown", "HTML", "UserWarning: old", "a 0 42"):
        assert sum(words in line for line in lines) == 1, words
    assert len(lines) == 6 and "Chapter.number" in lines[-1]


def test_braces_in_the_path_and_another_host_of_the_code(root, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CREWE_REPOSITORY_URL", " https://code.example/crewe/ ")
    monkeypatch.setenv("CREWE_SOURCE_LINK", "https://ambient.example")
    out = tmp_path / "a {b} {0} c"
    build(root, out, chapters=("01_one",))
    page = (out / "html" / "chapters" / "01_one.html").read_text()
    commit = load_evidence(out)["run"]["commit"]
    assert (f"https://code.example/crewe/blob/{commit}/crewe_lib/results.py#L" in page) == (commit is not None)
    assert "ambient.example" not in page
    assert [p.name for p in tmp_path.iterdir()] == [out.name]


@pytest.mark.parametrize("url", ["code.example/x", "ftp://code.example/x", "https://code.example", "https://a.b/c d"])
def test_an_address_that_is_none_is_refused_at_once(root, tmp_path, monkeypatch, url) -> None:
    monkeypatch.setenv("CREWE_REPOSITORY_URL", url)
    with pytest.raises(CreweError, match=r"CREWE_REPOSITORY_URL=.* such as https://host/owner/name"):
        build(root, tmp_path / "book")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["x" * 250, "file/book"])
def test_a_place_that_cannot_be_written_is_one_line(root, tmp_path, name) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BuildError, match=r"--out .*(could not be written|cannot be used)") as fault:
        build(root, tmp_path / name)
    assert "\n" not in str(fault.value)


def test_a_kept_failure_goes_once_its_chapter_is_built(tmp_path) -> None:
    kept = tmp_path / "book.failed"
    kept.mkdir()
    for name in ("01_one.ipynb", "02_two.ipynb"):
        (kept / name).write_text("")
    forget_failures(tmp_path / "book", ["01_one"])
    assert [p.name for p in kept.iterdir()] == ["02_two.ipynb"]
    forget_failures(tmp_path / "book", ["02_two"])
    assert not kept.exists()


START = """
import functools, signal, sys
from pathlib import Path
from crewe_lib import book, cli
for number in cli.STOPPING:
    signal.signal(number, signal.SIG_DFL)  # whatever the tests themselves were started with
book.Request = functools.partial(book.Request, root=Path(sys.argv.pop(1)))
cli.main()
"""


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes as Linux shows them")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_build_that_is_stopped_leaves_nothing_behind(root, tmp_path, number) -> None:
    """Ctrl-C goes to the whole group of processes, the other signals to the builder alone."""
    places = {name: tmp_path / name for name in ("out", "tmp", "cache")}
    for place in places.values():
        place.mkdir()
    pids = tmp_path / "pids"
    stored = (root / "chapters" / "02_two.ipynb").read_bytes()
    sleep = f"import os, time\nopen({str(pids)!r}, 'w').write(str(os.getpid()) + ' ' + str(os.getppid()) + '.')\n"
    environment = {**os.environ, "TMPDIR": str(places["tmp"]), "XDG_CACHE_HOME": str(places["cache"])}
    command = [sys.executable, "-c", START, str(root), "build", "--no-pdf", "--chapter", "02_two"]
    command += ["--out", str(places["out"] / "book")]
    try:
        change(root, "02_two", sleep + "time.sleep(300)")
        run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True)
        deadline = time.monotonic() + 60
        while not (pids.is_file() and pids.read_text().endswith(".")) and time.monotonic() < deadline:
            time.sleep(0.1)
        kernel, worker = map(int, pids.read_text().rstrip(".").split())
        (os.killpg if number == signal.SIGINT else os.kill)(run.pid, number)
        said = run.communicate(timeout=30)[1]
    finally:
        (root / "chapters" / "02_two.ipynb").write_bytes(stored)
    assert said == "crewe: interrupted; the last good book is untouched\n" and run.returncode == 130
    assert not is_running(kernel) and not is_running(worker)
    assert not list(places["out"].iterdir()) and not list(places["tmp"].iterdir())


def test_another_analysis_may_lack_what_the_published_one_shows(root, tmp_path, monkeypatch) -> None:
    from crewe_lib import book

    monkeypatch.setattr(book, "is_published", lambda schema, name, values: False)
    stored = (root / "chapters" / "02_two.ipynb").read_bytes()
    try:
        change(root, "02_two", GOOD, "The level is {glue:text}`%s.level`, see {numref}`two-fig-of-another`.")
        build(root, tmp_path / "book")
    finally:
        (root / "chapters" / "02_two.ipynb").write_bytes(stored)
    assert "see (not in this copy of the book)." in (tmp_path / "book/html/chapters/02_two.html").read_text()


def test_an_error_that_the_user_can_mend_comes_without_a_traceback(root, tmp_path) -> None:
    stored = (root / "chapters" / "02_two.ipynb").read_bytes()
    try:
        change(root, "02_two", "from crewe_lib.errors import DataError\nraise DataError('x.csv, row 3: no such code')")
        with pytest.raises(BuildError) as fault:
            build(root, tmp_path / "book", chapters=("02_two",))
    finally:
        (root / "chapters" / "02_two.ipynb").write_bytes(stored)
    assert "in cell 3 (from crewe_lib" in str(fault.value) and "x.csv, row 3: no such code" in str(fault.value)
    assert "Traceback" not in str(fault.value)
