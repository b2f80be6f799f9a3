"""The follow-up to November 2019: whether the printed definitions of closed and re-referred can have been used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import pandas as pd

from crewe_lib.claim_register import Reader, read_register
from crewe_lib.errors import DataError
from crewe_lib.evidence import Column
from crewe_lib.formats import either, fixed, p_phrase, p_value
from crewe_lib.implied import (
    Arms,
    Pair,
    counts_printing,
    follow_up_arms,
    printed_arms,
    printed_pairs,
    trial_arms,
)
from crewe_lib.leads import Lead, Verdict
from crewe_lib.models.proportions import fit_newcombe
from crewe_lib.provenance import infers, traced

_whole, _one = fixed(0), fixed(1)
COLUMNS: Mapping[str, Column] = {
    "reading": Column("Reading"),
    "arm": Column("Arm"),
    "closed_2016": Column("Closed by November 2016", _whole),
    "families_2016": Column("of families", _whole),
    "share_2016": Column("%", _one),
    "closed_2019": Column("Closed by November 2019", _whole),
    "families_2019": Column("of families in 2019", _whole),
    "share_2019": Column("% in 2019", _one),
    "change": Column("Change, families", fixed(0, sign=True)),
    "possible": Column("Possible", either("yes", "no")),
    "n1": Column("FACT22 families", _whole),
    "k1": Column("re-referred", _whole),
    "n2": Column("CEC families", _whole),
    "k2": Column("re-referred, CEC", _whole),
    "total": Column("Together", _whole),
    "from_printed_arms": Column("Arms as printed, less two", either("yes", "no")),
    "p_value": Column("p (Fisher)", p_value),
}
_CLOSURE = ("reading", "arm", "closed_2016", "families_2016", "share_2016", "closed_2019", "families_2019",
            "share_2019", "change", "possible")  # fmt: skip
_AGAIN = ("n1", "k1", "n2", "k2", "total", "from_printed_arms", "p_value")
# How far the arms of the search may lie from the printed ones.
AROUND = 6
YEAR = 365.25
_RATES = ("r2.reref.treat", "r2.reref.control")


@traced
@infers
def check_long_term_closure(register: pd.DataFrame) -> Lead:
    """Whether 'closed if it has a recorded closure date' can have given the shares of November 2019.

    A family ever closed by 2016 has a closure date in 2019, so counts can only grow. Raises DataError.
    """
    reader = read_register(register)
    readings = pd.DataFrame(list(_closure_rows(reader)), columns=list(_CLOSURE))
    numbers = _closure_numbers(reader, readings)
    ever = readings[readings["reading"] == "ever closed"]
    verdict: Verdict = "refuted" if ever["possible"].all() else "confirmed in part"
    return Lead(
        id="long_term_closure",
        title="What 'closed' means in the follow-up",
        verdict=verdict,
        finding=_closure_finding(numbers) if verdict != "refuted" else "The counts can have grown as the rule needs.",
        settles="Each family's dates of closing and re-opening to 22 November 2019, and the raw shares beside the "
        "model's predictions.",
        claims=("r2.closure.treat", "r2.closure.control", "r2.closure.sig", "r2.closure.steady", "r1.closure.pc"),
        readings=readings,
        numbers=numbers,
    )


def _closure_rows(reader: Reader) -> Iterator[tuple[str | float | bool, ...]]:
    """Per arm: 2016's closed families, with and without those re-referred, against 2019's."""
    both = trial_arms(reader)
    for place, (arm, before, again, after) in enumerate(
        (
            ("FACT22", "r1.closure.pc", "r1.reref.pc", "r2.closure.treat"),
            ("CEC", "r1.closure.cec", "r1.reref.cec", "r2.closure.control"),
        )
    ):
        families = printed_arms(reader)[place]
        later = counts_printing(reader.number(after), families)
        for n in sorted({arms[place] for arms in both}):
            for k in counts_printing(reader.number(before), n):
                for reading, closed in (("closed, not re-referred", k), ("ever closed", k + reader.count(again))):
                    for then in later:
                        share, share_then = 100 * closed / n, 100 * then / families
                        yield reading, arm, closed, n, share, then, families, share_then, then - closed, then >= closed


def _closure_numbers(reader: Reader, readings: pd.DataFrame) -> dict[str, float | int]:
    ever = readings[(readings["reading"] == "ever closed") & (readings["arm"] == "FACT22")]
    pair = _first_pair(reader, ("r2.closure.treat", "r2.closure.control"), [printed_arms(reader)])
    low, high = fit_newcombe(pair.k2, pair.n2, pair.k1, pair.n1)
    then, again = reader.number("r1.closure.pc"), reader.number("r1.reref.rate_pc")
    families = int(ever["families_2019"].iloc[0])
    return {
        "ever_printed": then + again,
        "then_closed": then,
        "then_again": again,
        "then_control": reader.number("r1.closure.cec"),
        "now_control": reader.number("r2.closure.control"),
        "now_printed": reader.number("r2.closure.treat"),
        "ever_least": int(ever["closed_2016"].min()),
        "ever_most": int(ever["closed_2016"].max()),
        "now_closed": pair.k1,
        "families": families,
        "least_share": 100 * float(ever["closed_2016"].min()) / families,
        "least_correction": 100 * float(ever["closed_2016"].min()) / families - reader.number("r2.closure.treat"),
        "gap": -pair.gap,
        "gap_low": 100 * low,
        "gap_high": 100 * high,
        "fisher": pair.tests()[f"{pair.written}, Fisher's exact"],
        "logit": pair.tests()[f"{pair.written}, logit, Wald"],
        "first_effect": reader.number("r1.closure.ate"),
    }


def _first_pair(reader: Reader, ids: tuple[str, str], arms: Sequence[Arms]) -> Pair:
    """The first counts that print both percentages. Raises DataError if there are none."""
    pairs = printed_pairs(reader, ids, arms)
    if not pairs:
        said = " and ".join(f"{id} ({reader.number(id):g}%)" for id in ids)
        raise DataError(f"no whole numbers of families print {said} in arms of {list(arms)}.")
    return pairs[0]


def _closure_finding(found: Mapping[str, float | int]) -> str:
    size = "more" if found["gap"] > found["first_effect"] else "no more"
    return (
        f"The 2017 report gives {_whole(found['then_closed'])}% of FACT22 families closed in November 2016 and "
        f"{_whole(found['then_again'])}% closed and re-referred. Our sum, {_whole(found['ever_printed'])}% closed at "
        f"some time, implies at least {_whole(found['ever_least'])} families. All have a closure date, yet the 2020 "
        f"report gives {_whole(found['now_printed'])}% for November 2019, which is {_whole(found['now_closed'])} of "
        f"{_whole(found['families'])}. More likely the status at that day was meant. The printed shares of both years "
        f"({_whole(found['then_closed'])}% and {_whole(found['then_control'])}%, {_whole(found['now_printed'])}% and "
        f"{_whole(found['now_control'])}%) are a model's predictions, so the rule could still have been used if the "
        f"control variables take at least {_one(found['least_correction'])} points off the raw share. The gap called "
        f"slight is {_one(found['gap'])} points (95% interval {_one(found['gap_low'])} to {_one(found['gap_high'])}, "
        f"Fisher {p_phrase(found['fisher'])}), {size} than the effect of {_one(found['first_effect'])} that was found "
        "promising in 2017."
    )


@traced
@infers
def check_rereferral(register: pd.DataFrame) -> Lead:
    """Whether 'within 1 year of original referral' can have given the re-referral rates of the second report.

    Raises DataError if a claim it needs is missing.
    """
    reader = read_register(register)
    readings = pd.DataFrame(list(_again_rows(reader)), columns=list(_AGAIN))
    numbers = _again_numbers(reader, readings)
    verdict: Verdict = "confirmed in part" if float(numbers["per_day_ratio"]) > 1 else "refuted"
    return Lead(
        id="rereferral",
        title="Re-referrals in 2017 and 2020",
        verdict=verdict,
        finding=_again_finding(numbers),
        settles="The date of every referral, closing and re-referral of the families, or the code that made the "
        "indicator.",
        claims=(
            "r1.reref.total",
            "r1.reref.rate_pc",
            "r1.reref.rate_cec",
            "r1.reref.diff",
            "r2.reref.treat",
            "r2.reref.control",
            "r2.def.reref_window",
            "r2.def.reref_feasible",
        ),
        readings=readings,
        numbers=numbers,
    )


def _again_rows(reader: Reader) -> Iterator[tuple[int | bool | float, ...]]:
    """All whole numbers behind both printed rates, over arms near the printed ones that leave 126 or 128 families."""
    n1, n2 = printed_arms(reader)
    likely = set(follow_up_arms(reader))
    for total in (reader.count("r2.sample.some_outcomes"), n1 + n2):
        shifted = [(total - n, n) for n in range(n2 - AROUND, n2 + AROUND + 1)]
        for pair in printed_pairs(reader, _RATES, shifted):
            fisher = pair.tests()[f"{pair.written}, Fisher's exact"]
            together = pair.k1 + pair.k2
            yield pair.n1, pair.k1, pair.n2, pair.k2, together, (pair.n1, pair.n2) in likely, fisher


def _again_numbers(reader: Reader, readings: pd.DataFrame) -> dict[str, float | int | str]:
    pair = _first_pair(reader, _RATES, follow_up_arms(reader))
    early, end = reader.count("r1.reref.total"), reader.day("r1.design.pilot_end")
    start = reader.day("r1.design.pilot_start")
    window = timedelta(days=int(YEAR * reader.number("r2.def.reref_window")))
    last = reader.day("r1.design.rct_end", end=True) + window
    late = reader.day("r2.design.rct_window_main", end=True) + window
    together = pair.k1 + pair.k2
    left, so_far = (last - end).days, (end - start).days
    k = reader.count("r1.reref.cec")
    return {
        "pair": pair.written,
        "readings_total": len(readings),
        "readings_printed_arms": int(readings["from_printed_arms"].sum()),
        "on_printed_arms": sum(
            len(counts_printing(reader.number(id), n)) for id, n in zip(_RATES, printed_arms(reader), strict=True)
        ),
        "together": together,
        "families": pair.n1 + pair.n2,
        "early": early,
        "later": together - early,
        "last_window": f"{last.day} {last:%B %Y}",
        "last_window_late": f"{late.day} {late:%B %Y}",
        "months_left": left / (YEAR / 12),
        "months_so_far": so_far / (YEAR / 12),
        "per_day_ratio": ((together - early) / left) / (early / so_far),
        "fisher": pair.tests()[f"{pair.written}, Fisher's exact"],
        "rate_cec_sizes": " or ".join(
            str(n) for n in range(30, 61) if k in counts_printing(reader.number("r1.reref.rate_cec"), n, 1)
        ),
    }


def _again_finding(found: Mapping[str, float | int | str]) -> str:
    none = "neither" if not found["on_printed_arms"] else "not both"
    only = "only one" if found["readings_printed_arms"] == 1 else str(found["readings_printed_arms"])
    later = f" ({found['last_window_late']} if allocation lasted as long as the 2020 report's main text says)"
    later = later if found["last_window_late"] != found["last_window"] else ""
    return (
        f"The 2020 rates allow {_whole(found['readings_total'])} implied readings, of which {only} can come from the "
        f"printed arms less two families: {found['pair']}, {_whole(found['together'])} of {_whole(found['families'])}. "
        f"Of the arms as printed {none} would be a whole number. By the printed rule every window ends by "
        f"{found['last_window']}{later}, so that {_whole(found['later'])} of them would fall into the "
        f"{_one(found['months_left'])} months after November 2016, against {_whole(found['early'])} in the "
        f"{_whole(found['months_so_far'])} months before: {_whole(found['per_day_ratio'])} times as many a day. The "
        f"{_whole(found['early'])} of 2017 were counted only after a closure, so referrals on open cases could make up "
        "part of it; a count of any re-referral to November 2019, or within a year of closing, explains the rates more "
        f"easily. No difference between the arms is shown (Fisher {p_phrase(found['fisher'])}). In the 2017 report "
        f"the control rate implies {found['rate_cec_sizes'] or 'no whole number of'} control families."
    )
