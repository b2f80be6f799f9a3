"""Multiple imputation and Rubin's rules: hand arithmetic, R's mice, recovery of a truth, named errors."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from crewe_lib.errors import CreweError
from crewe_lib.models.imputation import Pooled, impute_binary, pool_estimates
from crewe_lib.models.logistic import SeparationError, fit_logistic

REFERENCE = Path(__file__).parent / "reference"
Q, U = [0.112, 0.087, 0.131, 0.095, 0.104], [0.0071, 0.0069, 0.0073, 0.007, 0.0072]


def reference(case: str) -> dict[str, float]:
    table = pd.read_csv(REFERENCE / "imputation.csv", comment="#").query("case == @case")
    return dict(zip(table["quantity"], table["value"], strict=True))


def made_trial() -> tuple[np.ndarray, np.ndarray]:
    d = pd.read_csv(REFERENCE / "imputation_input.csv")
    return d["y"].to_numpy(float), np.column_stack([np.ones(len(d)), d[["treated", "under_11", "history"]]])


class TestPooling:
    @pytest.mark.parametrize(
        ("case", "scale", "complete_df"),
        [
            ("complete df 126", 1, 126),
            ("complete df 5", 1, 5),
            ("no complete df", 1, np.inf),
            ("wide apart", 10, 126),
        ],
    )
    def test_mice_agrees(self, case, scale, complete_df) -> None:
        """pool.scalar. mice takes a share of variance below 0.0001 for 0.0001; ours goes on to none (see below)."""
        expected = reference(case)
        found = pool_estimates(scale * np.array(Q), U, complete_df=complete_df)
        low, high, p = found.interval(0.05)
        ours = {
            "qbar": found.estimate,
            "ubar": found.within,
            "b": found.between,
            "t": found.std_error**2,
            "df": found.df,
            "r": (found.std_error**2 - found.within) / found.within,
            "fmi": found.missing_information,
            "low": low,
            "high": high,
            "p": p,
        }
        assert ours.keys() == expected.keys()
        for name, value in expected.items():
            assert ours[name] == pytest.approx(value, rel=1e-9), name

    def test_the_whole_of_mice_agrees(self) -> None:
        """Imputed, analysed by lm and pooled by mice; 126 degrees of freedom would be left without gaps."""
        expected = reference("mice")
        estimates, errors = ([expected[f"{name}{i}"] for i in range(1, 9)] for name in "QU")
        found = pool_estimates(estimates, errors, complete_df=126)
        low, high, p = found.interval(0.05)
        ours = (found.estimate, found.std_error, found.df, p, low, high, found.missing_information)
        names = ("estimate", "std.error", "df", "p.value", "2.5 %", "97.5 %", "fmi")
        assert ours == pytest.approx([expected[name] for name in names], rel=1e-9)

    def test_by_hand(self) -> None:
        """1, 2 and 3 with variances of 1: between 1, total 1 + 4/3, and Rubin's df 2 (1 + 3/4)²."""
        found = pool_estimates([1, 2, 3], [1, 1, 1], complete_df=np.inf)
        assert (found.estimate, found.within, found.between, found.n_imputations) == (2, 1, 1, 3)
        assert found.std_error == pytest.approx(np.sqrt(7 / 3))
        assert found.df == pytest.approx(2 * (1 + 3 / 4) ** 2)

    def test_without_differences_nothing_is_missing(self) -> None:
        found = pool_estimates([0.3] * 4, [0.04] * 4, complete_df=126)
        assert (found.between, found.missing_information) == (0, 0)
        assert found.std_error == pytest.approx(0.2)
        assert found.df == pytest.approx(127 / 129 * 126)
        assert pool_estimates([0.3] * 4, [0.04] * 4, complete_df=np.inf).df == np.inf
        normal = Pooled(0.3, 0.04, 0.0, 0.2, np.inf, 0.0, 4).interval(0.05)
        assert normal[0] == pytest.approx(0.3 - 1.959963985 * 0.2)
        assert normal[2] == pytest.approx(2 * stats.norm.sf(1.5))

    def test_order_and_sign_and_scale_do_not_matter(self) -> None:
        one = pool_estimates(Q, U, complete_df=126)
        again = pool_estimates(Q[::-1], U[::-1], complete_df=126)
        turned = pool_estimates(-100 * np.array(Q), 1e4 * np.array(U), complete_df=126)
        assert vars(again) == pytest.approx(vars(one))
        low, high, p = one.interval(0.1)
        assert turned.interval(0.1) == pytest.approx((-100 * high, -100 * low, p))
        assert (turned.df, turned.missing_information) == pytest.approx((one.df, one.missing_information))

    @pytest.mark.parametrize(
        ("estimates", "variances", "complete_df", "message"),
        [
            ([0.1], [0.01], 10, "1 are too few; at least two"),
            ([0.1, 0.2], [0.01], 10, r"\(2,\) estimates and \(1,\) variances"),
            ([0.1, np.nan], [0.01, 0.01], 10, "every completed data set must give both"),
            ([0.1, 0.2], [0.0, 0.0], 10, "variances must be above zero"),
            ([0.1, 0.2], [0.3, -0.1], 10, "variances must be above zero"),
            ([0.1, 0.2], [0.01, 0.01], 0, "complete_df is 0; it must be above 0"),
            ([0.1, 0.2], [0.01, 0.01], np.nan, "complete_df is nan"),
        ],
    )
    def test_bad_input_is_named(self, estimates, variances, complete_df, message) -> None:
        with pytest.raises(CreweError, match=message):
            pool_estimates(estimates, variances, complete_df=complete_df)

    def test_bad_alpha_is_named(self) -> None:
        with pytest.raises(CreweError, match="alpha is 2"):
            pool_estimates(Q, U, complete_df=126).interval(2)


