"""Records brought with --data: chapters get them; those whose tables are absent are left out, and it is said where."""

import json
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from small_repository import make_repository
from test_book import GOOD, notebook

from crewe_lib.book import Request, build_book
from crewe_lib.brought import find_needs
from crewe_lib.errors import BuildError, CreweError, DataError
from crewe_lib.pdf import missing_system_libraries
from crewe_lib.provenance import REPOSITORY
from crewe_lib.trace import check_item, load_evidence

FAMILIES = "family_id,arm,randomised_on,site,case_data\nF1,treatment,2015-09-01,crewe,1\n"
CHILDREN = (
    "child_id,family_id,lead_child,sex,born_in,ethnicity,disability,is_cin,followed_to\n"
    "C1,F1,1,female,2008-03,white_british,0,1,2019-11-22\n"
)
PROTECTION = "child_id,event,started_on,ended_on\n"
ABSENCE = "child_id,school_phase,term,sessions_possible,sessions_authorised,sessions_unauthorised\n"

CASES = """
from crewe_lib import formats as f, load
from crewe_lib.evidence import Chapter, Column
from crewe_lib.results import derive_settings
ev = Chapter("{name}", parameters={{"alpha": alpha}})
records = load.load_records()
ev.number("{short}.female", records.children, "lead_child", where={{"sex": "female"}}, show_as=f.plain)
columns = {{"arm": Column("Arm"), "site": Column("Site")}}
ev.table("{short}.arms", records.families, columns=columns, caption="Families.")
"""
LINKS = (
    "The level is {glue:text}`one.level`. See {doc}`03_school`, {doc}`words <03_school>`, "
    "[the chapter](03_school.ipynb), [](03_school.ipynb), [its part](03_school.ipynb#a-part), {ref}`school-part` and "
    "{numref}`school-arms`."
)


def write_records(folder: Path, kind: str = "records", **tables: str) -> Path:
    """A folder of records: families and children, and the tables given."""
    folder.mkdir(parents=True)
    for name, text in {"families": FAMILIES, "children": CHILDREN, **tables}.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    card = {"name": "mine", "kind": kind, "title": "Mine", "resources": []}
    (folder / "datapackage.json").write_text(json.dumps(card), encoding="utf-8")
    return folder


def write_chapter(root: Path, name: str, code: str, text: str, needs: object = None) -> None:
    made = notebook(name, code, text)
    if needs is not None:
        made.metadata["crewe"] = {"needs": needs}
    nbformat.write(made, root / "chapters" / f"{name}.ipynb")


INDEX = "# A tiny book\n\nSee {doc}`chapters/03_school`.\n\n```{tableofcontents}\n```\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A repository in small: a chapter that needs no records, one that needs families, one that needs absence."""
    root = make_repository(tmp_path_factory.mktemp("repository"), ("01_one", "02_cases", "03_school"), index=INDEX)
    write_chapter(root, "01_one", GOOD, LINKS)
    write_chapter(root, "02_cases", CASES, "There is {glue:text}`cases.female`.", needs=["families", "protection"])
    text = "(school-part)=\n## A part\n\nThere is {glue:text}`school.female`."
    write_chapter(root, "03_school", CASES, text, needs=["children", "absence", "sdq"])
    return root


def build(root: Path, out: Path, data: Path, **options) -> list[str]:
    said: list[str] = []
    book = build_book(Request(**({"out": out, "root": root, "pdf": False, "data": data} | options)), said.append)
    return [*said, *(f"terminal: {left.describe()}" for left in book.left_out)]


@pytest.fixture(scope="module")
def built(root, tmp_path_factory):
    data = tmp_path_factory.mktemp("mine")
    write_records(data / "records", protection=PROTECTION, absence=ABSENCE)
    out = tmp_path_factory.mktemp("out") / "book"
    return out, build(root, out, data, pdf=not missing_system_libraries()), data


