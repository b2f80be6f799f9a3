"""Small trials by prior: R's nested quadrature, closed forms, total probability, refinement, named errors."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from crewe_lib.errors import CreweError
from crewe_lib.models.small_trial import (
    NormalPrior,
    fit_chances,
    fit_prior_beliefs,
    fit_prior_chance,
    fit_small_trial,
)
from crewe_lib.models.trial_priors import TAIL, UNRELATED, fit_priors

REFERENCE = Path(__file__).parent / "reference"
CASES = pd.read_csv(REFERENCE / "small_trial_input.csv", comment="#").set_index("case")
EXPECTED = pd.read_csv(REFERENCE / "small_trial.csv", comment="#").set_index(["case", "quantity"])["value"]
SETTINGS = {"worthwhile": 0.1, "alpha": 0.05}


def fit(counts: tuple[int, int, int, int], prior: NormalPrior, **changes: object) -> dict[str, float]:
    return vars(fit_small_trial(*counts, prior=prior, **{**SETTINGS, **changes}))


@pytest.mark.parametrize("case", CASES.index)
def test_r_agrees(case: str) -> None:
    """Another route: adaptive quadrature over the control share and, within it, the treated share's log odds. Chances
    are asked for to 1e-10; R's quantiles are roots found to 1e-10 of that quadrature."""
    row = CASES.loc[case]
    counts = tuple(int(row[name]) for name in ("k1", "n1", "k2", "n2"))
    found = fit(counts, NormalPrior(row["mean"], row["sd"]), worthwhile=row["worthwhile"], alpha=row["alpha"])
    for name, value in found.items():
        error = 1e-10 if name in ("rise", "worthwhile_rise", "worthwhile_fall") else 1e-9
        assert value == pytest.approx(EXPECTED[case, name], rel=0, abs=error), name


@pytest.mark.parametrize("worthwhile", [0.05, 0.1, 0.25])
def test_priors_are_those_of_r(worthwhile: float) -> None:
    priors = fit_priors(worthwhile)
    for name in ("sceptical", "enthusiastic"):
        assert priors[name].sd == pytest.approx(EXPECTED[f"priors {worthwhile}", name], rel=1e-9)


@pytest.mark.parametrize("worthwhile", [0.001, 0.1, 0.4])
def test_priors_say_what_they_are_defined_by(worthwhile: float) -> None:
    said = {
        name: fit_prior_beliefs(prior, worthwhile=worthwhile, alpha=0.05)
        for name, prior in fit_priors(worthwhile).items()
    }
    assert list(said) == ["sceptical", "neutral", "enthusiastic"]
    sceptical, neutral, enthusiastic = said.values()
    assert (sceptical.rise, sceptical.worthwhile_rise, sceptical.worthwhile_fall) == pytest.approx((0.5, TAIL, TAIL))
    assert (sceptical.median, sceptical.mean, neutral.median, neutral.mean) == pytest.approx((0, 0, 0, 0), abs=1e-10)
    assert (enthusiastic.median, enthusiastic.rise) == pytest.approx((worthwhile, 1 - TAIL))
    assert neutral.conf_high > enthusiastic.conf_high - enthusiastic.median > sceptical.conf_high


def test_the_neutral_prior_is_as_wide_as_two_unrelated_shares() -> None:
    """The log odds of a uniform share is logistic, with variance π² / 3."""
    assert fit_priors(0.1)["neutral"] == NormalPrior(0.0, UNRELATED)
    assert pytest.approx(2 * stats.logistic.var()) == UNRELATED**2
    rng = np.random.default_rng(1)
    treated, control = rng.beta(61, 25, 400_000), rng.beta(37, 9, 400_000)  # each share uniform before its counts
    found = fit((60, 84, 36, 44), fit_priors(0.1)["neutral"])
    assert found["rise"] == pytest.approx(float(np.mean(treated > control)), abs=0.02)
    assert found["mean"] == pytest.approx(float(np.mean(treated - control)), abs=0.01)


def test_one_family_in_each_arm_by_hand() -> None:
    """With one success of one and none of one the control share integrates out in closed form: the likelihood of an
    odds ratio r is r ((a² + 2 a) − 2 (1 + a) log(1 + a)) / (2 a³), a = r − 1."""

    def likelihood(log_ratio: float) -> float:
        a = math.expm1(log_ratio)
        if abs(a) < 1e-2:  # its series, where the closed form cancels
            return (1 + a) * (1 / 6 - a / 12 + a**2 / 20 - a**3 / 30 + a**4 / 42 - a**5 / 56)
        return (1 + a) * (a * a + 2 * a - 2 * (1 + a) * math.log1p(a)) / (2 * a**3)

    def area(low: float, high: float) -> float:
        law = stats.norm(0.3, 1)
        return float(integrate.quad(lambda d: likelihood(d) * law.pdf(d), low, high, epsabs=1e-13)[0])

    found = fit((1, 1, 0, 1), NormalPrior(0.3, 1.0))
    assert found["rise"] == pytest.approx(area(0, 10) / (area(-10, 0) + area(0, 10)), abs=1e-9)


def test_beliefs_average_to_the_prior() -> None:
    """Over all tables of two and one families, weighted by their chance under the prior, what is believed after is what
    was believed before."""
    prior, n1, n2 = NormalPrior(0.4, 0.9), 2, 1
    before = vars(fit_prior_beliefs(prior, **SETTINGS))
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    shares, share_weights = np.polynomial.legendre.leggauss(400)
    control = ((shares + 1) / 2)[:, None]
    odds = control / (1 - control) * np.exp(prior.mean + prior.sd * nodes)
    treated = odds / (1 + odds)
    mass = share_weights[:, None] / 2 * weights / math.sqrt(2 * math.pi)
    total = dict.fromkeys(["mean", "rise", "worthwhile_rise", "worthwhile_fall"], 0.0)
    for k1 in range(n1 + 1):
        for k2 in range(n2 + 1):
            likelihood = stats.binom.pmf(k1, n1, treated) * stats.binom.pmf(k2, n2, control)
            after = fit((k1, n1, k2, n2), prior)
            for name in total:
                total[name] += float((mass * likelihood).sum()) * after[name]
    assert total == pytest.approx({name: before[name] for name in total}, abs=1e-8)


