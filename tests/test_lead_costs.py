"""The cost tables as a whole: what follows, and what each result rests on."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from crewe_lib.claim_register import read_claims_file
from crewe_lib.leads import Lead
from crewe_lib.leads.costs import COLUMNS, check_costs, judge_tables

REGISTER = Path(__file__).parents[1] / "data" / "published" / "claims.csv"


@pytest.fixture(scope="module")
def register() -> pd.DataFrame:
    return read_claims_file(REGISTER)


@pytest.fixture(scope="module")
def lead(register: pd.DataFrame) -> Lead:
    return check_costs(register)


def with_values(register: pd.DataFrame, values: dict[str, str]) -> pd.DataFrame:
    frame = register.copy()
    for id, value in values.items():
        assert (frame["id"] == id).sum() == 1
        frame.loc[frame["id"] == id, "value"] = value
    return frame


def per_case(lead: Lead, topic: str) -> dict[str, float]:
    rows = lead.readings[lead.readings["topic"] == topic]
    return dict(zip(rows["reading"], rows["per_case"].round(2), strict=True))


def test_readings_by_hand(lead: Lead) -> None:
    assert per_case(lead, "cost") == {"price": 420.67, "duration": 189.84, "both": 44.49, "total": 655.0}
    # £312 for each percentage point of closures: 80,000 x (0.54 - 0.15) / 100.
    assert per_case(lead, "earnings") == {"report_2017": 2496.0, "cec_61": 3432.0, "november_2019": -3432.0}
    assert per_case(lead, "rereferral")["implied"] == 29.68 and per_case(lead, "rereferral")["same_cost"] == 1.27
    savings = per_case(lead, "escalation")
    assert (savings["table_9"], savings["text"], savings["eight"]) == (74.99, 77.8, 22.26)
    assert savings["national_12"] == round((0.12 * 83 - 2) * 778 / 83, 2)
    assert (lead.readings["difference"] - (lead.readings["per_case"] - lead.readings["printed"])).abs().max() < 1e-9


def test_tables_follow_and_the_points_hold(lead: Lead) -> None:
    n = lead.numbers
    assert lead.verdict == "confirmed in part" and n["problems"] == 6
    assert n["disagree"] == 2 and n["truncated"] == 2  # the rate of escalation disagrees in text and table
    assert n["agree"] + n["agree_implied"] + n["truncated"] + n["disagree"] == n["recomputed"]
    assert n["recomputed"] + n["inputs"] == n["printed"]
    assert (n["arms_low"], n["arms_high"], n["arm_implied"]) == (79, 81, 83)
    assert (n["combinations"], n["give_both"]) == (600, 1)


def test_finding_names_inference_and_numbers(lead: Lead) -> None:
    for part in ("implied", "£421", "£190", "£3,432", "£1.27", "12% and 12.5%", "79 to 81", "£22.26", "management"):
        assert part in lead.finding
    assert set(COLUMNS) <= set(lead.readings.columns)


def test_points_that_the_documents_do_not_give_are_not_counted(register: pd.DataFrame) -> None:
    calm = with_values(
        register,
        {
            "r1.cost.management_cec": "including management",
            "sum.cost.week_reason": "dearer weeks",
            "r1.cost.reref_reason": "dearer weeks",
            "r1.cost.escal_nat_text": "12.5",
            "r1.cost.escal_pc": "2.4",
            "r2.closure.control": "61",
        },
    )
    found = check_costs(calm)
    assert found.numbers["problems"] == 1  # re-referrals at one cost of a case
    assert "management for" not in found.finding and "not of the implied" not in found.finding


def test_finding_follows_the_register(register: pd.DataFrame) -> None:
    found = check_costs(with_values(register, {"r2.closure.control": "60", "r1.escal.year": "4"}))
    assert found.numbers["earnings_november_2019"] == pytest.approx(11 * 312)
    assert "£3,432 with its closures" in found.finding
    assert found.numbers["escalation_eight"] == pytest.approx((0.125 * 83 - 4) * 778 / 83)


def test_figures_that_do_not_follow_confirm_it(register: pd.DataFrame) -> None:
    wrong = {
        id: str(2 * float(value))
        for id, value in zip(register["id"], register["value"], strict=True)
        if id != "r1.cost.tax_order"
        and id.startswith(
            ("r1.cost.earn_", "r1.cost.tax_", "r1.cost.reref_case", "r1.cost.cp_diff", "r1.cost.escal_save")
        )
    }
    found = check_costs(with_values(register, wrong))
    assert found.verdict == "confirmed" and found.numbers["give_both"] == 0


@pytest.mark.parametrize(
    ("numbers", "verdict"),
    [
        ({"problems": 0, "disagree": 0, "recomputed": 16}, "refuted"),
        ({"problems": 1, "disagree": 0, "recomputed": 16}, "confirmed in part"),
        ({"problems": 0, "disagree": 8, "recomputed": 16}, "confirmed in part"),
        ({"problems": 0, "disagree": 9, "recomputed": 16}, "confirmed"),
    ],
)
def test_verdict(numbers: dict[str, int], verdict: str) -> None:
    assert judge_tables(numbers) == verdict
