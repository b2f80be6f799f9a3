"""How chapter 02 writes its results: what follows from them in words, the figure's table, and bindings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from crewe_lib.attendance_context import ALIKE, PHASES
from crewe_lib.evidence import Binding
from crewe_lib.formats import Formatter, agree, choose, count, fixed, level, p_phrase, spelt
from crewe_lib.provenance import traced

_ONE, _SIGNED, _TWO = fixed(1), fixed(1, sign=True), fixed(2)


@traced
def summarise_findings(
    published: pd.DataFrame,
    better: pd.DataFrame,
    contrast: dict[str, Any],
    logarithm: pd.DataFrame,
    specifications: pd.DataFrame,
    *,
    alpha: float,
) -> dict[str, Any]:
    """What prose says of the records' results: on which side of zero each phase's interval lies (`side_…`, 0 if it
    holds zero); tests of the published models (`tests`) and how many reject; by how much CR2 widens the published
    interval of all pupils, % (`wider`); the differences and the contrast of phases as written, a dash for
    what is missing, and what the contrast says; least and
    most ratio of the three ways with the logarithm, and pupils that the first drops."""
    limits = zip(better["phase"], better["conf_low"], better["conf_high"], strict=True)
    side = {f"side_{phase}": _side(low, high) for phase, low, high in limits}
    everything = specifications[specifications["phase"].eq("all")].set_index("specification")
    width = everything["conf_high"] - everything["conf_low"]
    ratios = logarithm.loc[logarithm["phase"] == "all", "ratio"].dropna()
    return {
        **side,
        "tests": int(published["p_value"].notna().sum()),
        "rejecting": int((published["p_value"] <= alpha).sum()),
        "wider": 100 * float(width.filter(like="CR2 by family, history").iloc[0] / width.iloc[0] - 1),
        **{
            f"gap_{phase}": _known(_SIGNED)(gap) for phase, gap in zip(better["phase"], better["estimate"], strict=True)
        },
        **{f"gap_interval_{phase}": said for phase, said in zip(better["phase"], better["interval"], strict=True)},
        "gap_days_all": float(better.loc[better["phase"] == "all", "days"].iloc[0]),
        "dispersion": float(better.loc[better["phase"] == "all", "dispersion"].iloc[0]),
        "contrast_interval": contrast["interval"],
        "contrast": _known(_TWO)(contrast["ratio"]),
        "contrast_p": _known(p_phrase)(contrast["p_value"]),
        "contrast_side": _tell_contrast(contrast["low"] - 1, contrast["high"] - 1),
        "ratio_least": float(ratios.min()),
        "ratio_most": float(ratios.max()),
        "dropped": int(logarithm.loc[logarithm["phase"] == "all", "dropped"].max()),
    }


def _side(low: float, high: float) -> int:
    return 1 if low > 0 else -1 if high < 0 else 0


@traced
def derive_shown(means: pd.DataFrame) -> pd.DataFrame:
    """The table behind the figure of means."""
    return means[["label", "arm_label", "estimate", "conf_low", "conf_high", "n", "raw"]]


def _no_pupil(value: Any) -> str:
    """'no pupil', '1 pupil', '3 pupils'."""
    return f"{count(value) if value else 'no'} pupil{'s' if value > 1 else ''}"


def _tell_contrast(low: float, high: float) -> str:
    """What a ratio of ratios above, below or on either side of one says: its interval's limits, less one."""
    if np.isnan(low):
        return "no ratio, since pupils of one phase cannot be compared"
    said = "so, compared with Cheshire East, relatively {} was missed in secondary than in primary schools"
    unclear = "the interval leaves open in which phase relatively more was missed"
    told = choose(said.format("more"), said.format("less"), unclear)
    return told(_side(low, high))


def _known(show: Formatter) -> Formatter:
    """The same, with a dash for what could not be estimated."""
    return lambda value: "–" if np.isnan(value) else show(value)