class TestABookFromRecords:
    """One build, looked at from every side; with a PDF where one can be made, since links may not break it either."""

    LINE = "03_school (School): the records hold no tables absence, sdq"

    def test_the_chapter_is_left_out_and_the_terminal_says_so(self, built) -> None:
        out, said, _ = built
        assert f"left out: {self.LINE}" in said and f"terminal: {self.LINE}" in said
        assert sorted(path.name for path in (out / "html" / "chapters").glob("*.html")) == [
            "01_one.html",
            "02_cases.html",
        ]

    def test_the_evidence_says_so(self, built) -> None:
        run = load_evidence(built[0])["run"]
        assert run["left_out"] == [{"chapter": "03_school", "title": "School", "missing": ["absence", "sdq"]}]
        assert run["chapters"] == ["01_one", "02_cases"] == list(run["parameters"])

    def test_the_landing_page_says_so_under_its_title(self, built) -> None:
        soup = BeautifulSoup((built[0] / "html" / "index.html").read_text(), "lxml")
        box = soup.select_one("article .crewe-copy")
        assert "Built with records." in box.get_text() and self.LINE in box.get_text()
        assert box.find_previous("h1") is not None and box.find_next(string=lambda text: "See School" in text)

    def test_links_to_it_become_words(self, built) -> None:
        soup = BeautifulSoup((built[0] / "html" / "chapters" / "01_one.html").read_text(), "lxml")
        words = next(p.get_text() for p in soup.select("article p") if "The level is" in p.get_text())
        assert words == (
            "The level is 95%. See School, words, the chapter, School, its part, (not in this copy of the book) and "
            "(not in this copy of the book)."
        )
        assert not [link for link in soup.select("article a[href]") if "03_school" in link["href"]]

    def test_the_other_chapter_uses_them_and_says_that_they_are_records(self, built) -> None:
        out, _, data = built
        evidence = load_evidence(out)
        items = [item for item in evidence["items"] if item["chapter"] == "02_cases"]
        assert [item["kinds_of_data"] for item in items] == [["records"], ["records"]]
        paths = [entry["path"] for entry in items[0]["data"]]
        assert "<data>/records/families.csv" in paths and {e["kind"] for e in evidence["run"]["data"]} == {"records"}
        page = (out / "html" / "chapters" / "02_cases.html").read_text()
        assert "Data: records supplied by the researcher." in page and "<strong>Records.</strong>" in page
        assert "crewe-running" not in page and "simulated" not in page.lower()
        assert [fault for item in items for fault in check_item(item, data=data)] == []


def test_without_records_nothing_is_left_out(root, tmp_path) -> None:
    out = tmp_path / "book"
    build(root, out, None, chapters=("01_one",))
    assert load_evidence(out)["run"]["left_out"] == []
    assert "About this copy" not in (out / "html" / "index.html").read_text()


def test_another_simulated_cohort_is_not_called_records(root, tmp_path) -> None:
    folder = write_records(tmp_path / "mine", kind="simulated", protection=PROTECTION)
    chapter = "Simulated: {glue:text}`cases.female`."
    stored = (root / "chapters" / "02_cases.ipynb").read_bytes()
    try:
        write_chapter(root, "02_cases", CASES, chapter, needs=["families"])
        build(root, tmp_path / "book", folder, chapters=("02_cases",))
    finally:
        (root / "chapters" / "02_cases.ipynb").write_bytes(stored)
    page = (tmp_path / "book" / "html" / "index.html").read_text()
    assert "Built with another simulated cohort" in page and "Built with records" not in page
    items = load_evidence(tmp_path / "book")["items"]
    assert {kind for item in items for kind in item["kinds_of_data"]} == {"simulated"}
    assert "<data>/families.csv" in [entry["path"] for entry in items[0]["data"]]
    assert [fault for item in items for fault in check_item(item, data=folder)] == []


class TestRefusals:
    def test_records_with_faults_stop_the_build_before_anything_runs(self, root, tmp_path) -> None:
        write_records(tmp_path / "mine" / "records", families=FAMILIES.replace("treatment", "both"))
        with pytest.raises(DataError, match=r"families\.csv"):
            build(root, tmp_path / "book", tmp_path / "mine")
        assert not (tmp_path / "book").exists()

    def test_a_book_without_chapters(self, root, tmp_path) -> None:
        write_records(tmp_path / "mine" / "records")
        with pytest.raises(CreweError, match="no chapter can be built from these records") as fault:
            build(root, tmp_path / "book", tmp_path / "mine", chapters=("02_cases", "03_school"))
        assert "02_cases (Cases): the records hold no table protection" in str(fault.value)

    @pytest.mark.parametrize("needs", [["familys"], "families", {"families": 1}, [["families"]]])
    def test_needs_that_are_no_tables(self, tmp_path, needs) -> None:
        (tmp_path / "chapters").mkdir()
        write_chapter(tmp_path, "01_one", GOOD, "Text.", needs=needs)
        with pytest.raises(BuildError, match=r"01_one\.ipynb: .*crewe\.needs must be a list of tables \(families, "):
            find_needs(tmp_path / "chapters" / "01_one.ipynb")


def test_only_tables_that_say_something_by_being_empty_may_be_empty(root, tmp_path) -> None:
    write_records(tmp_path / "mine" / "records", protection=PROTECTION, absence=ABSENCE)
    with pytest.raises(CreweError, match="the records hold no tables absence, sdq"):
        build(root, tmp_path / "book", tmp_path / "mine", chapters=("03_school",))


@pytest.mark.parametrize("path", sorted((REPOSITORY / "chapters").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_chapter_that_loads_records_says_which_tables_it_needs(path) -> None:
    code = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")
    assert bool(find_needs(path)) == ("load_records(" in code)
