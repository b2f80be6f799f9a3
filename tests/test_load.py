"""Data brought with --data: what is wrong with a folder is said before anything runs, in one line."""

import json
import shutil
from pathlib import Path

import pytest

from crewe_lib.datapackage import DESCRIPTOR
from crewe_lib.errors import DataError
from crewe_lib.load import check_data_folder
from crewe_lib.provenance import REPOSITORY


@pytest.fixture
def brought(tmp_path: Path) -> Path:
    for name in ("inferred", "published"):
        shutil.copytree(REPOSITORY / "data" / name, tmp_path / name)
    return tmp_path


def change_card(folder: Path, **changes: object) -> None:
    card = json.loads((folder / DESCRIPTOR).read_text())
    (folder / DESCRIPTOR).write_text(json.dumps(card | changes))


def test_some_of_the_datasets_are_enough(brought) -> None:
    assert check_data_folder(brought) == ["inferred", "published"]


def wrong_bytes(folder: Path) -> None:
    (folder / "published" / "claims.csv").write_text("x\n")


def less(folder: Path) -> None:
    card = json.loads((folder / "published" / DESCRIPTOR).read_text())
    change_card(folder / "published", resources=card["resources"][:1])


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda f: (f / "inferred").rename(f / "infered"), "no dataset is named infered; there are inferred, official"),
        (lambda f: (f / "notes").mkdir(), "no dataset is named notes"),
        (wrong_bytes, "its SHA-256 is"),
        (lambda f: change_card(f / "inferred", kind="real"), "'kind' is 'real'"),
        (lambda f: (f / "inferred" / DESCRIPTOR).write_text("{"), "not valid JSON"),
        (lambda f: (f / "inferred" / DESCRIPTOR).unlink(), "there is no datapackage.json"),
        (lambda f: change_card(f / "inferred", resources=[]), "lists no resource named unit_costs_implied"),
        (lambda f: change_card(f / "inferred", resources=["unit_costs_implied"]), "no resource named"),
        (less, "lists no resource named"),
    ],
)
def test_faults_are_one_line(brought, harm, message) -> None:
    harm(brought)
    with pytest.raises(DataError, match=message) as fault:
        check_data_folder(brought)
    assert "\n" not in str(fault.value)
