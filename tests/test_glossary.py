"""First uses of words lead to the glossary, and nothing else in a page changes."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from crewe_lib.errors import BuildError
from crewe_lib.glossary import link_terms, read_terms
from crewe_lib.provenance import REPOSITORY

GLOSSARY = REPOSITORY / "glossary.md"
TERMS = {
    "lead child": ("lead child", "lead children"),
    "CP": ("CP",),
    "power": ("power",),
    "cohort": ("cohort", "simulated cohort"),
}


def linked(*cells: str) -> list[str]:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(cell) for cell in cells])
    link_terms(notebook, TERMS)
    return [cell.source for cell in notebook.cells]


def test_the_first_use_is_linked_and_later_ones_are_not() -> None:
    one, two = linked("The lead children. A lead child.", "Another lead child.")
    assert one == "The {term}`lead children <lead child>`. A lead child." and two == "Another lead child."


def test_longer_forms_go_first() -> None:
    assert linked("A simulated cohort is a cohort.")[0] == "A {term}`simulated cohort <cohort>` is a cohort."


@pytest.mark.parametrize(
    "text",
    [
        "## What power is",
        "```{admonition} On power\npower\n```",
        "[power](power.html)",
        "{doc}`power <09_design>`",
        "`power`",
        "{glue:text}`x.power`",
        "{cite:p}`power2017`",
        "manpower and power-law",
        "a cp b",
    ],
)
def test_headings_code_links_roles_and_parts_of_words_stay(text: str) -> None:
    assert linked(text)[0] == text


def test_emphasis_keeps_its_marks() -> None:
    assert linked("*Power* and **lead child**")[0] == "*{term}`Power <power>`* and **{term}`lead child <lead child>`**"


def test_every_entry_of_the_glossary_is_used_in_some_chapter() -> None:
    terms = read_terms(GLOSSARY)
    text = "\n".join(
        cell.source
        for path in sorted((REPOSITORY / "chapters").glob("*.ipynb"))
        for cell in nbformat.read(path, as_version=4).cells
    )
    # What stands only in the reports' lists of abbreviations is kept for those who come from there.
    from_reports = {"CEC", "looked after", "randomised controlled trial"}
    unused = {name for name, forms in terms.items() if not any(re.search(re.escape(f), text, re.I) for f in forms)}
    assert unused <= from_reports, unused


def test_abbreviations_of_both_reports_have_their_entry() -> None:
    forms = {form for entry in read_terms(GLOSSARY).values() for form in entry}
    assert {"PC", "CEC", "CIN", "CP", "FP", "pod", "RCT", "SW", "SWC", "SFA"} <= forms


def test_a_word_with_two_entries_is_a_named_error(tmp_path: Path) -> None:
    path = tmp_path / "glossary.md"
    path.write_text("# G\n\n```{glossary}\narm\n  One.\n\nArm\n  Two.\n```\n", encoding="utf-8")
    with pytest.raises(BuildError, match="two entries: arm"):
        read_terms(path)
    with pytest.raises(BuildError, match="holds no glossary"):
        read_terms(tmp_path / "none.md")
