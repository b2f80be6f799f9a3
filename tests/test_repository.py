"""What must hold of the repository as a whole, in any clone."""

import json
import re
import subprocess
from pathlib import Path

import nbformat
import pytest
import yaml

from crewe_lib.pages import toc_files
from crewe_lib.parameters import load_parameters
from crewe_lib.provenance import REPOSITORY

CHAPTERS = sorted((REPOSITORY / "chapters").glob("*.ipynb"))
LISTED = subprocess.run(
    ["git", "ls-files", "-co", "--exclude-standard"], cwd=REPOSITORY, capture_output=True, text=True
)
TRACKED = [REPOSITORY / name for name in LISTED.stdout.splitlines() if (REPOSITORY / name).is_file()]


def read(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
class TestChapter:
    def test_it_is_stored_without_outputs(self, path: Path) -> None:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                assert not cell.outputs and cell.execution_count is None

    def test_it_is_thin(self, path: Path) -> None:
        code = [c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
        lines = [line for source in code for line in source.splitlines() if line.strip()]
        assert len(lines) <= 110 and all(len(source.splitlines()) <= 12 for source in code)
        assert not re.search(r"^\s*(def|class|for .* in .*range)\b", "\n".join(lines), re.MULTILINE)

    def test_its_parameters_are_those_declared(self, path: Path) -> None:
        cells = nbformat.read(path, as_version=4).cells
        sources = [c.source for c in cells if "parameters" in c.metadata.get("tags", [])]
        stored: dict = {}
        declared = load_parameters(REPOSITORY / "params" / "published.yml").get(path.stem, {})
        assert len(sources) == (1 if declared else 0)
        exec("\n".join(sources), stored)
        assert {n: v for n, v in stored.items() if n != "__builtins__"} == {n: p.default for n, p in declared.items()}

    def test_it_is_in_the_contents(self, path: Path) -> None:
        assert f"chapters/{path.stem}" in toc_files(yaml.safe_load(read("_toc.yml")))

    def test_its_title_carries_no_number(self, path: Path) -> None:
        title = nbformat.read(path, as_version=4).cells[0].source.splitlines()[0]
        assert title.startswith("# ") and not re.search(r"\d", title)


def test_parameters_are_declared_for_chapters_that_exist() -> None:
    assert set(load_parameters(REPOSITORY / "params" / "published.yml")) <= {path.stem for path in CHAPTERS}


def test_the_lock_names_no_registry_and_hashes_everything() -> None:
    lock = read("requirements.txt")
    assert "://" not in lock and "--index" not in lock and "--find-links" not in lock
    pinned = re.findall(r"^([a-z0-9][\w.-]*)(?:\[[\w,-]+\])?==", lock, re.MULTILINE | re.IGNORECASE)
    assert len(pinned) == lock.count("==") - lock.count("=='") - lock.count("== '") or len(pinned) > 100
    for block in re.split(r"\n(?=\S)", lock.strip()):
        assert "--hash=sha256:" in block, block.splitlines()[0]


def test_everything_asked_for_is_locked() -> None:
    lock = read("requirements.txt").lower()
    for line in read("requirements.in").splitlines():
        name = re.match(r"[\w.-]+", line)
        if name:
            assert re.search(rf"^{re.escape(name[0].lower())}==", lock, re.MULTILINE), name[0]


def test_no_path_of_a_machine_and_nothing_outside_the_project() -> None:
    assert TRACKED
    for path in TRACKED:
        if path.suffix in (
            ".py",
            ".ipynb",
            ".md",
            ".yml",
            ".toml",
            ".in",
            ".css",
            ".json",
            ".txt",
            "",
        ) and path != Path(__file__):
            text = path.read_text(encoding="utf-8", errors="ignore")
            assert not re.search(r"/(home|Users|root|work)/\w", text), path
            assert ".." + "/shared" not in text, path


def test_the_publishers_files_are_not_committed() -> None:
    names = {path.name.lower() for path in TRACKED if "fixtures" not in path.parts}
    sources = json.loads(read("data/official/datapackage.json"))["sources"]
    assert not names & {source["file"].lower() for source in sources}


def test_the_architecture_names_every_module_and_only_those_that_exist() -> None:
    text = read("ARCHITECTURE.md")
    modules = {p.relative_to(REPOSITORY / "crewe_lib").as_posix() for p in (REPOSITORY / "crewe_lib").rglob("*.py")}
    named = {name for name in re.findall(r"`((?:\w+/)*\w+\.py)`", text) if not name.startswith("tests/")}
    expected = {name for name in modules if not name.endswith("__init__.py")}
    assert named == expected, f"missing: {sorted(expected - named)}; gone: {sorted(named - expected)}"


def test_the_readme_gives_the_two_commands_and_ci_runs_them() -> None:
    assert "make book" in read("README.md") and "make test" in read("README.md")
    assert re.search(r"^make test$.*^make book$", read(".ci/run"), re.MULTILINE | re.DOTALL)
