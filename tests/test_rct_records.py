"""`crewe build --data DIR` with chapters on the trial: records under a researcher's own names give the estimates that
the same records give under ours, and pages that call them records."""

import json
import shutil
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from made_records import CARD
from test_mapping import rewrite

from crewe_lib.book import Request, build_book
from crewe_lib.datapackage import hash_file
from crewe_lib.provenance import REPOSITORY
from crewe_lib.trace import check_item, load_evidence

# Few draws: what is compared here does not hang on their number.
QUICK = ("n_draws=400", "n_trials=400", "imputations=5")
CHAPTERS = ("09_design", "01_rct", "06_follow_up_records")


def bring(folder: Path) -> Path:
    """The simulated cohort's tables as records of somebody's own; what they say is as it was."""
    shutil.copytree(REPOSITORY / "data" / "synthetic", folder)
    (folder / "datapackage.json").write_text(CARD, encoding="utf-8")
    return folder


def build(data: Path, out: Path) -> Path:
    """The chapters, as `crewe build --data DATA --chapter … --no-pdf --out OUT` builds them."""
    build_book(Request(out=out, chapters=CHAPTERS, data=data, pdf=False, given=QUICK), lambda line: None)
    return out


@pytest.fixture(scope="module")
def books(tmp_path_factory) -> tuple[Path, Path]:
    """Built from the same records under our names, and under others."""
    root = tmp_path_factory.mktemp("books")
    ours, theirs = bring(root / "ours"), rewrite(bring(root / "theirs"))
    return build(ours, root / "book_ours"), build(theirs, root / "book_theirs")


def test_the_folders_say_the_same_in_other_words(tmp_path) -> None:
    ours, theirs = bring(tmp_path / "ours"), rewrite(bring(tmp_path / "theirs"))
    assert not {path.name for path in ours.glob("*.csv")} & {path.name for path in theirs.iterdir()}
    header = (theirs / "extract episodes.txt").read_text(encoding="utf-8").splitlines()[0]
    assert "referred_on" not in header.replace("Your referred_on", "")
    assert "treatment" not in (theirs / "extract families.txt").read_text(encoding="utf-8")
    assert "2015-" not in (theirs / "extract episodes.txt").read_text(encoding="utf-8")
    for folder in (ours, theirs):
        assert json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))["kind"] == "records"


def test_every_number_table_and_figure_is_the_same(books) -> None:
    ours, theirs = ({item["id"]: item for item in load_evidence(book)["items"]} for book in books)
    assert list(ours) == list(theirs) and ours
    said = "text", "caption", "value", "function", "parameters", "kinds_of_data"
    for id, item in ours.items():
        assert {name: item.get(name) for name in said} == {name: theirs[id].get(name) for name in said}, id


def test_what_rests_on_them_is_of_kind_records_and_nothing_is_simulated(books) -> None:
    for book in books:
        evidence = load_evidence(book)
        kinds = {item["id"]: item["kinds_of_data"] for item in evidence["items"]}
        assert not [id for id, own in kinds.items() if "simulated" in own]
        assert sum("records" in own for own in kinds.values()) > len(kinds) / 4
        brought = {entry["path"] for item in evidence["items"] for entry in item["data"]}
        assert any(path.startswith("<data>/") for path in brought)
        assert not [path for path in brought if path.startswith(("data/synthetic", "data/simulated"))]


def test_the_evidence_resolves_to_the_researchers_own_files(books) -> None:
    theirs, folder = books[1], books[1].parent / "theirs"
    items = load_evidence(theirs)["items"]
    found = {entry["path"]: entry["sha256"] for item in items for entry in item["data"]}
    # Evidence names a table as the contract does; the bytes are those of the researcher's own file.
    assert found["<data>/families.csv"] == hash_file(folder / "extract families.txt")
    assert found["<data>/episodes.csv"] == hash_file(folder / "extract episodes.txt")
    assert found["<data>/mapping.yml"] == hash_file(folder / "mapping.yml")
    assert [fault for item in items for fault in check_item(item, data=folder)] == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_pages_carry_no_simulated_banner_or_stamp(books, chapter: str) -> None:
    for book in books:
        page = BeautifulSoup((book / "html" / "chapters" / f"{chapter}.html").read_text(encoding="utf-8"), "lxml")
        text = page.select_one("article").get_text(" ")
        assert "Records." in text and "simulat" not in text.lower()
        assert not page.select(".crewe-running")
        pictures = [image.get("alt", "") for image in page.select("article img")]
        assert pictures and not [alt for alt in pictures if "simulated" in alt.lower()]
        index = (book / "html" / "index.html").read_text(encoding="utf-8")
        assert "Built with records" in index and "another simulated cohort" not in index
