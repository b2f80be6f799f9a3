"""Drawing a simulated cohort from its model: people and what happened to them, then the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from crewe_lib.cohort import text as text
from crewe_lib.cohort.episodes import Course, draw_course
from crewe_lib.cohort.families import NEVER, Days, draw_children, draw_families
from crewe_lib.cohort.outcomes import choose_pupils, draw_absence, draw_sdq, find_phase
from crewe_lib.cohort.risk import describe_cases, draw_risk
from crewe_lib.cohort.truth import Truth
from crewe_lib.contract import TABLES

TOO_EARLY = 150  # days: a case that closed sooner has no later information
# Each part of the model has its own stream of random numbers, so that a change to one leaves the others alone.
STREAMS = ("families", "children", "course", "needs", "absence", "sdq", "risk", "choice")


@dataclass(frozen=True)
class Simulated:
    """A simulated cohort: tables of text as the contract has them, and what it was made with."""

    tables: Mapping[str, pd.DataFrame]
    truth: Truth
    seed: int
    families: int
    calibrated: bool


@dataclass(frozen=True)
class Drawn:
    """The families of a draw as arrays, before outcomes that only some of them have."""

    families: pd.DataFrame
    children: pd.DataFrame
    course: Course


def stream(seed: int, name: str, number: int = 0) -> np.random.Generator:
    """The random numbers of one part of the model."""
    return np.random.default_rng([seed, STREAMS.index(name), number])


def draw_people(families: int, seed: int, truth: Truth) -> Drawn:
    """Families, children and what happened to them."""
    table = draw_families(stream(seed, "families"), families, truth)
    children = draw_children(stream(seed, "children"), table, truth)
    course = draw_course(stream(seed, "course"), table, children, truth)
    closed = _find_index_closing(table, children, course)
    # A family whose case has closed is not randomised any more: the day that was drawn is put no later than that. The
    # days are drawn before the course is, so that the streams of random numbers stay as they are.
    randomised = np.where(closed == NEVER, table["randomised"], np.minimum(table["randomised"], closed))
    return Drawn(table.assign(randomised=randomised), children, course)


def _find_index_closing(families: pd.DataFrame, children: pd.DataFrame, course: Course) -> Days:
    """The day on which each family's index case closed, the lead child's first episode in the study's time: NEVER if it
    is open."""
    episodes = course.episodes[children["lead"].to_numpy()[course.episodes["child"]]]
    family = children["family"].to_numpy()[episodes["child"]]
    current = (episodes["closed"] == NEVER) | (episodes["closed"] > families["origin"].to_numpy()[family])
    index = episodes.assign(family=family)[current].drop_duplicates("family").set_index("family")["closed"]
    closed: Days = index.reindex(np.arange(len(families))).to_numpy(dtype=np.int64)
    return closed


def draw_tables(drawn: Drawn, seed: int, truth: Truth) -> dict[str, pd.DataFrame]:
    """The tables of a plain draw."""
    tables = base_tables(drawn, seed, truth)
    pupils = find_pupils(drawn, truth)
    rng = stream(seed, "absence")
    terms = choose_pupils(rng, pupils["phase"].to_numpy(), truth)
    tables["absence"] = text.absence_table(tables, draw_absence(rng, pupils, terms, truth))
    tables["sdq"] = text.sdq_table(tables, draw_sdq(stream(seed, "sdq"), find_leads(drawn), truth))
    rng = stream(seed, "risk")
    cases, followable = find_risk_cases(drawn, truth)
    per_arm = round(truth.risk_coded * min(cases["treated"].sum(), (~cases["treated"]).sum()))
    order = rng.permutation(len(cases))
    rank = np.empty(len(cases), dtype=np.int64)
    treated = cases["treated"].to_numpy()[order]
    rank[order] = np.where(treated, np.cumsum(treated), np.cumsum(~treated))
    coded = np.flatnonzero(rank <= per_arm)
    followed = followable[coded] & (rng.random(len(coded)) < truth.risk_followed)
    codes = draw_risk(rng, cases.iloc[coded].reset_index(drop=True), truth)
    tables["risk"] = text.risk_table(tables, cases["family"].to_numpy()[coded], codes, followed)
    return {name: tables[name] for name in TABLES}


def base_tables(drawn: Drawn, seed: int, truth: Truth) -> dict[str, pd.DataFrame]:
    """Families, children, and what happened, as text. Families without case data have no episodes."""
    people = text.people_tables(drawn.families, drawn.children, truth)
    return {**people, **text.course_tables(stream(seed, "needs"), people, with_case_data(drawn), truth)}


def with_case_data(drawn: Drawn) -> Course:
    """The course of the families whose case data were found."""
    found = drawn.families["case_data"].to_numpy()
    child = found[drawn.children["family"].to_numpy()]
    course = drawn.course
    return Course(
        course.episodes[child[course.episodes["child"]]],
        course.protection[child[course.protection["child"].to_numpy(dtype=np.int64)]],
        course.crossovers[found[course.crossovers["family"].to_numpy(dtype=np.int64)]],
    )


def find_history(drawn: Drawn, truth: Truth) -> npt.NDArray[np.bool_]:
    """Families with a plan open before the pilot."""
    plan = drawn.course.episodes["plan"].to_numpy()
    early = drawn.course.episodes["child"].to_numpy()[(plan != NEVER) & (plan < truth.day("pilot_start"))]
    known = np.zeros(len(drawn.families), dtype=bool)
    known[drawn.children["family"].to_numpy()[early]] = True
    return known


def find_pupils(drawn: Drawn, truth: Truth) -> pd.DataFrame:
    """Children in need of school age in the school year 2015/16, of families with case data."""
    children, families = drawn.children, drawn.families
    phase, family = find_phase(children["born"].to_numpy()), children["family"].to_numpy()
    own = np.flatnonzero((phase >= 0) & children["is_cin"].to_numpy() & families["case_data"].to_numpy()[family])
    family = family[own]
    return pd.DataFrame(
        {
            "child": own,
            "family": family,
            "phase": phase[own],
            "treated": families["treated"].to_numpy()[family],
            "history": find_history(drawn, truth)[family],
            "family_effect": families["absence_effect"].to_numpy()[family],
        }
    )


def find_leads(drawn: Drawn) -> pd.DataFrame:
    """Lead children of families with case data."""
    lead = np.flatnonzero(drawn.children["lead"].to_numpy())
    found = drawn.families["case_data"].to_numpy()
    table = pd.DataFrame({"child": lead, "born": drawn.children["born"].to_numpy()[lead]})
    return table.assign(treated=drawn.families["treated"], origin=drawn.families["origin"])[found].reset_index(
        drop=True
    )


def find_risk_cases(drawn: Drawn, truth: Truth) -> tuple[pd.DataFrame, npt.NDArray[np.bool_]]:
    """Families with case data as `draw_risk` needs them, and whether each could be followed up: the lead child still
    under eighteen, and the case not closed too early."""
    which = np.flatnonzero(drawn.families["case_data"].to_numpy())
    cases = describe_cases(drawn.families, drawn.children, which, truth)
    episodes = drawn.course.episodes[drawn.course.episodes["referred"] <= truth.day("last_referral")]
    last = episodes.drop_duplicates("child", keep="last").set_index("child")["closed"]
    lead = np.flatnonzero(drawn.children["lead"].to_numpy())[which]
    closed = last.reindex(lead).to_numpy()
    early = (closed != NEVER) & (closed - drawn.families["origin"].to_numpy()[which] < TOO_EARLY)
    return cases, ~early & ~cases["adult_by_follow_up"].to_numpy()
