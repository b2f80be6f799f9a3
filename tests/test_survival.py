"""Curves, restricted means, the Cox model and the test of what it assumes: by hand, against R, and bad input.

Agreement with R is to 1e-9 relative: both solve the same equations, and the reference is printed to fifteen digits.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter, KaplanMeierFitter
from scipy import optimize, stats

from crewe_lib.errors import CreweError
from crewe_lib.models.cox import fit_cox
from crewe_lib.models.proportionality import fit_proportionality
from crewe_lib.models.survival import compare_restricted_means, fit_kaplan_meier, fit_restricted_mean

FOLDER = Path(__file__).parent / "reference"
REFERENCE = pd.read_csv(FOLDER / "survival.csv", comment="#", skipinitialspace=True, dtype={"term": str})
MADE, LUNG = (pd.read_csv(FOLDER / f"survival_{name}.csv") for name in ("input", "lung"))
COX = {"made": (MADE, ["treated", "history", "age"]), "lung": (LUNG, ["age", "female", "ecog"])}
CURVES = {"made_treated": MADE[MADE.treated == 1], "made_control": MADE[MADE.treated == 0], "lung": LUNG}
DAYS, EVENTS = [1, 2, 2, 3, 4], [1, 1, 0, 0, 1]


def reference(case: str, measure: str) -> np.ndarray:
    return REFERENCE.query("case == @case and measure == @measure")["value"].to_numpy(dtype=float)


class TestCurve:
    def test_by_hand(self) -> None:
        fit = fit_kaplan_meier(DAYS, EVENTS, alpha=0.05)
        assert fit.days.tolist() == [1, 2, 3, 4]
        assert fit.at_risk.tolist() == [5, 4, 2, 1]
        assert (fit.events.tolist(), fit.censored.tolist()) == ([1, 1, 0, 1], [0, 1, 1, 0])
        np.testing.assert_allclose(fit.survival, [0.8, 0.6, 0.6, 0])
        errors = [0.8 * np.sqrt(1 / 20), 0.6 * np.sqrt(1 / 20 + 1 / 12), 0.6 * np.sqrt(1 / 20 + 1 / 12), np.nan]
        np.testing.assert_allclose(fit.std_error, errors)
        assert np.isnan([fit.conf_low[-1], fit.conf_high[-1]]).all()

    @pytest.mark.parametrize("case", CURVES)
    def test_agrees_with_r(self, case: str) -> None:
        data = CURVES[case]
        fit = fit_kaplan_meier(data["days"], data["event"], alpha=0.05)
        days = REFERENCE.query("case == @case and measure == 'surv'")["term"].astype(float)
        place = np.searchsorted(fit.days, days)
        pairs = {
            "n.risk": fit.at_risk,
            "n.event": fit.events,
            "n.censor": fit.censored,
            "surv": fit.survival,
            "std.err": fit.std_error,
            "lower": fit.conf_low,
            "upper": fit.conf_high,
        }
        for name, ours in pairs.items():
            np.testing.assert_allclose(ours[place], reference(case, name), rtol=1e-9, err_msg=name)

    def test_agrees_with_lifelines_on_every_day(self) -> None:
        fit = fit_kaplan_meier(MADE["days"], MADE["event"], alpha=0.1)
        theirs = KaplanMeierFitter(alpha=0.1).fit(MADE["days"], MADE["event"])
        np.testing.assert_allclose(fit.survival, theirs.survival_function_at_times(fit.days), rtol=1e-10)
        limits = theirs.confidence_interval_.loc[fit.days].to_numpy()
        np.testing.assert_allclose(np.column_stack([fit.conf_low, fit.conf_high]), limits, rtol=1e-8)

    def test_without_an_event_it_stays_at_one(self) -> None:
        fit = fit_kaplan_meier([3, 5], [0, 0], alpha=0.05)
        assert fit.survival.tolist() == [1, 1] and fit.std_error.tolist() == [0, 0]
        assert np.isnan(fit.conf_low).all() and np.isnan(fit.conf_high).all()

    def test_row_order_does_not_matter(self) -> None:
        order = np.random.default_rng(1).permutation(len(MADE))
        one = fit_kaplan_meier(MADE["days"], MADE["event"], alpha=0.05)
        other = fit_kaplan_meier(MADE["days"].iloc[order], MADE["event"].iloc[order], alpha=0.05)
        np.testing.assert_array_equal(one.conf_low, other.conf_low)


class TestRestrictedMean:
    def test_by_hand(self) -> None:
        found = fit_restricted_mean(DAYS, EVENTS, until=3)
        assert found.mean == pytest.approx(1 + 0.8 + 0.6)
        assert found.std_error == pytest.approx(np.sqrt(1.4**2 / 20 + 0.6**2 / 12))
        assert (found.n, found.events, found.observed) == (5, 2, 2)

    @pytest.mark.parametrize("case", CURVES)
    def test_agrees_with_r(self, case: str) -> None:
        data = CURVES[case]
        untils = REFERENCE.query("case == @case and measure == 'rmean'")["term"].astype(float)
        found = [fit_restricted_mean(data["days"], data["event"], until=until) for until in untils]
        np.testing.assert_allclose([f.mean for f in found], reference(case, "rmean"), rtol=1e-9)
        np.testing.assert_allclose([f.std_error for f in found], reference(case, "se_rmean"), rtol=1e-9)

    def test_without_censoring_it_is_a_plain_mean(self) -> None:
        """With n in place of n − 1 in the variance."""
        days = np.array([3.0, 7, 8, 20, 31, 31])
        found = fit_restricted_mean(days, np.ones(6), until=25)
        cut = np.minimum(days, 25)
        assert found.mean == pytest.approx(cut.mean())
        assert found.std_error == pytest.approx(cut.std() / np.sqrt(6))

    def test_a_curve_at_zero_is_known_beyond_the_last_day(self) -> None:
        assert fit_restricted_mean(DAYS, EVENTS, until=50).mean == pytest.approx(1 + 0.8 + 0.6 + 0.6)

    def test_a_curve_that_ends_above_zero_is_not(self) -> None:
        # R carries the curve on flat there; we do not.
        fit_restricted_mean([1, 2, 3], [1, 1, 0], until=3)
        with pytest.raises(CreweError, match="until can be 3 at most"):
            fit_restricted_mean([1, 2, 3], [1, 1, 0], until=3.5)

    def test_swapping_arms_flips_the_difference(self) -> None:
        one, other = (fit_restricted_mean(d["days"], d["event"], until=301) for d in list(CURVES.values())[:2])
        here, there = compare_restricted_means(one, other, alpha=0.05), compare_restricted_means(other, one, alpha=0.05)
        assert here.difference == -there.difference and here.p_value == there.p_value
        assert (here.conf_low, here.conf_high) == pytest.approx((-there.conf_high, -there.conf_low))
        assert here.std_error == pytest.approx(np.hypot(one.std_error, other.std_error))

    def test_the_interval_covers_a_known_truth(self) -> None:
        """1,000 samples of 60, times exponential, censored uniformly: coverage within binomial error of the level."""
        rng = np.random.default_rng(3)
        until, rate, covered = 300, 1 / 250, 0
        truth = (1 - np.exp(-rate * until)) / rate
        for _ in range(1000):
            event, end = rng.exponential(1 / rate, 60), rng.uniform(200, 460, 60)
            found = fit_restricted_mean(np.minimum(event, end), event <= end, until=until)
            low, high = found.interval(0.05)
            covered += low <= truth <= high
        assert 0.925 < covered / 1000 < 0.965

    @pytest.mark.parametrize(
        ("days", "events", "until", "message"),
        [
            (DAYS, EVENTS, 0, "a day after 0"),
            (DAYS, EVENTS, np.nan, "a day after 0"),
            (DAYS, EVENTS, 1, "no event before day 1"),
            (DAYS, [0] * 5, 3, "no event before day 3"),
        ],
    )
    def test_bad_input_is_named(self, days, events, until, message) -> None:
        with pytest.raises(CreweError, match=message):
            fit_restricted_mean(days, events, until=until)

    def test_what_cannot_be_compared_is_named(self) -> None:
        one, other = (fit_restricted_mean(DAYS, EVENTS, until=until) for until in (2.5, 3))
        with pytest.raises(CreweError, match="cannot be compared"):
            compare_restricted_means(one, other, alpha=0.05)
        still = fit_restricted_mean([2, 2], [1, 1], until=3)
        with pytest.raises(CreweError, match="there is no error"):
            compare_restricted_means(still, still, alpha=0.05)


class TestCox:
    def test_by_hand_without_ties(self) -> None:
        """Closing in the order 1, 0, 1, 0: the score equation in r = exp(β) is r² − r − 4 = 0."""
        fit = fit_cox([1, 2, 3, 4], [1, 1, 1, 1], [[1.0], [0], [1], [0]])
        r = (1 + np.sqrt(17)) / 2
        assert np.exp(fit.coefficients[0]) == pytest.approx(r, rel=1e-12)
        shares = np.array([2 * r / (2 * r + 2), r / (r + 2), r / (r + 1)])
        assert fit.model[0, 0] == pytest.approx(1 / np.sum(shares * (1 - shares)), rel=1e-12)

    def test_by_hand_with_ties(self) -> None:
        """Three of five fall on one day, two of them of group 1: Efron's score equation holds at the estimate."""
        fit = fit_cox([1, 1, 1, 2, 3], [1, 1, 1, 0, 0], [[1.0], [1], [0], [0], [0]])
        r = np.exp(fit.coefficients[0])
        weights = [2 * r + 3 - part * (2 * r + 1) for part in (0, 1 / 3, 2 / 3)]
        gone = [2 * r * (1 - part) for part in (0, 1 / 3, 2 / 3)]
        expected = sum(g / w for g, w in zip(gone, weights, strict=True))
        assert expected == pytest.approx(2, rel=1e-12)

    @pytest.mark.parametrize("case", COX)
    def test_agrees_with_r(self, case: str) -> None:
        data, columns = COX[case]
        clusters = data["family"] if case == "made" else None
        fit = fit_cox(data["days"], data["event"], data[columns], clusters=clusters)
        np.testing.assert_allclose(fit.coefficients, reference(case, "coefficient"), rtol=1e-9)
        assert fit.log_likelihood == pytest.approx(reference(case, "log_likelihood")[0], rel=1e-12)
        for errors in ("model", "robust") if clusters is None else ("model", "robust", "clustered"):
            ours = np.sqrt(np.diag(getattr(fit, errors)))
            np.testing.assert_allclose(ours, reference(case, errors), rtol=1e-9, err_msg=errors)

    def test_coefficients_agree_with_lifelines(self) -> None:
        # lifelines stops when its step is about 1e-7.
        theirs = CoxPHFitter().fit(MADE.drop(columns="family"), "days", "event")
        fit = fit_cox(MADE["days"], MADE["event"], MADE[COX["made"][1]])
        np.testing.assert_allclose(fit.coefficients, theirs.params_, rtol=1e-5)
        np.testing.assert_allclose(np.sqrt(np.diag(fit.model)), theirs.standard_errors_, rtol=1e-5)

    def test_invariances(self) -> None:
        order = np.random.default_rng(2).permutation(len(MADE))
        x = MADE[COX["made"][1]].to_numpy(dtype=float)
        one = fit_cox(MADE["days"], MADE["event"], x, clusters=MADE["family"])
        changed = MADE.iloc[order]
        scaled = x[order] * [-1, 1, 1000] + [1, 0, 1e6]
        other = fit_cox(changed["days"] ** 2, changed["event"], scaled, clusters=changed["family"] + 7)
        turn = np.array([-1, 1, 0.001])
        np.testing.assert_allclose(other.coefficients, one.coefficients * turn, rtol=1e-8)
        np.testing.assert_allclose(other.clustered, one.clustered * np.outer(turn, turn), rtol=1e-8)

    def test_each_row_its_own_cluster_is_robust(self) -> None:
        fit = fit_cox(LUNG["days"], LUNG["event"], LUNG[["age"]], clusters=np.arange(len(LUNG)))
        np.testing.assert_allclose(fit.clustered, fit.robust, rtol=1e-12)

    def test_a_ratio_and_its_interval(self) -> None:
        fit = fit_cox(LUNG["days"], LUNG["event"], LUNG[["age", "female"]])
        found = fit.hazard_ratio(1, errors="robust", alpha=0.1)
        error = np.sqrt(fit.robust[1, 1])
        assert found.ratio == np.exp(fit.coefficients[1]) and found.std_error == error
        assert np.log([found.conf_low, found.conf_high]) == pytest.approx(
            fit.coefficients[1] + error * stats.norm.ppf([0.05, 0.95])
        )
        with pytest.raises(CreweError, match="this fit has model, robust"):
            fit.hazard_ratio(1, errors="clustered", alpha=0.1)

    def test_a_known_truth_is_recovered(self) -> None:
        rng = np.random.default_rng(5)
        x = np.column_stack([rng.random(20_000) < 2 / 3, rng.normal(size=20_000)]).astype(float)
        days = np.ceil(rng.exponential(300 / np.exp(x @ [0.4, -0.7])))
        fit = fit_cox(np.minimum(days, 458), days <= 458, x)
        assert (np.abs(fit.coefficients - [0.4, -0.7]) < 4 * np.sqrt(np.diag(fit.model)) + 0.005).all()

    def test_clustered_errors_match_the_spread_over_trials(self) -> None:
        """300 trials of 130 families with two children each that share a frailty and the arm."""
        rng = np.random.default_rng(6)
        family, arm = np.repeat(np.arange(130), 2), np.repeat(np.arange(130) < 87, 2).astype(float)
        found, errors, plain = [], [], []
        for _ in range(300):
            days = np.ceil(rng.exponential(300 / rng.gamma(1, 1, 130)[family]))
            fit = fit_cox(np.minimum(days, 458), days <= 458, arm[:, None], clusters=family)
            found.append(fit.coefficients[0])
            errors.append(np.sqrt(fit.clustered[0, 0]))
            plain.append(np.sqrt(fit.model[0, 0]))
        assert np.mean(errors) / np.std(found) == pytest.approx(1, abs=0.12)
        assert np.mean(plain) / np.std(found) < 0.9

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (dict(events=[0] * 6), "no events"),
            (dict(x=[[1.0]] * 6), r"covariate 1 \(counted from 1\) is constant"),
            (dict(x=[[1.0, 5.0], [0, 5], [1, 5], [0, 5], [1, 5], [0, 5]]), "covariate 2 "),
            (dict(x=[[1.0, 2.0], [0, 0], [1, 2], [0, 0], [1, 2], [0, 0]]), "collinear"),
            (dict(x=[[0.0], [0], [0], [1], [0], [0]], days=[2, 3, 4, 1, 5, 6], events=[1, 1, 1, 0, 0, 0]), "not vary"),
            (dict(events=[1, 0, 1, 0, 1, 0]), "has no maximum"),
            (dict(x=[[6.0], [5], [4], [3], [2], [1]]), "has no maximum"),
            (dict(x=[[1.0], [np.nan], [1], [0], [1], [0]]), "covariates hold missing values"),
            (dict(x=[[1.0], [0]]), "one row for each"),
            (dict(x=[1.0, 0, 1, 0, 1, 0]), "one row for each"),
            (dict(days=[1, 2, 3, 4, 5, -6]), "1 of the days are negative"),
            (dict(days=[1, 2, 3, 4, 5, np.nan]), "hold missing values"),
            (dict(events=[1, 1, 1, 1, 1, 2]), "must be 1"),
            (dict(events=[1, 1]), "two lists of one length"),
            (dict(days=[], events=[]), "not empty"),
            (dict(x=np.eye(6)), "6 rows cannot estimate 6"),
            (dict(clusters=[1, 1, 1, 1, 1, 1]), "1 clusters are too few"),
            (dict(clusters=[1, 2, 3]), "must be 6 labels"),
            (dict(clusters=[1, 2, 3, 4, 5, None]), "must be 6 labels"),
        ],
    )
    def test_bad_input_is_named(self, change: dict, message: str) -> None:
        call = dict(days=[1, 2, 3, 4, 5, 6], events=[1, 1, 1, 1, 1, 1], x=[[1.0], [0], [1], [0], [1], [0]]) | change
        with pytest.raises(CreweError, match=message):
            fit_cox(call.pop("days"), call.pop("events"), call.pop("x"), **call)

    def test_separation_by_a_combination_is_named(self) -> None:
        """Neither column separates alone; their sum puts the events in order."""
        x = np.array([[3.0, 3], [5, 0], [0, 4], [3, 0], [0, 2], [1, 0]])
        for column in (0, 1):
            fit_cox(np.arange(1, 7), np.ones(6), x[:, [column]])
        with pytest.raises(CreweError, match="has no maximum"):
            fit_cox(np.arange(1, 7), np.ones(6), x)

    def test_it_refuses_separation_and_nothing_else(self) -> None:
        """300 small sets with ties: refused just where a linear programme finds a direction that orders the events."""
        rng, seen = np.random.default_rng(9), []
        while len(seen) < 300:
            n = int(rng.integers(5, 16))
            days, event, x = rng.integers(0, 8, n), rng.random(n) < 0.5, rng.integers(0, 3, (n, 2)).astype(float)
            try:
                fit_cox(days, event, x)
                refused = False
            except CreweError as error:
                if "has no maximum" not in str(error):
                    continue
                refused = True
            at_risk = [x[i] - x[j] for i in np.flatnonzero(event) for j in np.flatnonzero(days >= days[i])]
            apart = np.array(at_risk)
            best = optimize.linprog(-apart.sum(axis=0), A_ub=-apart, b_ub=np.zeros(len(apart)), bounds=[(-1, 1)] * 2)
            assert refused == (-best.fun > 1e-7)
            seen.append(refused)
        assert 30 < sum(seen) < 270


