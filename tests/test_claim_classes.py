"""How a printed and a recomputed value are compared."""

from dataclasses import replace

import pytest

from crewe_lib.claim_classes import CLASSES, Recomputed, judge
from crewe_lib.claim_register import EXTERNAL, NOT_RECOMPUTABLE, Claim, Reader
from crewe_lib.claim_rules.common import attainable, restated, total
from crewe_lib.errors import DataError

CLAIM = Claim(
    id="r1.made.up",
    document="r1",
    section="Made up",
    page=1,
    line="",
    statement="Made up",
    value="72",
    unit="%",
    group="",
    denominator=None,
    precision="digits",
    topic="sample",
    origin="printed",
    status="",
    reason="",
)


def made(value: str, **columns: object) -> Claim:
    return replace(CLAIM, value=value, **columns)  # type: ignore[arg-type]


def reader(**values: str) -> Reader:
    return Reader({id: made(value, id=id, unit="families") for id, value in values.items()}, checking="own")


@pytest.mark.parametrize(
    ("printed", "columns", "value", "cls"),
    [
        ("72", {}, 71.95, "exact"),
        ("72", {}, 71.4, "minor"),
        ("72", {}, 72.9, "rounding"),  # cut off
        ("74.98", {"unit": "GBP"}, 74.98795, "rounding"),  # cut off
        ("72", {}, 70.6, "minor"),
        ("72", {}, 50.0, "major"),
        ("2.5", {"unit": "%"}, 2.25, "minor"),
        ("12", {}, 12.5, "rounding"),  # a half may go either way
        ("13", {}, 12.5, "rounding"),
        ("132", {"unit": "families"}, 132.0, "exact"),
        ("132", {"unit": "families"}, 131.0, "minor"),  # a count is never rounded
        ("3800", {"unit": "GBP", "precision": "hundreds"}, 3798.83, "exact"),
        ("3800", {"unit": "GBP", "precision": "hundreds"}, 3640.0, "minor"),
        ("20", {"precision": "over"}, 22.7, "exact"),
        ("20", {"precision": "over"}, 19.9, "minor"),
        ("11", {"precision": "about"}, 11.9, "exact"),
        ("11", {"precision": "about"}, 13.0, "major"),
        ("18 to 21", {"unit": "cases"}, 20.0, "exact"),
        ("18 to 21", {"unit": "cases"}, 25.0, "minor"),
        ("0", {"unit": "families"}, 1.0, "major"),
        ("-6", {"unit": "score"}, -6.0, "exact"),
    ],
)
def test_numbers(printed: str, columns: dict, value: float, cls: str) -> None:
    assert judge(made(printed, **columns), Recomputed("made up", value=value)).cls == cls


def test_rounded_inputs_explain_a_difference_only_within_their_reach() -> None:
    claim, found = made("8.5", unit="percentage points"), Recomputed("72 − 64", value=8.0)
    assert judge(claim, found).cls == "minor"
    assert judge(claim, found, (7.0, 9.0)).cls == "rounding"
    assert judge(claim, found, (7.8, 8.2)).cls == "minor"


def test_a_rule_may_say_what_a_mismatch_amounts_to() -> None:
    assert judge(made("72"), Recomputed("x", value=70.0, differs="decision")).cls == "decision"
    assert judge(made("72"), Recomputed("x", value=72.0, differs="decision")).cls == "exact"


@pytest.mark.parametrize(
    ("p_values", "cls"),
    [((0.2, 0.9), "exact"), ((0.01, 0.04), "decision"), ((0.01, 0.2), "major")],
)
def test_significance_must_hold_under_every_reading(p_values: tuple[float, ...], cls: str) -> None:
    found = Recomputed("x", p_values={str(n): p for n, p in enumerate(p_values)})
    assert judge(made("n.s.", unit="p-value"), found).cls == cls


def test_significance_needs_a_claim_of_significance() -> None:
    with pytest.raises(DataError, match=r"must be 'n\.s\.' or 'significant'"):
        judge(made("72"), Recomputed("x", p_values={"a": 0.2}))


def test_words_agree_or_not() -> None:
    assert judge(made("PC higher", unit="direction"), Recomputed("x", words="PC higher")).cls == "exact"
    changed = Recomputed("x", words="PC lower", differs="decision")
    assert judge(made("PC higher", unit="direction"), changed).cls == "decision"


@pytest.mark.parametrize(("printed", "cls"), [("42", "exact"), ("41", "rounding"), ("40", "exact"), ("67", "exact")])
def test_attainable_percentages_of_84(printed: str, cls: str) -> None:
    # 34/84 = 40.5, 35/84 = 41.7, 56/84 = 66.7
    found = attainable("n", decimals=0)(reader(n="84"))
    assert judge(made(printed), found).cls == cls
    # Half of 84 and both ends apart, each whole number prints as a percentage of its own.
    assert found.note.startswith("85 of 101 percentages of this precision would pass, ")


def test_what_is_shown_instead_of_a_number() -> None:
    assert judge(made("3"), Recomputed("x", value=2, shown="from 2 years")).recomputed == "from 2 years"
    assert judge(made("3"), Recomputed("x", value=3, shown="from 3 years")).cls == "exact"


def test_a_percentage_out_of_many_cannot_be_checked() -> None:
    judged = judge(made("70"), attainable("n", decimals=0)(reader(n="380")))
    assert (judged.cls, judged.recomputed) == (NOT_RECOMPUTABLE, None)


def test_repetition_is_no_check_but_contradiction_is_a_finding() -> None:
    found = restated("other")(reader(other="132"))
    assert judge(made("132", unit="families"), found).cls == NOT_RECOMPUTABLE
    assert judge(made("128", unit="families"), found).cls == "minor"


def test_an_external_figure_stays_external_unless_contradicted() -> None:
    claim = made("23.4", status=EXTERNAL)
    assert judge(claim, Recomputed("x", value=23.41)).cls == EXTERNAL
    assert judge(claim, Recomputed("x", value=30.0)).cls == "major"


def test_a_rule_without_result_is_refused() -> None:
    with pytest.raises(DataError, match="nothing to compare"):
        judge(CLAIM, Recomputed("x"))


def test_no_rule_can_read_the_claim_it_checks() -> None:
    with pytest.raises(DataError, match="cannot check itself"):
        total("own", "n")(reader(own="1", n="2"))


def test_a_missing_claim_and_a_wrong_value_are_named() -> None:
    with pytest.raises(DataError, match="no claim 'absent'"):
        total("absent")(reader(n="2"))
    with pytest.raises(DataError, match="'many' is not a number"):
        total("n")(reader(n="many"))


def test_every_class_has_a_meaning() -> None:
    assert list(CLASSES)[:5] == ["exact", "rounding", "minor", "major", "decision"] and all(CLASSES.values())
