"""The ledger on its page: whole without a script, numbered and linked by the book, searched and sorted by ledger.js."""

import json
import re
import shutil
import subprocess

import pandas as pd
import pikepdf
import pytest
from bs4 import BeautifulSoup
from IPython import display as ipython

from crewe_lib import provenance
from crewe_lib.claim_classes import CLASSES
from crewe_lib.claim_pages import LEDGER_COLUMNS, LEDGER_FILTERS, find_ledger, format_touched
from crewe_lib.claim_register import TOPICS, read_claims_file, to_claims
from crewe_lib.errors import BuildError, EvidenceError
from crewe_lib.evidence import Chapter, collect
from crewe_lib.html import build_html, check_offline, finish_html
from crewe_lib.ledger import Filter, LedgerColumn, claim_anchor, format_ledger
from crewe_lib.pdf import build_pdf
from crewe_lib.pdf.assemble import assemble
from crewe_lib.pdf.math import find_node
from crewe_lib.provenance import REPOSITORY, DataFile, note_read, traced

SCRIPT = REPOSITORY / "_static" / "ledger.js"
NAMES = list(CLASSES)


@traced
def load_made_ledger() -> pd.DataFrame:
    """The real register with made-up classes, as `evaluate_claims` would lay it out."""
    note_read(DataFile("data/published/claims.csv", "a" * 64, 1, "published"))
    rows = []
    for number, claim in enumerate(to_claims(read_claims_file(REPOSITORY / "data/published/claims.csv")).values()):
        made = {"printed": claim.value, "cls": NAMES[number % len(NAMES)], "recomputed": "", "how": "5 < 6 & 7"}
        place = {"place": claim.place, "note": "A note." if number == 0 else "", "kinds_of_data": "inferred; published"}
        rows.append({name: getattr(claim, name) for name in ("id", "document", "statement", "topic")} | made | place)
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def shown():
    """What a chapter with the ledger puts out: its Markdown and its evidence."""
    outputs = []

    def record(data, raw=False, metadata=None):
        outputs.append({"data": data if raw else {"text/markdown": data.data}, "metadata": metadata or {}})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ipython, "display", record)
        chapter, ledger = Chapter("10_claims", parameters={}), load_made_ledger()
        given = {"columns": LEDGER_COLUMNS, "filters": LEDGER_FILTERS, "caption": "Every claim.", "note": "A note."}
        chapter.ledger("claims.ledger", ledger, **given)
        provenance.stop_recording()
    return outputs[0]["data"]["text/markdown"], collect(outputs)[0], ledger


@pytest.fixture(scope="module")
def html(shown, tmp_path_factory):
    """A small book with the ledger, built strictly by Jupyter Book and finished."""
    source = tmp_path_factory.mktemp("ledger") / "source"
    (source / "chapters").mkdir(parents=True)
    config = "execute: {execute_notebooks: 'off'}\nsphinx: {config: {numfig: true, html_static_path: [_static]}}\n"
    (source / "_config.yml").write_text(f"title: T\n{config}")
    chapters = "".join(f"  - file: chapters/{name}\n" for name in ("05_cost_benefit", "10_claims"))
    (source / "_toc.yml").write_text(f"format: jb-book\nroot: index\nchapters:\n{chapters}")
    (source / "index.md").write_text('# T\n\nSee <a href="chapters/10_claims.html?class=major">these</a>.\n')
    touched = format_touched("05_cost_benefit", shown[1])
    link = f'<a href="10_claims.html#{claim_anchor("r1.cost.week_pc")}">one claim</a>'
    (source / "chapters/05_cost_benefit.md").write_text(
        f"# Costs\n\nSee {link} and {{numref}}`claims-ledger`.\n\n{touched}\n"
    )
    (source / "chapters/10_claims.md").write_text(
        f'# Claims\n\n<a href="#class=decision">Decisions</a>\n\n{shown[0]}\n\n## After\n\nText.\n'
    )
    shutil.copytree(REPOSITORY / "_static", source / "_static")
    built = build_html(source, source.parent / "scratch", strict=True)
    finish_html(built)
    return built


@pytest.fixture(scope="module")
def page(html):
    return BeautifulSoup((html / "chapters/10_claims.html").read_text(encoding="utf-8"), "lxml")


