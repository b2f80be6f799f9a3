"""Check that evidence still resolves: the function stands on those lines, the data have that hash."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from crewe_lib.contract import TABLES
from crewe_lib.datapackage import hash_file
from crewe_lib.errors import EvidenceError
from crewe_lib.intake.mapping import read_mapping
from crewe_lib.provenance import REPOSITORY


def load_evidence(book: Path) -> dict[str, Any]:
    """The `evidence.json` of a built book. Raises EvidenceError if there is none or it cannot be read."""
    path = book / "evidence.json"
    if not path.is_file():
        raise EvidenceError(f"{path}: there is no book here yet; run 'make book' first, or name one with --out DIR.")
    try:
        evidence = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as fault:
        raise EvidenceError(f"{path}: cannot be read ({fault}); build the book again.") from None
    if not isinstance(evidence, dict) or not isinstance(evidence.get("items"), list):
        raise EvidenceError(f"{path}: holds no list of items; build the book again.")
    for number, item in enumerate(evidence["items"], 1):
        if not _is_item(item):
            raise EvidenceError(f"{path}: item {number} is not as a build writes it; build the book again.")
    return evidence


def _is_item(item: Any) -> bool:
    """True if an item has what tracing needs."""
    try:
        steps = [item, *item["steps"]]
        texts = [item["id"], item["kind"], *(step[name] for step in steps for name in ("function", "file"))]
        texts += [entry[name] for entry in item["data"] for name in ("path", "sha256")]
        lines = [line for step in steps for line in step["lines"]]
    except (KeyError, TypeError, AttributeError):
        return False
    whole = all(isinstance(line, int) for line in lines) and len(lines) == 2 * len(steps)
    return whole and all(isinstance(text, str) and "\0" not in text for text in texts)


def find_item(evidence: Mapping[str, Any], id: str) -> dict[str, Any]:
    """One item by its id. Raises EvidenceError with the nearest ids."""
    for item in evidence["items"]:
        if item["id"] == id:
            return dict(item)
    import difflib

    near = difflib.get_close_matches(id, [item["id"] for item in evidence["items"]], n=3)
    hint = f"; did you mean {', '.join(near)}?" if near else "; 'crewe trace --all' lists them."
    raise EvidenceError(f"{id}: no such item{hint}")


def check_item(item: Mapping[str, Any], *, root: Path = REPOSITORY, data: Path | None = None) -> list[str]:
    """What does not resolve about an item, one line per fault."""
    faults = []
    for step in item.get("steps") or [item]:
        faults += [f"{item['id']}: {fault}" for fault in _check_function(step, root)]
    if not item.get("steps"):
        faults.append(f"{item['id']}: no function is named")
    for entry in item["data"]:
        faults += [f"{item['id']}: {fault}" for fault in _check_data(entry, root, data)]
    return faults


def _check_function(step: Mapping[str, Any], root: Path) -> list[str]:
    path = root / step["file"]
    if not path.is_file():
        return [f"{step['file']} does not exist"]
    try:
        spans = function_lines(path)
    except (SyntaxError, ValueError):
        return [f"{step['file']} is no Python that can be read"]
    if step["function"] not in spans:
        return [f"{step['file']} has no function {step['function']}"]
    if list(spans[step["function"]]) != list(step["lines"]):
        now = spans[step["function"]]
        return [f"{step['function']} stands on lines {now[0]}-{now[1]} of {step['file']}, not {step['lines']}"]
    return []


def _check_data(entry: Mapping[str, Any], root: Path, data: Path | None) -> list[str]:
    name = str(entry["path"])
    if name.startswith("<data>/"):
        if data is None:
            return [f"{name} was given with --data; name that folder again with --data DIR"]
        path = _brought_file(data, name.removeprefix("<data>/"))
    else:
        path = root / name
    if not path.is_file():
        return [f"{name} does not exist"]
    return [] if hash_file(path) == entry["sha256"] else [f"{name} has changed since the book was built"]


def _brought_file(data: Path, inside: str) -> Path:
    """A file of a folder given with --data; a table of records may have another name there, as its mapping.yml says."""
    path = data / inside
    plan, faults = read_mapping(path.parent) if not path.is_file() and path.stem in TABLES else ({}, [])
    return path.parent / plan[path.stem].file if plan and not faults else path


def function_lines(path: Path) -> dict[str, tuple[int, int]]:
    """Qualified name → first and last line (decorators included) of every function in a file."""
    return _spans(path.read_text(encoding="utf-8"))


@lru_cache(maxsize=512)  # by the text, so that a file that changes is read anew
def _spans(text: str) -> dict[str, tuple[int, int]]:
    spans: dict[str, tuple[int, int]] = {}

    def walk(body: Sequence[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                spans[prefix + node.name] = (first, node.end_lineno or node.lineno)
            elif isinstance(node, ast.ClassDef):
                walk(node.body, f"{prefix}{node.name}.")

    walk(ast.parse(text).body, "")
    return spans