@pytest.mark.parametrize("counts", [(60, 84, 36, 44), (34, 83, 19, 43), (0, 84, 0, 44), (84, 84, 44, 44), (1, 1, 0, 1)])
def test_more_nodes_change_nothing(counts: tuple[int, int, int, int]) -> None:
    for prior in fit_priors(0.1).values():
        found, finer = fit(counts, prior), fit(counts, prior, nodes=(300, 400))
        assert found == pytest.approx(finer, rel=0, abs=1e-10)


def test_arms_and_outcomes_may_be_exchanged() -> None:
    prior = NormalPrior(0.5, 0.7)
    found, opposite = fit((5, 20, 9, 12), prior), fit((15, 20, 3, 12), prior.turned())
    assert opposite["mean"] == pytest.approx(-found["mean"], abs=1e-12)
    assert (opposite["conf_low"], opposite["conf_high"]) == pytest.approx((-found["conf_high"], -found["conf_low"]))
    assert opposite["rise"] == pytest.approx(1 - found["rise"], abs=1e-11)
    assert opposite["worthwhile_rise"] == pytest.approx(found["worthwhile_fall"], abs=1e-12)
    # The control share has a prior of its own; nearly nothing is left of that with many families.
    large, swapped = fit((500, 2000, 900, 1200), prior), fit((900, 1200, 500, 2000), prior.turned())
    assert swapped["median"] == pytest.approx(-large["median"], abs=1e-3)


def test_many_families_leave_the_priors_behind() -> None:
    for prior in fit_priors(0.1).values():
        found = fit((60_000, 100_000, 50_000, 100_000), prior)
        assert (found["median"], found["rise"]) == pytest.approx((0.1, 1), abs=0.002)
        error = math.sqrt(0.24 / 100_000 + 0.25 / 100_000)
        assert found["conf_high"] - found["conf_low"] == pytest.approx(2 * stats.norm.isf(0.025) * error, rel=0.02)


def test_a_narrow_prior_is_not_moved() -> None:
    found = fit((10, 84, 40, 44), NormalPrior(0.0, 1e-4))
    assert (found["median"], found["conf_high"]) == pytest.approx((0, 0), abs=1e-4)


def test_true_effects_lie_in_the_interval_as_often_as_it_says() -> None:
    rng, prior, inside = np.random.default_rng(7), NormalPrior(0.3, 0.8), 0
    trials = 150
    for _ in range(trials):
        control, effect = rng.uniform(), rng.normal(prior.mean, prior.sd)
        odds = control / (1 - control) * math.exp(effect)
        treated = odds / (1 + odds)
        counts = (int(rng.binomial(20, treated)), 20, int(rng.binomial(10, control)), 10)
        found = fit(counts, prior, alpha=0.2, nodes=(48, 48))
        inside += found["conf_low"] <= treated - control <= found["conf_high"]
    assert inside / trials == pytest.approx(0.8, abs=0.09)


def test_the_chances_alone_are_the_same() -> None:
    prior = fit_priors(0.1)["enthusiastic"]
    found = fit((60, 84, 36, 44), prior)
    alone = fit_chances(60, 84, 36, 44, prior=prior, worthwhile=0.1)
    assert alone == pytest.approx((found["rise"], found["worthwhile_rise"], found["worthwhile_fall"]), abs=1e-6)


@pytest.mark.parametrize(
    ("counts", "changes", "message"),
    [
        ((0, 0, 3, 5), {}, "the treated arm has no family"),
        ((3, 5, 0, 0), {}, "the control arm has no family"),
        ((6, 5, 3, 5), {}, "no proportion"),
        ((-1, 5, 3, 5), {}, "no proportion"),
        ((3, 5, 2.5, 5), {}, "no proportion"),
        ((3, 5, 3, 5), {"worthwhile": 0.0}, "worthwhile difference of 0"),
        ((3, 5, 3, 5), {"worthwhile": 1.0}, "worthwhile difference of 1"),
        ((3, 5, 3, 5), {"worthwhile": math.nan}, "worthwhile difference of nan"),
        ((3, 5, 3, 5), {"alpha": 1.5}, "alpha"),
        ((3, 5, 3, 5), {"prior": NormalPrior(0.0, 0.0)}, "deviation 0 cannot be used"),
        ((3, 5, 3, 5), {"prior": NormalPrior(math.nan, 1.0)}, "mean nan"),
        ((3, 5, 3, 5), {"prior": NormalPrior(0.0, 50.0)}, "deviation 50"),
    ],
)
def test_bad_input_is_named(counts: tuple, changes: dict, message: str) -> None:
    with pytest.raises(CreweError, match=message):
        fit(counts, **{"prior": NormalPrior(0.0, 1.0), **changes})


@pytest.mark.parametrize("worthwhile", [0.0, -0.1, 0.41, math.nan])
def test_an_impossible_worthwhile_difference_gives_no_priors(worthwhile: float) -> None:
    with pytest.raises(CreweError, match="gives no priors"):
        fit_priors(worthwhile)


def test_a_prior_chance_needs_a_difference_of_shares() -> None:
    with pytest.raises(CreweError, match="none of shares"):
        fit_prior_chance(NormalPrior(0.0, 1.0), worthwhile=10)
