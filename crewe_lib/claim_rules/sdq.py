"""The strengths and difficulties questionnaire as the first report describes it, one place against another."""

from __future__ import annotations

from crewe_lib.claim_classes import Recomputed
from crewe_lib.claim_register import Reader
from crewe_lib.claim_rules.common import restated
from crewe_lib.claim_rules.registry import add_rule, rule


@rule("r1.sdq.composite", "arithmetic")
def count_scales(reader: Reader) -> Recomputed:
    """The scales that are left when one is left out."""
    scales = reader.count("r1.sdq.subscales")
    return Recomputed(
        f"{scales} scales − 1, prosocial behaviour",
        value=scales - 1,
        differs="minor",
        note="The appendix leaves out prosocial behaviour and still says five; the main text adds up all five.",
    )


@rule("r1.sdq.age", "arithmetic")
def compare_ages(reader: Reader) -> Recomputed:
    """The youngest age for which a version is described."""
    low, high = reader.claim("r1.sdq.age_young").ends
    return Recomputed(
        f"youngest age of the version for {low:.0f} to {high:.0f}",
        value=low,
        shown=f"from {low:.0f} years",
        differs="minor",
        note="A version is described for children younger than the range given.",
    )


add_rule(
    "r1.sdq.respondent",
    restated(
        "r1.sdq.respondent_app",
        differs="minor",
        note="The main text and the appendix name different people; both name the family practitioner.",
    ),
    "arithmetic",
)
