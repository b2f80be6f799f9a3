"""A page that repeats a chapter's number must show that number."""

from __future__ import annotations

from typing import Any

import pytest

from crewe_lib.evidence import Binding, Chapter
from crewe_lib.provenance import traced
from crewe_lib.taken_over import check_taken_over


def item(id: str, value: Any, same_as: str = "") -> dict[str, Any]:
    made = {"id": id, "chapter": f"01_{id.partition('.')[0]}", "value": value}
    return made | ({"same_as": same_as} if same_as else {})


@pytest.mark.parametrize(("one", "other"), [(0.1 + 0.2, 0.3), (3, 3.0), ("rose", "rose"), (None, None)])
def test_the_same_value_passes(one: Any, other: Any) -> None:
    assert check_taken_over([item("summary.a", one, "rct.a"), item("rct.a", other)], ["00_summary", "01_rct"]) == []


@pytest.mark.parametrize(("one", "other"), [(0.3, 0.31), ("rose", "fell"), (1, True), (None, 0), ("3", 3)])
def test_another_value_is_a_fault_that_names_both(one: Any, other: Any) -> None:
    (fault,) = check_taken_over([item("summary.a", one, "rct.a"), item("rct.a", other)], ["00_summary", "01_rct"])
    assert "summary.a" in fault and "rct.a" in fault and repr(one) in fault and repr(other) in fault


def test_an_id_that_no_chapter_registers_is_a_fault() -> None:
    (fault,) = check_taken_over([item("summary.a", 1, "rct.b"), item("rct.a", 1)], ["00_summary", "01_rct"])
    assert "rct.b" in fault


def test_a_chapter_outside_the_build_cannot_be_checked() -> None:
    assert check_taken_over([item("summary.a", 1, "rct.a")], ["00_summary"]) == []


@traced
def _result() -> dict[str, float]:
    return {"gap": 8.5}


def test_a_binding_says_in_the_evidence_what_it_repeats(capsys: pytest.CaptureFixture[str]) -> None:
    chapter = Chapter("00_summary", parameters={})
    sources = {"found": _result()}
    chapter.bind([Binding("gap", "found", "gap", show=str, same_as="rct.gap"), Binding("own", "found", "gap")], sources)
    assert chapter.items["summary.gap"].as_json()["same_as"] == "rct.gap"
    assert "same_as" not in chapter.items["summary.own"].as_json()
