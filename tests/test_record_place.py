"""Records given with --data: where they may lie, and that they are checked before anything runs."""

from pathlib import Path

import pytest
from made_records import TABLES, make_folder, put

from crewe_lib.book import Request, card
from crewe_lib.errors import DataError
from crewe_lib.intake.check import examine_folder
from crewe_lib.intake.place import find_records
from crewe_lib.load import DATA_FOLDER, check_data_folder, load_records, load_risk_framework
from crewe_lib.provenance import start_recording, stop_recording


@pytest.fixture
def recorder():
    yield start_recording()
    stop_recording()


def test_a_folder_in_it_or_the_folder_itself(tmp_path) -> None:
    assert find_records(tmp_path) is None
    make_folder(tmp_path / "records")
    assert find_records(tmp_path) == tmp_path / "records"
    assert find_records(tmp_path / "records") == tmp_path / "records"
    assert check_data_folder(tmp_path) == check_data_folder(tmp_path / "records") == ["records"]
    put("mapping.yml", "")(tmp_path)
    with pytest.raises(DataError, match="both here and in records/; keep them in one place"):
        check_data_folder(tmp_path)


def test_they_are_checked_before_anything_runs(tmp_path) -> None:
    folder = make_folder(tmp_path)
    put("families.csv", TABLES["families"].replace("control", "CEC"))(folder)
    with pytest.raises(DataError, match="must be one of treatment, control"):
        check_data_folder(tmp_path)


def test_a_folder_beside_tables_is_no_dataset(tmp_path) -> None:
    make_folder(tmp_path)
    (tmp_path / "notes").mkdir()
    assert check_data_folder(tmp_path) == ["records"]


@pytest.mark.parametrize("inner", ["", "records"])
def test_what_is_read_is_noted_with_its_kind(inner, tmp_path, monkeypatch, recorder) -> None:
    folder = make_folder(tmp_path / inner)
    (folder / "families.csv").rename(folder / "F.csv")
    put("mapping.yml", "tables: {families: {file: F.csv}}\n")(folder)
    monkeypatch.setenv(DATA_FOLDER, str(tmp_path))
    records = load_records()
    assert records.kind == "records" and len(records.families) == 3
    read = {item.path: item for item in recorder.find(records.families).data}
    place = "<data>/records" if inner else "<data>"
    assert set(read) == {f"{place}/{name}" for name in ("mapping.yml", *(f"{t}.csv" for t in TABLES))}
    assert {item.kind for item in read.values()} == {"records"} and read[f"{place}/families.csv"].rows == 3
    request = Request(out=tmp_path / "book", data=tmp_path)
    assert card(request, f"{place}/families.csv") == {"kind": "records", "dates": ""}


def test_a_table_that_is_not_there_is_empty_and_typed(tmp_path, monkeypatch) -> None:
    folder = make_folder(tmp_path)
    (folder / "absence.csv").unlink()
    monkeypatch.setenv(DATA_FOLDER, str(tmp_path))
    records = load_records()
    assert records.absence.empty and str(records.absence["sessions_possible"].dtype) == "Int64"
    assert str(records.families["randomised_on"].dtype) == "datetime64[s]"
    assert "absence" not in examine_folder(Path(folder)).tables


def test_the_risk_framework() -> None:
    framework = load_risk_framework()
    counts = framework.groupby("kind")["factor"].nunique().to_dict()
    assert counts == {"engagement": 2, "protective": 10, "risk": 19}
    over_11 = framework.groupby("kind")["weight"].sum()
    assert (int(over_11["risk"]), int(over_11["protective"])) == (-25, 11)  # the range that the weights span


def test_without_records_the_simulated_cohort_stands_in(monkeypatch, recorder) -> None:
    monkeypatch.delenv(DATA_FOLDER, raising=False)
    records = load_records()
    assert records.kind == "simulated" and len(records.families) == 132
    read = recorder.find(records.families).data
    assert {item.kind for item in read} == {"simulated"}
    assert {item.path for item in read} == {f"data/synthetic/{name}.csv" for name in TABLES}
