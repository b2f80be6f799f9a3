"""Tracing: items resolve to functions and lines that exist; anything else is named."""

import json

import pytest

from crewe_lib.datapackage import hash_file
from crewe_lib.errors import EvidenceError
from crewe_lib.trace import check_item, find_item, function_lines, load_evidence

SOURCE = "import x\n\n\n@traced\ndef estimate(a):\n    return a\n\n\nclass C:\n    def method(self):\n        pass\n"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "lib.py").write_text(SOURCE)
    (tmp_path / "d.csv").write_text("x\n1\n")
    return tmp_path


def item(root, **changes):
    step = {"function": "estimate", "file": "lib.py", "lines": [4, 6]} | changes.pop("step", {})
    data = [{"path": "d.csv", "sha256": hash_file(root / "d.csv"), "rows": 1}]
    return {"id": "a.b", **step, "steps": [step], "data": data} | changes


def test_lines_of_functions_and_methods(root) -> None:
    assert function_lines(root / "lib.py") == {"estimate": (4, 6), "C.method": (10, 11)}


def test_a_good_item_has_no_faults(root) -> None:
    assert check_item(item(root), root=root) == []


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"lines": [4, 7]}, "stands on lines 4-6 of lib.py, not"),
        ({"function": "estimat"}, "has no function estimat"),
        ({"file": "gone.py"}, "gone.py does not exist"),
    ],
)
def test_code_that_moved_is_named(root, step, message) -> None:
    (fault,) = check_item(item(root, step=step), root=root)
    assert message in fault


def test_data_that_changed_or_went_is_named(root) -> None:
    (root / "d.csv").write_text("x\n2\n")
    stale = item(root) | {"data": [{"path": "d.csv", "sha256": "0" * 64, "rows": 1}]}
    assert "has changed" in check_item(stale, root=root)[0]
    gone = item(root) | {"data": [{"path": "e.csv", "sha256": "0" * 64, "rows": 1}]}
    assert "does not exist" in check_item(gone, root=root)[0]


def test_data_brought_with_data_needs_that_folder(root) -> None:
    brought = item(root) | {"data": [{"path": "<data>/d.csv", "sha256": hash_file(root / "d.csv"), "rows": 1}]}
    assert "--data DIR" in check_item(brought, root=root)[0]
    assert check_item(brought, root=root, data=root) == []


def test_unknown_ids_suggest_near_ones() -> None:
    evidence = {"items": [{"id": "la_did.closures_estimate"}]}
    with pytest.raises(EvidenceError, match=r"did you mean la_did\.closures_estimate"):
        find_item(evidence, "la_did.closure_estimate")


@pytest.mark.parametrize("text", [None, "{", '{"items": 3}', "[1]"])
def test_a_missing_or_broken_file_is_named(tmp_path, text) -> None:
    if text is not None:
        (tmp_path / "evidence.json").write_text(text)
    with pytest.raises(EvidenceError, match=r"evidence\.json"):
        load_evidence(tmp_path)


def test_read_back(tmp_path) -> None:
    (tmp_path / "evidence.json").write_text(json.dumps({"items": []}))
    assert load_evidence(tmp_path) == {"items": []}


@pytest.mark.parametrize(
    "change",
    [
        {"steps": None},
        {"steps": [{"function": "f", "file": 3, "lines": [1, 2]}]},
        {"lines": "12"},
        {"lines": [1]},
        {"data": ["d.csv"]},
        {"data": [{"path": "d.csv"}]},
        {"id": None},
        {"file": "a\0b"},
    ],
)
def test_a_malformed_item_is_named(root, change) -> None:
    good = {**item(root), "kind": "number"}
    (root / "evidence.json").write_text(json.dumps({"items": [good]}))
    assert load_evidence(root)["items"] == [good]
    for bad in (good | change, "text", {}):
        (root / "evidence.json").write_text(json.dumps({"items": [good, bad]}))
        with pytest.raises(EvidenceError, match=r"evidence\.json: item 2 is not as a build writes it"):
            load_evidence(root)


def test_code_that_is_no_python_is_a_fault(root) -> None:
    (root / "lib.py").write_text("def (")
    assert "is no Python" in check_item(item(root), root=root)[0]
