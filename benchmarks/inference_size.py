"""Stored simulation: how often each way of judging one treated authority finds an effect where there is none.

    python -m benchmarks.inference_size                       # rewrites data/simulated_studies, about a minute
    python -m benchmarks.inference_size --to FOLDER --replications 2000
    python -m benchmarks.inference_size --calibrate           # the noise beside that of the official closures

A panel is like the real one: 149 authorities, 5 years before and 4 after, rates per 10,000 residents. Authority and
year effects; first-order autoregressive noise; and for each authority one shock that comes in a random year and stays
(a reorganisation, an inspection, a new way of counting), normal with standard deviation 0, 10 or 25. Nothing happens
to the treated authority that could not have happened to any other. The two-authority tests are written here in closed
form for thousands of panels at once; tests/test_inference_size.py checks every method against the engines.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize, stats

from benchmarks.stored import TO, describe_fields, write_study
from crewe_lib.la_did import derive_rates
from crewe_lib.load import load_la_panel

Array = npt.NDArray[np.float64]
UNITS, PERIODS, N_PRE, ALPHA = 149, 9, 5, 0.05
NOISE_SD, PERSISTENCE, SHOCK_SDS = 8.0, 0.4, (0, 10, 25)
AUTHORITY_SD, YEAR_SD = 24.0, 3.0
MEDIAN_POPULATION, LOG_POPULATION_SD = 268_000.0, 0.42
REPLICATIONS, CHUNK, SEED = 10_000, 500, 20150401


@dataclass(frozen=True)
class Design:
    """Noise alike in all authorities, or with variance proportional to 1 / population; who is treated, by size."""

    name: str
    by_population: bool
    treated_quantile: float


DESIGNS = (
    Design("noise alike", False, 0.5),
    Design("noise by population, small authority treated", True, 0.05),
    Design("noise by population, treated authority as large as Cheshire East", True, 0.8),
)


def populations(design: Design) -> Array:
    """Residents (UNITS,): quantiles of a log-normal with the official median and quartiles; the treated one first."""
    ranks = (np.arange(UNITS) + 0.5) / UNITS
    people = MEDIAN_POPULATION * np.exp(LOG_POPULATION_SD * stats.norm.ppf(ranks))
    treated = int(np.abs(ranks - design.treated_quantile).argmin())
    return np.asarray(np.r_[people[treated], np.delete(people, treated)])


def noise_sds(design: Design) -> Array:
    """Standard deviation of the yearly noise (UNITS,); its square averages NOISE_SD² in every design."""
    people = populations(design)
    variance = 1 / people / np.mean(1 / people) if design.by_population else np.ones(UNITS)
    return np.asarray(NOISE_SD * np.sqrt(variance))


def simulate(rng: np.random.Generator, panels: int, sds: Array, shock_sd: float) -> Array:
    """Panels (panels, units, PERIODS) in which the programme does nothing."""
    shape = (panels, len(sds))
    noise = rng.standard_normal((*shape, PERIODS))
    for t in range(1, PERIODS):
        noise[..., t] = PERSISTENCE * noise[..., t - 1] + np.sqrt(1 - PERSISTENCE**2) * noise[..., t]
    arrived = np.arange(PERIODS) >= rng.integers(1, PERIODS, shape)[..., None]
    shock = shock_sd * rng.standard_normal(shape)[..., None] * arrived
    years = YEAR_SD * rng.standard_normal((panels, 1, PERIODS))
    return np.asarray(AUTHORITY_SD * rng.standard_normal(shape)[..., None] + years + sds[:, None] * noise + shock)


def changes(y: Array) -> Array:
    """Post-period mean less pre-period mean, (panels, units)."""
    return np.asarray(y[..., N_PRE:].mean(axis=-1) - y[..., :N_PRE].mean(axis=-1))


def nearest(y: Array) -> npt.NDArray[np.int64]:
    """The comparator of unit 0 in each panel: nearest on pre-period level and trend, each in standard deviations."""
    before, time = y[..., :N_PRE], np.arange(N_PRE) - (N_PRE - 1) / 2
    squared = np.zeros(y.shape[:2])
    for feature in (before.mean(axis=-1), before @ time / (time @ time)):
        squared += ((feature - feature[:, :1]) / feature.std(axis=1, ddof=1, keepdims=True)) ** 2
    return np.asarray(squared[:, 1:].argmin(axis=1) + 1)


def pair_p_values(y: Array, other: npt.NDArray[np.int64], covariance: str) -> Array:
    """Two-authority difference in differences: classical t with 2·PERIODS − 4 df, or CR2 by year (Welch on gaps)."""
    posts = PERIODS - N_PRE
    pair = np.stack([y[:, 0], y[np.arange(len(y)), other]], axis=1)
    estimate = changes(pair) @ np.array([1.0, -1.0])
    if covariance == "classical":
        squares = sum(half.var(axis=-1).sum(axis=1) * half.shape[-1] for half in (pair[..., :N_PRE], pair[..., N_PRE:]))
        df = 2.0 * PERIODS - 4
        variance = squares / df * 2 * (1 / N_PRE + 1 / posts)
    else:
        gap = pair[:, 0] - pair[:, 1]
        variance = gap[:, :N_PRE].var(axis=1, ddof=1) / N_PRE + gap[:, N_PRE:].var(axis=1, ddof=1) / posts
        df = (1 / N_PRE + 1 / posts) ** 2 / (1 / (N_PRE**2 * (N_PRE - 1)) + 1 / (posts**2 * (posts - 1)))
    return np.asarray(2 * stats.t.sf(np.abs(estimate) / np.sqrt(variance), df))


def two_way_p_values(y: Array) -> Array:
    """Two-way fixed effects over all units, CR1 by unit, t with units − 1 df; unit 0 treated after N_PRE."""
    units = y.shape[1]
    treated, after = np.eye(units)[0] - 1 / units, (np.arange(PERIODS) >= N_PRE) - (PERIODS - N_PRE) / PERIODS
    size = (treated @ treated) * (after @ after)
    within = y - y.mean(axis=1, keepdims=True)
    within -= within.mean(axis=2, keepdims=True)
    along = within @ after
    estimate = along @ treated / size
    scores = treated * (along - estimate[:, None] * treated * (after @ after))
    n, k = units * PERIODS, PERIODS + 1  # authority effects are nested in the clusters and not counted
    correction = units / (units - 1) * (n - 1) / (n - k)
    return np.asarray(
        2 * stats.t.sf(np.abs(estimate) * size / np.sqrt(correction * (scores**2).sum(axis=1)), units - 1)
    )


def placebo_p_values(change: Array) -> Array:
    """Placebo in space: share of units whose estimate against all others is at least as large as unit 0's."""
    sizes = np.abs(change - change.mean(axis=1, keepdims=True))
    return np.asarray((sizes >= sizes[:, :1] * (1 - 1e-10)).mean(axis=1))


