"""Families, children and arms: sums, shares and whole numbers behind percentages."""

from __future__ import annotations

from crewe_lib.claim_rules.common import attainable, difference, percentage, total
from crewe_lib.claim_rules.registry import add_rule

add_rule("r1.sample.randomised", total("r1.sample.excluded", "r1.sample.final"), "arithmetic")
add_rule("r1.sample.excluded", difference("r1.sample.randomised", "r1.sample.final"), "arithmetic")
add_rule("r1.sample.final", difference("r1.sample.randomised", "r1.sample.excluded"), "arithmetic")
add_rule("r2.sample.pct_treat", percentage("r2.sample.n_treat", "r2.sample.families"), "arithmetic")
add_rule("r2.demo.female_treat", attainable("r2.sample.n_treat", decimals=0), "attainable percentages")
