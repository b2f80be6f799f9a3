"""Detectable changes: against brute force, invariances, and what they would have asked of the service."""

import numpy as np
import pytest
from made_panel import EAST, OTHER, made_panel, marks

from crewe_lib import la_power
from crewe_lib.errors import CreweError
from crewe_lib.la_eligible import derive_eligible
from crewe_lib.load import load_la_missing, load_la_panel, load_service_capacity

YEARS = dict(first_year=2011, last_year=2019)


@pytest.fixture(scope="module")
def panel():
    return load_la_panel()


@pytest.fixture(scope="module")
def power(panel):
    missing, outcomes = load_la_missing(), ("closures", "rereferrals", "escalations")
    options = dict(series="main", treated=EAST, implemented=2015, **YEARS)
    several = [derive_eligible(panel, missing, outcome=one, **options) for one in outcomes]
    return la_power.estimate_power(several, alpha=0.05, power=0.8)


def share_found(placebos, effect, alpha) -> float:
    """Each placebo in turn with the effect added: how often is it found, upwards, by its p-value?"""
    found = 0
    for j, noise in enumerate(placebos):
        others = np.abs(np.delete(placebos, j))
        p = (1 + (others >= abs(noise + effect)).sum()) / len(placebos)
        found += p <= alpha + 1e-12 and noise + effect > 0
    return found / len(placebos)


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.9])
def test_smallest_by_brute_force(alpha, power) -> None:
    placebos = np.random.default_rng(4).standard_t(3, 57)
    smallest = la_power.find_detectable(placebos, alpha=alpha, power=power)
    assert share_found(placebos, smallest + 1e-9, alpha) >= power > share_found(placebos, smallest - 1e-9, alpha)


def test_by_hand() -> None:
    """±1, ±2, …, ±10 at alpha 0.1: beyond 10, the second largest size, or beyond 9 where one is among these itself…"""
    placebos = np.array([*range(1, 11), *range(-10, 0)], float)
    # Needed size: 10 for all but ±10 themselves, which need 9. Distances: 20 or less, sorted; the 16th of 20 is 16.
    needed = sorted((9 if abs(x) == 10 else 10) - x for x in placebos)
    assert la_power.find_detectable(placebos, alpha=0.1, power=0.8) == needed[15]


def test_scale_and_direction() -> None:
    placebos = np.random.default_rng(5).normal(1, 2, 80)
    one = la_power.find_detectable(placebos, alpha=0.05, power=0.8)
    assert la_power.find_detectable(3 * placebos, alpha=0.05, power=0.8) == pytest.approx(3 * one)
    assert la_power.find_detectable(placebos, alpha=0.05, power=0.9) >= one
    assert la_power.find_detectable(placebos, alpha=0.1, power=0.8) <= one


def test_the_treated_authoritys_own_years_after_do_not_matter() -> None:
    options = dict(outcome="closures", series="main", treated=EAST, implemented=2015, **YEARS)
    one, other = (
        la_power.estimate_power([derive_eligible(p, marks(), **options)], alpha=0.2, power=0.8)
        for p in (made_panel(), made_panel(effect=50))
    )
    assert one.equals(other)


def test_cheshire_east(power) -> None:
    """Only a change larger than the whole earlier rate would have been found: a fall could not have been."""
    assert (power["percent"].abs() > 100).all()
    assert not power.query("direction == 'fall'")["possible"].any()
    np.testing.assert_allclose(power["cases"], power["detectable"] * 374_606 / 10_000)


def test_reach_by_hand(panel, power) -> None:
    reach = la_power.derive_reach(power, panel, load_service_capacity(), treated=EAST, last_year=2019)
    first = reach.query("outcome == 'closures' and direction == 'fall'").iloc[0]
    assert first["capacity"] == 192 and first["in_need"] == (2183 + 1974) / 2
    assert first["share"] == pytest.approx(192 / 2078.5)
    assert first["per_place"] == pytest.approx(first["cases"] / 192)
    mean = reach[reach["phase"] == la_power.ALL_PHASES].iloc[0]
    assert mean["capacity"] == (192 + 192 + 144 + 96) / 4


def test_bad_input_is_named(panel, power) -> None:
    with pytest.raises(CreweError, match=r"19 placebos cannot give a p-value of 0.05; at least 20"):
        la_power.find_detectable(np.arange(19.0), alpha=0.05, power=0.8)
    with pytest.raises(CreweError, match="power is 80"):
        la_power.estimate_power([], alpha=0.05, power=80)
    for changes, message in (({"treated": OTHER}, "and not E09000010"), ({"last_year": 2014}, "began in 2016")):
        with pytest.raises(CreweError, match=message):
            options = dict(treated=EAST, last_year=2019) | changes
            la_power.derive_reach(power, panel, load_service_capacity(), **options)