class TestImputing:
    def test_mice_imputes_as_often(self) -> None:
        """Means over 4,000 imputations of mice and 40,000 of ours, within 4.5 Monte Carlo errors of mice's."""
        expected = reference("imputed")
        y, x = made_trial()
        filled = impute_binary(y, x, n_imputations=40_000, rng=np.random.default_rng(5))[:, np.isnan(y)]
        means = np.array([value for name, value in expected.items() if name.startswith("mean")])
        assert np.max(np.abs(filled.mean(axis=0) - means) / np.sqrt(means * (1 - means) / 4000)) < 4.5
        # A variance from so many draws has a relative error of √(2/4000) with mice, a third of that with ours.
        variance = float(np.var(filled.sum(axis=1), ddof=1))
        assert variance == pytest.approx(expected["variance of the sum"], rel=4 * np.sqrt(2 / 4000))
        # With coefficients held, missing outcomes were independent, and the variance the sum of theirs.
        assert variance > (means * (1 - means)).sum() * (1 + 4 * np.sqrt(2 / 40_000))

    def test_chances_by_quadrature(self) -> None:
        """One missing family: its chance is that of a normal linear predictor, averaged over it."""
        y, x = made_trial()
        first = np.flatnonzero(np.isnan(y))[0]
        rows = ~np.isnan(y)
        rows[first] = True
        y, x, place = y[rows], x[rows], int(rows[:first].sum())
        seen = ~np.isnan(y)
        fit = fit_logistic(y[seen], x[seen], covariance="model")
        nodes, weights = np.polynomial.hermite_e.hermegauss(60)
        centre, spread = x[place] @ fit.coefficients, np.sqrt(x[place] @ fit.covariance_matrix @ x[place])
        chance = float(weights @ special.expit(centre + spread * nodes) / weights.sum())
        filled = impute_binary(y, x, n_imputations=100_000, rng=np.random.default_rng(6))[:, place]
        assert filled.mean() == pytest.approx(chance, abs=4.5 * np.sqrt(chance * (1 - chance) / 100_000))

    def test_what_is_known_stays(self) -> None:
        y, x = made_trial()
        completed = impute_binary(y, x, n_imputations=7, rng=np.random.default_rng(1))
        seen = ~np.isnan(y)
        assert completed.shape == (7, 128)
        assert (completed[:, seen] == y[seen]).all() and np.isin(completed, (0, 1)).all()
        again = impute_binary(y, x, n_imputations=7, rng=np.random.default_rng(1))
        assert (again == completed).all()

    def test_without_a_gap_nothing_is_drawn(self) -> None:
        y, x = made_trial()
        y = np.where(np.isnan(y), 0, y)
        assert (impute_binary(y, x, n_imputations=3, rng=np.random.default_rng(1)) == y).all()

    def test_a_known_truth_is_recovered_where_leaving_out_misleads(self) -> None:
        """Outcomes go missing by arm and age, which sways the families seen; 120 trials of 600, 95% intervals."""
        rng, left_out, imputed, covered = np.random.default_rng(8), [], [], 0
        for _ in range(120):
            treated, young = rng.random(600) < 0.5, rng.random(600) < 0.5
            y = (rng.random(600) < 0.2 + 0.5 * young + 0.1 * treated).astype(float)
            y[rng.random(600) < np.where(treated & young, 0.6, 0.05)] = np.nan
            x = np.column_stack([np.ones(600), treated, young])
            completed = impute_binary(y, x, n_imputations=8, rng=rng)
            shares = [[one[treated == arm].mean() for arm in (1, 0)] for one in completed]
            sizes = [float((treated == arm).sum()) for arm in (1, 0)]
            found = [a - b for a, b in shares]
            errors = [a * (1 - a) / sizes[0] + b * (1 - b) / sizes[1] for a, b in shares]
            pooled = pool_estimates(found, errors, complete_df=598)
            low, high, _ = pooled.interval(0.05)
            imputed.append(pooled.estimate)
            left_out.append(float(np.nanmean(y[treated]) - np.nanmean(y[~treated])))
            covered += low <= 0.1 <= high
        # The mean of 120 estimates has an error of about 0.005, coverage one of 2 points.
        assert np.mean(imputed) == pytest.approx(0.1, abs=0.02)
        assert np.mean(left_out) < 0.03
        assert covered / 120 > 0.88

    @pytest.mark.parametrize(
        ("change", "number", "message"),
        [
            (lambda y, x: (y, x), 1, "1 are too few"),
            (lambda y, x: (y[:-1], x), 5, "each row needs its outcome"),
            (lambda y, x: (y, np.where(x == 1, np.nan, x)), 5, "a column has missing values"),
            (lambda y, x: (np.where(np.isnan(y), y, 1.0), x), 5, "the outcome is the same in every row"),
            (lambda y, x: (np.full_like(y, np.nan), x), 5, "the same in every row|rows cannot estimate"),
            (lambda y, x: (y, np.column_stack([x, x[:, 1]])), 5, "collinear"),
        ],
    )
    def test_bad_input_is_named(self, change, number, message) -> None:
        y, x = change(*made_trial())
        with warnings.catch_warnings(), pytest.raises(CreweError, match=message):
            warnings.simplefilter("error")
            impute_binary(y, x, n_imputations=number, rng=np.random.default_rng(1))

    def test_separation_names_the_column(self) -> None:
        y, x = made_trial()
        x[:, 3] = np.where(np.isnan(y), 1, y)
        with pytest.raises(SeparationError, match="history tells the outcome apart in all rows"):
            impute_binary(
                y,
                x,
                n_imputations=5,
                rng=np.random.default_rng(1),
                names=("constant", "treated", "under_11", "history"),
            )
