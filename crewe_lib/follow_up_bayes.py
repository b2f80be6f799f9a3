"""What is to be believed of closing and re-referral at each date, by what was believed of the service before.

The two dates follow the same families. Each is looked at by itself from the same priors: what the first shows is in the
second again, so it is no prior for it, and the two are not two pieces of evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import pandas as pd

from crewe_lib.arm_percentages import NOVEMBER_2019, TRIAL_END
from crewe_lib.errors import CreweError
from crewe_lib.evidence import Column
from crewe_lib.formats import NO_BREAK, fixed, interval, percent
from crewe_lib.models.panel import check_alpha
from crewe_lib.models.small_trial import NormalPrior, SmallTrial, fit_chances, fit_prior_beliefs, fit_small_trial
from crewe_lib.models.trial_priors import TAIL, fit_priors
from crewe_lib.provenance import traced

Outcome = Literal["closed", "rereferred"]
# Outcome: its name, and whether more of it is a benefit (1) or less (-1).
OUTCOMES: Mapping[Outcome, tuple[str, Literal[1, -1]]] = {"closed": ("Closed", 1), "rereferred": ("Re-referred", -1)}
DATES: Mapping[str, str] = {TRIAL_END: "November 2016", NOVEMBER_2019: "November 2019"}
BEFORE = "before"
_CHANCES = ("benefit", "worthwhile", "harm")
_signed = fixed(1, sign=True)


def write_chance(share: Any) -> str:
    """A chance in per cent; never quite none or all."""
    return "under 1%" if share < 0.01 else "over 99%" if share > 0.99 else percent(0)(share)


COLUMNS: Mapping[str, Column] = {
    "label": Column("Outcome, records of"),
    "prior": Column("Before, one was"),
    "difference": Column("Difference, points (interval)"),
    "benefit_said": Column("Chance of a benefit"),
    "worthwhile_said": Column("Of one worth having"),
    "harm_said": Column("Of a harm as large"),
}
RECORD_COLUMNS: Mapping[str, Column] = {
    "label": COLUMNS["label"],
    "treatment": Column("Treatment"),
    "control": Column("Control"),
    **{name: column for name, column in COLUMNS.items() if name != "label"},
}
VIEW_COLUMNS: Mapping[str, Column] = {
    "name": Column("Outcome"),
    "when": Column("When"),
    "prior": COLUMNS["prior"],
    "median": Column("Difference, points", _signed),
    "conf_low": Column("From", fixed(1)),
    "conf_high": Column("To", fixed(1)),
    **{name: Column(COLUMNS[f"{name}_said"].label, write_chance) for name in _CHANCES},
}


@dataclass(frozen=True)
class _Tables:
    """The four counts of an outcome at a date (k1, n1, k2, n2; Project Crewe or treatment first): the main reading, and
    every reading, the main one first."""

    main: tuple[int, int, int, int]
    readings: list[tuple[int, int, int, int]]


@traced
def derive_prior_beliefs(*, worthwhile: float, alpha: float) -> pd.DataFrame:
    """What the three priors say before anything is seen; worthwhile in percentage points.

    Columns: prior, log_odds_mean, log_odds_sd (of the log odds ratio, towards a benefit), meaning (in words), median,
    conf_low, conf_high (points of benefit), benefit, worthwhile, harm (chances of any benefit, of one of `worthwhile`
    points or more, and of a harm as large). Raises CreweError for bad worthwhile or alpha.
    """
    size = f"{worthwhile:g} points"
    meanings = {
        "sceptical": f"no difference is likeliest; {percent(0)(TAIL)} for a benefit of {size} or more",
        "neutral": "no leaning, and as wide as if the two services had nothing to do with each other",
        "enthusiastic": f"a benefit of {size} is the middle; {percent(0)(TAIL)} for none",
    }
    rows = []
    for name, prior in fit_priors(worthwhile / 100).items():
        said = fit_prior_beliefs(prior, worthwhile=worthwhile / 100, alpha=alpha)
        own = {"prior": name, "log_odds_mean": prior.mean, "log_odds_sd": prior.sd, "meaning": meanings[name]}
        rows.append({**own, **_describe(said, 1)})
    return pd.DataFrame(rows)


@traced
def estimate_beliefs(counts: pd.DataFrame, *, worthwhile: float, alpha: float) -> pd.DataFrame:
    """What is believed of the difference after the counts of each outcome and date, by prior.

    counts: outcome, date, arm ('pc', 'cec'), k, n, reading ('main' once for each, any number of 'rival'); worthwhile in
    percentage points. Estimand: the share with the outcome with Project Crewe less that without. A benefit is more
    closed, or fewer re-referred. Columns: outcome, date, prior, label, treatment, control ('60 of 84'), median,
    conf_low, conf_high (points), difference (in words), benefit, worthwhile, harm (chances in the main reading); of
    each chance also …_least and …_most over all readings of one arm with all of the other, and …_said (in words);
    readings, their number. Raises CreweError for an arm without families, a lacking count, bad worthwhile or alpha.
    """
    priors, rows = fit_priors(worthwhile / 100), []
    for (outcome, (name, better)), (date, when) in product(OUTCOMES.items(), DATES.items()):
        tables = _pick_tables(counts, outcome, date, f"{name}, {when}")
        for prior, belief in priors.items():
            law = belief if better > 0 else belief.turned()
            found = fit_small_trial(*tables.main, prior=law, worthwhile=worthwhile / 100, alpha=alpha)
            k1, n1, k2, n2 = tables.main
            own = {
                "outcome": outcome,
                "date": date,
                "prior": prior,
                "label": f"{name}, {when}",
                "treatment": f"{k1}{NO_BREAK}of{NO_BREAK}{n1}",
                "control": f"{k2}{NO_BREAK}of{NO_BREAK}{n2}",
            }
            rows.append({**own, **_describe(found, better), **_spread(tables, found, law, worthwhile / 100, better)})
    return pd.DataFrame(rows)


def _pick_tables(counts: pd.DataFrame, outcome: str, date: str, label: str) -> _Tables:
    own = counts[(counts["outcome"] == outcome) & (counts["date"] == date)]
    arms: dict[str, list[tuple[int, int]]] = {}
    for arm, name in (("pc", "treatment"), ("cec", "control")):
        rows = own[own["arm"] == arm]
        main = rows[rows["reading"] == "main"]
        if len(main) != 1:
            raise CreweError(f"{label}: the {name} arm has {len(main)} main counts; it must have one.")
        pairs = [(int(k), int(n)) for k, n in zip(rows["k"], rows["n"], strict=True)]
        if any(n == 0 for _, n in pairs):
            raise CreweError(
                f"{label}: the {name} arm has no family whose outcome is known, so nothing can be learnt; complete "
                "families.csv and episodes.csv."
            )
        first = (int(main["k"].iloc[0]), int(main["n"].iloc[0]))
        arms[arm] = [first, *(pair for pair in dict.fromkeys(pairs) if pair != first)]
    readings = [(*one, *other) for one, other in product(arms["pc"], arms["cec"])]
    return _Tables(readings[0], readings)


def _order(rise: float, more: float, less: float, better: int) -> tuple[float, float, float]:
    """Chances of benefit, of a benefit worth having, and of a harm as large."""
    return (rise, more, less) if better > 0 else (1 - rise, less, more)


def _describe(found: SmallTrial, better: int) -> dict[str, Any]:
    low, high = 100 * found.conf_low, 100 * found.conf_high
    chances = _order(found.rise, found.worthwhile_rise, found.worthwhile_fall, better)
    return {
        **{"mean": 100 * found.mean, "median": 100 * found.median, "conf_low": low, "conf_high": high},
        "difference": f"{_signed(100 * found.median)} ({interval(low, high)})",
        **dict(zip(_CHANCES, chances, strict=True)),
    }


def _spread(tables: _Tables, main: SmallTrial, law: NormalPrior, worthwhile: float, better: int) -> dict[str, Any]:
    """Each chance over all readings, and in words: '24%', or '24% (15% to 33%)' where readings differ."""
    own = _order(main.rise, main.worthwhile_rise, main.worthwhile_fall, better)
    others = [_order(*fit_chances(*counts, prior=law, worthwhile=worthwhile), better) for counts in tables.readings[1:]]
    row: dict[str, Any] = {"readings": len(tables.readings)}
    for name, chance, values in zip(_CHANCES, own, zip(own, *others, strict=True), strict=True):
        least, most = min(values), max(values)
        main_said, ends = write_chance(chance), list(dict.fromkeys((write_chance(least), write_chance(most))))
        said = main_said if ends == [main_said] else f"{main_said} ({f'{NO_BREAK}to{NO_BREAK}'.join(ends)})"
        row |= {f"{name}_least": least, f"{name}_most": most, f"{name}_said": said}
    return row


@traced
def summarise_beliefs(beliefs: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Whether the three priors come to agree, in every reading: one row for each outcome and date.

    Columns: outcome, date, least and most (chance of a benefit over priors and readings), verdict (in words). 'All but
    certain' is a chance of 1 − alpha or more. Raises CreweError for bad alpha.
    """
    check_alpha(alpha)
    rows = []
    for (outcome, date), own in beliefs.groupby(["outcome", "date"], sort=False):
        least, most = float(own["benefit_least"].min()), float(own["benefit_most"].max())
        rows.append(
            {"outcome": outcome, "date": date, "least": least, "most": most, "verdict": _judge(least, most, alpha)}
        )
    return pd.DataFrame(rows)


