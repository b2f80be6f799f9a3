"""The effect on closing in families with a history of social care: 12 or 20."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from crewe_lib.claim_register import Reader, read_register
from crewe_lib.evidence import Column
from crewe_lib.formats import either, fixed
from crewe_lib.implied import Pair, printed_pairs, trial_arms
from crewe_lib.leads import Lead, Verdict
from crewe_lib.provenance import infers, traced

_whole, _one, _two = fixed(0), fixed(1), fixed(2)
COLUMNS: Mapping[str, Column] = {
    "reading": Column("Reading of the smaller number"),
    "history_effect": Column("Effect with history, points", _one),
    "other_effect": Column("Effect without, points", _one),
    "history_share": Column("Share with history", _two),
    "gives": Column("Gives", _one),
    "tables": Column("Tables of whole families", _whole),
    "possible": Column("Possible", either("yes", "no")),
}
# A share of families with a history for the examples; the reports print none.
SHARE_SHOWN = 0.6


@traced
@infers
def check_history_effect(register: pd.DataFrame) -> Lead:
    """Whether '12% more likely' and '20 percentage points' can both hold for families with a history.

    Raises DataError if a claim it needs is missing.
    """
    reader = read_register(register)
    numbers = _history_numbers(reader)
    readings = pd.DataFrame(list(_history_rows(reader, numbers)), columns=list(COLUMNS))
    same = numbers["bullet"] == numbers["text"]
    verdict: Verdict = "refuted" if same else "confirmed"
    tables = int(readings["tables"].iloc[0])
    return Lead(
        id="history_effect",
        title="The effect in families with a history of social care",
        verdict=verdict,
        finding="Both places print the same size." if same else _history_finding(numbers, tables),
        settles="The interaction model's coefficients with their standard errors, and how many families in each arm "
        "had a history.",
        claims=("r1.closure.hist_bullet", "r1.closure.hist_text", "r1.closure.hist_sig", "r1.closure.ate"),
        readings=readings,
        numbers={**numbers, "tables": tables},
    )


def _history_numbers(reader: Reader) -> dict[str, Any]:
    bullet, text = reader.number("r1.closure.hist_bullet"), reader.number("r1.closure.hist_text")
    overall, pc, cec = (reader.number(f"r1.closure.{name}") for name in ("ate", "pc", "cec"))
    rest = text - bullet
    return {
        "bullet": bullet,
        "text": text,
        "overall": overall,
        "rest": rest,
        "increment": text - overall,
        "relative": 100 * (pc / cec - 1),
        "relative_effect": 100 * overall / cec,
        "page_bullet": reader.claim("r1.closure.hist_bullet").page,
        "page_text": reader.claim("r1.closure.hist_text").page,
        # overall = share × history effect + (1 − share) × effect without history
        "share_if_interaction": (overall - rest) / bullet,
        "share_if_no_other_effect": overall / text,
        "other_effect_shown": (overall - SHARE_SHOWN * text) / (1 - SHARE_SHOWN),
        "share_shown": SHARE_SHOWN,
        "largest_share": _largest_share(reader, text / 100),
        "exchanged_base": 100 * bullet / text,
        "exchanged_other": (overall - SHARE_SHOWN * bullet) / (1 - SHARE_SHOWN),
    }


def _largest_share(reader: Reader, effect: float) -> float:
    """Largest share with a history at which an effect of this size stays at p > 0.05, whatever the control's share.

    By the difference of two proportions with its unpooled error, both arms having the same share.
    """
    n1, n2 = trial_arms(reader)[0]
    base = np.linspace(0, 1 - effect, 1001)
    spread = (base + effect) * (1 - base - effect) / n1 + base * (1 - base) / n2
    return min(1.0, float(np.max(spread) * (1.959964 / effect) ** 2))


def _history_rows(reader: Reader, found: Mapping[str, Any]) -> Iterator[tuple[str | float | bool, ...]]:
    text, bullet, nan = found["text"], found["bullet"], float("nan")
    pairs = printed_pairs(reader, ("r1.closure.pc", "r1.closure.cec"), trial_arms(reader))
    tables = sum(_count_tables(pair, text, bullet, found["overall"]) for pair in pairs)
    interaction = (text, found["rest"], found["share_if_interaction"], bullet, tables, tables > 0)
    yield "the interaction, on top of an effect without history", *interaction

    def near(size: float) -> bool:
        return bool(abs(size - bullet) <= 1)

    step, relative = found["increment"], found["relative"]
    yield "the increment over the overall effect", text, nan, nan, step, nan, near(step)
    yield "the overall effect as a relative rise, from the shares", text, nan, nan, relative, nan, near(relative)
    relative = found["relative_effect"]
    yield "the overall effect as a relative rise, from the effect", text, nan, nan, relative, nan, near(relative)
    base, other = found["exchanged_base"], found["exchanged_other"]
    possible = 0 < base <= 100 - bullet
    yield (
        "labels exchanged: the smaller in points, the larger relative",
        bullet,
        other,
        SHARE_SHOWN,
        text,
        nan,
        possible,
    )
    zero = found["share_if_no_other_effect"]
    yield "left aside: effect in families with history only", text, 0.0, zero, nan, nan, zero <= found["largest_share"]
    other = found["other_effect_shown"]
    yield "left aside: most families have a history", text, other, SHARE_SHOWN, nan, nan, found["largest_share"] > 0.5


def _count_tables(pair: Pair, text: float, bullet: float, overall: float) -> int:
    """Splits of both arms by history whose raw gaps print all three numbers.

    The gap with history prints `text` and exceeds that without by `bullet`, each to half a point; the effect adjusted
    for history (least squares: gaps weighted by n1 n2 / (n1 + n2)) prints `overall`, to a twentieth.
    """
    (size1, closed1), (size2, closed2) = _splits(pair.k1, pair.n1), _splits(pair.k2, pair.n2)
    a, b = size1[:, None], size2[None, :]
    gap_with = 100 * (closed1[:, None] / a - closed2[None, :] / b)
    rest1 = (pair.k1 - closed1) / (pair.n1 - size1)
    rest2 = (pair.k2 - closed2) / (pair.n2 - size2)
    gap_without = 100 * (rest1[:, None] - rest2[None, :])
    with_weight = a * b / (a + b)
    without_weight = (pair.n1 - a) * (pair.n2 - b) / (pair.n1 - a + pair.n2 - b)
    adjusted = (with_weight * gap_with + without_weight * gap_without) / (with_weight + without_weight)
    near = (abs(gap_with - text) <= 0.5) & (abs(gap_with - gap_without - bullet) <= 0.5)
    return int((near & (abs(adjusted - overall) <= 0.05)).sum())


def _splits(k: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """All splits of k closed of n: size of the group with history and closed in it, both groups non-empty."""
    size, closed = np.meshgrid(np.arange(1, n), np.arange(0, k + 1), indexing="ij")
    keep = (closed <= size) & (k - closed <= n - size)
    return size[keep], closed[keep]


def _history_finding(found: Mapping[str, Any], tables: int) -> str:
    first, second = found["page_bullet"], found["page_text"]
    pages = f"Page {first} gives both" if first == second else f"Two pages ({first} and {second}) give"
    none = "no table of whole families fits" if tables == 0 else f"{tables} tables of whole families fit"
    return (
        f"{pages} {_whole(found['bullet'])}% and {_whole(found['text'])} percentage points for the same "
        "families. If the smaller were the interaction and the larger the whole effect, a share of "
        f"{_two(found['share_if_interaction'])} with a history is implied, and {none} both and the overall effect of "
        f"{_one(found['overall'])}. The smaller can be the increment over the overall effect "
        f"({_one(found['increment'])} points), the overall effect as a relative rise "
        f"({_one(found['relative'])}% from the two shares, {_one(found['relative_effect'])}% from the effect), or, "
        f"with the labels exchanged, {_whole(found['bullet'])} points on a base of {_whole(found['exchanged_base'])}%. "
        f"The share with a history is not published: at {_two(found['share_if_no_other_effect'])} the larger effect "
        f"leaves none for other families, and at p > 0.05 it can be at most about {_two(found['largest_share'])} "
        "(implied)."
    )
