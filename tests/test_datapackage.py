"""Data packages: the kind is stated, the hash holds, and every committed table matches its card."""

import csv
import json

import pytest

from crewe_lib.datapackage import KINDS, find_resource, hash_file, read_descriptor, write_descriptor
from crewe_lib.errors import DataError
from crewe_lib.provenance import REPOSITORY

PACKAGES = sorted((REPOSITORY / "data").glob("*/datapackage.json"))


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: path.parent.name)
def test_committed_packages_are_true(path) -> None:
    descriptor = read_descriptor(path.parent)
    assert descriptor["kind"] in KINDS and descriptor["licenses"]
    listed = {entry["path"] for entry in descriptor["resources"]}
    assert listed == {p.name for p in path.parent.iterdir()} - {"datapackage.json"}
    for entry in descriptor["resources"]:
        resource = find_resource(path.parent, entry["name"])
        assert entry["dates"], "a card states the dates of its data"
        if resource.path.suffix == ".csv":
            with resource.path.open(encoding="utf-8", newline="") as file:
                assert next(csv.reader(file)) == [field["name"] for field in entry["schema"]["fields"]]


def package(tmp_path, **changes):
    (tmp_path / "x.csv").write_text("a\n1\n")
    descriptor = {"name": "x", "kind": "official", "resources": [{"name": "x", "path": "x.csv"}]}
    write_descriptor(tmp_path, descriptor)
    stored = json.loads((tmp_path / "datapackage.json").read_text())
    (tmp_path / "datapackage.json").write_text(json.dumps({**stored, **changes}))
    return tmp_path


def test_the_writer_fills_in_hash_and_size(tmp_path) -> None:
    found = find_resource(package(tmp_path), "x")
    assert found.sha256 == hash_file(tmp_path / "x.csv") and found.kind == "official"
    assert found.descriptor["bytes"] == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"kind": None},
            "'kind' is missing; it must be one of official, published, inferred, simulated, records",
        ),
        ({"kind": "real"}, "'kind' is 'real'"),
        ({"resources": "x"}, "'resources' must be a list"),
        ({"resources": []}, "no resource named 'x'"),
        ({"resources": [{"name": "x", "path": "../x.csv"}]}, "not a file in that folder"),
        ({"resources": [{"name": "x", "path": "x.csv", "hash": "sha256:12"}]}, "its SHA-256 is"),
    ],
)
def test_faults_are_named(tmp_path, changes, message) -> None:
    with pytest.raises(DataError, match=message):
        find_resource(package(tmp_path, **changes), "x")


def test_a_missing_or_broken_descriptor_is_named(tmp_path) -> None:
    with pytest.raises(DataError, match=r"there is no datapackage\.json"):
        read_descriptor(tmp_path)
    (tmp_path / "datapackage.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(DataError, match="not valid JSON"):
        read_descriptor(tmp_path)


def test_a_kind_is_needed_to_write(tmp_path) -> None:
    with pytest.raises(DataError, match="'kind' must be one of"):
        write_descriptor(tmp_path, {"resources": []})
