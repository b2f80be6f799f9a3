"""Evidence: what a chapter may show, and what is refused."""

import json

import pandas as pd
import pytest

from crewe_lib import formats as f
from crewe_lib.errors import EvidenceError
from crewe_lib.evidence import EVIDENCE_MIME, Column, collect, unregistered
from crewe_lib.provenance import DataFile, note_read, traced


@traced
def load_counts(kind: str = "official") -> pd.DataFrame:
    note_read(DataFile("data/x.csv", "a" * 64, 2, kind))
    return pd.DataFrame({"arm": ["a", "b"], "n": [1234, 5], "share": [0.125, None]})


@traced
def load_odd() -> pd.DataFrame:
    return pd.DataFrame({"yes": [True], "endless": [float("inf")]})


def edited() -> pd.DataFrame:
    counts = load_counts()
    counts["n"] = 4242
    return counts


def draw_nothing(data, *, ax):
    return ax.plot(data["n"])[0].axes


def test_number_carries_text_value_and_origin(chapter, shown) -> None:
    chapter.number("cost_benefit.n", load_counts(), "n", where={"arm": "a"}, show_as=f.fixed(0))
    bundle = shown[-1]["data"]
    # Quoted, or glue would read '1,234' as a pair of numbers.
    assert bundle["application/papermill.record/text/plain"] == "'1,234'"
    (item,) = collect(shown)
    assert item["value"] == 1234 and item["text"] == "1,234" and item["chapter"] == "05_cost_benefit"
    assert item["function"] == "load_counts" and item["kinds_of_data"] == ["official"]
    assert item["data"] == [{"path": "data/x.csv", "sha256": "a" * 64, "rows": 2}]
    assert item["lines"][0] < item["lines"][1] and item["file"] == "tests/test_evidence.py"
    json.dumps(item)


def test_caption_takes_bound_numbers_and_names_the_kind(chapter, shown) -> None:
    counts = load_counts()
    chapter.number("cost_benefit.n", counts, "n", where={"arm": "b"}, show_as=f.count)
    columns = {"arm": Column("Arm"), "share": Column("Share", f.percent(1))}
    chapter.table("cost_benefit.arms", counts, columns=columns, caption="Arm b has {cost_benefit.n} cases.")
    text = shown[-2]["data"]["text/markdown"]
    assert "Arm b has 5 cases. Data: official statistics." in text
    assert "12.5%" in text and "–" in text  # the missing share is a dash, not 'nan'
    assert collect(shown)[-1]["caption"] == "Arm b has 5 cases."
    assert collect(shown)[-1]["value"][1] == {"arm": "b", "share": None}


def test_simulated_is_said_in_the_caption(chapter, shown) -> None:
    chapter.table("cost_benefit.s", load_counts("simulated"), columns={"n": Column("n")}, caption="A table.")
    assert "SIMULATED data, not evidence" in shown[-2]["data"]["text/markdown"]