def test_the_table_is_whole_without_a_script(page, shown) -> None:
    ledger = shown[2]
    (table,) = page.select("table.crewe-ledger")
    rows = table.select("tbody > tr")
    assert [row.th.code.get_text() for row in rows] == list(ledger["id"])
    assert [row["data-topic"] for row in rows] == list(ledger["topic"]) and not table.select("[hidden], button")
    assert all(len(row.find_all(["th", "td"], recursive=False)) == len(LEDGER_COLUMNS) for row in rows)
    assert [head["scope"] for head in table.select("thead th")] == ["col"] * len(LEDGER_COLUMNS)
    assert {row.th["scope"] for row in rows} == {"row"}
    how = rows[0].find_all("td")[list(LEDGER_COLUMNS).index("how")]  # the header of the row stands last
    assert how.get_text("|") == "5 < 6 & 7|A note."


def test_each_row_can_be_linked_to(page, shown) -> None:
    anchors = [head["id"] for head in page.select("table.crewe-ledger tbody th")]
    assert anchors[0] == "claim-r1-ext-cin_2016" and len(set(anchors)) == len(shown[2])
    ids = [element["id"] for element in page.select("[id]")]
    assert len(ids) == len(set(ids))


def test_the_book_numbers_it_and_refers_to_it(page, html) -> None:
    caption = page.select_one("table.crewe-ledger > caption")
    assert "Every claim. Data: figures printed in the reports." in caption.get_text()
    number = caption.select_one(".caption-number").get_text(strip=True)
    other = BeautifulSoup((html / "chapters/05_cost_benefit.html").read_text(encoding="utf-8"), "lxml")
    reference = other.select_one("a[href='10_claims.html#claims-ledger']")
    assert reference.get_text(strip=True) == number
    assert page.select_one("#claims-ledger").name == "table" and not page.select(".crewe-stand-in")
    region = page.select_one(".crewe-scroll")
    assert region["tabindex"] == "0" and page.find(id=region["aria-labelledby"]) is caption


def test_a_class_is_a_word_and_the_dot_says_nothing(page) -> None:
    dots = page.select("table.crewe-ledger .crewe-dot")
    assert {dot.parent.get_text() for dot in dots} == set(CLASSES)
    assert all(dot["aria-hidden"] == "true" and not dot.get_text() for dot in dots)
    styles = (REPOSITORY / "_static/crewe.css").read_text()
    known = {name for dot in dots for name in dot["class"] if name.startswith("crewe-dot-")}
    plain = {"crewe-dot-not-recomputable-without-the-records", "crewe-dot-definition"}  # an empty ring
    assert {name for name in known if f".{name} " not in styles} == plain


def test_topics_link_to_the_chapters_that_the_book_has(page) -> None:
    links = {a["href"] for a in page.select("table.crewe-ledger td a")}
    assert links == {"05_cost_benefit.html"} and not page.select("[data-chapter]")


def test_the_controls_wait_for_the_script_which_is_local(page, html, shown) -> None:
    form = page.select_one("form.crewe-controls")
    assert form.has_attr("hidden") and form.select_one("[role=status]") is not None
    assert [select["name"] for select in form.select("select")] == ["class", "document", "topic"]
    classes = [option.get_text() for option in form.select("select[name=class] option")]
    counts = shown[2]["cls"].value_counts()
    assert classes == [f"all ({len(shown[2])})", *(f"{name} ({counts[name]})" for name in CLASSES)]
    assert all(label.select_one("input, select") for label in form.select("label"))
    (script,) = [s["src"] for s in page.select("script[src]") if "ledger.js" in s["src"]]
    assert (html / "chapters" / script.partition("?")[0]).resolve().is_file()
    check_offline(html)
    assert "://" not in SCRIPT.read_text() and "fetch(" not in SCRIPT.read_text()
    assert len(SCRIPT.read_text().splitlines()) < 200


def test_all_of_the_ledger_is_evidence(shown) -> None:
    _, item, ledger = shown
    assert item["kind"] == "ledger" and [row["id"] for row in item["value"]] == list(ledger["id"])
    assert set(item["value"][0]) == set(ledger.columns)
    json.dumps(item)


