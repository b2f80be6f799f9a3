"""Chapter 11: the catalogue is what lies in data/, the dictionary is the contract, the calibration is shown whole."""

import inspect
import json
import re
from dataclasses import fields

import nbformat
import pandas as pd
import pytest
import yaml

from crewe_lib import data_catalogue as catalogue
from crewe_lib import data_simulated as simulated
from crewe_lib import data_words as words
from crewe_lib import load, provenance
from crewe_lib.calibration import OFFICIAL, SHOWN, TUNED
from crewe_lib.cohort.truth import Truth
from crewe_lib.contract import TABLES
from crewe_lib.datapackage import KINDS, Resource
from crewe_lib.errors import DataError
from crewe_lib.evidence import written
from crewe_lib.intake.link_rules import all_rules
from crewe_lib.intake.mapping import MAPPING, read_mapping
from crewe_lib.provenance import REPOSITORY

CARDS = {path.parent.name: json.loads(path.read_text()) for path in (REPOSITORY / "data").glob("*/datapackage.json")}
NOTEBOOK = nbformat.read(REPOSITORY / "chapters" / "11_data.ipynb", as_version=4)


@pytest.fixture(scope="module")
def sources() -> pd.DataFrame:
    return catalogue.derive_sources()


class TestSources:
    def test_every_file_of_every_card_and_nothing_else(self, sources) -> None:
        listed = {f"data/{name}/{entry['path']}" for name, card in CARDS.items() for entry in card["resources"]}
        assert set(sources["file"]) == listed and len(sources) == len(listed)
        on_disk = {path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "data").glob("*/*")}
        assert {path for path in on_disk if not path.endswith("datapackage.json")} == listed

    def test_each_is_as_its_card_says(self, sources) -> None:
        for row in sources.to_dict("records"):
            card = CARDS[row["dataset"].removeprefix("data/")]
            entry = next(each for each in card["resources"] if row["file"].endswith(f"/{each['path']}"))
            assert (row["kind"], row["about"], row["title"]) == (card["kind"], card["title"], entry["title"])
            assert entry["hash"].removeprefix("sha256:").startswith(row["sha256"]) and len(row["sha256"]) == 12
            assert row["licence"] and row["source"] and row["rows"] > 0

    def test_rows_are_those_that_the_loaders_find(self, sources) -> None:
        rows = sources.set_index("file")["rows"]
        assert rows["data/official/la_panel.csv"] == len(load.load_la_panel())
        assert rows["data/published/unit_costs.yml"] == len(load.load_unit_costs())
        assert rows["data/inferred/unit_costs_implied.yml"] == len(load.load_implied_inputs())
        assert rows["data/synthetic/children.csv"] == len(load.load_simulated_cohort().children)

    def test_every_file_is_noted_as_evidence(self) -> None:
        recorder = provenance.start_recording()
        try:
            origin = recorder.find(found := catalogue.derive_sources())
        finally:
            provenance.stop_recording()
        assert {item.path for item in origin.data} == set(found["file"])
        assert set(origin.kinds) == set(found["kind"])

    def test_kinds_are_all_five_in_their_order(self, sources) -> None:
        kinds = catalogue.derive_kinds(sources)
        assert tuple(kinds["kind"]) == KINDS and kinds["files"].sum() == len(sources)
        assert kinds["rows"].sum() == sources["rows"].sum() and "**" not in "".join(kinds["meaning"])
        assert kinds.set_index("kind").loc["records", ["files", "rows"]].tolist() == [0, 0]

    def test_datasets_are_the_folders(self, sources) -> None:
        assert sorted(catalogue.derive_datasets(sources)["dataset"]) == sorted(f"data/{name}" for name in CARDS)

    def test_publishers_are_counted_and_reports_named(self) -> None:
        made = [
            {"title": "A", "publisher": "DfE"},
            {"title": "B", "publisher": "DfE"},
            {"title": "C", "publisher": "ONS"},
        ]
        assert catalogue.write_sources(made) == "DfE, 2 files; ONS, 1 file"
        assert catalogue.write_sources([{"title": "A"}, {"title": "B"}]) == "A; B"

    def test_a_format_that_cannot_be_counted(self, tmp_path) -> None:
        (tmp_path / "a.parquet").write_bytes(b"")
        with pytest.raises(DataError, match=r"a\.parquet: rows can be counted in \.csv and \.yml files only"):
            catalogue.count_rows(Resource("a", tmp_path / "a.parquet", "records", "", {}))

    def test_records_that_were_brought_are_listed_with_their_kind(self, tmp_path, monkeypatch) -> None:
        from test_brought import write_records

        write_records(tmp_path / "records")
        monkeypatch.setenv(load.DATA_FOLDER, str(tmp_path))
        found = catalogue.derive_sources()
        brought = found[found["kind"] == "records"]
        assert list(brought["file"]) == ["<data>/records/families.csv", "<data>/records/children.csv"]
        assert list(brought["rows"]) == [1, 1] and set(found["kind"]) == set(KINDS)


