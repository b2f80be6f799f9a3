"""What the counts that the reports print support, what their percentages imply, and re-referrals in records.

Kept apart: counts printed with what they are out of; printed counts whose arms are only implied (every reading of them,
`@infers`); and counts in records. Counts that are implied themselves are in `rct_implied`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from crewe_lib.claim_register import Reader, read_register
from crewe_lib.definitions import StudyDates, derive_cases, derive_rereferred_round1
from crewe_lib.errors import CreweError, DataError
from crewe_lib.evidence import Column
from crewe_lib.formats import NO_BREAK, fixed, interval, p_phrase, p_value, percent
from crewe_lib.implied import cost_arms, printed_arms, trial_arms
from crewe_lib.implied_counts import derive_printed_counts, preferred_sizes
from crewe_lib.models.exact_proportions import fit_clopper_pearson, fit_events, fit_unconditional
from crewe_lib.models.proportions import fit_two_proportions
from crewe_lib.provenance import infers, traced
from crewe_lib.records import Records

_signed = fixed(1, sign=True)
# Outcomes with printed counts in both arms, in the order of the table; staff come last, since nobody randomised them.
LABELS: Mapping[tuple[str, str], str] = {
    ("escalated", "november_2019"): "Families escalated by November 2019",
    ("stressed_staff", "trial_end"): "Staff who named workload as the main cause of stress",
}
_ARMS: Mapping[str, Column] = {
    "treatment": Column("Project Crewe"),
    "control": Column("Cheshire East"),
}
_INTERVALS: Mapping[str, Column] = {
    "difference": Column("Difference, points", _signed),
    "newcombe": Column("Newcombe"),
    "exact": Column("Exact"),
}
_TESTS: Mapping[str, Column] = {
    "fisher": Column("p, Fisher", p_value),
    "boschloo": Column("p, Boschloo", p_value),
    "barnard": Column("p, Barnard", p_value),
}
PRINTED_COLUMNS: Mapping[str, Column] = {
    "label": Column("Printed counts"),
    **_ARMS,
    **_INTERVALS,
    "fisher": _TESTS["fisher"],
    "barnard": _TESTS["barnard"],
    "remark": Column("Remark"),
}
EVENT_COLUMNS: Mapping[str, Column] = {
    "label": Column("Share with Project Crewe"),
    "share": Column("%", percent(1)),
    "expected": Column("Expected of the events", fixed(1)),
    "k1": Column("Observed", fixed(0)),
    "of": Column("of", fixed(0)),
    "ratio": Column("Ratio of rates", fixed(2)),
    "interval": Column("Interval"),
    "p_value": Column("p", p_value),
}
REREFERRED_IMPLIED_COLUMNS: Mapping[str, Column] = {
    "reading": Column("Implied arms"),
    **_ARMS,
    **_INTERVALS,
    "barnard": _TESTS["barnard"],
}
REREFERRED_COLUMNS: Mapping[str, Column] = {
    "treatment": Column("Treatment"),
    "treatment_interval": Column("Exact interval, %"),
    "control": Column("Control"),
    "control_interval": Column("Exact interval, %"),
    **_INTERVALS,
    "barnard": _TESTS["barnard"],
}


def compare_counts(k1: int, n1: int, k2: int, n2: int, *, alpha: float) -> dict[str, Any]:
    """Two counts as a row of a table, in percentage points.

    k1, n1, k2, n2; treatment, control ('8 of 9'); treatment_share, treatment_interval (Clopper–Pearson) and the same of
    control; difference with newcombe_low, newcombe_high, newcombe (in words); fisher; p_smallest and p_largest of the
    ten tests, which are variants of one comparison. Raises CreweError if nobody or everybody had the event.
    """
    found = fit_two_proportions(k1, n1, k2, n2, alpha=alpha)
    low, high = 100 * found.conf_low, 100 * found.conf_high
    return {
        **{"k1": k1, "n1": n1, "k2": k2, "n2": n2},
        **_describe_arm("treatment", k1, n1, alpha),
        **_describe_arm("control", k2, n2, alpha),
        "difference": 100 * found.difference,
        **{"newcombe_low": low, "newcombe_high": high, "newcombe": interval(low, high)},
        "fisher": found.p_values["Fisher's exact"],
        "p_smallest": min(found.p_values.values()),
        "p_largest": max(found.p_values.values()),
    }


def compare_exactly(k1: int, n1: int, k2: int, n2: int, *, alpha: float) -> dict[str, Any]:
    """`compare_counts`, and by exact unconditional methods exact_low, exact_high, exact (in words), barnard, boschloo.

    The exact interval and Barnard's p-value are one method.
    """
    found = fit_unconditional(k1, n1, k2, n2, alpha=alpha)
    low, high = 100 * found.conf_low, 100 * found.conf_high
    return {
        **compare_counts(k1, n1, k2, n2, alpha=alpha),
        **{"exact_low": low, "exact_high": high, "exact": interval(low, high)},
        "barnard": found.barnard,
        "boschloo": found.boschloo,
    }


def _describe_arm(arm: str, k: int, n: int, alpha: float) -> dict[str, Any]:
    low, high = fit_clopper_pearson(k, n, alpha=alpha)
    return {
        arm: f"{k}{NO_BREAK}of{NO_BREAK}{n}",
        f"{arm}_share": 100 * k / n,
        f"{arm}_interval": interval(100 * low, 100 * high),
    }


@traced
def estimate_printed_counts(register: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Outcomes whose counts the reports print in both arms, with what they are out of: escalations by November 2019,
    and staff who named workload (they were not randomised: it compares two services, not two arms).

    Not here: disability, known at the start (`design_balance`); re-referrals, which have no denominators by arm
    (`estimate_printed_events`); escalations at the end of the trial, printed for Project Crewe only (`rct_wording`).
    Columns: outcome, date, label, remark (what is not printed outright), and those of `compare_exactly`. Raises
    DataError, CreweError.
    """
    counts = derive_printed_counts(register)
    remarks = {"escalated": _remark_escalated(read_register(register)), "stressed_staff": "staff, not families"}
    rows = []
    for (outcome, date), label in LABELS.items():
        arms = counts[(counts["outcome"] == outcome) & (counts["date"] == date)].set_index("arm")
        k1, n1, k2, n2 = (int(arms[name][arm]) for arm in ("pc", "cec") for name in ("k", "n"))
        own = {"outcome": outcome, "date": date, "label": label, "remark": remarks[outcome]}
        rows.append({**own, **compare_exactly(k1, n1, k2, n2, alpha=alpha)})
    return pd.DataFrame(rows)