def _judge(least: float, most: float, alpha: float) -> str:
    if least >= 1 - alpha:
        return "whatever one believed before, a benefit is now all but certain"
    if most <= alpha:
        return "whatever one believed before, it is now all but certain that there was no benefit"
    if least > 0.5:
        who = "not all are" if most >= 1 - alpha else "none is"
        return f"all three find a benefit likelier than not, {who} sure of it"
    if most < 0.5:
        who = "not all are" if least <= alpha else "none is"
        return f"all three find a benefit less likely than not, {who} sure that there was none"
    return "whether a benefit is likelier than not depends on what one believed before"


@traced
def derive_views(beliefs: pd.DataFrame, priors: pd.DataFrame, *, worthwhile: float) -> pd.DataFrame:
    """What the figure draws: for each outcome the priors, then what is believed at each date, in the order drawn.

    Columns: outcome, name, better (1 or -1), date ('before' for the priors), when (with the counts), prior, median,
    conf_low, conf_high (points, treatment less control), benefit, worthwhile, harm, points (worthwhile), meaning.
    """
    meanings = dict(zip(priors["prior"], priors["meaning"], strict=True))
    rows: list[dict[str, Any]] = []
    for outcome, (name, better) in OUTCOMES.items():
        own = {"outcome": outcome, "name": name, "better": better, "points": worthwhile}
        after = beliefs[beliefs["outcome"] == outcome].to_dict("records")
        for row in (*_priors_of(priors, better), *after):
            kept = {key: row[key] for key in ("date", "prior", "median", "conf_low", "conf_high", *_CHANCES)}
            rows.append({**own, **kept, "when": _name_date(row), "meaning": meanings[row["prior"]]})
    return pd.DataFrame(rows)


def _name_date(row: Mapping[Any, Any]) -> str:
    if row["date"] == BEFORE:
        return "before any counts"
    return f"{DATES[row['date']]}: {row['treatment']}, {row['control']}"


def _priors_of(priors: pd.DataFrame, better: int) -> Iterator[dict[Any, Any]]:
    """The priors as differences of an outcome, turned round where fewer is better."""
    for row in priors.to_dict("records"):
        low, high = sorted((better * row["conf_low"], better * row["conf_high"]))
        yield {**row, "date": BEFORE, "median": better * row["median"] + 0.0, "conf_low": low, "conf_high": high}
