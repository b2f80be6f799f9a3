"""Closing without those who turned eighteen: bounds over who of them is counted as closed."""

from __future__ import annotations

import itertools

import pandas as pd
import pytest

from crewe_lib import follow_up_aged as aged
from crewe_lib.errors import DataError
from crewe_lib.load import load_claims


@pytest.fixture(scope="module")
def bounds() -> pd.DataFrame:
    return aged.derive_without_aged(load_claims())


def test_at_the_printed_arms_by_hand(bounds: pd.DataFrame) -> None:
    own = bounds[bounds["main"]].set_index("counted")
    words = own[["treatment", "control"]].apply(tuple, axis=1).to_dict()
    assert words == {
        aged.ALL: ("49 of 73", "23 of 31"),
        aged.FEWEST: ("60 of 73", "31 of 31"),
        aged.LEAST: ("49 of 73", "31 of 31"),
        aged.MOST: ("60 of 73", "23 of 31"),
    }
    assert own.loc[aged.ALL, "difference"] == pytest.approx(100 * (49 / 73 - 23 / 31))
    # 36 of 44 closed, 31 of them not eighteen: five of the others at least.
    assert (own["forced1"] == 0).all() and (own["forced2"] == 36 - 31).all()


def test_bounds_are_the_ends_of_every_choice(bounds: pd.DataFrame) -> None:
    for arms, own in bounds.groupby("arms"):
        at, first = own.set_index("counted")["difference"], own[own["counted"] == aged.ALL].iloc[0]
        k1, k2 = first["k1"] + first["aged1"], first["k2"] + first["aged2"]
        every = [
            100 * ((k1 - i) / first["n1"] - (k2 - j) / first["n2"])
            for i, j in itertools.product(range(first["aged1"] + 1), range(first["aged2"] + 1))
            if k1 - i <= first["n1"] and k2 - j <= first["n2"]
        ]
        assert (min(every), max(every)) == pytest.approx((at[aged.LEAST], at[aged.MOST])), arms
        assert all(at[aged.LEAST] <= value <= at[aged.MOST] for value in at)


def test_numbers_for_prose(bounds: pd.DataFrame) -> None:
    found = aged.summarise_without_aged(bounds)
    assert bounds["main"].iloc[0] and found["turns"] is True
    assert (found["aged_treatment"], found["aged_control"], found["forced_control"]) == (11, 13, 5)
    assert found["least"] == pytest.approx(100 * (49 / 73 - 1)) and found["fewest"] < found["all_closed"] < 0
    assert found["divisions"] == bounds["arms"].nunique() > 1


def test_counts_that_fit_nothing_are_a_named_error() -> None:
    register = load_claims()
    register.loc[register["id"] == "r2.demo.aged_control", "value"] = "28"
    register.loc[register["id"] == "r2.closure.control", "value"] = "0"
    register.loc[register["id"] == "r2.closure.treat", "value"] = "999"
    with pytest.raises(DataError, match="no whole numbers of families print both"):
        aged.derive_without_aged(register)