def _remark_escalated(reader: Reader) -> str:
    """What the report does not print outright: the control arm's count, and that both are out of all allocated."""
    treatment, control = (reader.count(f"r2.escal.{arm}") for arm in ("treat", "control"))
    said = f"{control}: the report says that all {treatment} were with FACT22; " if control == 0 else ""
    return f"{said}out of all allocated, though {reader.count('r2.sample.missing')} cases lack some outcomes"


@traced
def estimate_printed_events(register: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Re-referrals by arm at the end of the trial, given their sum and the share of families in each arm as printed.

    The 2017 report prints no arm sizes, but how the arms were divided: as a ratio of two whole numbers beside the
    re-referrals, and in per cent elsewhere. It calls them occurrences; that each is a family of its own is assumed. If
    brothers and sisters were counted, the interval is too narrow (`fit_events`).
    Columns: basis, label (basis, and what is wrong with it), share, expected (of the events, with equal rates), k1
    (with Project Crewe), of, ratio (of rates, Project Crewe over Cheshire East), conf_low, conf_high, interval,
    p_value. Raises DataError.
    """
    reader = read_register(register)
    k1, k2 = reader.count("r1.reref.pc"), reader.count("r1.reref.cec")
    rows = []
    larger, turned = _larger_part(reader)
    ratio, per_cent = "as printed as a ratio", "as printed in per cent"
    wrong = f"{ratio}, which the report has the wrong way round" if turned else ratio
    for basis, label, share in ((ratio, wrong, larger), (per_cent, per_cent, reader.share("r1.sample.pc_share"))):
        found = fit_events(k1, k2, share=share, alpha=alpha)
        own = {"basis": basis, "label": label, "share": share, "expected": share * (k1 + k2), "k1": k1, "of": k1 + k2}
        limits = {"conf_low": found.conf_low, "conf_high": found.conf_high}
        said = interval(found.conf_low, found.conf_high, digits=2)
        rows.append({**own, "ratio": found.ratio, **limits, "interval": said, "p_value": found.p_value})
    return pd.DataFrame(rows)


def _larger_part(reader: Reader) -> tuple[float, bool]:
    """Project Crewe's part of the printed ratio of control to treatment, and whether the ratio had to be turned round:
    Project Crewe has the larger part wherever else the report says how the arms were divided."""
    text = reader.text("r1.sample.ratio")
    found = re.fullmatch(r"(\d+):(\d+)", text)
    if not found or "0" in found.groups():
        raise DataError(f"claim r1.sample.ratio: '{text}' is not a ratio such as 2:1.")
    parts = [int(part) for part in found.groups()]
    return max(parts) / sum(parts), parts[0] > parts[1]


@traced
@infers
def estimate_implied_rereferred(register: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """The printed re-referrals at the end of the trial out of arms that the 2017 report does not print.

    Arms: those that the 2020 report prints, those behind the 2017 cost tables (`implied.cost_arms`), and both less the
    families left out (`implied.trial_arms`). The main reading is `implied_counts.preferred_sizes`. Columns: reading,
    main, and those of `compare_exactly`. Raises DataError.
    """
    reader = read_register(register)
    k1, k2 = reader.count("r1.reref.pc"), reader.count("r1.reref.cec")
    main = preferred_sizes(reader)["rereferred", "trial_end"]
    said = {printed_arms(reader): "as the 2020 report prints them", cost_arms(reader): "behind Tables 8 and 9"}
    arms = [*said, *(pair for pair in trial_arms(reader) if pair not in said)]
    return pd.DataFrame(
        {
            "reading": said.get((n1, n2), "less the families left out"),
            "main": (n1, n2) == (main["pc"], main["cec"]),
            **compare_exactly(k1, n1, k2, n2, alpha=alpha),
        }
        for n1, n2 in arms
    )


@traced
def estimate_rereferred(records: Records, *, dates: StudyDates, alpha: float) -> pd.DataFrame:
    """Re-referred within the pilot by arm, one lead child for each family, as counts with intervals.

    One row. Columns: outcome, unknown (families with case data whose outcome the records cannot tell, left out),
    compared (the difference in words, or why there is none), and those of `compare_exactly`. Where nobody was
    re-referred, or everybody, differences and p-values are missing. Raises CreweError if an arm has no family with a
    known outcome.
    """
    cases = derive_cases(records, dates=dates)
    outcome = derive_rereferred_round1(records, cases, dates=dates)["rereferred"].array
    known = cases.assign(rereferred=outcome).dropna(subset=["rereferred"])
    counts = known.groupby("arm")["rereferred"].agg(["sum", "size"])
    if lacking := [arm for arm in ("treatment", "control") if arm not in counts.index]:
        raise CreweError(f"re-referrals: the {lacking[0]} arm has no case with a known outcome; nothing to compare.")
    k1, n1, k2, n2 = (int(counts[name][arm]) for arm in ("treatment", "control") for name in ("sum", "size"))
    own = {"outcome": "re-referred", "unknown": len(cases) - len(known)}
    if k1 + k2 in (0, n1 + n2):
        arms = {**_describe_arm("treatment", k1, n1, alpha), **_describe_arm("control", k2, n2, alpha)}
        blank = dict.fromkeys([*_INTERVALS, *_TESTS])
        said = f"{'nobody' if k1 + k2 == 0 else 'everybody'} was re-referred, so there is no difference to test"
        return pd.DataFrame([{**own, "compared": said, "k1": k1, "n1": n1, "k2": k2, "n2": n2, **arms, **blank}])
    row = compare_exactly(k1, n1, k2, n2, alpha=alpha)
    said = (
        f"the difference is {_signed(row['difference'])} points, exact interval {row['exact']}, "
        f"{p_phrase(row['barnard'])} by the same method"
    )
    return pd.DataFrame([{**own, "compared": said, **row}])
