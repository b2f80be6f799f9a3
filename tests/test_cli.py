"""The command line: help with examples, one clear line per wrong call, no traceback, the right exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from crewe_lib.provenance import REPOSITORY

FIXTURES = Path(__file__).parent / "fixtures" / "dfe" / "source"


def crewe(*words: str, cwd: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    start = "from crewe_lib.cli import main; main()"
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    command = [sys.executable, "-c", start, *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment)


@pytest.mark.parametrize(
    "words", [("--help",), ("build", "--help"), ("trace", "--help"), ("official", "build", "--help")]
)
def test_help_shows_examples(words) -> None:
    run = crewe(*words)
    assert run.returncode == 0
    assert "Example" in run.stdout or words == ("--help",)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("build", "-p", "nonsense=1"), 2, "crewe: -p nonsense: no selected chapter has this parameter; allowed are"),
        (
            ("build", "-p", "alpha=abc"),
            2,
            "crewe: -p alpha=abc: alpha must be a number at least 0.0001 and at most 0.4",
        ),
        (("build", "-p", "alpha"), 2, "crewe: -p alpha: write it as name=value"),
        (
            ("build", "--chapter", "7"),
            2,
            "crewe: --chapter 7: no such chapter; there are 00_summary, 09_design, 01_rct, ",
        ),
        (("build", "--data", "nowhere"), 1, "crewe: --data nowhere: there is no such folder."),
        (("build", "--data", "tests"), 1, "crewe: --data tests: no dataset found."),
        (("build", "--out", "tests"), 1, "is not an earlier book; nothing was touched."),
        (("trace",), 2, "crewe: name one id, or give --all"),
        (("trace", "--all", "--out", "nowhere"), 1, "crewe: nowhere/evidence.json: there is no book here yet"),
        (("official", "build", "nowhere", "--out", "x"), 1, "nowhere"),
    ],
)
def test_wrong_calls_are_one_line(words, code, message) -> None:
    run = crewe(*words)
    assert run.returncode == code, run.stderr
    assert message in run.stderr and "Traceback" not in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1 and run.stdout == ""


def test_the_panel_is_built_from_a_folder_of_files(tmp_path) -> None:
    run = crewe("official", "build", str(FIXTURES), "--out", str(tmp_path / "official"))
    assert run.returncode == 0, run.stderr
    tables = ("la_panel", "la_durations", "primary_need", "cin_absence", "la_missing", "context_counts")
    names = {*(f"{table}.csv" for table in tables), "datapackage.json"}
    assert {p.name for p in (tmp_path / "official").iterdir()} == names
    assert "of la_durations from 20 files" in run.stdout


def test_trace_prints_one_item_and_checks_all(tmp_path) -> None:
    from crewe_lib.trace import function_lines

    first, last = function_lines(REPOSITORY / "crewe_lib" / "results.py")["tidy"]
    step = {"function": "tidy", "file": "crewe_lib/results.py", "lines": [first, last]}
    item = {"id": "rct.x", "kind": "number", **step, "steps": [step], "data": []}
    (tmp_path / "evidence.json").write_text(json.dumps({"items": [item]}))
    one = crewe("trace", "rct.x", "--out", str(tmp_path))
    assert one.returncode == 0 and json.loads(one.stdout) == item
    every = crewe("trace", "--all", "--out", str(tmp_path))
    assert every.returncode == 0 and f"crewe_lib/results.py:{first}-{last}" in every.stdout
    moved = {**item, "steps": [{**step, "lines": [1, 2]}] * 2}
    (tmp_path / "evidence.json").write_text(json.dumps({"items": [moved]}))
    stale = crewe("trace", "--all", "--out", str(tmp_path))
    assert one.stderr == "1 item resolved.\n"
    assert stale.returncode == 1 and "1 of 1 items' references do not resolve" in stale.stderr
    (tmp_path / "evidence.json").write_text(json.dumps({"items": []}))
    assert crewe("trace", "--all", "--out", str(tmp_path)).returncode == 1