def _official() -> Iterator[Binding]:
    for key in ("first", "last", "not_published"):
        yield Binding(f"{key}_year", "context_words", key)
    yield Binding("alike", "context_words", "alike", show=spelt)
    yield Binding("times_own", "context_words", "times_own", show=_ONE)
    yield Binding("times_england", "context_words", "times_england", show=_ONE)
    names = {"england": "England", "own": "Cheshire East", "peers": ALIKE}
    for name, place in names.items():
        for phase in ("primary", "secondary"):
            yield Binding(f"{name}_{phase}", "context", "missed_first", {"place": place, "phase": phase}, _ONE)
    for name in ("england", "own"):
        whole = {"place": names[name], "phase": "all"}
        yield Binding(f"{name}_all", "context", "missed_first", whole, _ONE)
        yield Binding(f"{name}_all_last", "context", "missed_last", whole, _ONE)
    own = {"place": names["own"], "phase": "all"}
    yield Binding("own_days", "context", "days_first", own, _ONE)
    yield Binding("own_persistent", "context", "persistent_first", own, fixed(0))
    yield Binding("pupils_first", "context", "pupils_first", own, count)
    yield Binding("revised_year", "revised_words", "academic")
    yield Binding("revised_earlier", "revised_words", "earlier", show=_ONE)
    yield Binding("revised_later", "revised_words", "later", show=_ONE)
    yield Binding("revised_missed", "revised_words", "most_missed", show=_ONE)


def _printed() -> Iterator[Binding]:
    for key in ("pupils", "primary", "secondary", "children"):
        yield Binding(f"printed_{key}", "timing", key, show=count)
    yield Binding("printed_share", "timing", "share", show=fixed(0))
    yield Binding("months", "timing", "months", show=spelt)
    for phase in ("all", "secondary"):
        yield Binding(f"detect_{phase}", "detectable", "detectable", {"phase": phase}, _ONE)
        yield Binding(f"detect_share_{phase}", "detectable", "percent", {"phase": phase}, fixed(0))
    yield Binding("least_spread_all", "detectable", "spread", {"phase": "all"}, _ONE)
    yield Binding("detect_year", "detectable_words", "academic")


_OPEN = "holds zero, so more absence and less are both possible"


def _records() -> Iterator[Binding]:
    yield Binding("cohort", "cohort", "name")
    for key in ("n", "families", "siblings", "primary", "secondary", "treatment", "control", "by_spring"):
        yield Binding(key, "pupil_counts", key, show=count)
    yield Binding("gaps", "gaps", "text")
    for key in ("zeros", "half"):
        yield Binding(key, "pupil_counts", key, show=_no_pupil)
    for key in ("days", "missed"):
        yield Binding(f"mean_{key}", "pupil_counts", key, show=_ONE)
    yield Binding("spread", "pupil_counts", "spread", show=_ONE)
    for phase in PHASES:
        yield Binding(f"gap_{phase}", "findings", f"gap_{phase}")
        yield Binding(f"gap_interval_{phase}", "findings", f"gap_interval_{phase}")
    yield Binding("gap_days_all", "findings", "gap_days_all", show=_SIGNED)
    yield Binding("dispersion", "findings", "dispersion", show=_ONE)
    sides = choose("lies above zero: more was missed", "lies below zero: less was missed", _OPEN)
    yield Binding("side_all", "findings", "side_all", show=sides)
    yield Binding("tests", "findings", "tests", show=count)
    yield Binding("rejecting", "findings", "rejecting", show=agree("rejects", "reject"))
    yield Binding("wider", "findings", "wider", show=lambda value: fixed(0)(abs(value)))
    yield Binding("wider_word", "findings", "wider", show=choose("wider", "narrower", "wider"))
    yield Binding("contrast", "findings", "contrast")
    yield Binding("contrast_interval", "findings", "contrast_interval")
    yield Binding("contrast_p", "findings", "contrast_p")
    yield Binding("contrast_side", "findings", "contrast_side")
    yield Binding("ratio_least", "findings", "ratio_least", show=_TWO)
    yield Binding("ratio_most", "findings", "ratio_most", show=_TWO)
    yield Binding("dropped", "findings", "dropped", show=_no_pupil)
    yield Binding("choices", "choices", "all", show=count)
    yield Binding("choices_without", "choices", "without")
    yield Binding("choices_zero", "choices", "leave_out_zero", show=agree("leaves out zero", "leave out zero"))


NUMBERS = (
    Binding("level", "settings", "confidence_level", show=level),
    Binding("power", "settings", "power", show=level),
    *_official(),
    *_printed(),
    *_records(),
)
