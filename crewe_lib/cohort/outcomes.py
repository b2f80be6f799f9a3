"""The simulated cohort's school absence and Strengths and Difficulties Questionnaires, as arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from crewe_lib.cohort.truth import DAYS_IN_YEAR, Truth
from crewe_lib.sdq_scoring import REVERSED, SCALES

TERMS = ("autumn_2015", "spring_2016")
SESSIONS = (146, 112)  # possible in each term, at most
SCHOOL_YEAR = int(np.datetime64("2015-08-31").astype("datetime64[D]").astype(int))
PHASES = {"primary": (4, 10), "secondary": (11, 15)}  # completed years of age on the eve of the school year
ITEMS = 25
THRESHOLDS = (0.35, 1.15)  # of the latent answer to an item, between 0, 1 and 2
TOO_YOUNG, SECOND_VERSION = 2, 4


def find_phase(born: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """0 for primary, 1 for secondary, −1 for neither in the school year 2015/16."""
    age = np.floor((SCHOOL_YEAR - born) / DAYS_IN_YEAR)
    phase = np.full(len(born), -1)
    for number, (first, last) in enumerate(PHASES.values()):
        phase[(age >= first) & (age <= last)] = number
    return phase


def choose_pupils(
    rng: np.random.Generator, phase: npt.NDArray[np.int64], truth: Truth, counts: tuple[int, int] | None = None
) -> npt.NDArray[np.int64]:
    """How many terms of absence each child has: 2, 1 or 0. Each is drawn by its chance or, where `counts` gives the
    number of pupils with both terms in each phase, given that number: independent chances that are equal, given their
    sum, are a simple random sample."""
    lost = truth.absence_one_term_lost
    both = truth.absence_found * (1 - 2 * lost)
    draw = rng.random(len(phase))
    full = draw < both
    if counts is not None:
        full[:] = False
        for number, count in enumerate(counts):
            own = np.flatnonzero(phase == number)
            full[own[np.argsort(draw[own], kind="stable")[:count]]] = True
    one = ~full & (rng.random(len(phase)) < 2 * lost * truth.absence_found / (1 - both))
    return np.where(phase < 0, 0, 2 * full + one)


def draw_absence(
    rng: np.random.Generator,
    pupils: pd.DataFrame,
    terms: npt.NDArray[np.int64],
    truth: Truth,
) -> pd.DataFrame:
    """Rows of absence: child, phase, term (position), possible, authorised, unauthorised (sessions).

    pupils: child, phase, treated, history, family_effect. terms: how many terms each has; of one, either is as likely.
    """
    count, phase = len(pupils), pupils["phase"].to_numpy()
    odds = np.array(truth.absence_level)[phase] + np.array(truth.absence_treatment)[phase] * pupils["treated"]
    odds = odds + truth.absence_history * pupils["history"] + pupils["family_effect"]
    odds = odds.to_numpy() + rng.normal(0, truth.absence_child_sd, count)
    first_only = rng.random(count) < 0.5
    parts = []
    for term, most in enumerate(SESSIONS):
        possible = most - 2 * rng.binomial(4, 0.3, count)
        missed = rng.binomial(possible, 1 / (1 + np.exp(-odds)))
        without = rng.binomial(missed, truth.absence_unauthorised)
        part = pd.DataFrame({"child": pupils["child"].to_numpy(), "phase": phase, "term": term, "possible": possible})
        part["authorised"], part["unauthorised"] = missed - without, without
        parts.append(part[(terms == 2) | ((terms == 1) & (first_only == (term == 0)))])
    rows: pd.DataFrame = pd.concat(parts).sort_values(["child", "term"], kind="stable", ignore_index=True)
    return rows


def draw_sdq(rng: np.random.Generator, leads: pd.DataFrame, truth: Truth) -> pd.DataFrame:
    """Questionnaires, one wave: child, worker (filled in by a worker), young (version), completed (day), item_01 …

    leads: child, treated, origin, born. An item left out is −1. Children under two have none.
    """
    completed = leads["origin"].to_numpy() + rng.integers(20, 200, len(leads))
    age = (completed - leads["born"].to_numpy()) / DAYS_IN_YEAR
    back = (rng.random(len(leads)) < truth.sdq_returned) & (age >= TOO_YOUNG) & (age < 17.9)
    found, completed, age = leads[back], completed[back], age[back]
    items = _draw_items(rng, found["treated"].to_numpy(), truth)
    table = pd.DataFrame({"child": found["child"].to_numpy(), "worker": rng.random(len(found)) < truth.sdq_by_worker})
    table["young"], table["completed"] = age < SECOND_VERSION, completed
    names = [f"item_{number:02d}" for number in range(1, ITEMS + 1)]
    return pd.concat([table, pd.DataFrame(items, columns=names)], axis=1)


def _draw_items(rng: np.random.Generator, treated: npt.NDArray[np.bool_], truth: Truth) -> npt.NDArray[np.int64]:
    """Answers (children, items) from a latent trait for each scale; the traits have a part in common."""
    count = len(treated)
    common = rng.normal(size=count) * np.sqrt(truth.sdq_common)
    items = np.empty((count, ITEMS), dtype=np.int64)
    for level, (scale, numbers) in zip(truth.sdq_level, SCALES.items(), strict=True):
        trait = common + rng.normal(size=count) * np.sqrt(1 - truth.sdq_common)
        trait = level + truth.sdq_treatment * treated + truth.sdq_loading * trait
        noise = rng.normal(size=(count, len(numbers))) * np.sqrt(1 - truth.sdq_loading**2)
        latent = trait[:, None] + noise
        answers = (latent[:, :, None] > np.array(THRESHOLDS)).sum(axis=2)
        for position, number in enumerate(numbers):
            turned = number in REVERSED or scale == "prosocial"
            items[:, number - 1] = 2 - answers[:, position] if turned else answers[:, position]
    items[rng.random(items.shape) < truth.sdq_item_missing] = -1
    return items