def tail_p_values(change: Array, scale: Array | float = 1.0) -> Array:
    """Conley–Taber: rank of unit 0's estimate among the controls' residuals times scale (panels, controls)."""
    centre = change[:, 1:].mean(axis=1, keepdims=True)
    residuals, own = (change[:, 1:] - centre) * scale, change[:, :1] - centre
    tail = np.minimum((residuals >= own).sum(axis=1), (residuals <= own).sum(axis=1))
    return np.asarray(np.minimum(1.0, 2 * (1 + tail) / (residuals.shape[1] + 1)))


def size_scales(change: Array, people: Array) -> Array:
    """Ferman–Pinto: sqrt(v(treated) / v(control)), v = a + b / population with a, b ≥ 0; (panels, controls)."""
    x = people.min() / people[1:]
    squares = (change[:, 1:] - change[:, 1:].mean(axis=1, keepdims=True)) ** 2
    slope = squares @ (x - x.mean()) / ((x - x.mean()) @ (x - x.mean()))
    level = squares.mean(axis=1) - slope * x.mean()
    alone = squares @ x / (x @ x)
    size_only = (level < 0) & (slope >= 0)  # the constrained optimum when the free intercept is negative
    slope = np.where(size_only, alone, np.maximum(slope, 0))
    level = np.where(size_only, 0, squares.mean(axis=1) - slope * x.mean())
    own = level + slope * people.min() / people[0]
    return np.asarray(np.sqrt(own[:, None] / (level[:, None] + slope[:, None] * x)))


def p_values(y: Array, people: Array, rng: np.random.Generator) -> Mapping[str, Array]:
    """Every method's p-value in each panel."""
    near, change = nearest(y), changes(y)
    methods: Mapping[str, Callable[[], Array]] = {
        "two authorities, nearest comparator, classical": lambda: pair_p_values(y, near, "classical"),
        "two authorities, nearest comparator, CR2 by year": lambda: pair_p_values(y, near, "CR2"),
        "two authorities, random comparator, classical": lambda: pair_p_values(
            y, rng.integers(1, y.shape[1], len(y)), "classical"
        ),
        "two-way fixed effects, clustered by authority": lambda: two_way_p_values(y),
        "placebo in space": lambda: placebo_p_values(change),
        "Conley–Taber": lambda: tail_p_values(change),
        "Ferman–Pinto": lambda: tail_p_values(change, size_scales(change, people)),
    }
    return {name: compute() for name, compute in methods.items()}


