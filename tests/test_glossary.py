"""First uses of words lead to the glossary, and nothing else in a page changes."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup

from crewe_lib.errors import BuildError
from crewe_lib.glossary import ALSO, link_terms, read_terms, stage_glossary
from crewe_lib.html import build_html
from crewe_lib.provenance import REPOSITORY

GLOSSARY = REPOSITORY / "glossary.md"
CHAPTERS = sorted((REPOSITORY / "chapters").glob("*.ipynb"))
TERMS = {
    "lead child": ("lead child", "lead children"),
    "CP": ("CP",),
    "power": ("power",),
    "simulated": ("simulated", "simulated cohort"),
}
LINK = re.compile(r"\{term\}`([^`<]*) <([^`>]*)>`")


def notebook(*cells: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(cell) for cell in cells])


def linked(*cells: str) -> list[str]:
    made = notebook(*cells)
    link_terms(made, TERMS)
    return [cell.source for cell in made.cells]


def test_the_first_use_is_linked_and_later_ones_are_not() -> None:
    one, two = linked("The lead children. A lead child.", "Another lead child.")
    assert one == "The {term}`lead children <lead child>`. A lead child." and two == "Another lead child."


def test_longer_forms_go_first() -> None:
    (text,) = linked("A simulated cohort is simulated.")
    assert text == "A {term}`simulated cohort <simulated>` is simulated."


def test_plurals_and_words_over_the_end_of_a_line_are_found() -> None:
    assert linked("Two CPs.")[0] == "Two {term}`CPs <CP>`."
    assert linked("- A lead\n  child.")[0] == "- A {term}`lead child <lead child>`."


@pytest.mark.parametrize(
    "text",
    [
        "## What power is",
        "```{admonition} On power\npower\n```",
        "````{dropdown} A\n```{note}\npower\n```\npower\n````",
        ":::{note}\n```\npower\n```\npower\n:::",
        "| power | power |",
        "[power](power.html)",
        "[power][power]",
        "[more\npower](power.html)",
        "{doc}`power <09_design>`",
        "{doc}`of great\npower <09_design>`",
        "`power`",
        "$power$ and $$power$$",
        "$$\npower\n$$",
        "{glue:text}`x.power`",
        "{cite:p}`power2017`",
        '<a href="#power">',
        "manpower and power-law",
        "a cp b",
    ],
)
def test_headings_code_links_roles_and_parts_of_words_stay(text: str) -> None:
    assert linked(text)[0] == text


def test_what_follows_a_box_is_linked_again() -> None:
    box = "````{dropdown} A\n```{note}\nx\n```\n````\n"
    assert linked(box + "power")[0] == box + "{term}`power <power>`"
    assert linked("$$\nx\n$$\npower")[0] == "$$\nx\n$$\n{term}`power <power>`"


def test_emphasis_keeps_its_marks() -> None:
    assert linked("*Power* and **lead child**")[0] == "*{term}`Power <power>`* and **{term}`lead child <lead child>`**"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_in_a_chapter_each_entry_is_linked_at_most_once_and_the_words_stay(path: Path) -> None:
    made = nbformat.read(path, as_version=4)
    before = [" ".join(cell.source.split()) for cell in made.cells]
    link_terms(made, read_terms(GLOSSARY))
    found = [name for cell in made.cells for _, name in LINK.findall(cell.source)]
    assert found and len(found) == len(set(found))
    assert [" ".join(LINK.sub(r"\1", cell.source).split()) for cell in made.cells] == before
    for cell in made.cells:
        assert not re.search(r"^#.*\{term\}", cell.source, re.M)


def test_every_entry_is_linked_from_a_chapter() -> None:
    terms, found = read_terms(GLOSSARY), set()
    for path in CHAPTERS:
        made = nbformat.read(path, as_version=4)
        link_terms(made, terms)
        found |= {name for cell in made.cells for _, name in LINK.findall(cell.source)}
    # What stands only in the reports' lists of abbreviations is kept for those who come from there.
    assert set(terms) - found <= {"CEC", "randomised controlled trial"}


def test_entries_stand_by_the_alphabet() -> None:
    names = [name.lower() for name in read_terms(GLOSSARY)]
    assert names == sorted(names, key=lambda name: name.replace("-", "").replace(" ", ""))


def test_abbreviations_of_both_reports_have_their_entry() -> None:
    forms = {form for entry in read_terms(GLOSSARY).values() for form in entry}
    assert {"PC", "FACT22", "CEC", "CIN", "CP", "FP", "pod", "RCT", "SW", "SWC", "SFA"} <= forms


def test_links_between_entries_lead_somewhere() -> None:
    forms = {form for entry in read_terms(GLOSSARY).values() for form in entry}
    assert set(re.findall(r"\{term\}`([^`<]*)`", GLOSSARY.read_text(encoding="utf-8"))) <= forms


def test_a_word_with_two_entries_is_a_named_error(tmp_path: Path) -> None:
    path = tmp_path / "glossary.md"
    path.write_text(f"# G\n\n```{{glossary}}\narm\n  One.\n\nside\n{ALSO}Arm; flank\n  Two.\n```\n", encoding="utf-8")
    with pytest.raises(BuildError, match="two entries: arm"):
        read_terms(path)
    with pytest.raises(BuildError, match="holds no glossary"):
        read_terms(tmp_path / "none.md")


def test_links_on_the_page_lead_to_the_entry_and_other_forms_are_not_shown(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "chapters").mkdir(parents=True)
    (source / "_toc.yml").write_text("format: jb-book\nroot: index\nchapters:\n- file: glossary\n- file: chapters/a\n")
    (source / "_config.yml").write_text("title: T\nexecute: {execute_notebooks: 'off'}\n")
    (source / "index.md").write_text("# T\n\nText.\n")
    stored = tmp_path / "glossary.md"
    stored.write_text(f"# G\n\n```{{glossary}}\nlead child\nLC\n{ALSO}lead children\n  One.\n\nPower\n  Two.\n```\n")
    stage_glossary(stored, source / "glossary.md")
    made = notebook("# Title\n\nFor **lead children** and *Power*.")
    link_terms(made, read_terms(stored))
    nbformat.write(made, source / "chapters" / "a.ipynb")
    html = build_html(source, tmp_path / "scratch", strict=True)
    page = BeautifulSoup((html / "chapters" / "a.html").read_text(encoding="utf-8"), "lxml")
    links = {link.get_text(): str(link["href"]) for link in page.select("article a:has(.std-term)")}
    assert set(links) == {"lead children", "Power"} and page.select_one("strong .std-term")
    entries = BeautifulSoup((html / "glossary.html").read_text(encoding="utf-8"), "lxml")
    for href in links.values():
        file, _, name = href.partition("#")
        assert file == "../glossary.html" and entries.find(id=name).name == "dt"
    assert "also" not in entries.select_one("article").get_text()
