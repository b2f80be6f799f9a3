"""One treated authority among all: inference from the authorities to which nothing was done.

Every function takes the complete authorities of each outcome (`crewe_lib.la_eligible.Eligible`, by outcome) and
returns tidy tables; the methods are those of `crewe_lib.models`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crewe_lib.evidence import Column
from crewe_lib.formats import either, fixed, interval, p_phrase, p_value, percent
from crewe_lib.la_did import OUTCOMES
from crewe_lib.la_eligible import Eligible
from crewe_lib.models.event_study import fit_event_study
from crewe_lib.models.permutation import (
    fit_conley_taber,
    fit_ferman_pinto,
    placebo_did,
    rank_comparators,
)
from crewe_lib.models.sensitivity import fit_breakdown, fit_relative_magnitudes, fit_smoothness
from crewe_lib.models.synthetic_control import (
    SyntheticControl,
    fit_all_synthetic_controls,
    fit_leave_one_out,
    rank_rmspe,
)
from crewe_lib.models.synthetic_did import fit_synthetic_did
from crewe_lib.provenance import traced

_signed = fixed(1, sign=True)
Sets = Mapping[str, Eligible]
PENALTIES = (0.0, 0.1, 1.0)
M_BARS = (0.0, 0.5, 1.0)

INFERENCE_COLUMNS = {
    "label": Column("Outcome"),
    "method": Column("Method"),
    "estimate": Column("Estimate", fixed(1, sign=True)),
    "interval": Column("Interval"),
    "p_value": Column("p", p_value),
    "n": Column("Authorities", fixed(0)),
}
SYNTHETIC_COLUMNS = {
    "label": Column("Outcome"),
    "penalty": Column("Penalty", fixed(1)),
    "average_gap": Column("Mean gap after", fixed(1, sign=True)),
    "p_value": Column("p", p_value),
    "pre_rmspe": Column("RMSPE before", fixed(1)),
    "post_rmspe": Column("RMSPE after", fixed(1)),
    "rmspe_p_value": Column("p, RMSPE after", p_value),
    "leave_one_out": Column("Leaving one donor out"),
    "donors": Column("Largest weights"),
}
COMPARATOR_COLUMNS = {
    "label": Column("Outcome"),
    "comparator": Column("Report's choice"),
    "estimate": Column("Estimate against it", fixed(1, sign=True)),
    "rank_level": Column("Nearness in level", fixed(0)),
    "rank_trend": Column("in trend", fixed(0)),
    "rank_both": Column("in both", fixed(0)),
    "authorities": Column("of", fixed(0)),
    "nearest": Column("Nearest in both"),
    "share_below": Column("Comparators giving a lower estimate", percent()),
}
SENSITIVITY_COLUMNS = {
    "label": Column("Outcome"),
    "restriction": Column("Departure allowed"),
    "bound": Column("Multiple", fixed(1)),
    "identified": Column("Effects left open, no sampling error"),
    "interval": Column("with sampling error"),
    "holds_zero": Column("Zero among them", either("yes", "no")),
}


@traced
def derive_pair_estimates(sets: Sets, comparators: Mapping[str, str]) -> pd.DataFrame:
    """The treated authority's difference in differences against every eligible authority, one at a time.

    Columns: outcome, label, authority, name, estimate, chosen (the comparator named for this outcome), rank_level,
    rank_trend, rank_both (nearness before the start, 1 is nearest).
    """
    rows = []
    for outcome, eligible in sets.items():
        pairs = placebo_did(eligible.matrix, eligible.n_pre).pairs[eligible.treated_row]
        ranks = {}
        for on, short in (("level", "level"), ("trend", "trend"), ("level and trend", "both")):
            order = rank_comparators(eligible.matrix, eligible.treated_row, eligible.n_pre, on=on).order  # type: ignore[arg-type]
            ranks[short] = {int(unit): rank for rank, unit in enumerate(order, 1)}
        for unit, code in enumerate(eligible.authorities):
            if unit != eligible.treated_row:
                rows.append(
                    {
                        "outcome": outcome,
                        "label": OUTCOMES[outcome].label,
                        "authority": code,
                        "name": eligible.names[unit],
                        "estimate": float(pairs[unit]),
                        "chosen": code == comparators.get(outcome),
                        **{f"rank_{short}": by_unit[unit] for short, by_unit in ranks.items()},
                    }
                )
    return pd.DataFrame(rows)


@traced
def summarise_comparators(pairs: pd.DataFrame) -> pd.DataFrame:
    """How the chosen comparator ranks for each outcome, and where its estimate falls among all.

    Columns: outcome, label, comparator, estimate, rank_level, rank_trend, rank_both, authorities, nearest (the three
    nearest in level and trend), share_below (share of comparators that give a lower estimate), share_negative.
    """
    rows = []
    for outcome, all_pairs in pairs.groupby("outcome", sort=False):
        chosen = all_pairs[all_pairs["chosen"]]
        if chosen.empty:
            continue
        own = chosen.iloc[0]
        rows.append(
            {
                "outcome": outcome,
                "label": own["label"],
                "comparator": own["name"],
                "estimate": own["estimate"],
                **{name: int(own[name]) for name in ("rank_level", "rank_trend", "rank_both")},
                "authorities": len(all_pairs),
                "nearest": ", ".join(all_pairs.nsmallest(3, "rank_both")["name"]),
                "share_below": float((all_pairs["estimate"] < own["estimate"]).mean()),
                "share_negative": float((all_pairs["estimate"] < 0).mean()),
            }
        )
    return pd.DataFrame(rows)


@traced
def derive_placebos(sets: Sets) -> pd.DataFrame:
    """Each authority's change less the mean change of all others, as if it had been the treated one.

    Columns: outcome, label, authority, name, estimate, treated, p_value (two-sided, its own estimate included).
    """
    rows = []
    for outcome, eligible in sets.items():
        placebo = placebo_did(eligible.matrix, eligible.n_pre)
        for unit, code in enumerate(eligible.authorities):
            rows.append(
                {
                    "outcome": outcome,
                    "label": OUTCOMES[outcome].label,
                    "authority": code,
                    "name": eligible.names[unit],
                    "estimate": float(placebo.estimates[unit]),
                    "treated": unit == eligible.treated_row,
                    "p_value": float(placebo.p_values[unit]),
                }
            )
    return pd.DataFrame(rows)


@traced
def estimate_inference(sets: Sets, placebos: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """The treated authority against all others, by each method, per 10,000 residents a year.

    Columns: outcome, label, method, estimate, conf_low, conf_high, interval (text, missing where a method has none),
    p_value, n (authorities).
    """
    rows: list[tuple[str, str, float, float | None, float | None, float]] = []
    for outcome, eligible in sets.items():
        y, unit, n_pre = eligible.matrix, eligible.treated_row, eligible.n_pre
        own = placebos[placebos["outcome"].eq(outcome) & placebos["treated"]].iloc[0]
        rows.append((outcome, "placebo in space", own["estimate"], None, None, own["p_value"]))
        taber = fit_conley_taber(y, unit, n_pre, alpha=alpha)
        pinto = fit_ferman_pinto(y, unit, n_pre, eligible.population, alpha=alpha)
        for name, fit in (("Conley–Taber", taber), ("Ferman–Pinto", pinto)):
            rows.append((outcome, name, fit.estimate, fit.conf_low, fit.conf_high, fit.p_value))
        did = fit_synthetic_did(y, unit, n_pre)
        rows.append((outcome, "synthetic difference in differences", did.estimate, None, None, did.p_value))
    frame = pd.DataFrame(rows, columns=["outcome", "method", "estimate", "conf_low", "conf_high", "p_value"])
    limits = zip(frame["conf_low"], frame["conf_high"], strict=True)
    text = pd.Series([None if pd.isna(low) else interval(low, high) for low, high in limits], dtype=object)
    sizes = {outcome: len(eligible.authorities) for outcome, eligible in sets.items()}
    labels = {outcome: OUTCOMES[outcome].label for outcome in sets}
    return frame.assign(interval=text, n=frame["outcome"].map(sizes), label=frame["outcome"].map(labels))


@traced
def estimate_synthetic_controls(sets: Sets) -> pd.DataFrame:
    """Synthetic control of the treated authority for each penalty, with placebo ranks over all authorities.

    With few years before the start most authorities can be matched exactly without a penalty, and then neither the
    weights nor the ratio of RMSPEs mean much; so the mean gap and the RMSPE afterwards are ranked, and the penalty
    varied. Columns: outcome, label, penalty, average_gap, p_value, pre_rmspe, post_rmspe, rmspe_p_value, exact,
    leave_one_out (range of mean gaps, as text), donors (largest weights, as text).
    """
    rows = []
    for outcome, eligible in sets.items():
        for penalty in PENALTIES:
            fits = fit_all_synthetic_controls(eligible.matrix, eligible.n_pre, penalty=penalty)
            own = fits[eligible.treated_row]
            ranks = [
                rank_rmspe(fits, eligible.treated_row, statistic=statistic, alternative="two-sided").p_value
                for statistic in ("average_gap", "post_rmspe")
            ]
            rows.append(
                {
                    "outcome": outcome,
                    "label": OUTCOMES[outcome].label,
                    "penalty": penalty,
                    "average_gap": own.average_gap,
                    "p_value": ranks[0],
                    "pre_rmspe": own.pre_rmspe,
                    "post_rmspe": own.post_rmspe,
                    "rmspe_p_value": ranks[1],
                    "exact": own.exact,
                    "exact_share": float(np.mean([fit.exact for fit in fits])),
                    "leave_one_out": _leave_one_out(eligible, penalty),
                    "donors": _donors(eligible, own),
                }
            )
    return pd.DataFrame(rows)


def _leave_one_out(eligible: Eligible, penalty: float) -> str:
    without = fit_leave_one_out(eligible.matrix, eligible.treated_row, eligible.n_pre, penalty=penalty)
    gaps = [fit.average_gap for fit in without.values()]
    return interval(min(gaps), max(gaps))


def _donors(eligible: Eligible, fit: SyntheticControl, most: int = 3) -> str:
    largest = np.argsort(-fit.weights, kind="stable")[:most]
    return ", ".join(
        f"{eligible.names[unit]} {percent()(fit.weights[unit])}" for unit in largest if fit.weights[unit] > 0
    )


@traced
def derive_event_study(sets: Sets, *, alpha: float) -> pd.DataFrame:
    """Yearly gaps to the mean of all other authorities, relative to the last year before the start.

    Columns: outcome, label, year, estimate, low, high (pointwise band), sup_low, sup_high (simultaneous band).
    """
    tables = []
    for outcome, eligible in sets.items():
        study = fit_event_study(eligible.matrix, eligible.treated_row, eligible.n_pre, alpha=alpha)
        bands = {name: getattr(study, name) for name in ("low", "high", "sup_low", "sup_high")}
        table = pd.DataFrame({"year": eligible.years, "estimate": study.estimates, **bands})
        tables.append(table.assign(outcome=outcome, label=OUTCOMES[outcome].label, pre_p_value=study.pre_p_value))
    return pd.concat(tables, ignore_index=True)


@traced
def estimate_sensitivity(sets: Sets, *, alpha: float) -> pd.DataFrame:
    """The mean effect after the start if parallel trends fail by no more than a bound (`crewe_lib.models.sensitivity`).

    Columns: outcome, label, restriction, bound, identified, interval (texts), holds_zero, breakdown (the relative
    magnitude at which zero enters the interval).
    """
    rows = []
    for outcome, eligible in sets.items():
        study = fit_event_study(eligible.matrix, eligible.treated_row, eligible.n_pre, alpha=alpha)
        bounds = [
            ("a yearly step, as a multiple of the largest before", fit_relative_magnitudes(study, m, alpha=alpha))
            for m in M_BARS
        ]
        bounds.append(("a straight line", fit_smoothness(study, 0.0, alpha=alpha)))
        breakdown = fit_breakdown(study, alpha=alpha)
        for words, fit in bounds:
            known = fit.identified_low is not None and fit.identified_high is not None
            rows.append(
                {
                    "outcome": outcome,
                    "label": OUTCOMES[outcome].label,
                    "restriction": words,
                    "bound": fit.bound,
                    "identified": interval(fit.identified_low, fit.identified_high) if known else None,
                    "interval": interval(fit.conf_low, fit.conf_high),
                    "holds_zero": fit.conf_low <= 0 <= fit.conf_high,
                    "breakdown": breakdown.interval,
                }
            )
    return pd.DataFrame(rows)


@traced
def derive_shown(table: pd.DataFrame) -> pd.DataFrame:
    """A table without the outcome's name, whose label says the same; for the table behind a figure."""
    return table.drop(columns=["outcome"])


