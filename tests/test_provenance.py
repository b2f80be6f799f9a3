"""Where results come from: chains of functions, data under them, and what cannot be traced."""

from dataclasses import dataclass

import pandas as pd
import pytest

from crewe_lib import provenance
from crewe_lib.provenance import DataFile, note_read, traced

FILE = DataFile("data/official/a.csv", "0" * 64, 3, "official")
OTHER = DataFile("data/published/b.csv", "1" * 64, 5, "published")


@dataclass(frozen=True)
class Result:
    value: float
    table: pd.DataFrame


@traced
def load_a() -> pd.DataFrame:
    note_read(FILE)
    return pd.DataFrame({"x": [1, 2, 3]})


@traced
def load_b() -> pd.DataFrame:
    note_read(OTHER)
    return pd.DataFrame({"x": [4]})


@traced
def estimate(frame: pd.DataFrame, *, power: int, also: list[pd.DataFrame] | None = None) -> Result:
    return Result(float((frame["x"] ** power).sum()), frame.copy())


@traced
def load_inside() -> dict[str, pd.DataFrame]:
    return {"a": load_a()}


@pytest.fixture
def recorder():
    yield provenance.start_recording()
    provenance.stop_recording()


def test_chain_and_data_are_followed(recorder) -> None:
    result = estimate(load_a(), power=2)
    origin = recorder.find(result)
    assert [step.function for step in origin.steps] == ["load_a", "estimate"]
    assert origin.data == {FILE} and origin.kinds == ["official"]
    assert origin.steps[-1].parameters == {"power": 2, "also": None}


def test_lines_are_those_of_the_source(recorder) -> None:
    step = recorder.find(load_a()).steps[-1]
    source = (provenance.REPOSITORY / step.file).read_text().splitlines()
    assert source[step.lines[0] - 1] == "@traced"
    assert source[step.lines[0]].startswith("def load_a")
    assert "return" in source[step.lines[1] - 1]


def test_several_inputs_are_united_also_in_lists(recorder) -> None:
    origin = recorder.find(estimate(load_a(), power=1, also=[load_b()]))
    assert origin.data == {FILE, OTHER}
    assert origin.kinds == ["official", "published"]


def test_parts_of_a_result_are_known_and_nested_reads_count(recorder) -> None:
    result = estimate(load_a(), power=1)
    assert recorder.find(result.table).data == {FILE}
    assert recorder.find(load_inside()["a"]).data == {FILE}


def test_a_result_changed_by_hand_is_unknown(recorder) -> None:
    frame = load_a()
    assert recorder.find(frame.assign(x=9)) is None
    assert recorder.find(frame["x"].sum()) is None


def test_outside_a_chapter_functions_are_plain() -> None:
    assert estimate(load_a(), power=1).value == 6
