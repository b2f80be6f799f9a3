"""`crewe new`: empty tables that the check understands, and a mapping that says nothing until it is edited."""

import json
import re

import pytest
from made_records import TABLES, make_folder
from test_cli import crewe

from crewe_lib.contract import TABLES as CONTRACT
from crewe_lib.errors import CreweError
from crewe_lib.intake.check import check_folder
from crewe_lib.intake.link_rules import all_rules
from crewe_lib.intake.mapping import plain_plan, read_mapping
from crewe_lib.intake.template import say_rule, write_dictionary, write_template


def test_the_folder_and_what_the_check_says_of_it(tmp_path) -> None:
    folder = tmp_path / "new" / "records"
    names = write_template(folder)
    assert sorted(names) == sorted(path.name for path in folder.iterdir())
    found = check_folder(folder)
    assert [fault.file for fault in found] == [f"{name}.csv" for name in CONTRACT]
    assert found[0].message == (
        "families.csv: must hold rows below its header; found no row. "
        "To mend: fill it in; every other table rests on it."
    )
    assert found[1].message == (
        "children.csv: must hold rows below its header; found no row. "
        "To mend: fill it in, or delete the file if you have no such table; chapters that need it are left out."
    )


def test_filled_in_it_passes(tmp_path) -> None:
    write_template(tmp_path)
    card = (tmp_path / "datapackage.json").read_text(encoding="utf-8")
    make_folder(tmp_path)
    (tmp_path / "datapackage.json").write_text(card, encoding="utf-8")
    assert check_folder(tmp_path) == []


def test_the_card_states_kind_fields_and_keys(tmp_path) -> None:
    write_template(tmp_path)
    card = json.loads((tmp_path / "datapackage.json").read_text(encoding="utf-8"))
    assert card["kind"] == "records"
    assert [entry["path"] for entry in card["resources"]] == [f"{name}.csv" for name in TABLES]
    children = card["resources"][1]["schema"]
    assert children["foreignKeys"] == [
        {"fields": ["family_id"], "reference": {"resource": "families", "fields": ["family_id"]}}
    ]
    assert children["fields"][4]["type"] == "yearmonth" and children["primaryKey"] == ["child_id"]


def test_the_mapping_is_all_comments_and_maps_each_name_to_itself_without_them(tmp_path) -> None:
    write_template(tmp_path)
    text = (tmp_path / "mapping.yml").read_text(encoding="utf-8")
    assert all(line.startswith("#") or not line for line in text.splitlines())
    assert read_mapping(tmp_path) == (plain_plan(), [])
    lines = re.sub(r"(?m)^# ", "", text[text.index("# dates:") :])
    (tmp_path / "mapping.yml").write_text(lines, encoding="utf-8")
    plan, faults = read_mapping(tmp_path)
    assert faults == []
    for name, table in CONTRACT.items():
        assert plan[name].columns == {column: column for column in table.names}
        assert plan[name].codes == {f.name: {c: c for c in f.allowed} for f in table.fields if f.allowed}
        assert plan[name].units == {}
    days = lines.replace("sessions_possible: sessions ", "sessions_possible: days ")
    (tmp_path / "mapping.yml").write_text(days, encoding="utf-8")
    assert read_mapping(tmp_path)[0]["absence"].units == {"sessions_possible": "days"}


def test_the_dictionary_names_every_column_code_and_rule() -> None:
    text = write_dictionary()
    for table in CONTRACT.values():
        assert f"## {table.name}.csv" in text
        for item in table.fields:
            assert f"| `{item.name}` |" in text and all(f"`{code}`" in text for code in item.allowed)
    assert all(say_rule(rule.rule) in text for rule in all_rules()) and "{" not in text


def test_a_folder_that_holds_something_is_left_alone(tmp_path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(CreweError, match="the folder is not empty; nothing was written"):
        write_template(tmp_path)
    with pytest.raises(CreweError, match="this is not a folder"):
        write_template(tmp_path / "mine.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_command(tmp_path) -> None:
    run = crewe("new", str(tmp_path / "records"))
    assert run.returncode == 0 and "families.csv" in run.stdout and (tmp_path / "records" / "README.md").is_file()
    again = crewe("new", str(tmp_path / "records"))
    assert again.returncode == 2 and "is not empty" in again.stderr and "Traceback" not in again.stderr
