"""Limits, implications and recommendations: what they rest on exists, and the size of a next trial is right."""

from __future__ import annotations

import pandas as pd
import pytest
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_effectsize

from crewe_lib import implications
from crewe_lib.claim_register import to_claims
from crewe_lib.claims import check_claim
from crewe_lib.errors import CreweError, DataError
from crewe_lib.implications_table import KINDS
from crewe_lib.load import load_claims, load_implications, load_ledger_tables

# Statements that do not follow although no claim behind them is wrong: what is concluded goes beyond the numbers.
BEYOND = {"r2_not_sustained"}


@pytest.fixture(scope="module")
def register() -> pd.DataFrame:
    return load_claims()


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return load_implications()


def test_every_kind_and_both_reports_are_there(table: pd.DataFrame) -> None:
    assert set(zip(table["kind"], table["report"], strict=True)) == {(k, r) for k in KINDS for r in ("r1", "r2")}


def test_what_does_not_follow_rests_on_a_claim_that_does_not(table: pd.DataFrame, register: pd.DataFrame) -> None:
    claims, tables = to_claims(register), load_ledger_tables()
    for row in table[table["verdict"] == "does not follow"].to_dict("records"):
        classes = {check_claim(claims, id, tables).cls for id in row["claims"].split()}
        assert row["id"] in BEYOND or classes & {"minor", "major", "decision"}, row["id"]


def test_statements_are_filled_in_and_say_what_the_ledger_has(table: pd.DataFrame, register: pd.DataFrame) -> None:
    limits = implications.derive_statements(table, register, load_ledger_tables(), kind="limit").set_index("id")
    assert limits.loc["r2_crossing", "reason"].count("5 of 44") == 1 and "{" not in "".join(limits["reason"])
    assert limits.loc["r2_aged", "ledger"] == "1 follows, 1 does not"
    assert limits.loc["r1_small", "place"] == "2017, p. 50"


def test_a_claim_that_the_register_lacks_is_a_named_error(table: pd.DataFrame, register: pd.DataFrame) -> None:
    less = register[register["id"] != "r2.demo.aged_test"]
    with pytest.raises(DataError, match=r"r2\.demo\.aged_test"):
        implications.derive_statements(table, less, load_ledger_tables(), kind="limit")


@pytest.mark.parametrize("points", [5.0, 15.0])
def test_the_size_of_a_next_trial_agrees_with_statsmodels(register: pd.DataFrame, points: float) -> None:
    sizes = implications.estimate_next_trial(register, differences=[points], alpha=0.05, power=0.8).iloc[0]
    effect = proportion_effectsize(0.64 + points / 100, 0.64)
    arm = NormalIndPower().solve_power(effect, alpha=0.05, power=0.8, ratio=1)
    # statsmodels takes the arcsine, this table the unpooled variance; they agree where shares are not extreme.
    assert sizes["even"] == pytest.approx(2 * arm, rel=0.02)
    assert sizes["two"] > sizes["even"] and sizes["times"] == pytest.approx(sizes["two"] / 132)


def test_a_rise_beyond_everybody_is_a_named_error(register: pd.DataFrame) -> None:
    with pytest.raises(CreweError):
        implications.estimate_next_trial(register, differences=[40.0], alpha=0.05, power=0.8)


def test_verdicts_are_counted(table: pd.DataFrame, register: pd.DataFrame) -> None:
    parts = [implications.derive_statements(table, register, load_ledger_tables(), kind=kind) for kind in KINDS]
    found = implications.summarise_statements(*parts)
    assert found["statements"] == len(table)
    assert found["holds"] + found["holds_in_part"] + found["does_not_follow"] + found["open"] == len(table)