def test_a_chapter_lists_the_claims_of_its_topics(html, shown) -> None:
    ledger = shown[2]
    mine = ledger[ledger["topic"] == "cost"]
    other = BeautifulSoup((html / "chapters/05_cost_benefit.html").read_text(encoding="utf-8"), "lxml")
    (box,) = other.select("details")
    rows = [[cell.get_text() for cell in row.find_all(["th", "td"])] for row in box.select("tbody tr")]
    assert rows == mine[["statement", "printed", "cls"]].to_numpy().tolist()
    one = format_touched(
        "05_cost_benefit", {**shown[1], "value": [shown[1]["value"][-1] | {"printed": "not printed (8)"}]}
    )
    assert "<td>not printed (8)</td>" in one and "1 claim, by class" in one
    page = (html / "chapters/10_claims.html").read_text(encoding="utf-8")
    targets = [a["href"] for a in box.select("tbody a")]
    assert all(f'id="{target.removeprefix("10_claims.html#")}"' in page for target in targets)
    said = box.select_one("p").get_text()
    assert said.startswith(f"{len(mine)} claims")
    assert sum(int(number) for number in re.findall(rf"(\d+) (?:{'|'.join(CLASSES)})", said)) == len(mine)
    assert box.select_one("p a")["href"] == "10_claims.html#topic=cost"


def test_without_the_ledger_or_claims_there_is_no_box(shown) -> None:
    _, item, _ = shown
    assert find_ledger([]) is None and find_ledger([{"kind": "table"}, item]) is item
    assert format_touched("05_cost_benefit", None) == ""
    assert format_touched("11_other", item) == "" and format_touched("10_claims", item) == ""
    none = {**item, "value": [row for row in item["value"] if row["topic"] != "cost"]}
    assert format_touched("05_cost_benefit", none) == ""


def test_every_topic_is_filed_under_a_chapter_and_shown_by_its_label() -> None:
    assert LEDGER_COLUMNS["topic"].chapters.keys() == TOPICS.keys()
    assert sum(column.width for column in LEDGER_COLUMNS.values()) == 100


def test_the_pdf_has_all_of_it_on_turned_pages_with_links(html, tmp_path, shown) -> None:
    text = (html / "chapters/10_claims.html").read_text(encoding="utf-8")
    soup = BeautifulSoup(text, "lxml")
    for row in soup.select("table.crewe-ledger tbody tr")[60:]:
        if "cost" not in row.th["id"]:
            row.decompose()  # so that it is quick
    kept = len(soup.select("table.crewe-ledger tbody tr"))
    copy = shutil.copytree(html, tmp_path / "html")
    (copy / "chapters/10_claims.html").write_text(str(soup), encoding="utf-8")
    toc = tmp_path / "_toc.yml"
    chapters = [{"file": "chapters/05_cost_benefit"}, {"file": "chapters/10_claims"}]
    toc.write_text(json.dumps({"format": "jb-book", "root": "index", "chapters": chapters}))
    report = build_pdf(copy, toc, tmp_path / "x.pdf", title="T", author="A")
    # WeasyPrint tags the part of a table on each page as a table, with its header; the box lists no claims on paper.
    assert report.tables > 3 and report.dead_links == 0
    with pikepdf.open(tmp_path / "x.pdf") as pdf:
        turned = [float(page.MediaBox[2]) > float(page.MediaBox[3]) for page in pdf.pages]
        assert turned.count(True) > 3 and not turned[-1] and not turned[0]
        heads = [o for o in pdf.objects if isinstance(o, pikepdf.Dictionary) and o.get("/S") == "/TH"]
        rows = [head for head in heads if head.A.Scope == "/Row"]
        columns = [head for head in heads if head.A.Scope == "/Column"]
        assert len(rows) == kept and len(columns) == report.tables * len(LEDGER_COLUMNS)
        names = [str(note.Dest) for page in pdf.pages for note in page.get("/Annots", []) if "/Dest" in note]
    assert "chapters-10_claims--claim-r1-cost-week_pc" in names and "chapters-10_claims" in names
    said = assemble(copy, toc).main.get_text()
    assert "Reset" not in said and "Search" not in said and said.count("Published claims this chapter touches") == 1


def test_a_table_without_its_caption_is_an_error(tmp_path) -> None:
    table = '<table class="crewe-ledger" data-caption="a-b"><tbody></tbody></table>'
    (tmp_path / "a.html").write_text(f"<html><body><article>{table}</article></body></html>")
    with pytest.raises(BuildError, match="'a-b' has lost its caption"):
        finish_html(tmp_path)


def test_rows_that_would_share_an_anchor_are_refused() -> None:
    rows = [{"id": "a.b", "k": "x"}, {"id": "a-b", "k": "x"}]
    with pytest.raises(EvidenceError, match="two rows would be linked as claim-a-b"):
        format_ledger(rows, [["Id"], ["a.b"], ["a-b"]], {"id": LedgerColumn("Id")}, [], key="id", name="n")


