"""Competing risks and left truncation: shares by day, days lost, Fine–Gray, Cox; by hand, against R, and bad input.

Agreement with R's survival is to 1e-9 relative: both solve the same equations, and the reference has fifteen digits.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from crewe_lib.errors import CreweError
from crewe_lib.models.competing_risks import fit_aalen_johansen, fit_days_lost
from crewe_lib.models.cox import fit_cox
from crewe_lib.models.fine_gray import fit_fine_gray
from crewe_lib.models.survival import fit_kaplan_meier, fit_restricted_mean

FOLDER = Path(__file__).parent / "reference"
REFERENCE = pd.read_csv(FOLDER / "competing_risks.csv", comment="#", skipinitialspace=True)
MADE = pd.read_csv(FOLDER / "competing_risks_input.csv")
X = MADE[["treated", "age"]].to_numpy(dtype=float)
ENTERED = {"start": None, "late": MADE["entered"]}
# Five rows by hand: events 1 and 2 tied on day 2 with a censoring; the last is seen after day 1 only.
DAYS, CAUSES, LATE = [1, 2, 2, 2, 4], [1, 1, 2, 0, 1], [0, 0, 0, 0, 1]


def reference(case: str, measure: str) -> pd.DataFrame:
    return REFERENCE.query("case == @case and measure == @measure")


def values(case: str, measure: str) -> np.ndarray:
    return reference(case, measure)["value"].to_numpy(dtype=float)


class TestShares:
    def test_by_hand(self) -> None:
        fit = fit_aalen_johansen(DAYS, CAUSES, entered=LATE, alpha=0.05)
        assert fit.days.tolist() == [1, 2, 4] and fit.at_risk.tolist() == [4, 4, 1]
        assert fit.events.tolist() == [[1, 0], [1, 1], [1, 0]] and fit.censored.tolist() == [0, 1, 0]
        np.testing.assert_allclose(fit.free, [3 / 4, 3 / 8, 0])
        np.testing.assert_allclose(fit.shares, [[1 / 4, 0], [1 / 4 + 3 / 16, 3 / 16], [13 / 16, 3 / 16]])
        # The first day is a plain binomial share.
        assert fit.std_error[0, 0] == pytest.approx(np.sqrt(1 / 4 * 3 / 4 / 4))
        log = np.log(1 / 4)
        spread = np.exp(1.959963984540054 * fit.std_error[0, 0] / (1 / 4) / log)
        assert (fit.conf_high[0, 0], fit.conf_low[0, 0]) == pytest.approx((np.exp(log * spread), np.exp(log / spread)))

    @pytest.mark.parametrize("case", ENTERED)
    def test_agrees_with_r(self, case: str) -> None:
        fit = fit_aalen_johansen(MADE["days"], MADE["cause"], entered=ENTERED[case], alpha=0.05)
        place = np.searchsorted(fit.days, reference(case, "at_risk")["term"].astype(float))
        np.testing.assert_array_equal(fit.at_risk[place], values(case, "at_risk"))
        np.testing.assert_allclose(fit.free[place], values(case, "share0"), rtol=1e-9)
        np.testing.assert_allclose(fit.free_error[place], values(case, "error0"), rtol=1e-9)
        pairs = {"share": fit.shares, "error": fit.std_error, "low": fit.conf_low, "high": fit.conf_high}
        for j in (1, 2, 3):
            for name, ours in pairs.items():
                np.testing.assert_allclose(ours[place, j - 1], values(case, f"{name}{j}"), rtol=1e-9, err_msg=name)

    def test_shares_agree_with_cmprsk(self) -> None:
        # Its errors follow another formula (Aalen 1978): 1.4% apart at most here; survfit's are ours.
        fit = fit_aalen_johansen(MADE["days"], MADE["cause"], alpha=0.05)
        for j in (1, 2, 3):
            found = [fit.by(j, day) for day in (182, 400, 730)]
            np.testing.assert_allclose([f.share for f in found], values("cuminc", f"share{j}"), rtol=1e-9)
            np.testing.assert_allclose([f.std_error for f in found], values("cuminc", f"error{j}"), rtol=0.015)

    def test_errors_are_greenwood_s_where_nobody_enters_late(self) -> None:
        """Marubini and Valsecchi (1995), section 10.3, summed in another order than ours."""
        fit = fit_aalen_johansen(MADE["days"], MADE["cause"], alpha=0.05)
        before, n, d = np.r_[1, fit.free[:-1]], fit.at_risk, fit.events.sum(axis=1)
        for j in (0, 1):
            own, share = fit.events[:, j], fit.shares[:, j]
            for place in (10, 30, 60):
                upto = slice(0, place + 1)
                gap = (share[place] - share)[upto]
                terms = gap**2 * d[upto] / (n * (n - d))[upto]
                terms += (before**2 * own * (n - own) / n**3)[upto]
                terms -= 2 * gap * (before * own / n**2)[upto]
                assert fit.std_error[place, j] == pytest.approx(np.sqrt(terms.sum()), rel=1e-10)

    def test_one_cause_is_kaplan_meier(self) -> None:
        fit = fit_aalen_johansen(MADE["days"], MADE["cause"] > 0, alpha=0.05)
        curve = fit_kaplan_meier(MADE["days"], MADE["cause"] > 0, alpha=0.05)
        np.testing.assert_allclose(fit.free, curve.survival, rtol=1e-12)
        np.testing.assert_allclose(fit.free_error[:-1], curve.std_error[:-1], rtol=1e-9)
        np.testing.assert_allclose(fit.shares[:, 0], 1 - curve.survival, rtol=1e-9)

    @pytest.mark.parametrize("case", ENTERED)
    def test_shares_add_up_and_row_order_does_not_matter(self, case: str) -> None:
        fit = fit_aalen_johansen(MADE["days"], MADE["cause"], entered=ENTERED[case], alpha=0.1)
        np.testing.assert_allclose(fit.free + fit.shares.sum(axis=1), 1, rtol=1e-12)
        order, turn = np.random.default_rng(1).permutation(len(MADE)), np.array([0, 3, 1, 2])
        late = None if ENTERED[case] is None else ENTERED[case].iloc[order]
        other = fit_aalen_johansen(MADE["days"].iloc[order], turn[MADE["cause"].iloc[order]], entered=late, alpha=0.1)
        np.testing.assert_allclose(other.shares[:, [2, 0, 1]], fit.shares, rtol=1e-12)
        np.testing.assert_allclose(other.conf_low[:, [2, 0, 1]], fit.conf_low, rtol=1e-9)

    def test_entering_on_day_nought_is_being_there_from_the_start(self) -> None:
        one = fit_aalen_johansen([0, 1, 2], [1, 2, 0], alpha=0.05)
        other = fit_aalen_johansen([0, 1, 2], [1, 2, 0], entered=[0, 0, 0], alpha=0.05)
        np.testing.assert_array_equal(one.shares, other.shares)
        assert one.at_risk[0] == 3 and one.shares[0, 0] == pytest.approx(1 / 3)

    def test_a_cause_that_never_comes_has_no_limits(self) -> None:
        fit = fit_aalen_johansen(DAYS, CAUSES, k=3, alpha=0.05)
        assert fit.shares.shape == (3, 3)
        found = fit.by(3, 3)
        assert (found.share, found.std_error) == (0, 0) and np.isnan([found.conf_low, found.conf_high]).all()

    def test_a_cause_that_comes_to_everybody(self) -> None:
        fit = fit_aalen_johansen([3, 5, 5, 9], [2, 2, 2, 2], k=3, alpha=0.05)
        np.testing.assert_allclose(fit.shares[-1], [0, 1, 0], atol=1e-15)
        assert fit.free[-1] == 0 and fit.by(2, 400).share == pytest.approx(1) and np.isnan(fit.by(2, 400).conf_low)

    def test_nobody_has_any_event(self) -> None:
        fit = fit_aalen_johansen([3, 5], [0, 0], k=2, alpha=0.05)
        assert (fit.free == 1).all() and (fit.shares == 0).all() and (fit.std_error == 0).all()

    def test_a_share_on_a_day(self) -> None:
        fit = fit_aalen_johansen(MADE["days"], MADE["cause"], alpha=0.05)
        assert fit.by(1, 5).share == 0 and np.isnan(fit.by(1, 5).conf_low)
        place = np.searchsorted(fit.days, 182)
        assert fit.by(1, 188).share == fit.by(1, 182).share == fit.shares[place, 0]
        for call, message in (((4, 100), "it must be 1 to 3"), ((1, -1), "0 or later"), ((1, 9000), "at most")):
            with pytest.raises(CreweError, match=message):
                fit.by(*call)

    def test_limits_cover_a_known_truth_under_left_truncation(self) -> None:
        """600 samples of about 75 rows; hazards 1/400 and 1/800, so that by day 300 event 1 has come to 45%. Taking
        late entrants for observed from the start finds fewer: those whose event came early were never seen."""
        rng = np.random.default_rng(4)
        both = 1 / 400 + 1 / 800
        truth, covered, ours, naive = (1 - np.exp(-both * 300)) * 2 / 3, 0, [], []
        for _ in range(600):
            event, entry = rng.exponential(1 / both, 100), np.where(rng.random(100) < 0.6, rng.uniform(0, 300, 100), 0)
            seen = event > entry
            end = np.minimum(event, entry + 500)[seen]
            cause = np.where(event[seen] > end, 0, np.where(rng.random(100)[seen] < 2 / 3, 1, 2))
            found = fit_aalen_johansen(end, cause, entered=entry[seen], k=2, alpha=0.05).by(1, 300)
            covered += found.conf_low <= truth <= found.conf_high
            ours.append(found.share)
            naive.append(fit_aalen_johansen(end, cause, k=2, alpha=0.05).by(1, 300).share)
        assert 0.92 < covered / 600 < 0.975
        assert np.mean(ours) == pytest.approx(truth, abs=0.01) and np.mean(naive) < truth - 0.05


class TestDaysLost:
    def test_by_hand(self) -> None:
        found = fit_days_lost(DAYS, CAUSES, entered=LATE, until=3)
        assert found.free == pytest.approx(1 + 3 / 4 + 3 / 8)
        np.testing.assert_allclose(found.lost, [1 / 4 + 7 / 16, 3 / 16])
        assert found.n == 5

    @pytest.mark.parametrize("case", ENTERED)
    def test_agrees_with_areas_under_r_s_curves(self, case: str) -> None:
        untils = reference(case, "area0")["term"].astype(float)
        found = [fit_days_lost(MADE["days"], MADE["cause"], until=u, entered=ENTERED[case]) for u in untils]
        np.testing.assert_allclose([f.free for f in found], values(case, "area0"), rtol=1e-9)
        np.testing.assert_allclose([f.free_error for f in found], values(case, "area_error0"), rtol=1e-9)
        for j in (1, 2, 3):
            np.testing.assert_allclose([f.lost[j - 1] for f in found], values(case, f"area{j}"), rtol=1e-9)
            np.testing.assert_allclose([f.lost_error[j - 1] for f in found], values(case, f"area_error{j}"), rtol=1e-9)

    def test_it_is_the_restricted_mean(self) -> None:
        found = fit_days_lost(MADE["days"], MADE["cause"], until=365)
        mean = fit_restricted_mean(MADE["days"], MADE["cause"] > 0, until=365)
        assert (found.free, found.free_error) == pytest.approx((mean.mean, mean.std_error), rel=1e-9)
        assert found.free + found.lost.sum() == pytest.approx(365)

    def test_bad_input_is_named(self) -> None:
        for days, causes, until, message in (
            (DAYS, CAUSES, 0, "a day after 0"),
            (DAYS, CAUSES, 1, "no event before day 1"),
            ([1, 2, 3], [1, 1, 0], 4, "until can be 3 at most"),
        ):
            with pytest.raises(CreweError, match=message):
                fit_days_lost(days, causes, until=until)
        assert fit_days_lost([1, 2], [1, 2], until=10).lost.tolist() == [4.5, 4]


class TestBadInput:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (dict(days=[1, 2, 3, 4, -5]), "1 of the days are negative"),
            (dict(days=[1, 2, 3, 4, np.nan]), "hold missing values"),
            (dict(causes=[1, 2, 0, 1, np.nan]), "hold missing values"),
            (dict(causes=[1, 2, 0, 1, -1]), "there are others"),
            (dict(causes=[1, 2, 0, 1, 1.5]), "there are others"),
            (dict(causes=[1, 2, 0, 1, 3], k=2), r"0 \(censored\) or 1 to 2"),
            (dict(causes=[1, 2]), "two lists of one length"),
            (dict(days=[], causes=[]), "not empty"),
            (dict(entered=[0, 0, 0, 0]), "one day for each of the 5 rows"),
            (dict(entered=[0, 0, 0, 0, -2]), "without a gap"),
            (dict(entered=[0, 0, 0, 0, np.nan]), "without a gap"),
            (dict(entered=[0, 2, 0, 0, 6]), "leave on the day they enter, or before: 2"),
            (dict(entered=[0, 1, 1, 1, 1]), "on day 1 everybody under observation had an event, while 4 rows"),
            (dict(alpha=2), "alpha"),
        ],
    )
    def test_it_is_named(self, change: dict, message: str) -> None:
        call = dict(days=[1, 2, 3, 4, 5], causes=[1, 2, 0, 1, 2], alpha=0.05) | change
        with pytest.raises(CreweError, match=message):
            fit_aalen_johansen(call.pop("days"), call.pop("causes"), **call)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (dict(cause=3), "nobody has event 3"),
            (dict(cause=0), "nobody has event 0"),
            (dict(causes=[0] * 6), "nobody has event 1"),
            (dict(causes=[1, 2, 1, 2, 1, 2]), "has no maximum"),  # the second group never has event 1
            (dict(x=[[1.0]] * 6), "covariate 1 .* is constant"),
            (dict(x=[[1.0]] * 5), "one row for each"),
            (dict(x=np.eye(6)), "6 rows cannot estimate 6"),
            (dict(clusters=[1] * 6), "1 clusters are too few"),
            (dict(entered=[0, 0, 4, 0, 0, 0]), "leave on the day they enter, or before: 1"),
            # Nobody is there from day 2 to day 3: how many were censored or yet to come cannot be said.
            (dict(causes=[2, 0, 1, 2, 1, 1], entered=[0, 0, 2, 2, 2, 2]), "weights"),
        ],
    )
    def test_fine_gray_names_it(self, change: dict, message: str) -> None:
        call = dict(days=[1, 2, 3, 4, 5, 6], causes=[1, 1, 2, 0, 1, 1], x=[[1.0], [0]] * 3, cause=1) | change
        with pytest.raises(CreweError, match=message):
            fit_fine_gray(call.pop("days"), call.pop("causes"), call.pop("x"), **call)


FINE = {
    "fine_start": ("days", 1, None),
    "fine_start_two": ("days", 2, None),
    "fine_late": ("days", 1, "entered"),
    "fine_late_two": ("days", 2, "entered"),
    "fine_exact": ("exact", 1, None),
    "fine_exact_late": ("exact", 1, "entry_exact"),
}


class TestFineGray:
    @pytest.mark.parametrize("case", FINE)
    def test_agrees_with_r(self, case: str) -> None:
        days, cause, entered = FINE[case]
        late = None if entered is None else MADE[entered]
        fit = fit_fine_gray(MADE[days], MADE["cause"], X, cause=cause, entered=late, clusters=MADE["family"])
        np.testing.assert_allclose(fit.coefficients, values(case, "coefficient"), rtol=1e-9)
        assert fit.log_likelihood == pytest.approx(values(case, "log_likelihood")[0], rel=1e-11)
        np.testing.assert_allclose(np.sqrt(np.diag(fit.robust)), values(case, "robust"), rtol=1e-9)
        np.testing.assert_allclose(np.sqrt(np.diag(fit.clustered)), values(case, "clustered"), rtol=1e-9)

    def test_agrees_with_cmprsk(self) -> None:
        # Without ties, where its Breslow's and our Efron's likelihood are one. It lets the estimated weights vary,
        # which moves the errors by less than 0.05% here.
        fit = fit_fine_gray(MADE["exact"], MADE["cause"], X, cause=1)
        np.testing.assert_allclose(fit.coefficients, values("crr", "coefficient"), rtol=1e-8)
        np.testing.assert_allclose(np.sqrt(np.diag(fit.robust)), values("crr", "error"), rtol=5e-4)

    @pytest.mark.parametrize("entered", [None, MADE["entered"]])
    def test_without_competing_events_it_is_cox(self, entered) -> None:
        event = (MADE["cause"] == 1).astype(int)
        fit = fit_fine_gray(MADE["days"], event, X, cause=1, entered=entered)
        cox = fit_cox(MADE["days"], event, X, entered=entered)
        np.testing.assert_allclose(fit.coefficients, cox.coefficients, rtol=1e-12)
        np.testing.assert_allclose(fit.robust, cox.robust, rtol=1e-10)
        assert fit.competing == 0

    def test_without_censoring_others_stay_at_risk_for_good(self) -> None:
        """Every weight is one: the Cox model of a time that never ends for who had another event."""
        cause = np.where(MADE["cause"] == 1, 1, 2)
        fit = fit_fine_gray(MADE["days"], cause, X, cause=1)
        cox = fit_cox(np.where(cause == 1, MADE["days"], 10_000), cause == 1, X)
        np.testing.assert_allclose(fit.coefficients, cox.coefficients, rtol=1e-10)
        np.testing.assert_allclose(fit.robust, cox.robust, rtol=1e-10)

    def test_invariances(self) -> None:
        order = np.random.default_rng(2).permutation(len(MADE))
        one = fit_fine_gray(MADE["days"], MADE["cause"], X, cause=1, entered=MADE["entered"])
        made, turn = MADE.iloc[order], np.array([-1, 0.01])
        swapped = np.array([0, 3, 1, 2])[made["cause"]]
        other = fit_fine_gray(
            made["days"] * 5, swapped, X[order] * [-1, 100] + [1, 7], cause=3, entered=made["entered"] * 5
        )
        np.testing.assert_allclose(other.coefficients, one.coefficients * turn, rtol=1e-9)
        np.testing.assert_allclose(other.robust, one.robust * np.outer(turn, turn), rtol=1e-9)
        assert (other.events, other.competing, other.n) == (one.events, one.competing, one.n)

    def test_a_known_truth_is_recovered_under_left_truncation(self) -> None:
        """Share with event 1 by t: 1 − (1 − 0.6 (1 − exp(−t/300)))^exp(0.5 x), the subdistribution of Fine and Gray's
        own simulation; a third of the rows are only seen if nothing has happened by a day of entry."""
        rng = np.random.default_rng(6)
        n, beta = 4_000, 0.5
        x = (rng.random(n) < 0.5).astype(float)
        most = 1 - 0.4 ** np.exp(beta * x)
        first = rng.random(n) < most
        reach = 1 - (1 - rng.random(n) * most) ** np.exp(-beta * x)
        time = np.where(first, -300 * np.log(1 - np.minimum(reach / 0.6, 1 - 1e-12)), rng.exponential(300, n))
        entry, end = np.where(rng.random(n) < 0.3, rng.uniform(0, 200, n), 0), rng.uniform(300, 1500, n)
        cause = np.where(time > end, 0, np.where(first, 1, 2))
        seen = time > entry
        weeks = 7 * np.ceil(np.minimum(time, end) / 7)[seen]
        fit = fit_fine_gray(weeks, cause[seen], x[seen][:, None], cause=1, entered=7 * np.floor(entry[seen] / 7))
        assert abs(fit.coefficients[0] - beta) < 3 * np.sqrt(fit.robust[0, 0])

    def test_a_ratio_and_its_interval(self) -> None:
        fit = fit_fine_gray(MADE["days"], MADE["cause"], X, cause=1)
        found = fit.hazard_ratio(0, errors="robust", alpha=0.1)
        assert found.ratio == pytest.approx(np.exp(fit.coefficients[0]))
        assert found.conf_low * found.conf_high == pytest.approx(found.ratio**2)
        with pytest.raises(CreweError, match="this fit has robust"):
            fit.hazard_ratio(0, errors="clustered", alpha=0.1)


class TestCoxUnderLeftTruncation:
    def test_by_hand(self) -> None:
        """The late row is not at risk on day 1: the partial likelihood is r/(r + 1) · 1/(r + 1), greatest at r = 1."""
        fit = fit_cox([1, 2, 3], [1, 1, 0], [[1.0], [0], [1]], entered=[0, 0, 1])
        assert fit.coefficients[0] == pytest.approx(0, abs=1e-12)
        assert fit.model[0, 0] == pytest.approx(1 / (2 * 1 / 4))
        assert fit.log_likelihood == pytest.approx(2 * np.log(1 / 2))

    @pytest.mark.parametrize(
        ("case", "days", "entered", "cause"), [("cox", "days", "entered", 1), ("cox_exact", "exact", "entry_exact", 2)]
    )
    def test_agrees_with_r(self, case: str, days: str, entered: str, cause: int) -> None:
        fit = fit_cox(MADE[days], MADE["cause"] == cause, X, entered=MADE[entered], clusters=MADE["family"])
        np.testing.assert_allclose(fit.coefficients, values(case, "coefficient"), rtol=1e-9)
        assert fit.log_likelihood == pytest.approx(values(case, "log_likelihood")[0], rel=1e-11)
        for errors in ("model", "robust", "clustered"):
            ours = np.sqrt(np.diag(getattr(fit, errors)))
            np.testing.assert_allclose(ours, values(case, errors), rtol=1e-9, err_msg=errors)

    def test_entry_nought_changes_nothing(self) -> None:
        event = MADE["cause"] == 1
        one, other = (fit_cox(MADE["days"], event, X, entered=e) for e in (None, np.zeros(len(MADE))))
        np.testing.assert_array_equal(one.coefficients, other.coefficients)
        np.testing.assert_array_equal(one.robust, other.robust)

    def test_cutting_a_row_in_two_changes_nothing(self) -> None:
        """Seen up to a day and then from that day on is seen throughout."""
        event, days, late = (MADE["cause"] == 1).to_numpy(), MADE["days"].to_numpy(), MADE["entered"].to_numpy()
        cut = (days > 200) & (late < 200)
        one = fit_cox(days, event, X, entered=late, clusters=MADE["family"])
        other = fit_cox(
            np.r_[np.where(cut, 200, days), days[cut]],
            np.r_[event & ~cut, event[cut]],
            np.r_[X, X[cut]],
            entered=np.r_[late, np.full(cut.sum(), 200)],
            clusters=np.r_[MADE["family"], MADE["family"][cut]],
        )
        np.testing.assert_allclose(other.coefficients, one.coefficients, rtol=1e-9)
        np.testing.assert_allclose(other.clustered, one.clustered, rtol=1e-8)

    def test_bad_input_is_named(self) -> None:
        x = [[1.0], [0], [1], [0]]
        with pytest.raises(CreweError, match="leave on the day they enter, or before: 1"):
            fit_cox([1, 2, 3, 4], [1, 1, 1, 1], x, entered=[0, 0, 3, 0])
        with pytest.raises(CreweError, match="does not vary among those at risk"):
            fit_cox([1, 2, 3, 4], [1, 1, 1, 1], x, entered=[0, 1, 2, 3])

    def test_it_refuses_separation_and_nothing_else(self) -> None:
        """200 small sets: refused just where a linear programme finds a direction that orders the events."""
        rng, seen = np.random.default_rng(9), []
        while len(seen) < 200:
            n = int(rng.integers(6, 16))
            late, x = rng.integers(0, 4, n), rng.integers(0, 3, (n, 2)).astype(float)
            days, event = late + rng.integers(1, 6, n), rng.random(n) < 0.5
            try:
                fit_cox(days, event, x, entered=late)
                refused = False
            except CreweError as error:
                if "has no maximum" not in str(error):
                    continue
                refused = True
            there = [
                (i, j) for i in np.flatnonzero(event) for j in np.flatnonzero((late < days[i]) & (days >= days[i]))
            ]
            apart = np.array([x[i] - x[j] for i, j in there])
            best = optimize.linprog(-apart.sum(axis=0), A_ub=-apart, b_ub=np.zeros(len(apart)), bounds=[(-1, 1)] * 2)
            assert refused == (-best.fun > 1e-7)
            seen.append(refused)
        assert 20 < sum(seen) < 180
