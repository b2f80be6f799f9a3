"""Parameters: declared, typed, bounded; every wrong call is one clear line."""

from pathlib import Path

import pytest

from crewe_lib.errors import CreweError
from crewe_lib.parameters import load_parameters, resolve

YAML = """
05_cost_benefit:
  share: {type: float, default: 0.2, above: 0, below: 1, help: a share}
  cheap: {type: bool, default: false, help: a switch}
07_la_did:
  alpha: {type: float, default: 0.05, above: 0, below: 1, help: two-sided error rate}
  implemented: {type: int, default: 2015, min: 2014, max: 2017, help: last year before}
  code: {type: str, default: a, choices: [a, b], help: a code}
  share: {type: float, default: 0.5, above: 0, below: 1, help: another share}
"""
BOTH = ["05_cost_benefit", "07_la_did"]


@pytest.fixture
def schema(tmp_path: Path):
    path = tmp_path / "published.yml"
    path.write_text(YAML)
    return load_parameters(path)


def test_defaults_and_types(schema) -> None:
    values = resolve(schema, BOTH, ["implemented=2016", "cheap=TRUE", "code= b "])
    assert values["07_la_did"] == {"alpha": 0.05, "implemented": 2016, "code": "b", "share": 0.5}
    assert values["05_cost_benefit"] == {"share": 0.2, "cheap": True}


def test_a_name_reaches_every_chapter_that_declares_it(schema) -> None:
    values = resolve(schema, BOTH, ["share=0.3"])
    assert values["05_cost_benefit"]["share"] == values["07_la_did"]["share"] == 0.3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            ["nonsense=1"],
            r"-p nonsense: no selected chapter has this parameter; allowed are share .* in 05_cost_benefit",
        ),
        (
            ["alpha=abc"],
            r"-p alpha=abc: alpha must be a number above 0 and below 1 \(two-sided error rate\)\.",
        ),
        (["alpha=1"], "must be a number above 0 and below 1"),
        (["alpha=nan"], "must be a number"),
        (["alpha=inf"], "must be a number"),
        (["implemented=01.5"], "must be a whole number at least 2014 and at most 2017"),
        (["implemented=2013"], "at least 2014"),
        (["code=c"], "must be one of a, b"),
        (["cheap=maybe"], "must be true or false"),
        (["alpha"], "write it as name=value"),
        (["implemented=" + "9" * 400], "-p implemented=9{60}…: implemented must be a whole number"),
        (["alpha=0.1\n2"], "-p alpha=0.1 2: alpha must be a number"),
        (["al\npha=0.1"], "-p al pha: no selected chapter"),
        (["al\npha"], "-p al pha: write it as"),
        (["=3"], "write it as name=value"),
        (["alpha=0.1", "alpha=0.2"], "given more than once"),
    ],
)
def test_wrong_calls_are_one_line(schema, given, message) -> None:
    with pytest.raises(CreweError, match=message) as fault:
        resolve(schema, BOTH, given)
    assert "\n" not in str(fault.value)


def test_a_parameter_of_another_chapter_is_not_accepted(schema) -> None:
    with pytest.raises(CreweError, match="alpha: no selected chapter"):
        resolve(schema, ["05_cost_benefit"], ["alpha=0.1"])


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{type: float, default: 2, help: h}", "the default must be a number"),
        ("{type: complex, default: 2, help: h}", "type must be one of"),
        ("{type: int, default: 2}", "missing 1 required"),
        ("{type: int, default: 2, help: h, typo: 1}", "typo"),
        ("{type: int, default: 2, max: 1, help: h}", "the default must be a whole number at most 1"),
    ],
)
def test_faults_in_the_declaration_are_named(tmp_path, entry, message) -> None:
    path = tmp_path / "p.yml"
    path.write_text(f"c:\n  x: {entry}\n")
    with pytest.raises(CreweError, match=message):
        load_parameters(path)
