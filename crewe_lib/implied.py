"""What printed numbers imply: families per arm, counts behind percentages, days open. All of it is inference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from crewe_lib import arm_percentages
from crewe_lib.claim_classes import rounds_to
from crewe_lib.claim_register import Reader
from crewe_lib.models.proportions import fit_two_proportions

Arms = tuple[int, int]
# Below so many expected events in a cell the usual tests of two rates are not to be trusted (Cochran 1954).
LEAST_EXPECTED = 5


@dataclass(frozen=True)
class Pair:
    """Counts in both arms behind two printed percentages: k of n, treatment first."""

    k1: int
    n1: int
    k2: int
    n2: int

    @property
    def written(self) -> str:
        """'59 of 82 and 28 of 44'."""
        return f"{self.k1} of {self.n1} and {self.k2} of {self.n2}"

    @property
    def gap(self) -> float:
        """Percentage points by which the first share exceeds the second."""
        return 100 * (self.k1 / self.n1 - self.k2 / self.n2)

    def tests(self) -> dict[str, float]:
        """p-values of all tests tried, by counts and test."""
        found = fit_two_proportions(self.k1, self.n1, self.k2, self.n2).p_values
        return {f"{self.written}, {test}": p for test, p in found.items()}


def counts_printing(printed: float, n: int, decimals: int = 0) -> list[int]:
    """The whole numbers k for which 100 k / n is printed so, however a half is rounded."""
    wanted = Decimal(repr(float(printed)))
    return [k for k in range(n + 1) if rounds_to(100 * k / n, wanted, decimals)]


def pairs_printing(first: float, second: float, arms: Iterable[Arms]) -> list[Pair]:
    """All counts, over these arms, that print both whole percentages. First: treatment."""
    return [
        Pair(k1, n1, k2, n2)
        for n1, n2 in arms
        for k1 in counts_printing(first, n1)
        for k2 in counts_printing(second, n2)
    ]


def printed_pairs(reader: Reader, ids: tuple[str, str], arms: Iterable[Arms]) -> list[Pair]:
    """All counts, over these arms, behind the whole percentages of two claims. First: treatment."""
    reader.infer()
    return pairs_printing(reader.number(ids[0]), reader.number(ids[1]), arms)


def cost_arms(reader: Reader) -> Arms:
    """Arms that the first report's cost tables imply: savings in the whole sample over savings per case."""
    arms = arm_percentages.table_arms(reader)
    return arms["pc"], arms["cec"]


def printed_arms(reader: Reader) -> Arms:
    """The arms that the second report prints."""
    arms = arm_percentages.printed_arms(reader)
    return arms["pc"], arms["cec"]


def arms_less(arms: Arms, total: int) -> list[Arms]:
    """All ways to leave `total` families of two arms, treatment arm from large to small."""
    dropped = sum(arms) - total
    return [(arms[0] - d, arms[1] - dropped + d) for d in range(dropped + 1)]


def trial_arms(reader: Reader) -> list[Arms]:
    """Arms that the first report's final sample may have had: those of the second report, or those behind the cost
    tables, less the families left out; nobody prints which."""
    reader.infer()
    total = reader.count("r1.sample.final")
    either = {*arms_less(printed_arms(reader), total), *arms_less(cost_arms(reader), total)}
    return sorted(either, reverse=True)


def follow_up_arms(reader: Reader) -> list[Arms]:
    """Arms of the second report for outcomes that two families lack; it does not print from which arm they are."""
    reader.infer()
    return arms_less(printed_arms(reader), reader.count("r2.sample.some_outcomes"))


@dataclass(frozen=True)
class ClosedTotal:
    """Closed families in both arms that the model's means imply: bounds, and the whole numbers within them."""

    arms: Arms
    low: float
    high: float

    @property
    def whole(self) -> list[int]:
        """Whole numbers between the bounds, the bounds included."""
        return [k for k in range(sum(self.arms) + 1) if self.low <= k <= self.high]


def closed_total(reader: Reader, arms: Arms) -> ClosedTotal:
    """Total closed that follows from 2017's model means and effect, for given arms; bounds crossed if impossible.

    In a least squares model with an intercept the mean of the outcome equals the mean prediction: the control mean (at
    the covariates' means) plus the treated share times the effect. Printed values are let vary within their rounding.
    """
    reader.infer()
    ids = ("r1.closure.pc", "r1.closure.cec", "r1.closure.ate")
    (pc, pc_half), (cec, cec_half), (effect, half) = ((reader.number(id), reader.claim(id).half_unit) for id in ids)
    bends = (pc - pc_half - cec + cec_half, pc + pc_half - cec - cec_half)
    slopes = [effect - half, effect + half, *(b for b in bends if effect - half < b < effect + half)]
    share, everyone = arms[0] / sum(arms), sum(arms)
    low, high = float("inf"), float("-inf")
    for slope in slopes:
        least, most = max(cec - cec_half, pc - pc_half - slope), min(cec + cec_half, pc + pc_half - slope)
        if least <= most:
            low = min(low, everyone * (least + share * slope) / 100)
            high = max(high, everyone * (most + share * slope) / 100)
    return ClosedTotal(arms, low, high)


def smallest_expected(events: tuple[int, int], arms: Arms) -> float:
    """Events expected in the smaller arm if both had the same rate."""
    return sum(events) * min(arms) / sum(arms)


def implied_days(reader: Reader, arm: str) -> float:
    """Mean days open in arm 'pc' or 'cec': the report makes its cost per case from weekly cost and weeks open."""
    reader.infer()
    return 7 * reader.number(f"r1.cost.case_{arm}") / reader.number(f"r1.cost.week_{arm}")