class TestDictionary:
    @pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
    def test_every_column_is_there_with_its_codes_and_limits(self, table) -> None:
        shown = catalogue.derive_fields(table.name)
        cells = {row["column"]: row for row in shown.to_dict("records")}
        for item in table.fields:
            row = cells.get(item.name) or cells["item_01 to item_25"]
            assert row["type"] == item.type and row["blank"] == ("no" if item.required else "yes")
            assert all(f"{code}: {meaning}" in row["allowed"] for code, meaning in item.allowed.items())
            assert item.minimum in row["allowed"] and item.maximum in row["allowed"] and item.unit in row["allowed"]
        assert written(shown, words.FIELD_COLUMNS)

    def test_columns_that_are_alike_share_a_row_and_others_do_not(self) -> None:
        assert list(catalogue.derive_fields("sdq")["column"]) == [
            *("child_id", "informant", "version", "completed_on"),
            "item_01 to item_25",
        ]
        assert len(catalogue.derive_fields("episodes")) == len(TABLES["episodes"].fields)

    def test_tables(self) -> None:
        shown = catalogue.derive_contract_tables().set_index("table")
        assert list(shown.index) == list(TABLES)
        assert shown.loc["children", "refers"] == "families by family_id" and shown.loc["families", "refers"] == ""

    def test_every_rule_in_the_contract_s_own_names(self) -> None:
        shown = catalogue.derive_rules()
        assert len(shown) == len(all_rules()) and not shown["rule"].str.contains("[{}]").any()
        assert shown["table"].drop_duplicates().tolist() == [name for name in TABLES if name in set(shown["table"])]


class TestDefinitions:
    def test_every_definition_is_listed_and_says_where_it_is_stated(self) -> None:
        names = [function.__name__ for function in catalogue.find_definitions()]
        assert set(names) == set(catalogue.STATED) and len(names) == len(set(names)) > 10
        shown = catalogue.derive_definitions()
        assert (shown["says"].str.len() > 20).all() and not shown["says"].str.contains("Columns:").any()

    def test_readings_are_told_where_there_are_any(self) -> None:
        says = catalogue.derive_definitions().set_index("function")["says"]
        with_reading = {
            function.__name__
            for function in catalogue.find_definitions()
            if "reading" in inspect.signature(function).parameters
        }
        assert {name for name, text in says.items() if "Reading '" in text} == with_reading

    def test_a_docstring(self) -> None:
        text = "Closed at\nthe end. Columns: a, b.\n\nreading 'x': one;\n'y': two. More."
        assert catalogue.read_docstring(text) == "Closed at the end. Reading 'x': one; 'y': two."


@pytest.fixture(scope="module")
def calibration() -> pd.DataFrame:
    from crewe_lib.calibration import check_calibration

    return check_calibration(load.load_simulated_cohort(), load.load_calibration_targets(), load.load_claims())