def test_figure_is_written_with_its_alternative_text(chapter, shown, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CREWE_FIGURES", "figures")
    counts = load_counts("simulated")
    chapter.figure("cost_benefit.fig", draw_nothing, counts, caption="C.", alt="Two\npoints.", behind=counts)
    svg = (tmp_path / "figures" / "cost-benefit-fig.svg").read_text()
    assert svg.startswith("<?xml") and "<dc:date>" not in svg
    text = shown[-2]["data"]["text/markdown"]
    assert (
        ':alt: "Simulated data, not evidence. Two points."' in text
        and "Behind this figure" in text
        and "html-only" in text
    )
    item = collect(shown)[-1]
    assert item["function"] == "draw_nothing"
    assert [step["function"] for step in item["steps"]] == ["load_counts", "draw_nothing"]


def test_the_table_behind_a_figure_takes_headings_for_readers(chapter, shown, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CREWE_FIGURES", ".")
    counts = load_counts()
    columns = {"n": Column("How many", f.fixed(2))}
    chapter.figure("cost_benefit.fig", draw_nothing, counts, caption="C.", alt="A.", behind=counts, columns=columns)
    assert "How many" in shown[-2]["data"]["text/markdown"]
    with pytest.raises(EvidenceError, match="no column absent"):
        chapter.figure(
            "cost_benefit.other", draw_nothing, counts, caption="C.", alt="A.", behind=counts,
            columns={"absent": Column("Absent")},
        )  # fmt: skip


def test_the_same_figure_gives_the_same_bytes(chapter, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CREWE_FIGURES", ".")
    counts = load_counts()
    both = []
    for id in ("cost_benefit.one", "cost_benefit.two"):
        chapter.figure(id, draw_nothing, counts, caption="C.", alt="A.")
        both.append((tmp_path / f"{id.replace('.', '-').replace('_', '-')}.svg").read_bytes())
    assert both[0] == both[1]


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda c: c.number("cost_benefit.x", {"n": 3}, "n", show_as=f.count), "cannot be traced"),
        (
            lambda c: c.number("rct.x", load_counts(), "n", where={"arm": "a"}, show_as=f.count),
            "must be 'cost_benefit.'",
        ),
        (lambda c: c.number("cost_benefit.x", load_counts(), "n", show_as=f.count), "fits 2 rows"),
        (
            lambda c: c.number("cost_benefit.x", load_counts(), "share", where={"arm": "b"}, show_as=f.count),
            "missing",
        ),
        (lambda c: c.word("cost_benefit.x", load_counts(), "share", where={"arm": "b"}), "missing"),
        (lambda c: c.number("cost_benefit.x", load_odd(), "yes", show_as=f.fixed(0)), "true or false"),
        (
            lambda c: c.table("cost_benefit.t", load_odd(), columns={"endless": Column("E", f.fixed(0))}, caption="C"),
            "column endless of the table holds an infinite value",
        ),
        (
            lambda c: c.table("cost_benefit.t", edited(), columns={"n": Column("N")}, caption="C"),
            "changed after the library returned it",
        ),
        (lambda c: c.fill("{cost_benefit.unknown}"), "names no number or word"),
        (
            lambda c: c.table("cost_benefit.t", load_counts(), columns={"q": Column("Q")}, caption="C"),
            "no column q",
        ),
        (
            lambda c: c.figure(
                "cost_benefit.g", draw_nothing, load_counts(), behind=load_counts().copy(), caption="", alt=""
            ),
            "the table behind the figure was not returned by",
        ),
        (
            lambda c: c.figure("cost_benefit.g", draw_nothing, pd.DataFrame(), caption="", alt=""),
            "not returned by",
        ),
    ],
)
def test_refusals_are_named(chapter, attempt, message) -> None:
    with pytest.raises(EvidenceError, match=message):
        attempt(chapter)


def test_an_id_is_used_once(chapter) -> None:
    counts = load_counts()
    chapter.word("cost_benefit.x", counts, "arm", where={"n": 5})
    with pytest.raises(EvidenceError, match="registered already"):
        chapter.word("cost_benefit.x", counts, "arm", where={"n": 5})


def test_only_what_a_chapter_registers_may_be_seen(chapter, shown) -> None:
    counts = load_counts()
    chapter.word("cost_benefit.x", counts, "arm", where={"n": 5})
    chapter.table("cost_benefit.t", counts, columns={"n": Column("n")}, caption="C.")
    for output in shown:
        if "text/markdown" in output["data"]:
            output["data"]["text/plain"] = "<Markdown object>"
    assert unregistered(shown) == []
    strays = [
        {"output_type": "stream", "text": "21.3\n"},
        {"output_type": "display_data", "data": {"text/markdown": "4"}, "metadata": {}},
        {"output_type": "display_data", "data": {"text/markdown": "5"}, "metadata": {"crewe": "cost_benefit.other"}},
        {"data": {"text/plain": "6"}, "metadata": {"scrapbook": {"name": "x", "mime_prefix": ""}}},
        {"data": {"application/papermill.record/text/plain": "7"}, "metadata": {"scrapbook": {"name": "x"}}},
        {"output_type": "display_data", "data": {"image/png": "8"}, "metadata": {}},
    ]
    assert len(unregistered([*shown, *strays])) == len(strays)
    assert unregistered([{"output_type": "stream", "text": "\n"}]) == []


def test_the_mime_type_is_the_one_the_builder_collects() -> None:
    from crewe_lib import show

    assert show.EVIDENCE_MIME == EVIDENCE_MIME


def test_a_missing_number_among_parameters_is_none_in_the_evidence(chapter) -> None:
    # A browser, and Jupyter's own messages, refuse NaN: it is no JSON.
    @traced
    def summarise_gap(gaps: dict[str, float], *, ends: tuple[float, float]) -> dict[str, int]:
        return {"cases": len(gaps) + len(ends)}

    source = summarise_gap({"ratio": float("nan")}, ends=(1.0, float("inf")))
    chapter.number(f"{chapter.prefix}.gap", source, "cases", show_as=f.fixed(0))
    stated = chapter.items[f"{chapter.prefix}.gap"].as_json()["parameters"]
    assert stated == {"gaps": {"ratio": None}, "ends": [1.0, None]}
    json.dumps(stated, allow_nan=False)
