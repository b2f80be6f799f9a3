"""What the reports print on risk: how common three factors were in thirty cases, and what so few cases can show.

The sample's counts are held against the official figures of the year that the report quotes. The counts are printed;
the text of the reports that we have, which is without pictures, holds no score of a case, so nothing here is a score.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import optimize, stats
from statsmodels.stats.power import TTestIndPower

from crewe_lib.claim_register import Reader, read_register
from crewe_lib.claim_rules.external import CITED, FACTORS, SUBSTANCES
from crewe_lib.errors import CreweError, DataError
from crewe_lib.evidence import Column
from crewe_lib.formats import MINUS, either, fixed
from crewe_lib.la_did import CHESHIRE_EAST, ENGLAND
from crewe_lib.models.proportions import fit_wilson
from crewe_lib.provenance import traced

LABELS: Mapping[str, str] = {
    "dv": "Victim of domestic violence",
    "mh": "Mental health problems",
    "sub": "Substance abuse",
}
COUNTED: Mapping[str, str] = {"domestic_violence": "domestic violence", "mental_health": "mental health", **SUBSTANCES}
EITHER = "alcohol or drug misuse, at most"
SAMPLE_COLUMNS: Mapping[str, Column] = {
    "label": Column("Factor"),
    "k": Column("Cases", fixed(0)),
    "n": Column("Of", fixed(0)),
    "share": Column("Share, %", fixed(1)),
    "wilson": Column("Interval, Wilson"),
    "exact": Column("Interval, exact"),
    "printed": Column("Beside it in the report, %", fixed(1)),
}
OFFICIAL_COLUMNS: Mapping[str, Column] = {
    "label": Column("Factor of the sample"),
    "counted": Column("Official count"),
    "england": Column("England, %", fixed(1)),
    "england_inside": Column("inside the sample's interval", either("yes", "no")),
    "cheshire_east": Column("Cheshire East, %", fixed(1)),
    "cheshire_east_inside": Column("inside the sample's interval", either("yes", "no")),
    "below": Column("Told from England if below, %", fixed(0), blank="never"),
    "above": Column("or above, %", fixed(0), blank="never"),
}
DETECTABLE_COLUMNS: Mapping[str, Column] = {
    "comparison": Column("Comparison"),
    "treatment": Column("Project Crewe, cases", fixed(0)),
    "control": Column("Usual service, cases", fixed(0)),
    "detectable": Column("Difference likely to be found, standard deviations", fixed(1)),
}
NAMES: Mapping[str, str] = {"PC": "Project Crewe", "CEC": "the usual service"}
PERCENT = 100


@traced
def derive_printed(register: pd.DataFrame) -> dict[str, object]:
    """What the reports print of the scores, for prose: n, n_treatment and n_control (cases in 2017), followed,
    followed_treatment and followed_control (in 2020) and lost, the ranges in which most totals lie (referral, latest),
    the mean rises in risk in 2020 (rise_treatment, rise_control), by which the score fell, the ends of the scale of
    engagement (scale_low, scale_high), the age that a child must be over to be scored, which arm's cases had more risk
    at referral (riskier), improved by more (improved) and ended at the lower risk (safer), whether the second report
    repeats the first two (repeated, yes or not), and what it says of tests of the parts (tested). Raises DataError."""
    reader = read_register(register)
    counts = {
        "n": "r1.risk.n",
        "n_treatment": "r1.risk.n_pc",
        "n_control": "r1.risk.n_cec",
        "followed": "r2.risk.n",
        "followed_treatment": "r2.risk.n_treat",
        "followed_control": "r2.risk.n_control",
        "lost": "r2.risk.lost",
        "child_age": "r1.risk.age_child",
    }
    numbers = {"scale_low": "r1.risk.eng_low", "scale_high": "r1.risk.eng_high"}
    orders = {"riskier": "r1.risk.referral_order", "improved": "r1.risk.shift_order", "safer": "r1.risk.latest_order"}
    ranges = {"referral": "r1.risk.ref_cluster", "latest": "r1.risk.latest_cluster"}
    rises = {"rise_treatment": "r2.risk.treat", "rise_control": "r2.risk.control"}
    return {
        **{name: reader.count(id) for name, id in counts.items()},
        **{name: reader.text(id).replace("-", MINUS) for name, id in ranges.items()},
        **{name: reader.number(id) for name, id in (rises | numbers).items()},
        **{name: _name_arm(reader, id) for name, id in orders.items()},
        "repeated": reader.text("r2.r1.risk_fig"),
        "tested": reader.text("r2.risk.tested"),
    }


def _name_arm(reader: Reader, id: str) -> str:
    """The arm that a printed comparison names first, such as PC in 'PC more'. Raises DataError if it names none."""
    arm = reader.text(id).partition(" ")[0]
    if arm not in NAMES:
        raise DataError(f"claims: {id} is '{reader.text(id)}'; it must begin with {' or '.join(NAMES)}.")
    return NAMES[arm]


@traced
def derive_sample_shares(register: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Table 2 of the 2017 report: each factor's share of the risk sample, with intervals.

    Columns: factor, label, k, n, share (%), wilson and exact (intervals in words), wilson_low … exact_high (%),
    printed (the national figure that the report sets beside it, %). Raises DataError.
    """
    reader = read_register(register)
    n = reader.count("r1.risk.n")
    rows = []
    for factor, label in LABELS.items():
        k = reader.count(f"r1.t2.{factor}.n")
        row: dict[str, object] = {"factor": factor, "label": label, "k": k, "n": n, "share": PERCENT * k / n}
        exact = stats.binomtest(k, n).proportion_ci(1 - alpha, method="exact")
        for name, limits in (("wilson", fit_wilson(k, n, alpha=alpha)), ("exact", (exact.low, exact.high))):
            low, high = (PERCENT * float(limit) for limit in limits)
            row |= {name: f"{fixed(0)(low)} to {fixed(0)(high)}", f"{name}_low": low, f"{name}_high": high}
        rows.append(row | {"printed": reader.number(f"r1.t2.{factor}.nat")})
    return pd.DataFrame(rows)


