"""The staff survey: what its printed counts say about workload, which the report compares but does not test."""

from __future__ import annotations

from crewe_lib.claim_classes import Recomputed
from crewe_lib.claim_register import Reader
from crewe_lib.claim_rules.registry import rule
from crewe_lib.formats import fixed, p_phrase
from crewe_lib.models.proportions import fit_two_proportions

FISHER = "Fisher's exact"


@rule("r1.stress.workload_order", "test from counts")
def _workload(reader: Reader) -> Recomputed:
    k_fp, n_fp = reader.count("r1.stress.k_fp"), reader.count("r1.stress.n_fp")
    k_cec, n_cec = reader.count("r1.stress.k_cec"), reader.count("r1.stress.n_cec")
    found = fit_two_proportions(k_cec, n_cec, k_fp, n_fp)
    show = fixed(0)
    words = "FP fewer" if found.difference > 0 else "CEC fewer" if found.difference < 0 else "same"
    return Recomputed(
        f"{k_fp} / {n_fp} = {show(100 * k_fp / n_fp)}% against {k_cec} / {n_cec} = {show(100 * k_cec / n_cec)}%",
        words=words,
        differs="decision",
        note=f"The report does not test this. Fisher's exact test gives {p_phrase(found.p_values[FISHER])} "
        f"(difference {show(100 * found.difference)} percentage points, 95% interval {show(100 * found.conf_low)} to "
        f"{show(100 * found.conf_high)}). Answering was voluntary and staff were not randomised.",
    )
