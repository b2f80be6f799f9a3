"""Where rules register: one function per claim or family of claims, that recomputes it from other claims or data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from crewe_lib.claim_classes import Recomputed
from crewe_lib.claim_register import Reader
from crewe_lib.errors import DataError

RuleFunction = Callable[[Reader], Recomputed]
RULES: dict[str, Rule] = {}


@dataclass(frozen=True)
class Rule:
    """A rule: the claim it recomputes, the function, and the kind of computation (for the ledger's filter).

    implied: the same with numbers that no report prints, tried only where printed ones do not give what is printed.
    """

    claim: str
    function: RuleFunction
    method: str
    implied: RuleFunction | None = None


METHODS = (
    "arithmetic",
    "attainable percentages",
    "test from counts",
    "power",
    "cost formula",
    "total of a table",
    "dates",
    "official data",
    "cited source",
)


def rule(claim: str, method: str) -> Callable[[RuleFunction], RuleFunction]:
    """Register a function as the rule of a claim. Raises DataError for a second rule or an unknown method."""
    if method not in METHODS:
        raise DataError(f"'{method}' is no method; there are {', '.join(METHODS)}.")

    def register(function: RuleFunction) -> RuleFunction:
        add_rule(claim, function, method)
        return function

    return register


def add_rule(claim: str, function: RuleFunction, method: str, implied: RuleFunction | None = None) -> None:
    """Register a rule made by another function (a family of rules). Raises DataError for a second rule of a claim."""
    if claim in RULES:
        raise DataError(f"claim {claim} has two rules.")
    RULES[claim] = Rule(claim, function, method, implied)
