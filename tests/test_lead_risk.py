"""Risk means and the questionnaire's total: rival readings by hand, and findings that follow the register."""

import pytest
from ledger_rows import with_rows

from crewe_lib.leads.risk import COLUMNS, check_risk, check_sdq_definition, find_total
from crewe_lib.load import load_claims

ROWS = {
    "r1.sdq.composite": {"value": "5", "unit": "items", "precision": "words"},
    "r1.sdq.respondent": {"value": "family practitioner and social worker", "unit": "label"},
    "r1.sdq.respondent_app": {"value": "family practitioner or parent", "unit": "label"},
}


@pytest.fixture(scope="module")
def register():
    return with_rows(load_claims(), ROWS)


def changed(register, **values):
    return with_rows(register, {id: {"value": value} for id, value in values.items()})


@pytest.mark.parametrize(
    ("printed", "n", "step", "above", "below", "expected"),
    [
        (1.5, 6, 1, 0.5, 0.5, (9, True)),
        (2.2, 7, 1, 0.5, 0.5, (15, False)),  # 2.14 prints 2.1, 2.29 prints 2.3
        (2.2, 7, 1, 1.0, 0.0, (16, True)),  # 2.28… cut off
        (2.2, 7, 0.5, 0.5, 0.5, (15.5, True)),
        (2.2, 7, 1, 1.0, 1.0, (15, True)),  # 5.36 less 3.22 is 2.14 and prints 5.4 − 3.2
        (2.0, 7, 1, 1.0, 0.0, (14, True)),
        (0.5, 3, 1, 1.0, 1.0, (1, False)),  # thirds lie 0.17 off
    ],
)
def test_totals_by_hand(printed, n, step, above, below, expected) -> None:
    total, fits = find_total(printed, n, step=step, above=above, below=below)
    assert fits == expected[1] and (not fits or total == expected[0])


def test_a_difference_of_rounded_means_can_be_a_tenth_off() -> None:
    """By search: two means of seven whole scores whose rounded difference is 2.2 while 2.2 is no mean itself."""
    found = {(a - b) for a in range(-100, 100) for b in range(-100, 100)
             if round(round(a / 7, 1) - round(b / 7, 1), 1) == 2.2}  # fmt: skip
    assert found == {15, 16}


class TestRisk:
    def test_readings(self, register) -> None:
        lead = check_risk(register)
        assert lead.verdict == "confirmed" and lead.readings["fits"].tolist() == [1, 2, 2, 2]
        assert set(COLUMNS) == set(lead.readings.columns)
        assert lead.readings["control_mean"].tolist() == pytest.approx([15 / 7, 16 / 7, 15.5 / 7, 15 / 7])
        assert "implied" in lead.finding and "1.5" in lead.finding and "2.14" in lead.finding

    def test_it_follows_the_register(self, register) -> None:
        whole = check_risk(changed(register, **{"r2.risk.control": "2.1"}))
        assert whole.verdict == "confirmed in part" and "can be means of whole scores" in whole.finding
        fall = check_risk(changed(register, **{"r2.risk.reduction_wording": "increase"}))
        assert fall.verdict == "confirmed in part" and "although" not in fall.finding
        both = check_risk(changed(register, **{"r2.risk.control": "2.1", "r2.risk.reduction_wording": "increase"}))
        assert both.verdict == "refuted"

    def test_the_first_report_tested_nothing(self, register) -> None:
        assert "tested no difference" in check_risk(register).finding
        tested = check_risk(changed(register, **{"r1.risk.no_test": "t-test"}))
        assert "tested no difference" not in tested.finding and not tested.numbers["untested"]


class TestQuestionnaire:
    def test_five_less_one_is_four(self, register) -> None:
        lead = check_sdq_definition(register)
        assert lead.verdict == "confirmed" and lead.readings["scales"].tolist() == [5, 5, 4]
        assert lead.readings["items"].tolist() == [25, 25, 20]
        assert "four are left" in lead.finding and "parent" in lead.finding

    def test_it_follows_the_register(self, register) -> None:
        four = check_sdq_definition(changed(register, **{"r1.sdq.composite": "4"}))
        assert four.verdict == "confirmed in part"
        same = {"r1.sdq.composite": "4", "r1.sdq.respondent": "family practitioner or parent"}
        assert check_sdq_definition(changed(register, **same)).verdict == "refuted"