@traced
def describe_pairs(pairs: pd.DataFrame, placebos: pd.DataFrame) -> dict[str, str]:
    """In words: the spread of estimates over comparators, and the treated authority's place among all."""
    said = []
    for outcome, rows in pairs.groupby("outcome", sort=False):
        own = placebos[placebos["outcome"].eq(outcome) & placebos["treated"]].iloc[0]
        chosen = rows[rows["chosen"]]
        mark = f", the chosen one {_signed(chosen['estimate'].iloc[0])}" if len(chosen) else ""
        middle = rows["estimate"].quantile([0.05, 0.5, 0.95])
        said.append(
            f"{rows['label'].iloc[0]}: over {len(rows)} comparators the estimate runs from {_signed(middle.iloc[0])} "
            f"to {_signed(middle.iloc[2])} for nine in ten of them, middle {_signed(middle.iloc[1])}{mark}; against "
            f"the mean of all others {_signed(own['estimate'])}, {p_phrase(own['p_value'])}"
        )
    return {"text": "; ".join(said) + "."}


@traced
def describe_event_study(study: pd.DataFrame) -> dict[str, str]:
    """In words: the last year's gap and whether any year's simultaneous band leaves out zero."""
    said = []
    for _, rows in study.groupby("outcome", sort=False):
        last, out = rows.iloc[-1], rows[(rows["sup_low"] > 0) | (rows["sup_high"] < 0)]
        where = ", ".join(map(str, out["year"])) or "no year"
        said.append(
            f"{last['label']}: {_signed(last['estimate'])} in {last['year']}, simultaneous band "
            f"{interval(last['sup_low'], last['sup_high'])}; the band leaves out zero in {where}"
        )
    return {"text": "; ".join(said) + "."}
