"""The total of the questionnaire under other tests, sums and respondents, and the least difference to be found."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pandas as pd
from scipy import stats

from crewe_lib.claim_register import read_register
from crewe_lib.errors import CreweError
from crewe_lib.models.ranks import Method, find_detectable_superiority, fit_mann_whitney, fit_superiority
from crewe_lib.models.step_down import fit_step_down
from crewe_lib.provenance import traced
from crewe_lib.sdq import ITEMS, Informant, choose_questionnaires, describe_score
from crewe_lib.sdq_scoring import most_points

SHARES = (1.0, 0.5, 0.25, 0.125)  # of families who answered: ours, since no number is printed


@traced
def estimate_specifications(scores: pd.DataFrame, *, alpha: float, n_draws: int, seed: int) -> pd.DataFrame:
    """The total by other tests, other sums and other respondents.

    scores: every questionnaire, from `derive_scores`; the earliest of each lead child counts but where the row says
    otherwise. Columns: specification, n_treatment, n_control, better (chance that a child of Project Crewe has the
    better score), p_value, note.
    """
    lead = choose_questionnaires(scores, children="lead", informant="any")
    turned = lead.assign(total_five=lead["total"] + most_points("prosocial") - lead["prosocial"])
    by = {who: choose_questionnaires(scores, children="lead", informant=who) for who in get_args(Informant)[1:]}
    whole = lead[lead["answered"] == ITEMS]
    rows = [
        _specify("normal approximation, as published", lead, "total", "normal"),
        _specify("normal, continuity correction", lead, "total", "normal, continuity"),
        _specify("exact, ties kept", lead, "total", "exact"),
        _specify("Brunner and Munzel", lead, "total", alpha),
        _specify("exact, five scales added (main text)", lead, "total_five", "exact"),
        _specify("exact, five scales, prosocial turned round", turned, "total_five", "exact"),
        _specify("exact, practitioners' answers only", by["practitioner"], "total", "exact"),
        _specify("exact, parents' answers only", by["parent"], "total", "exact"),
        _specify("exact, children's own answers only", by["self"], "total", "exact"),
        _specify("exact, no answer left out", whole, "total", "exact"),
        _specify_all(choose_questionnaires(scores, children="all", informant="any"), n_draws, seed),
    ]
    return pd.DataFrame(rows)


def _specify(name: str, scores: pd.DataFrame, column: str, test: Method | float) -> dict[str, Any]:
    """One row; test: the method of Mann and Whitney's test, or alpha for Brunner and Munzel's."""
    row, values, treated = describe_score(scores, column)
    found: dict[str, Any] = {"better": np.nan, "p_value": np.nan}
    if not row["note"] and isinstance(test, str):
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
def estimate_detectable(register: pd.DataFrame, *, alpha: float, power: float) -> pd.DataFrame:
    """The smallest difference that the report's test could find, for several shares of families who answered.

    The report prints the families and, in words, the share that went to Project Crewe, but not how many answered; the
    shares are ours. Columns: share, n_treatment, n_control, better (smallest chance of a better score, of the favoured
    arm), deviations (the same as a difference of means in standard deviations, if scores were normal). Raises
    CreweError for bad alpha or power.
    """
    reader = read_register(register)
    families = reader.count("r1.sample.randomised")
    rows = []
    for share in SHARES:
        n = round(families * reader.share("r1.sample.pc_share_words") * share)
        m = round(families * share) - n
        better = find_detectable_superiority(n, m, alpha=alpha, power=power)
        rows.append({"share": share, "n_treatment": n, "n_control": m, **_as_difference(better)})
    return pd.DataFrame(rows)


def _as_difference(better: float) -> dict[str, float]:
    return {"better": better, "deviations": float(np.sqrt(2) * stats.norm.ppf(better)) if better < 1 else np.nan}
