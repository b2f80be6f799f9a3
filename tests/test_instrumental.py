"""Two-stage least squares: against AER's ivreg with sandwich errors, and by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crewe_lib.errors import CreweError
from crewe_lib.models.instrumental import fit_instrumental
from crewe_lib.models.linear import fit_linear

REFERENCE = Path(__file__).parent / "reference"
DATA = pd.read_csv(REFERENCE / "instrumental_input.csv")
FOUND = pd.read_csv(REFERENCE / "instrumental.csv", comment="#")


@pytest.mark.parametrize("row", FOUND.to_dict("records"), ids=lambda row: f"{row['case']}-{row['covariance']}")
def test_estimate_and_robust_errors_agree_with_ivreg(row: dict[str, object]) -> None:
    covariates = None if row["case"] == "plain" else DATA[["a", "b"]]
    fit = fit_instrumental(
        DATA["y"], DATA["d"], DATA["z"], covariates=covariates, covariance=row["covariance"], alpha=0.05  # type: ignore[arg-type]
    )  # fmt: skip
    assert fit.estimate == pytest.approx(row["estimate"], rel=1e-9)
    assert fit.std_error == pytest.approx(row["std_error"], rel=1e-9)


def test_without_covariates_it_is_one_difference_over_the_other() -> None:
    fit = fit_instrumental(DATA["y"], DATA["d"], DATA["z"], alpha=0.05)
    means = DATA.groupby("z")[["y", "d"]].mean()
    change = means.loc[1] - means.loc[0]
    assert fit.intention == pytest.approx(change["y"]) and fit.first_stage == pytest.approx(change["d"])
    assert fit.estimate == pytest.approx(change["y"] / change["d"])


@pytest.mark.parametrize("alpha", [0.05, 0.3])
def test_limits_are_where_the_test_of_the_lot_just_rejects(alpha: float) -> None:
    fit = fit_instrumental(DATA["y"], DATA["d"], DATA["z"], covariates=DATA[["a", "b"]], alpha=alpha)
    x = np.column_stack([np.ones(len(DATA)), DATA[["z", "a", "b"]]])
    for limit in (fit.conf_low, fit.conf_high):
        p = fit_linear(DATA["y"] - limit * DATA["d"], x, covariance="HC1").interval(1, 0.05)[2]
        assert p == pytest.approx(alpha, rel=1e-6)
    p = fit_linear(DATA["y"], x, covariance="HC1").interval(1, 0.05)[2]
    assert fit.p_value == pytest.approx(p, rel=1e-9)


def test_when_everybody_complies_it_is_the_effect_of_being_assigned() -> None:
    fit = fit_instrumental(DATA["y"], DATA["z"], DATA["z"], alpha=0.05)
    plain = fit_linear(DATA["y"], np.column_stack([np.ones(len(DATA)), DATA["z"]]), covariance="HC1")
    low, high, p = plain.interval(1, 0.05)
    assert (fit.estimate, fit.conf_low, fit.conf_high, fit.p_value) == pytest.approx(
        (plain.coefficients[1], low, high, p), rel=1e-9
    )
    assert fit.first_stage == pytest.approx(1) and fit.first_stage_f > 1e20


def test_a_weak_lot_bounds_the_effect_on_no_side() -> None:
    rng = np.random.default_rng(1)
    taken, lot, y = rng.integers(0, 2, 60), np.repeat([1, 0], 30), rng.integers(0, 2, 60)
    taken[0] = 1 - taken[0]
    fit = fit_instrumental(y, taken, lot, alpha=0.05)
    assert fit.conf_low == -np.inf and fit.conf_high == np.inf


def test_recovers_the_effect_on_compliers() -> None:
    rng = np.random.default_rng(3)
    n = 40_000
    lot, unseen = rng.integers(0, 2, n), rng.normal(size=n)
    always, taker = rng.random(n) < 0.1, rng.random(n) < 0.7
    taken = np.where(always, 1, np.where(taker, lot, 0))
    y = unseen + 2.0 * taken + 3.0 * always  # who takes it anyway is different
    fit = fit_instrumental(y, taken, lot, alpha=0.05)
    assert fit.estimate == pytest.approx(2.0, abs=0.1) and fit.conf_low < 2.0 < fit.conf_high


ONES = np.ones(6)
LOT = np.array([1, 1, 1, 0, 0, 0])


@pytest.mark.parametrize(
    ("y", "taken", "lot", "said"),
    [
        (LOT, [1, 0, 1, 1, 0, 1], LOT, "equally often"),
        (ONES, LOT, LOT, "outcome is the same"),
        (LOT, ONES, LOT, "received is the same"),
        (LOT, LOT, ONES, "assigned is the same"),
        ([1, np.nan, 1, 0, 0, 0], LOT, LOT, "missing"),
        ([1, 0], [1, 0], [1, 0], "cannot estimate"),
        (LOT, LOT[:4], LOT, "one length"),
        (LOT, LOT, LOT, "does not vary on either side"),
        ([1, 0, 1, 0, 1, 1], [1, 0, 0, 1, 0, 0], [1, 0, 0, 0, 0, 0], "alone on its side"),
    ],
)
def test_what_cannot_be_estimated_is_named(y: object, taken: object, lot: object, said: str) -> None:
    with pytest.raises(CreweError, match=said):
        fit_instrumental(y, taken, lot, alpha=0.05)  # type: ignore[arg-type]


def test_covariates_of_another_length_are_named() -> None:
    with pytest.raises(CreweError, match="5 rows"):
        fit_instrumental(DATA["y"], DATA["d"], DATA["z"], covariates=np.ones(5), alpha=0.05)


def test_order_of_rows_and_which_side_of_the_lot_comes_first_do_not_matter() -> None:
    fit = fit_instrumental(DATA["y"], DATA["d"], DATA["z"], alpha=0.05)
    mixed = DATA.sample(frac=1, random_state=1)
    again = fit_instrumental(mixed["y"], mixed["d"], mixed["z"], alpha=0.05)
    other = fit_instrumental(DATA["y"], DATA["d"], 1 - DATA["z"], alpha=0.05)
    for one in (again, other):  # the lot turned round tells the same families apart
        assert (one.estimate, one.conf_low, one.conf_high, one.p_value) == pytest.approx(
            (fit.estimate, fit.conf_low, fit.conf_high, fit.p_value), rel=1e-9
        )
    assert other.intention == pytest.approx(-fit.intention)
    turned = fit_instrumental(1 - DATA["y"], DATA["d"], DATA["z"], alpha=0.05)
    assert (turned.conf_low, turned.conf_high) == pytest.approx((-fit.conf_high, -fit.conf_low), rel=1e-9)
