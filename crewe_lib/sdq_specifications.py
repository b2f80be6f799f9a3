"""The total of the questionnaire under other tests, sums and respondents, and the least difference to be found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
import pandas as pd
from scipy import stats

from crewe_lib.claim_register import read_register
from crewe_lib.errors import CreweError
from crewe_lib.formats import level
from crewe_lib.models.ranks import Method, find_detectable_superiority, fit_mann_whitney, fit_superiority
from crewe_lib.models.step_down import fit_step_down
from crewe_lib.provenance import traced
from crewe_lib.sdq import EXACT_AT_MOST, ITEMS, Informant, Wave, choose_questionnaires, describe_score
from crewe_lib.sdq_scoring import most_points

SHARES = (1.0, 0.5, 0.25, 0.125)  # of families who answered: ours, since no number is printed
MANY = f"over {EXACT_AT_MOST} children: by the normal form"


@traced
def estimate_specifications(scores: pd.DataFrame, *, wave: Wave, alpha: float, n_draws: int, seed: int) -> pd.DataFrame:
    """The total by other tests, other sums, another time and other respondents.

    scores: every questionnaire, from `derive_scores`; of each lead child the one of `wave` counts but where the row
    says otherwise. Columns: specification, n_treatment, n_control, better (chance that a child of Project Crewe has the
    better score), p_value, note (why not tested, or that the normal form stands in for the exact one).
    """
    lead = choose_questionnaires(scores, children="lead", informant="any", wave=wave)
    others: dict[Wave, Wave] = {"latest": "earliest", "earliest": "latest"}
    second = choose_questionnaires(scores, children="lead", informant="any", wave=others[wave])
    turned = lead.assign(total_five=lead["total"] + most_points("prosocial") - lead["prosocial"])
    by = {
        who: choose_questionnaires(scores, children="lead", informant=who, wave=wave) for who in get_args(Informant)[1:]
    }
    whole = lead[lead["answered"] == ITEMS]
    rows = [
        _specify("normal approximation, as published", lead, "total", "normal"),
        _specify("normal, continuity correction", lead, "total", "normal, continuity"),
        _specify("exact, ties kept", lead, "total", "exact"),
        _specify("Brunner and Munzel", lead, "total", alpha),
        _specify("exact, five scales added (main text)", lead, "total_five", "exact"),
        _specify("exact, five scales, prosocial turned round", turned, "total_five", "exact"),
        _specify(f"exact, {others[wave]} questionnaire instead", second, "total", "exact"),
        _specify("exact, practitioners' answers only", by["practitioner"], "total", "exact"),
        _specify("exact, parents' answers only", by["parent"], "total", "exact"),
        _specify("exact, children's own answers only", by["self"], "total", "exact"),
        _specify("exact, no answer left out", whole, "total", "exact"),
        _specify_all(choose_questionnaires(scores, children="all", informant="any", wave=wave), n_draws, seed),
    ]
    return pd.DataFrame(rows)


def _specify(name: str, scores: pd.DataFrame, column: str, test: Method | float) -> dict[str, Any]:
    """One row; test: the method of Mann and Whitney's test, or alpha for Brunner and Munzel's."""
    row, values, treated = describe_score(scores, column)
    found: dict[str, Any] = {"better": np.nan, "p_value": np.nan}
    if test == "exact" and not row["note"] and len(values) > EXACT_AT_MOST:
        test, row["note"] = "normal", MANY
    if row["note"] in ("", MANY) and isinstance(test, str):
        fit = fit_mann_whitney(values, treated, method=test)
        found = {"better": 1 - fit.superiority, "p_value": fit.p_value}
    elif not row["note"]:
        try:
            chance = fit_superiority(values, treated, alpha=float(test))
            found = {"better": 1 - chance.estimate, "p_value": chance.p_brunner_munzel}
        except CreweError:
            row["note"] = "the arms do not overlap"
    return {
        "specification": name,
        **{key: row[key] for key in ("n_treatment", "n_control")},
        **found,
        "note": row["note"],
    }


def _specify_all(scores: pd.DataFrame, n_draws: int, seed: int) -> dict[str, Any]:
    """Every child with a questionnaire, whole families dealt anew."""
    row = _specify("every child, families dealt anew", scores, "total", "normal")
    if not row["note"]:
        known = scores[scores["total"].notna()]
        rng, total = np.random.default_rng(seed), known[["total"]].to_numpy(dtype=float)
        treated = (known["arm"] == "treatment").to_numpy()
        fit = fit_step_down(total, treated, families=known["family_id"], n_draws=n_draws, rng=rng)
        row["p_value"] = float(fit.p_values[0])
    return row


@traced
def summarise_design(register: pd.DataFrame) -> dict[str, float]:
    """What the reports print that `estimate_detectable` rests on: families, children, the share of Project Crewe (in
    words, and in figures in 2017 and 2020), and both correlations between siblings of the 2017 power calculation."""
    reader = read_register(register)
    return {
        "families": reader.count("r1.sample.randomised"),
        "children": reader.count("r1.sample.children"),
        "share_words": reader.share("r1.sample.pc_share_words"),
        "share_2017": reader.share("r1.sample.pc_share"),
        "share_2020": reader.share("r2.sample.pct_treat_132"),
        "icc_low": reader.number("r1.power.icc_low"),
        "icc_high": reader.number("r1.power.icc_high"),
    }


@traced
def estimate_detectable(design: Mapping[str, float], *, alpha: float, power: float) -> pd.DataFrame:
    """The smallest difference that the report's test could find: had every child answered, or one child of several
    shares of the families.

    design: from `summarise_design`. Children are divided between the arms by the share in words, our reading of what is
    printed. Every child: siblings correlated as the lower figure of the power calculation has it, so that the children
    count as fewer, by the design effect 1 + (m − 1) × ICC for m children a family. The shares are ours. Columns:
    answered (words), children ('all', 'lead'), share, n_treatment, n_control (children), worth (independent children
    that they count as), better (smallest chance of a better score, of the favoured arm), deviations (the same as a
    difference of means in standard deviations, if scores were normal). Raises CreweError for bad alpha or power.
    """
    size = design["children"] / design["families"]
    effect = 1 + (size - 1) * design["icc_low"]
    rows = [_detect("every child", "all", 1.0, design["children"], effect, design["share_words"], alpha, power)]
    for share in SHARES:
        name = "one child of every family" if share == 1 else f"one child of {level(share)} of families"
        rows.append(_detect(name, "lead", share, design["families"] * share, 1.0, design["share_words"], alpha, power))
    return pd.DataFrame(rows)


def _detect(
    name: str, children: str, share: float, number: float, effect: float, treated: float, alpha: float, power: float
) -> dict[str, Any]:
    """One row: `number` children, of whom the share `treated` is in Project Crewe, divided by the design effect."""
    n = round(number * treated)
    m = round(number) - n
    worth = (round(n / effect), round(m / effect))
    better = find_detectable_superiority(*worth, alpha=alpha, power=power)
    deviations = float(np.sqrt(2) * stats.norm.ppf(better)) if better < 1 else np.nan
    head = {"answered": name, "children": children, "share": share, "n_treatment": n, "n_control": m}
    return {**head, "worth": sum(worth), "better": better, "deviations": deviations}
