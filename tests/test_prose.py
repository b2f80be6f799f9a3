"""No result is typed by hand; an implied or simulated number says so in its own paragraph."""

from pathlib import Path

import nbformat
import pytest

from crewe_lib.prose import check_wording, find_bound, find_literals, load_allowed, texts_of_notebook
from crewe_lib.provenance import REPOSITORY

ALLOWED = load_allowed(Path(__file__).parent / "allowed_literals.yml")
CHAPTERS = sorted((REPOSITORY / "chapters").glob("*.ipynb"))
PAGES = [REPOSITORY / "index.md", REPOSITORY / "glossary.md"]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_number_is_typed_in_a_chapter(path: Path) -> None:
    found = [literal for place, text in texts_of_notebook(path) for literal in find_literals(place, text, ALLOWED)]
    assert not found, "\n".join(f"{x.place}: {x.text!r} in: {x.context}" for x in found)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_number_is_typed_in_a_page(path: Path) -> None:
    assert not find_literals(path.name, path.read_text(encoding="utf-8"), ALLOWED)


def test_every_allowed_pattern_is_used_and_has_a_reason() -> None:
    texts = [text for path in CHAPTERS for _, text in texts_of_notebook(path)] + [p.read_text() for p in PAGES]
    for entry in ALLOWED:
        assert len(entry.reason) > 15
        assert any(entry.pattern.search(text) for text in texts), f"nothing uses {entry.pattern.pattern!r}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Closures fell by 21.3 per year.", ["21.3"]),
        ("Closures fell by {glue:text}`la_did.closures` per year.", []),
        ("It cost £3,800 in all.", ["£3,800"]),
        ("The caption says {la_did.x1} cases.", []),
        ("See {numref}`tbl-2` and {cite:p}`bell2002,x2018` and [a link](page7.html).", []),
        ("See {numref}`Table 21.3 <tbl-2>` and `code 5`.", ["21.3", "5"]),
        ("Then $x^2 + x_{10} + 1 - c$ and $$0 + \\beta_1$$ hold.", []),
        ("It fell by $21.3$, $x + 3$ and $10 - 1.5$.", ["21.3", "3", "10", "1.5"]),
        ("```{math}\n:label: eq-5\nx = 4 y\n```", ["4"]),
        ("A superscript {sup}`21.3` and x^{21.3}.", ["21.3", "x^{21.3}."]),
        ("$x^{21.3}$", ["x^{21.3}"]),
        ("```{note} Fell by 7\nText.\n```", ["7"]),
        (":::{figure} x2.svg\n:width: 50%\n:alt: Line at 6\nC.\n:::", ["6"]),
        ("By ½, 10² or &frac14; and &#50;.", ["½,", "10²", "¼", "2."]),
        ("p<0.05", ["p<0.05"]),
        ("three of 12 cases", ["12"]),
        ("| 12 | 13 |", ["12", "13"]),
    ],
)
def test_the_search_finds_what_it_should(text: str, found: list[str]) -> None:
    assert [literal.text for literal in find_literals("x", text, [])] == found


def test_captions_and_alternative_text_in_code_are_searched(tmp_path: Path) -> None:
    code = 'ev.figure("a.b", draw, data, caption="Fell by 7%.", alt=f"Line at {x} and 8", size=(7, 4))'
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbformat.write(notebook, tmp_path / "c.ipynb")
    found = [x.text for place, t in texts_of_notebook(tmp_path / "c.ipynb") for x in find_literals(place, t, [])]
    assert found == ["7%.", "8"]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('ev.word("a.b2", result, "level_95", where={"figure": "t8 case 9"})', []),
        ('for key in ("a_1", "b_2"):\n    ev.number(f"a.{key}_3", x, key, where={"k": "7 b"})', []),
        ('ev.figure("a.b", draw, x, ylabel="Up to 6", size=(7, 4))', ["6"]),
        ('words = {"caption": "Fell by 7%."}\nev.table("a.b", x, **words)', ["7%."]),
        ('start = "About 8"\ntext = start + " cases"\nev.table("a.b", x, caption=text)', ["8"]),
        ('ev.table("a.b", x, caption=f"Fell by {21.3}, {y} of 9 cases")', ["9", "21.3"]),
        ('for text in ("Some 3", "b"):\n    ev.table("a.b", x, caption=text)', ["3"]),
        ('x = estimate(outcome="part 2")\nev.table("a.b", x, caption="C")', []),
        ('text = "5 " + text\nev.table("a.b", x, caption=text)', ["5"]),
    ],
)
def test_no_detour_hides_a_number_in_code(tmp_path: Path, code: str, found: list[str]) -> None:
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)]), tmp_path / "c.ipynb")
    texts = texts_of_notebook(tmp_path / "c.ipynb")
    assert [x.text.rstrip(",") for place, text in texts for x in find_literals(place, text, [])] == found


def item(id: str, kind: str) -> dict:
    return {"id": id, "kind": "number", "chapter": "01_rct", "kinds_of_data": [kind]}


def test_implied_and_simulated_numbers_must_say_so() -> None:
    items = [item("rct.a", "inferred"), item("rct.b", "simulated"), item("rct.c", "official")]
    good = "The implied {glue:text}`rct.a`.\n\nIn the simulated cohort {glue:text}`rct.b`.\n\nReal {glue:text}`rct.c`."
    assert check_wording("01_rct", [good], items) == []
    bad = "An implied number.\n\nIt is {glue:text}`rct.a`.\n\nAnd {glue:text}`rct.b`."
    faults = check_wording("01_rct", [bad], items)
    said = [fault for fault in faults if "without the word" in fault]
    assert len(said) == 2 and "'implied'" in said[0] and "'simulated'" in said[1]


def test_a_registered_number_that_is_never_shown_is_a_fault() -> None:
    faults = check_wording("01_rct", ["Nothing."], [item("rct.a", "official")])
    assert faults == ["01_rct: 'rct.a' is registered but never shown"]


def test_an_unregistered_id_is_a_fault() -> None:
    faults = check_wording("01_rct", ["{glue:text}`rct.typo` and a caption with {rct.a}"], [item("rct.a", "official")])
    assert faults == ["01_rct: 'rct.typo' is shown but never registered"]
    assert find_bound("{glue:text}`05_cost_benefit.ipynb::cost_benefit.x`") == {"cost_benefit.x"}


def test_a_bound_word_may_say_what_kind_a_result_is_but_an_id_may_not() -> None:
    # One text serves the simulated cohort and a researcher's records: which of them it is, a bound word says.
    number = {**item("rct.simulated_gap", "simulated"), "text": "8.5"}
    word = {**item("rct.cohort", "simulated"), "kind": "word", "text": "simulated cohort"}
    said = "In the {glue:text}`rct.cohort` the gap is {glue:text}`rct.simulated_gap`."
    assert check_wording("01_rct", [said], [number, word]) == []
    unsaid = check_wording("01_rct", ["The gap is {glue:text}`rct.simulated_gap`."], [number])
    assert len(unsaid) == 1 and "without the word 'simulated'" in unsaid[0]