class TestSimulatedCohort:
    def test_every_parameter_of_the_model_with_its_comment(self) -> None:
        shown = simulated.derive_truth()
        assert list(shown["parameter"]) == [item.name.replace("_", " ") for item in fields(Truth)]
        assert (shown["value"] != "").all() and (shown["part"] != "").all() and shown["part"].nunique() > 5
        assert shown.set_index("parameter").loc["closing control", "remark"] == "per day, in each period"

    def test_parameters_are_those_that_the_cohort_was_made_with(self) -> None:
        stored = CARDS["synthetic"]["simulation"]["parameters"]
        assert json.loads(json.dumps(Truth().as_plain())) == stored

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (0.25, "0.25"),
            (-0.4, "−0.4"),
            (2 / 3, "0.6667"),
            (160.0, "160"),
            (7, "7"),
            ("2015-08-01", "2015-08-01"),
            ((1, 2), "1, 2"),
            (((1, 2), (3, 4)), "1, 2; 3, 4"),
            ({"not_recorded": 0.04, "b": 1.0}, "not recorded 0.04; b 1"),
        ],
    )
    def test_values_in_words(self, value, text) -> None:
        assert simulated.write_value(value) == text

    def test_they_are_simulated_although_no_file_is_read(self) -> None:
        recorder = provenance.start_recording()
        try:
            assert recorder.find(simulated.derive_truth()).kinds == ["simulated"]
        finally:
            provenance.stop_recording()

    def test_every_target_is_shown_once(self, calibration) -> None:
        held, shown = simulated.derive_held(calibration), simulated.derive_shown(calibration)
        assert sorted([*held["id"], *shown["id"]]) == sorted(load.load_calibration_targets()["id"])
        assert set(held["use"]) == {TUNED} and set(shown["use"]) == {SHOWN, OFFICIAL}
        for frame, columns in ((held, words.HELD_COLUMNS), (shown, words.SHOWN_COLUMNS)):
            assert len(written(frame, columns)) == len(frame) + 1

    def test_every_conflict_names_what_was_rejected(self, calibration) -> None:
        readings = simulated.derive_readings(calibration)
        conflicts = calibration[(calibration["status"] == "conflict") & (calibration["use"] == TUNED)]
        assert set(conflicts["id"]) <= set(readings["id"]) and (readings["reading"] != "").all()
        shown = simulated.derive_shown(calibration)
        assert len(readings) + int((shown["rejected"] != "").sum()) == int((calibration["rejected"] != "").sum())

    def test_the_summary_counts_what_is_there(self, calibration) -> None:
        found = simulated.summarise_calibration(calibration)
        assert found["held"] + found["shown"] + found["official"] == len(calibration)
        assert found["verdict"] == "met them all" and found["met"] == found["held"]

    def test_a_miss_is_said(self, calibration) -> None:
        spoilt = calibration.assign(met=calibration["met"].mask(calibration.index == 0, False))
        assert simulated.summarise_calibration(spoilt)["verdict"] == "missed 1 of them"
        assert simulated.derive_held(spoilt)["met"].tolist()[0] == "NO"


class TestNotebook:
    def test_the_mapping_that_it_shows_is_one(self, tmp_path) -> None:
        text = "\n".join(cell.source for cell in NOTEBOOK.cells if cell.cell_type == "markdown")
        (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
        assert yaml.safe_load(example)["tables"]["families"]["codes"]["arm"] == {"PC": "treatment", "CEC": "control"}
        (tmp_path / MAPPING).write_text(example, encoding="utf-8")
        plan, faults = read_mapping(tmp_path)
        assert faults == [] and plan["families"].columns["arm"] == "Service"

    def test_the_commands_that_it_shows_exist(self) -> None:
        import typer.main

        from crewe_lib.cli import app

        text = "\n".join(cell.source for cell in NOTEBOOK.cells if cell.cell_type == "markdown")
        named = {found for found in re.findall(r"\bcrewe (new|check|build|trace|simulate)\b", text)}
        assert named <= set(typer.main.get_command(app).commands)
