"""Leads: places where the reports contradict themselves or each other, each confirmed or refuted in code.

Each lead is a function in a `lead_…` module that reads the register and returns a `Lead`. Inferences are called
inferences, rival readings stay beside each other, and each lead says what would settle the question.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

Verdict = Literal["confirmed", "confirmed in part", "refuted", "open"]


@dataclass(frozen=True)
class Lead:
    """One question about the reports, answered as far as the documents allow.

    id: its name in the book, a word or two joined by underscores; title: the question in a few words; verdict: on the
    suspicion; finding: what was found, in one or two sentences with their numbers; settles: what would settle it;
    claims: ids of the claims it is about; readings: the rival readings, one row each, with their numbers; numbers:
    values and words for the prose of a chapter.
    """

    id: str
    title: str
    verdict: Verdict
    finding: str
    settles: str
    claims: tuple[str, ...]
    readings: pd.DataFrame
    numbers: Mapping[str, Any] = field(default_factory=dict)
