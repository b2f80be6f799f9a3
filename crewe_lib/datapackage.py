"""Frictionless data packages: the card that lies beside every table in `data/`.

`datapackage.json` says for each file what it holds (fields, types, constraints), where it comes from, under which
licence, its SHA-256, and for the whole package the *kind* of data, which decides how the book may speak of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from crewe_lib.errors import DataError

Kind = Literal["official", "published", "inferred", "simulated", "records"]
KINDS: tuple[Kind, ...] = get_args(Kind)
DESCRIPTOR = "datapackage.json"


@dataclass(frozen=True)
class Resource:
    """One file of a package, found and hashed.

    name: its name in the package; path: where it lies; kind: the package's kind; sha256: of the bytes on disk;
    descriptor: the resource's own entry in `datapackage.json`.
    """

    name: str
    path: Path
    kind: Kind
    sha256: str
    descriptor: Mapping[str, Any]


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_descriptor(folder: Path) -> dict[str, Any]:
    """The package's descriptor, with its kind checked. Raises DataError if it is absent, unreadable or has no kind."""
    path = folder / DESCRIPTOR
    if not path.is_file():
        raise DataError(
            f"{path}: there is no {DESCRIPTOR}; every data folder needs one that states its kind ({', '.join(KINDS)})."
        )
    try:
        descriptor = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as fault:
        raise DataError(f"{path}: not valid JSON ({fault}).") from None
    if not isinstance(descriptor, dict) or not isinstance(descriptor.get("resources"), list):
        raise DataError(f"{path}: 'resources' must be a list of the files in the package.")
    if descriptor.get("kind") not in KINDS:
        found = descriptor.get("kind")
        raise DataError(
            f"{path}: 'kind' is {'missing' if found is None else repr(found)}; it must be one of "
            f"{', '.join(KINDS)}, because banners and evidence follow it."
        )
    return descriptor


def find_resource(folder: Path, name: str) -> Resource:
    """The named resource of a package; its bytes must match the SHA-256 in the descriptor. Raises DataError."""
    descriptor = read_descriptor(folder)
    entries = {entry.get("name"): entry for entry in descriptor["resources"] if isinstance(entry, dict)}
    if name not in entries:
        raise DataError(f"{folder / DESCRIPTOR}: no resource named '{name}'; it lists {', '.join(map(str, entries))}.")
    entry = entries[name]
    path = folder / str(entry.get("path", ""))
    if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        raise DataError(
            f"{folder / DESCRIPTOR}: resource '{name}' names '{entry.get('path')}', which is not a file in that folder."
        )
    found, stated = hash_file(path), str(entry.get("hash", "")).removeprefix("sha256:")
    if found != stated:
        raise DataError(
            f"{path}: its SHA-256 is {found[:12]}… but {DESCRIPTOR} states {stated[:12] or 'none'}…; "
            "restore the file, or rebuild the package if the change is meant."
        )
    return Resource(name=name, path=path, kind=descriptor["kind"], sha256=found, descriptor=entry)


def write_descriptor(folder: Path, descriptor: Mapping[str, Any]) -> Path:
    """Write `datapackage.json`, filling in each resource's hash and size from the file beside it."""
    if descriptor.get("kind") not in KINDS:
        raise DataError(f"{folder / DESCRIPTOR}: 'kind' must be one of {', '.join(KINDS)}.")
    filled = dict(descriptor)
    filled["resources"] = [
        {
            **entry,
            "bytes": (folder / entry["path"]).stat().st_size,
            "hash": f"sha256:{hash_file(folder / entry['path'])}",
        }
        for entry in descriptor["resources"]
    ]
    path = folder / DESCRIPTOR
    path.write_text(json.dumps(filled, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
