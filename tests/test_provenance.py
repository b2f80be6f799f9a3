"""Where results come from: chains of functions, data under them, and what cannot be traced."""

from dataclasses import dataclass, replace

import pandas as pd
import pytest

from crewe_lib import provenance
from crewe_lib.errors import EvidenceError
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


@traced
def derive(anything) -> dict[str, float]:
    return {"value": 1.0}


@traced
def estimate_inside(frame: pd.DataFrame) -> Result:
    return estimate(frame[frame["x"] > 1], power=1, also=[frame.copy()])


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame[frame["x"] > 1],
        lambda frame: frame.copy(),
        lambda frame: frame.assign(x=9),
        lambda frame: frame["x"],
        lambda frame: frame["x"].to_numpy(),
        lambda frame: [frame.copy()],
        lambda frame: {"a": {"b": (frame.copy(),)}},
        lambda frame: replace(estimate(frame, power=1), value=4.0),
    ],
)
def test_what_a_chapter_makes_itself_is_no_argument(recorder, change) -> None:
    with pytest.raises(EvidenceError, match=r"argument 'anything' of derive: .*compute it in the library"):
        derive(change(load_a()))


def test_inside_the_library_anything_may_be_passed_on(recorder) -> None:
    assert recorder.find(estimate_inside(load_a())).data == {FILE}


def test_plain_arguments_and_results_without_data_are_fine(recorder) -> None:
    for value in (1, "x", None, [1, 2.5], {"a": "b"}, len, Result):
        assert recorder.find(derive(value)).data == frozenset()
    assert recorder.find(derive(derive(1))).data == frozenset()


def test_a_result_edited_in_place_is_refused(recorder) -> None:
    def new_column(frame: pd.DataFrame) -> None:
        frame["v"] = 4242

    def one_cell(frame: pd.DataFrame) -> None:
        frame.loc[0, "x"] = 4242

    def renamed(frame: pd.DataFrame) -> None:
        frame.columns = ["y"]

    for edit in (new_column, one_cell, renamed):
        frame, result = load_a(), estimate(load_a(), power=1)
        edit(frame)
        edit(result.table)
        for attempt in (lambda x=frame: recorder.find(x), lambda x=frame: derive(x), lambda x=result: recorder.find(x)):
            with pytest.raises(EvidenceError, match=r"changed after the library returned it"):
                attempt()
    values = derive(1)
    values["value"] = 2.0
    with pytest.raises(EvidenceError, match="the result of derive was changed"):
        recorder.find(values)
