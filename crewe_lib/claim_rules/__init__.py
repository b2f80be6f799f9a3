"""The rules of the ledger, by subject. Importing this package registers them all."""

from crewe_lib.claim_rules import (
    citations,
    comparisons,
    dates,
    demographics,
    follow_up,
    follow_up_service,
    interviews,
    outcomes,
    report_2017,
    sample,
    service,
    staff,
)
from crewe_lib.claim_rules.registry import METHODS, RULES, Rule

__all__ = [
    "METHODS",
    "RULES",
    "Rule",
    "citations",
    "comparisons",
    "dates",
    "demographics",
    "follow_up",
    "follow_up_service",
    "interviews",
    "outcomes",
    "report_2017",
    "sample",
    "service",
    "staff",
]
