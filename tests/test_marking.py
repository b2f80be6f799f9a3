"""Simulated is never evidence: every way by which a simulated result can reach a reader says so."""

import shutil
import subprocess
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from small_repository import make_repository
from test_book import GOOD, notebook

from crewe_lib import formats as f
from crewe_lib import pages, prose
from crewe_lib.book import Request, build_book
from crewe_lib.errors import BuildError
from crewe_lib.evidence import Column, collect
from crewe_lib.kinds import format_running
from crewe_lib.pdf import missing_system_libraries
from crewe_lib.provenance import DataFile, note_read, note_simulated, traced
from crewe_lib.synthetic import simulate
from crewe_lib.trace import load_evidence

SIMULATED = """
from crewe_lib import formats as f, load
from crewe_lib.evidence import Chapter, Column
ev = Chapter("{name}", parameters={{"alpha": alpha}})
study = load.load_inference_size()
where = dict(study[["design", "shock_sd", "method"]].iloc[0])
ev.number("{short}.level", study, "replications", where=where, show_as=f.count)
columns = {{"method": Column("Method"), "rate": Column("Rate", f.percent())}}
ev.table("{short}.tab", study, columns=columns, caption="Rates.")
def draw(data, *, ax):
    return ax.plot(data["rate"])[0].axes
ev.figure("{short}.fig", draw, study, caption="A line of rates.", alt="A line.", behind=study)
"""
BOTH = (
    SIMULATED
    + """
from crewe_lib.results import derive_settings
ev.number("{short}.alpha", derive_settings(alpha=alpha), "alpha", show_as=f.percent())
panel = load.load_la_missing()
ev.table("{short}.real", panel, columns={{"name": Column("Name"), "year": Column("Year")}}, caption="Cells.")
"""
)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Three chapters: one rests on no data, one on simulated data, one on both simulated and official."""
    root = make_repository(tmp_path_factory.mktemp("repository"), ("01_one", "02_two", "03_three"))
    nbformat.write(notebook("01_one", GOOD), root / "chapters" / "01_one.ipynb")
    text = "In {glue:text}`%s.level` simulated panels."
    nbformat.write(notebook("02_two", SIMULATED, text), root / "chapters" / "02_two.ipynb")
    text = "In {glue:text}`three.level` simulated panels.\n\nAt {glue:text}`three.alpha`."
    nbformat.write(notebook("03_three", BOTH, text), root / "chapters" / "03_three.ipynb")
    return root


@pytest.fixture(scope="module")
def book(root, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("out") / "book"
    build_book(Request(out=out, root=root, pdf=not missing_system_libraries()), lambda line: None)
    return out


def read_page(book: Path, name: str) -> BeautifulSoup:
    return BeautifulSoup((book / "html" / "chapters" / f"{name}.html").read_text(encoding="utf-8"), "lxml")


class TestOnThePage:
    def test_the_box_at_the_head(self, book) -> None:
        box = read_page(book, "02_two").select_one(".crewe-kinds")
        assert "warning" in box["class"] and "Simulated, not evidence." in box.get_text()
        assert read_page(book, "01_one").select_one(".crewe-kinds") is None

    def test_the_line_that_stays_in_sight(self, book) -> None:
        said = [read_page(book, name).select(".crewe-running") for name in ("01_one", "02_two", "03_three")]
        assert said[0] == []
        assert [part.get_text(strip=True) for part in said[1]] == ["SIMULATED DATA, NOT EVIDENCE"]
        assert [part.get_text(strip=True) for part in said[2]] == ["Results marked SIMULATED are not evidence"]

    def test_captions(self, book) -> None:
        page = read_page(book, "03_three")
        captions = {part["id"]: part.get_text() for part in page.select("table[id], figure[id]")}
        marked = [name for name, text in captions.items() if "Data: SIMULATED data, not evidence." in text]
        assert marked == ["three-tab", "three-fig"] and "simulated" not in captions["three-real"].lower()

    def test_a_figure_in_its_picture_and_its_description(self, book) -> None:
        picture = read_page(book, "02_two").select_one("figure img")
        assert picture["alt"] == "Simulated data, not evidence. A line."
        assert (book / "html" / "chapters" / picture["src"]).is_file()

    def test_the_boxes_behind_results_and_the_list_of_numbers(self, book) -> None:
        page = read_page(book, "02_two")
        trails = [box.get_text() for box in page.select("details.crewe-trail") if "Behind this" in box.get_text()]
        assert len(trails) == 2 and all("Data: SIMULATED data, not evidence." in text for text in trails)
        numbers = next(t for t in page.select("details.crewe-trail table") if "Kind of data" in t.get_text())
        assert [cell.get_text(strip=True) for cell in numbers.select("tbody tr td")][1] == "simulated"

    def test_this_run(self, book) -> None:
        run = read_page(book, "02_two").select_one("details.crewe-run").get_text()
        assert "inference_size.csv (simulated" in run


def test_the_evidence(book) -> None:
    evidence = load_evidence(book)
    kinds = {item["id"]: item["kinds_of_data"] for item in evidence["items"]}
    simulated = {"two.level", "two.tab", "two.fig", "three.level", "three.tab", "three.fig"}
    assert {name for name, found in kinds.items() if found == ["simulated"]} == simulated
    assert kinds["three.real"] == ["official"] and kinds["three.alpha"] == []


@pytest.mark.skipif(bool(missing_system_libraries()) or not shutil.which("pdftotext"), reason="needs a PDF's text")
def test_each_printed_page_of_the_chapter_and_no_other(book) -> None:
    printed = subprocess.run(["pdftotext", "-layout", str(book / "crewe.pdf"), "-"], capture_output=True, text=True)
    found = printed.stdout.split("\f")[:-1]
    heads = [" ".join(text.strip().splitlines()[:1]) for text in found]
    loud = [number for number, head in enumerate(heads) if "SIMULATED DATA, NOT EVIDENCE" in head]
    partly = [number for number, head in enumerate(heads) if "Results marked SIMULATED are not evidence" in head]
    _, first, second = (number for number, text in enumerate(found) if "An opening line." in text)
    assert loud == list(range(first, second)) and len(loud) > 1
    assert partly == list(range(second, len(found))) and len(partly) > 1
    text = " ".join(printed.stdout.split())
    assert text.count("Data: SIMULATED data, not evidence.") == 4


@traced
def load_counts(kind: str) -> pd.DataFrame:
    note_read(DataFile(f"data/{kind}.csv", "a" * 64, 2, kind))
    return pd.DataFrame({"n": [1, 5]})


@traced
def describe(counts: pd.DataFrame) -> dict[str, str]:
    return {"text": f"{len(counts)} points."}


@traced
def derive_draw() -> pd.DataFrame:
    return invent()


def invent() -> pd.DataFrame:
    note_simulated()
    return pd.DataFrame({"n": [1, 2]})


@traced
def derive_families() -> dict[str, int]:
    return {"n": len(simulate(5, seed=1).tables["families"])}


@traced
def count_rows(frame: pd.DataFrame) -> dict[str, int]:
    return {"n": len(frame)}


@traced
def derive_twice() -> pd.DataFrame:
    return derive_draw()


def draw_nothing(data, *, ax):
    return ax.plot(data["n"])[0].axes


class TestWhatIsMadeUpOnTheWay:
    """Data drawn while a chapter runs come from no file; they are simulated all the same."""

    @pytest.mark.parametrize("made", [derive_draw, derive_twice, lambda: count_rows(derive_draw())])
    def test_it_is_simulated_and_so_is_what_follows_from_it(self, chapter, shown, made) -> None:
        result = made()
        source = count_rows(result) if isinstance(result, pd.DataFrame) else result
        chapter.number("cost_benefit.n", source, "n", show_as=f.count)
        assert collect(shown)[-1]["kinds_of_data"] == ["simulated"]

    def test_a_cohort_drawn_in_a_chapter_is_simulated(self, chapter, shown) -> None:
        chapter.number("cost_benefit.n", derive_families(), "n", show_as=f.count)
        assert collect(shown)[-1]["kinds_of_data"] == ["simulated"]

    def test_what_stands_beside_it_is_not(self, chapter, shown) -> None:
        derive_draw()
        chapter.number("cost_benefit.n", count_rows(load_counts("official")), "n", show_as=f.count)
        assert collect(shown)[-1]["kinds_of_data"] == ["official"]

    def test_outside_a_chapter_nothing_happens(self) -> None:
        assert len(derive_draw()) == 2


@pytest.mark.parametrize("beside", ["behind", "described"])
def test_a_real_figure_with_simulated_numbers_beside_it_is_marked(
    chapter, shown, tmp_path, monkeypatch, beside
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CREWE_FIGURES", ".")
    real, simulated = load_counts("official"), load_counts("simulated")
    extra = {beside: describe(simulated) if beside == "described" else simulated}
    chapter.figure("cost_benefit.a", draw_nothing, real, caption="C.", alt="A.")
    chapter.figure("cost_benefit.b", draw_nothing, real, caption="C.", alt="A.", **extra)
    plain, marked = [output["data"]["text/markdown"] for output in shown if "text/markdown" in output["data"]]
    assert "SIMULATED" not in plain and ':alt: "A."' in plain
    assert "Data: official statistics; SIMULATED data, not evidence." in marked
    assert ':alt: "Simulated data, not evidence. A.' in marked
    pictures = [(tmp_path / f"cost-benefit-{name}.svg").read_text() for name in "ab"]
    assert len(pictures[1]) > len(pictures[0])  # the stamp
    assert collect(shown)[-1]["kinds_of_data"] == ["official", "simulated"]


def test_a_long_table_is_marked(chapter, shown) -> None:
    from crewe_lib.ledger import LedgerColumn

    columns = {"n": LedgerColumn("N", str)}
    chapter.ledger("cost_benefit.l", load_counts("simulated"), columns=columns, filters=(), caption="Rows.", key="n")
    assert "Rows. Data: SIMULATED data, not evidence." in shown[-2]["data"]["text/markdown"]


ITEM = {"id": "one.x", "chapter": "01_one", "kind": "number", "text": "5", "kinds_of_data": ["simulated"]}


@pytest.mark.parametrize(
    "text",
    [
        "It is {glue:text}`one.x`.",
        "- In the simulated cohort {glue:text}`one.x`.\n- It is {glue:text}`one.x`.",
        "1. Simulated: {glue:text}`one.x`.\n2. It is {glue:text}`one.x`.",
        "## It rose by {one.x}",
        "Simulated, as said.\n## It rose by {one.x}",
        "A caption with {one.x} cases.",
        "| simulated | {one.x} |\n| it is | {one.x} |",
    ],
)
def test_each_passage_with_a_simulated_number_says_so(text) -> None:
    faults = prose.check_wording("01_one", [text], [ITEM])
    assert len(faults) == 1 and "a paragraph shows simulated results without the word 'simulated'" in faults[0]


def test_passages_that_say_so_pass() -> None:
    texts = ["- Simulated: {glue:text}`one.x`.\n- The simulated {one.x}.", "## Simulated: {one.x}", "Nothing here."]
    assert prose.check_wording("01_one", texts, [ITEM]) == []


def test_the_build_stops_at_a_caption_that_hides_it(root, tmp_path) -> None:
    code = GOOD + (
        "from crewe_lib import load\nstudy = load.load_inference_size()\n"
        'where = dict(study[["design", "shock_sd", "method"]].iloc[0])\n'
        'ev.number("{short}.n", study, "replications", where=where, show_as=f.count)\n'
        'ev.table("{short}.t", load.load_la_missing(), columns={{"name": Column("Name"), "year": Column("Year")}}, '
        'caption="Of {{two.n}}.")'
    )
    stored = (root / "chapters" / "02_two.ipynb").read_bytes()
    try:
        text = "At {glue:text}`two.level`; simulated {glue:text}`two.n`."
        nbformat.write(notebook("02_two", code, text), root / "chapters" / "02_two.ipynb")
        with pytest.raises(BuildError, match=r"without the word 'simulated': Of \{two\.n\}\."):
            build_book(Request(out=tmp_path / "b", root=root, pdf=False, chapters=("02_two",)), lambda line: None)
    finally:
        (root / "chapters" / "02_two.ipynb").write_bytes(stored)


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([("table", [])], ""),
        ([("table", ["official"])], ""),
        ([("table", ["simulated"]), ("number", []), ("figure", ["published", "simulated"])], "SIMULATED DATA, NOT"),
        ([("table", ["simulated"]), ("table", [])], "Results marked SIMULATED"),
        ([("number", ["simulated"]), ("number", ["official"])], "Results marked SIMULATED"),
        ([("table", ["records"])], ""),
    ],
)
def test_what_runs_at_the_head_of_pages(items, said) -> None:
    found = format_running([{"kind": kind, "kinds_of_data": kinds} for kind, kinds in items])
    assert found.startswith(said) and bool(found) == bool(said)


def test_cells_for_the_simulated_cohort_go_when_records_are_brought(tmp_path) -> None:
    tags = [[], ["only-simulated"], ["only-records"], ["only-published", "only-records"]]
    cells = [nbformat.v4.new_markdown_cell(str(n), metadata={"tags": each}) for n, each in enumerate(tags)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "a.ipynb")
    left = {}
    for records in (False, True):
        pages.stage_notebook(tmp_path / "a.ipynb", tmp_path / "b.ipynb", published=True, records=records)
        left[records] = [cell.source for cell in nbformat.read(tmp_path / "b.ipynb", as_version=4).cells]
    assert left == {False: ["0", "1"], True: ["0", "2", "3"]}


def test_columns_can_hold_the_kind(chapter, shown) -> None:
    """A table's own words are not enough: the caption is stamped whatever they say."""
    chapter.table("cost_benefit.t", load_counts("simulated"), columns={"n": Column("Simulated")}, caption="Simulated.")
    assert "SIMULATED data, not evidence" in shown[-2]["data"]["text/markdown"]
