"""Every figure and table of both reports has its counterpart, and every link of the table leads somewhere."""

from __future__ import annotations

import re

import nbformat
import pandas as pd
import pytest

from crewe_lib import counterparts
from crewe_lib.exhibits_table import GLOSSARY
from crewe_lib.load import load_exhibits
from crewe_lib.provenance import REPOSITORY

# As the reports number them; the second one lists them, the first is counted.
NUMBERED = {("r1", "figure"): 13, ("r1", "table"): 10, ("r2", "figure"): 14, ("r2", "table"): 4}
# Ids that chapter 07 makes in loops over outcomes.
LOOPS = {"name": ("closures", "rereferrals", "escalations", "children_in_need")}


@pytest.fixture(scope="module")
def exhibits() -> pd.DataFrame:
    return load_exhibits()


def registered() -> dict[str, str]:
    """Ids of all tables, figures and ledgers of the chapters, and the chapter of each."""
    found = {}
    for path in sorted((REPOSITORY / "chapters").glob("*.ipynb")):
        source = "\n".join(c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code")
        for id in re.findall(r'ev\.(?:table|figure|ledger)\(f?"([a-z0-9_.{}]+)"', source):
            loop = re.search(r"\{(\w+)\}", id)
            names = [id.replace(loop[0], value) for value in LOOPS[loop[1]]] if loop else [id]
            found |= dict.fromkeys(names, path.stem)
    return found


def test_every_numbered_figure_and_table_stands_there_once(exhibits: pd.DataFrame) -> None:
    for (report, kind), many in NUMBERED.items():
        own = exhibits[(exhibits["report"] == report) & (exhibits["kind"] == kind)]
        assert sorted(own["number"]) == list(range(1, many + 1))


def test_every_link_leads_to_a_table_or_figure_of_a_chapter(exhibits: pd.DataFrame) -> None:
    known = registered()
    for row in exhibits.to_dict("records"):
        ids = row["items"].split()
        assert set(ids) <= set(known), (row["kind"], row["number"], set(ids) - set(known))
        if row["chapter"] not in ("", GLOSSARY):
            assert (REPOSITORY / "chapters" / f"{row['chapter']}.ipynb").is_file()
            assert not ids or row["chapter"] in {known[id] for id in ids}


def test_only_what_cannot_be_answered_has_no_counterpart(exhibits: pd.DataFrame) -> None:
    without = exhibits[exhibits["chapter"] == ""]
    assert set(zip(without["report"], without["kind"], without["number"], strict=True)) == {
        ("r1", "figure", 10),
        ("r2", "appendix", 7),
    }
    assert counterparts.summarise_counterparts(exhibits) == {"figures": 27, "tables": 14, "unanswered": 1}


def test_links_are_written_for_the_page(exhibits: pd.DataFrame) -> None:
    table = counterparts.derive_counterparts(exhibits, report="r1").set_index("exhibit")
    assert table.loc["Figure 11", "here"] == "{numref}`delivery-fig-contact` ({doc}`delivery <08_delivery>`)"
    assert table.loc["Figure 10", "here"] == "–" and "child" in table.loc["Figure 10", "note"]
    assert table.loc["Appendix 11", "here"] == "{doc}`the glossary <../glossary>`"