class TestProportionality:
    @pytest.mark.parametrize("transform", ["km", "identity"])
    @pytest.mark.parametrize("case", COX)
    def test_agrees_with_r(self, case: str, transform: str) -> None:
        data, columns = COX[case]
        found = fit_proportionality(data["days"], data["event"], data[columns], transform=transform)
        statistics = np.r_[found.statistics, found.joint_statistic]
        np.testing.assert_allclose(statistics, reference(case, f"zph_{transform}"), rtol=1e-9)
        p_values = np.r_[found.p_values, found.joint_p_value]
        np.testing.assert_allclose(p_values, reference(case, f"zph_p_{transform}"), rtol=1e-9)
        assert found.joint_df == len(columns)

    def test_one_covariate_is_the_joint_test(self) -> None:
        found = fit_proportionality(LUNG["days"], LUNG["event"], LUNG[["ecog"]], transform="km")
        assert found.joint_statistic == pytest.approx(found.statistics[0], rel=1e-10)

    def test_units_of_time_and_of_covariates_do_not_matter(self) -> None:
        one = fit_proportionality(LUNG["days"], LUNG["event"], LUNG[["age"]], transform="identity")
        other = fit_proportionality(LUNG["days"] / 7, LUNG["event"], 3 - 10 * LUNG[["age"]], transform="identity")
        assert other.statistics[0] == pytest.approx(one.statistics[0], rel=1e-8)

    def test_it_holds_its_level_and_finds_crossing_curves(self) -> None:
        """400 trials each with heavy ties: proportional hazards, and curves that cross."""
        rng = np.random.default_rng(8)
        arm = (np.arange(126) < 82).astype(float)
        rejected = {1.0: 0, 2.5: 0}
        for shape in rejected:
            for _ in range(400):
                power = np.where(arm == 1, shape, 1.0)
                days = 14 * np.ceil(300 * rng.exponential(1, 126) ** (1 / power) / 14)
                test = fit_proportionality(np.minimum(days, 458), days <= 458, arm[:, None], transform="km")
                rejected[shape] += test.p_values[0] < 0.05
        assert stats.binomtest(rejected[1.0], 400, 0.05).pvalue > 0.001
        assert rejected[2.5] > 320

    def test_bad_input_is_named(self) -> None:
        x = [[1.0], [0], [1], [0]]
        with pytest.raises(CreweError, match="transform is 'log'; it must be one of km, identity"):
            fit_proportionality([1, 2, 3, 4], [1, 1, 1, 1], x, transform="log")
        with pytest.raises(CreweError, match="too few days"):
            fit_proportionality([1, 1, 2, 2], [1, 1, 0, 0], x, transform="km")
        with pytest.raises(CreweError, match="no events"):
            fit_proportionality([1, 1, 2, 2], [0, 0, 0, 0], x, transform="km")


def test_a_hazard_ratio_without_any_variance_is_a_named_error() -> None:
    from crewe_lib.models.cox import to_ratio

    with pytest.raises(CreweError, match="do not differ enough"):
        to_ratio(0.3, 0.0, alpha=0.05)