def test_no_text_can_break_the_markup() -> None:
    odd = 'a "quote" <b>\n\n& `tick` $x$ | end'
    rows = [{"id": "a.b", "k": odd}]
    columns = {"id": LedgerColumn("Id"), "k": LedgerColumn("<K>", dot=True)}
    body = format_ledger(
        rows, [["Id", "<K>"], ["a.b", odd]], columns, [Filter("k", "kind", "Kind")], key="id", name="n"
    )
    assert "\n\n" not in body
    soup = BeautifulSoup(body, "lxml")
    plain = odd.replace("\n\n", " ")
    assert soup.td.get_text() == plain == soup.tbody.tr["data-kind"] and soup.select("option")[1]["value"] == plain


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("£1,234.50", "1234.50"),
        ("about 12%", "12"),
        ("−2", "-2"),
        ("−£5", "-5"),
        ("p = 0.032 to 0.051", "0.032"),
        ("18 to 21", "18"),
        ("2015-08-01", None),
        ("n.s.", None),
    ],
)
def test_numbers_carry_what_they_are_sorted_by(text, key) -> None:
    columns = {"id": LedgerColumn("Id"), "v": LedgerColumn("V", numeric=True)}
    body = format_ledger([{"id": "a", "v": text}], [["Id", "V"], ["a", text]], columns, [], key="id", name="n")
    assert BeautifulSoup(body, "lxml").td.get("data-sort") == key


def run(expression: str):
    """The value of a JavaScript expression over the functions of ledger.js."""
    code = f"const f = require({json.dumps(str(SCRIPT))}); console.log(JSON.stringify({expression}))"
    done = subprocess.run([str(find_node()), "-e", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def rows_of(*keys: str) -> str:
    return json.dumps([{"index": i, "keys": {"c": key}, "filters": {}, "text": ""} for i, key in enumerate(keys)])


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        (1, ["-2", "9", "9.0", "10", "apple", "item 9", "item 10", "", ""]),
        (-1, ["10", "9", "9.0", "-2", "item 10", "item 9", "apple", "", ""]),
        (0, ["10", "", "9", "item 10", "9.0", "apple", "-2", "item 9", ""]),
    ],
)
def test_sorting_puts_numbers_as_numbers_words_after_them_and_blanks_last(direction, expected) -> None:
    rows = rows_of("10", "", "9", "item 10", "9.0", "apple", "-2", "item 9", "")
    assert run(f"f.order({rows}, 'c', {direction}).map(r => r.keys.c)") == expected


def test_a_third_click_returns_to_the_first_order() -> None:
    assert run("[0, 1, -1].map(f.nextDirection)") == [1, -1, 0]


def test_filters_and_search_work_together_and_counts_leave_out_their_own_filter() -> None:
    made = [("a", "x", "Cost £80,000 per year"), ("a", "y", "cost of 80000"), ("b", "x", "weeks −3")]
    rows = json.dumps([{"filters": {"k": k, "d": d}, "text": ""} for k, d, _ in made])
    texts = json.dumps([text for *_, text in made])
    start = f"const rows = {rows}; {texts}.forEach((t, i) => rows[i].text = f.fold(t)); "

    def ask(expression: str):
        return run(f"(() => {{ {start} return {expression}; }})()")

    shown = "rows.map(r => f.matches(r, {q: %s, filters: %s}))"
    assert ask(shown % ("'80,000 COST'", "{}")) == [True, True, False]
    assert ask(shown % ("'-3'", "{}")) == [False, False, True]
    assert ask(shown % ("''", "{k: 'a', d: 'x'}")) == [True, False, False]
    assert ask("f.countValues(rows, {q: '', filters: {k: 'a', d: 'x'}}, 'k')") == {"a": 1, "b": 1}
    assert ask("f.countValues(rows, {q: 'cost', filters: {k: 'b'}}, 'k')") == {"a": 2}


@pytest.mark.parametrize("start", ["#", "?", ""])
def test_the_address_keeps_the_state(start) -> None:
    text = "class=decision&topic=cost&q=two+words&sort=-printed"
    known = "{class: ['decision', 'minor'], topic: ['cost']}, ['printed']"
    state = {"q": "two words", "filters": {"class": "decision", "topic": "cost"}, "sort": "printed", "direction": -1}
    assert run(f"f.parseState({json.dumps(start + text)}, {known})") == state
    assert run(f"f.writeState({json.dumps(state)})") == text


def test_an_address_that_names_nothing_known_is_ignored() -> None:
    assert run("f.parseState('#class=nonsense&sort=-other&x=1', {class: ['a']}, ['c'])") == run("f.emptyState()")
    assert run("f.writeState(f.emptyState())") == ""
