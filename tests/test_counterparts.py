"""Every figure and table of both reports has its counterpart, and every link of the table leads somewhere."""

from __future__ import annotations

import re

import nbformat
import pandas as pd
import pytest

from crewe_lib import counterparts
from crewe_lib.errors import DataError
from crewe_lib.exhibits_table import GLOSSARY
from crewe_lib.load import load_claims, load_exhibits
from crewe_lib.provenance import REPOSITORY
from crewe_lib.show import anchor

# As the reports number them; the second one lists them, the first is counted.
NUMBERED = {
    ("r1", "figure"): 13, ("r1", "table"): 10, ("r1", "appendix"): 11,
    ("r2", "figure"): 14, ("r2", "table"): 4, ("r2", "appendix"): 8,
}  # fmt: skip
# Ids that chapter 07 makes in loops over outcomes.
LOOPS = {"name": ("closures", "rereferrals", "escalations", "children_in_need")}
# Tables of these chapters that are left out of some builds: no link may need them.
ONLY = {"only-published", "only-other", "only-simulated", "only-records"}
DRAWING = ("r1", "figure", 10)


@pytest.fixture(scope="module")
def exhibits() -> pd.DataFrame:
    return load_exhibits()


def registered() -> dict[str, str]:
    """Ids of all tables, figures and ledgers that a chapter shows in any build, and the chapter of each."""
    found = {}
    for path in sorted((REPOSITORY / "chapters").glob("*.ipynb")):
        cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
        source = "\n".join(c.source for c in cells if not ONLY & set(c.metadata.get("tags", [])))
        for id in re.findall(r'ev\.(?:table|figure|ledger)\(\s*f?"([a-z0-9_.{}]+)"', source):
            loop = re.search(r"\{(\w+)\}", id)
            names = [id.replace(loop[0], value) for value in LOOPS.get(loop[1], ())] if loop else [id]
            found |= dict.fromkeys(names, path.stem)
    return found


def names(frame: pd.DataFrame) -> set[tuple[str, str, int]]:
    return set(zip(frame["report"], frame["kind"], frame["number"], strict=True))


def test_every_figure_table_and_appendix_stands_there_once(exhibits: pd.DataFrame) -> None:
    for (report, kind), many in NUMBERED.items():
        own = exhibits[(exhibits["report"] == report) & (exhibits["kind"] == kind)]
        assert list(own["number"]) == list(range(1, many + 1)), (report, kind)
    assert len(exhibits) == sum(NUMBERED.values())


def test_every_figure_table_and_appendix_that_a_claim_stands_in_is_there(exhibits: pd.DataFrame) -> None:
    claims = load_claims()
    known = {(report, f"{kind.capitalize()} {number}") for report, kind, number in names(exhibits)}
    found = {
        (document, label)
        for document, section in zip(claims["document"], claims["section"], strict=True)
        for label in re.findall(r"\b(?:Figure|Table|Appendix) \d+", section)
    }
    assert len(found) > 20 and found <= known, found - known


def test_pages_agree_with_the_claims_that_stand_in_the_same_table_or_figure(exhibits: pd.DataFrame) -> None:
    claims = load_claims()
    for row in exhibits.to_dict("records"):
        label = re.escape(f"{row['kind'].capitalize()} {row['number']}")
        own = claims[(claims["document"] == row["report"]) & claims["section"].str.contains(rf"{label}$")]
        pages = set(own["page"].dropna())
        if row["kind"] != "appendix" and pages and not pd.isna(row["page"]):
            assert row["page"] in pages, (row["report"], label, pages)


def test_pages_rise_with_the_numbers(exhibits: pd.DataFrame) -> None:
    for _, own in exhibits.groupby(["report", "kind"]):
        assert own["page"].dropna().is_monotonic_increasing
    unknown = names(exhibits[exhibits["page"].isna()])
    assert unknown == {("r1", "appendix", 11)}


def test_every_link_leads_to_a_table_or_figure_of_every_build(exhibits: pd.DataFrame) -> None:
    known = registered()
    for row in exhibits.to_dict("records"):
        ids = row["items"].split()
        assert set(ids) <= set(known), (row["kind"], row["number"], set(ids) - set(known))
        assert len(ids) == len(set(ids))
        if row["chapter"] not in ("", GLOSSARY):
            assert row["chapter"] in {known[id] for id in ids}, (row["report"], row["kind"], row["number"])


@pytest.mark.parametrize("report", ["r1", "r2"])
def test_every_link_of_the_page_is_one_to_an_item_a_chapter_or_the_glossary(report: str) -> None:
    known = registered()
    anchors = {anchor(id): chapter for id, chapter in known.items()}
    for cell in counterparts.derive_counterparts(load_exhibits(), report=report)["here"]:
        links = [part for part in cell.split("; ") if "`" in part]
        assert links or cell.startswith("Not re")
        for part in links:
            targets = re.findall(r"\{numref\}`([^`]+)`", part)
            (chapter,) = re.findall(r"\{doc\}`[^`<]+<([^>]+)>`", part)
            if chapter == f"../{GLOSSARY}":
                assert (REPOSITORY / f"{GLOSSARY}.md").is_file() and not targets
            else:
                assert targets and {anchors[target] for target in targets} == {chapter}


def test_only_what_cannot_be_answered_has_no_counterpart(exhibits: pd.DataFrame) -> None:
    without = exhibits[exhibits["chapter"] == ""]
    assert names(without) == {DRAWING, ("r1", "appendix", 5), ("r2", "appendix", 7)}
    counted = {"figures": 27, "tables": 14, "appendices": 19, "unanswered": 1}
    assert counterparts.summarise_counterparts(exhibits) == counted


def test_the_drawing_is_not_described(exhibits: pd.DataFrame) -> None:
    (row,) = [row for row in exhibits.to_dict("records") if (row["report"], row["kind"], row["number"]) == DRAWING]
    assert row["shows"] == "A drawing by a child" and "Not reproduced" in row["note"] and not row["items"]


def test_links_are_written_for_the_page(exhibits: pd.DataFrame) -> None:
    first, second = (counterparts.derive_counterparts(exhibits, report=r).set_index("exhibit") for r in ("r1", "r2"))
    assert first.loc["Figure 11", "here"] == "{numref}`delivery-fig-contact` ({doc}`delivery <08_delivery>`)"
    assert first.loc["Figure 10", "here"].startswith("Not reproduced: it is a child's own")
    assert first.loc["Appendix 11", "here"] == (
        "{doc}`the glossary <../glossary>`; {numref}`design-need` ({doc}`design <09_design>`). "
        "In our own words; the categories stand in the table of open episodes."
    )
    assert second.loc["Figure 4", "here"] == (
        "{numref}`risk-rise` ({doc}`risk <04_risk>`); "
        "{numref}`follow-up-records-fig-risk` ({doc}`the follow-up, on records <06_follow_up_records>`). "
        "Two changes are printed; means come with records."
    )


def test_an_item_of_no_chapter_is_a_named_error(exhibits: pd.DataFrame) -> None:
    wrong = exhibits.assign(items="nowhere.x")
    with pytest.raises(DataError, match=r"begin with nowhere; name one of .*rct"):
        counterparts.derive_counterparts(wrong, report="r1")
