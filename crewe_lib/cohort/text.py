"""The simulated cohort's arrays as the tables of the contract: text only, pseudonyms, ISO dates, whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crewe_lib.cohort.episodes import Course
from crewe_lib.cohort.families import NEVER
from crewe_lib.cohort.outcomes import PHASES, TERMS
from crewe_lib.cohort.risk import ABSENT, TIMES, Codes
from crewe_lib.cohort.truth import Truth
from crewe_lib.contract import TABLES
from crewe_lib.errors import CreweError

Text = npt.NDArray[Any]
_FIRST = int(np.datetime64("1985-01-01", "D").astype(int))
_LAST = int(np.datetime64("2035-12-31", "D").astype(int))
CODERS = ("coder_1", "coder_2")


@cache
def _calendar(length: int) -> Text:
    """Every day as text, its first `length` characters, and a blank at the end."""
    days = np.datetime_as_string(np.arange(_FIRST, _LAST + 1).astype("datetime64[D]"))
    return np.array([*(day[:length] for day in days), ""], dtype=object)


def days_as_text(days: Any, length: int = 10) -> Text:
    """ISO dates; NEVER is blank. length 7 gives months."""
    number: npt.NDArray[np.int64] = np.asarray(days, dtype=np.int64)
    text: Text = _calendar(length)[np.where(number == NEVER, -1, number - _FIRST)]
    return text


def integers_as_text(values: Any, blank: int | None = None) -> Text:
    """Small whole numbers as text; `blank` is written as an empty text."""
    number = np.asarray(values).astype(np.int64)
    low, high = (int(np.min(number)), int(np.max(number))) if len(number) else (0, 0)
    known: Text = np.empty(high - low + 1, dtype=np.object_)
    known[:] = ["" if value == blank else str(value) for value in range(low, high + 1)]
    text: Text = known[number - low]
    return text


def yes_no(values: Any) -> Text:
    """'1' or '0'."""
    text: Text = np.array(["0", "1"], dtype=object)[np.asarray(values).astype(int)]
    return text


def make_ids(letter: str, count: int) -> Text:
    """Pseudonyms that say nothing but the order of the rows."""
    width = max(4, len(str(count)))
    return np.array([f"{letter}{number:0{width}d}" for number in range(1, count + 1)], dtype=object)


def people_tables(families: pd.DataFrame, children: pd.DataFrame, truth: Truth) -> dict[str, pd.DataFrame]:
    """`families` and `children`. A family without case data was followed to the day of randomisation."""
    family_ids, child_ids = make_ids("F", len(families)), make_ids("C", len(children))
    family = children["family"].to_numpy()
    followed = np.minimum(families["moves"], truth.day("study_end"))
    followed = np.where(families["case_data"], followed, families["randomised"])
    return {
        "families": _table(
            "families",
            family_id=family_ids,
            arm=np.where(families["treated"], "treatment", "control").astype(object),
            randomised_on=days_as_text(families["randomised"]),
            site=families["site"].to_numpy(),
            case_data=yes_no(families["case_data"]),
        ),
        "children": _table(
            "children",
            child_id=child_ids,
            family_id=family_ids[family],
            lead_child=yes_no(children["lead"]),
            sex=children["sex"].to_numpy(),
            born_in=days_as_text(children["born"], 7),
            ethnicity=children["ethnicity"].to_numpy(),
            disability=children["disability"].to_numpy(),
            is_cin=yes_no(children["is_cin"]),
            followed_to=days_as_text(followed[family]),
        ),
    }


def course_tables(
    rng: np.random.Generator, people: Mapping[str, pd.DataFrame], course: Course, truth: Truth
) -> dict[str, pd.DataFrame]:
    """`episodes`, `protection` and `crossovers`."""
    protection, crossovers = course.protection, course.crossovers
    child_ids = people["children"]["child_id"].to_numpy()
    return {
        "episodes": _episodes_table(rng, child_ids, course.episodes, truth),
        "protection": _table(
            "protection",
            child_id=child_ids[protection["child"].to_numpy(dtype=np.int64)],
            event=protection["event"].to_numpy(),
            started_on=days_as_text(protection["started"].to_numpy(dtype=np.int64)),
            ended_on=days_as_text(protection["ended"].to_numpy(dtype=np.int64)),
        ),
        "crossovers": _table(
            "crossovers",
            family_id=people["families"]["family_id"].to_numpy()[crossovers["family"].to_numpy(dtype=np.int64)],
            crossed_on=days_as_text(crossovers["crossed"].to_numpy(dtype=np.int64)),
        ),
    }


def _episodes_table(rng: np.random.Generator, child_ids: Text, episodes: pd.DataFrame, truth: Truth) -> pd.DataFrame:
    needs = np.array(list(truth.needs), dtype=object)
    need = rng.choice(len(needs), len(episodes), p=list(truth.needs.values()))
    return _table(
        "episodes",
        episode_id=make_ids("E", len(episodes)),
        child_id=child_ids[episodes["child"]],
        referred_on=days_as_text(episodes["referred"]),
        plan_opened_on=days_as_text(episodes["plan"]),
        status=np.where(episodes["closed"] == NEVER, "open", "closed").astype(object),
        closed_on=days_as_text(np.where(episodes["unknown"], NEVER, episodes["closed"])),
        closed_reason=episodes["reason"].to_numpy(),
        primary_need=needs[need],
    )


def absence_table(people: Mapping[str, pd.DataFrame], absence: pd.DataFrame) -> pd.DataFrame:
    """`absence`."""
    return _table(
        "absence",
        child_id=people["children"]["child_id"].to_numpy()[absence["child"]],
        school_phase=np.array(list(PHASES), dtype=object)[absence["phase"]],
        term=np.array(TERMS, dtype=object)[absence["term"]],
        sessions_possible=integers_as_text(absence["possible"]),
        sessions_authorised=integers_as_text(absence["authorised"]),
        sessions_unauthorised=integers_as_text(absence["unauthorised"]),
    )


def sdq_table(people: Mapping[str, pd.DataFrame], sdq: pd.DataFrame) -> pd.DataFrame:
    """`sdq`."""
    items = {name: integers_as_text(sdq[name], blank=-1) for name in TABLES["sdq"].names if name.startswith("item_")}
    return _table(
        "sdq",
        child_id=people["children"]["child_id"].to_numpy()[sdq["child"]],
        informant=np.where(sdq["worker"], "practitioner", "parent").astype(object),
        version=np.where(sdq["young"], "2_4", "4_17").astype(object),
        completed_on=days_as_text(sdq["completed"]),
        **items,
    )


def risk_table(
    people: Mapping[str, pd.DataFrame], cases: npt.NDArray[np.int64], codes: Codes, followed: npt.NDArray[np.bool_]
) -> pd.DataFrame:
    """`risk`: cases are positions of families; the third time point is there for those followed."""
    there = np.ones((len(cases), len(TIMES)), dtype=bool)
    there[:, 2] = followed
    case, time, factor = np.nonzero(codes.found & there[:, :, None])
    rated = (codes.engagement != ABSENT) & there[:, :, None]
    case2, time2, person = np.nonzero(rated)
    names = np.array([*codes.factors, "parent_engagement", "child_engagement"], dtype=object)
    everything = pd.DataFrame(
        {
            "case": np.r_[case, case2],
            "time": np.r_[time, time2],
            "factor": np.r_[factor, len(codes.factors) + person],
            "level": np.r_[np.ones(len(case), dtype=np.int64), codes.engagement[case2, time2, person]],
        }
    ).sort_values(["case", "time", "factor"], kind="stable")
    family = cases[everything["case"]]
    return _table(
        "risk",
        family_id=people["families"]["family_id"].to_numpy()[family],
        time_point=np.array(TIMES, dtype=object)[everything["time"]],
        coder=np.array(CODERS, dtype=object)[family % len(CODERS)],
        factor=names[everything["factor"]],
        level=integers_as_text(everything["level"]),
    )


def _table(name: str, **columns: Any) -> pd.DataFrame:
    """A table with the columns of the contract, in its order."""
    return pd.DataFrame(columns, columns=TABLES[name].names)


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """A CSV file: UTF-8, LF. No value needs quoting, since all are ids, codes, dates and numbers; checked."""
    columns = [frame[name].tolist() for name in frame.columns]
    text = "\n".join([",".join(frame.columns), *map(",".join, zip(*columns, strict=True)), ""])
    if text.count(",") != (len(frame) + 1) * (len(columns) - 1) or text.count("\n") != len(frame) + 1 or '"' in text:
        raise CreweError(f"{path.name}: a value holds a comma, a quotation mark or a line end; codes may not.")
    path.write_bytes(text.encode("utf-8"))
