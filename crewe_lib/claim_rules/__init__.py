"""The rules of the ledger, by subject. Importing this package registers them all."""

from crewe_lib.claim_rules import sample
from crewe_lib.claim_rules.registry import METHODS, RULES, Rule

__all__ = ["METHODS", "RULES", "Rule", "sample"]