@traced
def derive_official_shares(sample: pd.DataFrame, context: pd.DataFrame, *, alpha: float, power: float) -> pd.DataFrame:
    """The official shares of assessed episodes with each factor, in the year that the report quotes.

    sample: as from `derive_sample_shares`. Substance abuse has three rows: each kind of misuse alone, and their sum,
    the most that the share with either can be, as the overlap is not published. Columns: factor, label, counted,
    england, cheshire_east (%), england_inside, cheshire_east_inside (whether in the sample's exact interval), below
    and above (%): a true share of the sampled population beyond these is told from England's by an exact binomial
    test at alpha with this power, given the size of the sample; missing if no share is. Raises DataError.
    """
    rows = []
    for own in sample.to_dict("records"):
        for counted, shares in _official(str(own["factor"]), context).items():
            row: dict[str, object] = {"factor": own["factor"], "label": own["label"], "counted": counted}
            for place, share in shares.items():
                inside = bool(own["exact_low"] <= PERCENT * share <= own["exact_high"])
                row |= {place: PERCENT * share, f"{place}_inside": inside}
            below, above = find_detectable_shares(shares["england"], int(own["n"]), alpha=alpha, power=power)
            rows.append(row | {"below": PERCENT * below, "above": PERCENT * above})
    return pd.DataFrame(rows)


@traced
def summarise_official(official: pd.DataFrame) -> dict[str, int]:
    """Over the official counts of `derive_official_shares`, the sum of two of them left out: how many there are, how
    many of England's and of Cheshire East's lie in the sample's exact interval, and in how many Cheshire East's is the
    higher of the two."""
    official = official[official["counted"] != EITHER]
    return {
        "counts": len(official),
        "england_inside": int(official["england_inside"].sum()),
        "cheshire_east_inside": int(official["cheshire_east_inside"].sum()),
        "cheshire_east_higher": int((official["cheshire_east"] > official["england"]).sum()),
    }


def _official(factor: str, context: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Words for a count → place → share."""
    places = {"england": ENGLAND, "cheshire_east": CHESHIRE_EAST}
    measures = list(SUBSTANCES) if factor == "sub" else [FACTORS[factor]]
    shares = {
        COUNTED[measure]: {place: _share(context, code, measure) for place, code in places.items()}
        for measure in measures
    }
    if factor == "sub":
        shares[EITHER] = {place: min(1.0, sum(one[place] for one in shares.values())) for place in places}
    return shares


def _share(context: pd.DataFrame, authority: str, measure: str) -> float:
    own = context[
        context["authority"].eq(authority) & context["year"].eq(CITED) & context["vintage"].eq("first_published")
    ].set_index("measure")["number"]
    if measure not in own.index or "episodes_with_factors" not in own.index or pd.isna(own[measure]):
        raise DataError(f"context_counts: no count of {measure} in {authority} for {CITED}, as first published.")
    return float(own[measure]) / float(own["episodes_with_factors"])


def find_detectable_shares(reference: float, n: int, *, alpha: float, power: float) -> tuple[float, float]:
    """The largest share below and the smallest above `reference` that n cases tell from it with this power.

    By an exact two-sided binomial test at alpha (outcomes no likelier than the one seen). NaN on a side where no share
    is told apart so often. Raises CreweError for shares, alpha or power that are not between 0 and 1.
    """
    if not (0 < reference < 1 and 0 < alpha < 1 and 0 < power < 1 and n > 0):
        raise CreweError(
            f"reference {reference}, alpha {alpha}, power {power}: each must lie between 0 and 1, and n be above 0."
        )
    seen = np.arange(n + 1)
    chance = stats.binom.pmf(seen, n, reference)
    p_values = np.array([chance[chance <= own * (1 + 1e-9)].sum() for own in chance])
    found = []
    for end, tail in ((0.0, seen < n * reference), (1.0, seen > n * reference)):
        rejected = seen[(p_values <= alpha) & tail]  # on the share's own side, so that finding it is right

        def excess(share: float, rejected: np.ndarray = rejected) -> float:
            return float(stats.binom.pmf(rejected, n, share).sum()) - power

        found.append(float(optimize.brentq(excess, end, reference)) if excess(end) > 0 > excess(reference) else np.nan)
    return found[0], found[1]


@traced
def derive_detectable(register: pd.DataFrame, *, alpha: float, power: float) -> pd.DataFrame:
    """How far apart the mean changes of two arms of the printed sizes must be to be told apart, in standard deviations
    of the changes.

    For a two-sided t test of means at alpha with this power. Columns: comparison, treatment, control, detectable.
    Raises DataError.
    """
    reader = read_register(register)
    sizes = {
        "2017 report, referral to latest": (reader.count("r1.risk.n_pc"), reader.count("r1.risk.n_cec")),
        "2020 report, latest to January 2019": (reader.count("r2.risk.n_treat"), reader.count("r2.risk.n_control")),
    }
    rows = [
        {
            "comparison": words,
            "treatment": treatment,
            "control": control,
            "detectable": float(
                TTestIndPower().solve_power(nobs1=treatment, ratio=control / treatment, alpha=alpha, power=power)
            ),
        }
        for words, (treatment, control) in sizes.items()
    ]
    return pd.DataFrame(rows)
