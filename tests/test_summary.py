"""The summary: repeats chapters' numbers, holds nothing simulated, can be read in two minutes."""

from __future__ import annotations

import re

import nbformat

from crewe_lib import summary_words
from crewe_lib.claims import evaluate_claims
from crewe_lib.load import load_claims, load_ledger_tables
from crewe_lib.prose import texts_of_notebook
from crewe_lib.provenance import REPOSITORY

PAGE = REPOSITORY / "chapters" / "00_summary.ipynb"
WORDS_A_MINUTE = 260  # silent reading of plain prose


def prose() -> str:
    cells = nbformat.read(PAGE, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def test_every_number_repeats_one_of_a_chapter_that_the_page_links_to() -> None:
    text = prose()
    linked = {name.partition("_")[2] for name in re.findall(r"\b(\d\d_[a-z_]+)(?=[`>])", text)}
    prefixes = {"rct", "follow_up", "la_did", "cost_benefit", "claims", "design"}
    for binding in (*summary_words.NUMBERS, *summary_words.AUTHORITIES):
        assert binding.same_as, binding.id
        assert binding.same_as.partition(".")[0] in prefixes & linked, binding.same_as


def test_it_reads_no_records() -> None:
    source = PAGE.read_text(encoding="utf-8")
    assert "load_records" not in source and "only-simulated" not in source


def test_it_can_be_read_in_two_minutes() -> None:
    text = re.sub(r"\{glue:text\}`[^`]+`", "number", prose())
    text = re.sub(r"\{\w+(:\w+)?\}`([^`<]+)(<[^`]+>)?`", r"\2", text)
    assert len(text.split()) <= 2.5 * WORDS_A_MINUTE


def test_the_conclusions_that_the_ledger_changes_are_those_named() -> None:
    ledger = evaluate_claims(load_claims(), load_ledger_tables())
    decided = set(ledger.loc[ledger["cls"] == "decision", "id"])
    assert decided == {"r1.claim.effective", "r2.demo.aged_test", "r2.did.parallel"}
    said = prose()
    for words in ("established to be effective", "turning eighteen was balanced", "moved in parallel"):
        assert words in said


def test_results_below_are_said_to_be_no_evidence() -> None:
    text = " ".join(text for _, text in texts_of_notebook(PAGE))
    assert "nothing in them is evidence" in text