def study(replications: int) -> pd.DataFrame:
    """The table: design, shock_sd, method, replications, rejections, rate, mc_error."""
    rows = []
    for d, design in enumerate(DESIGNS):
        people, sds = populations(design), noise_sds(design)
        for shock_sd in SHOCK_SDS:
            rng = np.random.default_rng([SEED, d, shock_sd])
            counts: dict[str, int] = {}
            for start in range(0, replications, CHUNK):
                y = simulate(rng, min(CHUNK, replications - start), sds, shock_sd)
                for method, values in p_values(y, people, rng).items():
                    counts[method] = counts.get(method, 0) + int((values <= ALPHA + 1e-12).sum())
            rows += [(design.name, shock_sd, method, replications, count) for method, count in counts.items()]
    table = pd.DataFrame(rows, columns=["design", "shock_sd", "method", "replications", "rejections"])
    rate = table["rejections"] / table["replications"]
    return table.assign(rate=rate.round(5), mc_error=np.sqrt(rate * (1 - rate) / table["replications"]).round(5))


def half_variogram(rates: Array, *, robust: bool) -> Array:
    """Half the variance of the change over 1 … PERIODS − 1 years, across authorities, year effects taken out.

    robust: from the median size of the change, which a few authorities with wild figures do not move.
    """
    apart = rates - (np.median(rates, axis=0) if robust else rates.mean(axis=0))
    values = []
    for lag in range(1, rates.shape[1]):
        gap = apart[:, lag:] - apart[:, :-lag]
        values.append((np.median(np.abs(gap)) / stats.norm.ppf(0.75)) ** 2 / 2 if robust else (gap**2).mean() / 2)
    return np.array(values)


def model_half_variogram(noise_sd: float, persistence: float, shock_sd: float) -> Array:
    """What `simulate` implies: noise levels off, shocks grow with the years between, as more of them have come."""
    lag = np.arange(1, PERIODS)
    return np.asarray(noise_sd**2 * (1 - persistence**lag) + shock_sd**2 / 2 * lag / (PERIODS - 1))


def calibrate() -> pd.DataFrame:
    """The official closures' half-variograms, their best fit with PERSISTENCE, and what each SHOCK_SDS implies."""
    table = derive_rates(load_la_panel(), outcome="closures", series="main", first_year=2011, last_year=2019)
    authorities = table[~table["authority"].str.startswith("E92")]
    rates = authorities.pivot(index="authority", columns="year", values="rate").dropna().to_numpy(float)
    out = pd.DataFrame({"years_apart": np.arange(1, PERIODS)})
    for name, robust in (("official", False), ("official_robust", True)):
        seen = out[name] = half_variogram(rates, robust=robust)
        fit = optimize.least_squares(
            lambda q, seen=seen: model_half_variogram(q[0], PERSISTENCE, q[1]) / seen - 1, [8.0, 20.0]
        )
        out.attrs[name] = {"authorities": len(rates), "noise_sd": abs(fit.x[0]), "shock_sd": abs(fit.x[1])}
    for shock_sd in SHOCK_SDS:
        out[f"simulated_{shock_sd}"] = model_half_variogram(NOISE_SD, PERSISTENCE, shock_sd)
    return out


FIELDS = {
    "design": ("string", "How the noise varies between authorities, and which authority is treated"),
    "shock_sd": (
        "integer",
        "Standard deviation of the shock that comes to each authority in a random year and stays, per 10,000 residents",
    ),
    "method": ("string", "How the treated authority's effect was tested"),
    "replications": ("integer", "Simulated panels"),
    "rejections": ("integer", "Panels in which the method rejects 'no effect' at 5%"),
    "rate": ("number", "rejections / replications; 0.05 is what a test of that level should show"),
    "mc_error": ("number", "Standard error of rate from the number of panels"),
}


def write(table: pd.DataFrame, folder: Path) -> None:
    """The table and its entry in the card."""
    resource = {
        "name": "inference_size",
        "title": "Rejection rates under no effect, one treated authority",
        "description": f"{UNITS} authorities, {N_PRE} years before and {PERIODS - N_PRE} after. Yearly noise with "
        f"standard deviation {NOISE_SD:g} per 10,000 residents and autocorrelation {PERSISTENCE:g}, chosen to be near "
        "the official case closures of 2011 to 2019 (python -m benchmarks.inference_size --calibrate). Seed "
        f"{SEED}; benchmarks/inference_size.py rewrites the file.",
        "dates": f"simulated; no calendar time; seed {SEED}",
        "schema": {"fields": describe_fields(FIELDS), "primaryKey": ["design", "shock_sd", "method"]},
    }
    write_study(table, folder, resource)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--to", type=Path, default=TO, help="folder for the table and its card")
    parser.add_argument("--replications", type=int, default=REPLICATIONS)
    parser.add_argument("--calibrate", action="store_true", help="only print the noise beside the official closures")
    asked = parser.parse_args()
    if asked.calibrate:
        table = calibrate()
        print(table.round(1).to_string(index=False))
        for name, fit in table.attrs.items():
            print(f"{name}: {', '.join(f'{key} {value:.1f}' for key, value in fit.items())}")
        return
    table = study(asked.replications)
    write(table, asked.to)
    print(table.pivot_table(index=["design", "method"], columns="shock_sd", values="rate", sort=False).to_string())


if __name__ == "__main__":
    main()
