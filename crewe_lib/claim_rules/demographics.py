"""Children of the 2020 report's sample: percentages of each arm as whole numbers, and those who turned eighteen."""

from __future__ import annotations

from dataclasses import replace

from crewe_lib.arm_percentages import (
    AGED,
    AGED_N,
    ARMS,
    N_PRINTED,
    UNDER_11,
    Arm,
    aged_out_splits,
    every_aged_out_split,
    how_printed,
    printed_arms,
    table_arms,
    whole_numbers,
)
from crewe_lib.claim_classes import ALPHA, Recomputed
from crewe_lib.claim_register import Reader
from crewe_lib.claim_rules.common import attainable, percentage, written
from crewe_lib.claim_rules.registry import RuleFunction, add_rule, rule
from crewe_lib.formats import fixed, p_value, spelt
from crewe_lib.models.proportions import fit_two_proportions

AGED_PCT, FAMILIES = "r2.sample.aged_pct", "r2.sample.families"
# Claim → the arm whose families are its denominator, and decimals printed.
_ATTAINABLE: dict[str, tuple[Arm, int]] = {
    "r2.demo.female_treat": ("pc", 0),
    "r2.demo.female_control": ("cec", 0),
    "r2.demo.sibs_treat": ("pc", 1),
    "r2.demo.sibs_control": ("cec", 0),
    "r2.demo.wb_treat": ("pc", 0),
    "r2.demo.wb_control": ("cec", 0),
    "r2.demo.ow_treat": ("pc", 1),
    "r2.demo.ow_control": ("cec", 1),
}
for _id, (_arm, _decimals) in _ATTAINABLE.items():
    add_rule(_id, attainable(N_PRINTED[_arm], decimals=_decimals), "attainable percentages")


def _under_11(arm: Arm, other: Arm) -> RuleFunction:
    """The share under 11, with a note on what the other arm's printed share would be of this arm."""

    def compute(reader: Reader) -> Recomputed:
        n, theirs = reader.count(N_PRINTED[arm]), reader.claim(UNDER_11[other])
        found = attainable(N_PRINTED[arm], decimals=0)(reader)
        notes = [
            f"The other arm's {theirs.value}% is {k} of {n} here; the labels of the two arms may be exchanged."
            for k in whole_numbers(theirs, n, cut=False)[:1]
        ]
        return replace(found, note=" ".join([*notes, found.note]))

    return compute


add_rule(UNDER_11["pc"], _under_11("pc", "cec"), "attainable percentages")
add_rule(UNDER_11["cec"], _under_11("cec", "pc"), "attainable percentages")


@rule("r2.demo.age_median", "arithmetic")
def check_majority_under_11(reader: Reader) -> Recomputed:
    """Share under 11 of both arms together; the labels of the arms do not matter if both exceed a half."""
    shares, arms = [reader.share(UNDER_11[arm]) for arm in ARMS], printed_arms(reader)
    both = sum(share * arms[arm] for share, arm in zip(shares, ARMS, strict=True)) / sum(arms.values())
    parts = " + ".join(f"{arms[arm]} × {written(share)}" for share, arm in zip(shares, ARMS, strict=True))
    return Recomputed(
        f"({parts}) / {sum(arms.values())} = {fixed(2)(both)}",
        words="majority" if min(both, *shares) > 0.5 else "majority of all only" if both > 0.5 else "minority",
        differs="major",
    )


def _aged_share(arm: Arm) -> RuleFunction:
    """The printed number aged out less whole numbers that print as the other arm's percentage, of this arm."""
    other: Arm = "cec" if arm == "pc" else "pc"

    def compute(reader: Reader) -> Recomputed:
        reader.infer()
        arms, wanted = printed_arms(reader), reader.count(AGED_N)
        theirs = whole_numbers(reader.claim(AGED[other]), arms[other])
        if not theirs:
            return attainable(N_PRINTED[arm], decimals=0)(reader)
        own = [wanted - k for k in theirs]
        said = " or ".join(f"{wanted} − {k}" for k in theirs)
        return Recomputed(f"({said}) / {arms[arm]}", choices=tuple(100 * k / arms[arm] for k in own))

    return compute


add_rule(AGED["pc"], _aged_share("pc"), "attainable percentages")
add_rule(AGED["cec"], _aged_share("cec"), "attainable percentages")


@rule(AGED_N, "attainable percentages")
def check_aged_out_count(reader: Reader) -> Recomputed:
    """Sum of the whole numbers that print as the arms' percentages."""
    reader.infer()
    arms = printed_arms(reader)
    ks = [whole_numbers(reader.claim(AGED[arm]), arms[arm]) for arm in ARMS]
    if all(ks):
        said = " + ".join(f"{' or '.join(map(str, k))} of {arms[arm]}" for k, arm in zip(ks, ARMS, strict=True))
        note = ""
        if not all(whole_numbers(reader.claim(AGED[arm]), arms[arm], cut=False) for arm in ARMS):
            note = "One of the two percentages is attained only if its decimals were cut off, not rounded."
        sums = sorted({float(a + b) for a in ks[0] for b in ks[1]})
        if len(sums) == 1:
            return Recomputed(said, value=sums[0], note=note)
        return Recomputed(said, choices=tuple(sums), note=note)
    value = sum(reader.share(AGED[arm]) * arms[arm] for arm in ARMS)
    said = " + ".join(f"{written(reader.share(AGED[arm]))} × {arms[arm]}" for arm in ARMS)
    return Recomputed(said, value=value, note="No whole numbers of the printed arms give both percentages.")


add_rule(AGED_PCT, percentage(AGED_N, FAMILIES), "arithmetic")


@rule("r2.demo.aged_test", "test from counts")
def check_aged_out_balance(reader: Reader) -> Recomputed:
    """Ten tests at each split that the printed percentages, number and arms allow."""
    reader.infer()
    arms = printed_arms(reader)
    splits = aged_out_splits(reader, arms)
    if not splits:
        return Recomputed(
            "whole numbers of the printed arms",
            uninformative="No whole numbers of the printed arms give the printed percentages and number, so no test "
            "can be repeated.",
        )
    p_values = {name: p for split in splits for name, p in _tests(split, arms).items()}
    said = " or ".join(f"{k1}/{arms['pc']} against {k2}/{arms['cec']}" for k1, k2 in splits)
    note = " ".join(filter(None, (_cut_off(reader, splits[0], arms), _rival_arms(reader), _all_readings(reader))))
    return Recomputed(f"{said} implied; {len(p_values)} tests", p_values=p_values, differs="major", note=note)


def _tests(split: tuple[int, int], arms: dict[Arm, int]) -> dict[str, float]:
    (k1, k2), (n1, n2) = split, (arms["pc"], arms["cec"])
    return {f"{k1}/{n1} v {k2}/{n2}, {test}": p for test, p in fit_two_proportions(k1, n1, k2, n2).p_values.items()}


def _cut_off(reader: Reader, split: tuple[int, int], arms: dict[Arm, int]) -> str:
    """How many of the printed numbers the split gives only if digits were cut off; blank if none."""
    cut = _ways(reader, split, arms).count("cut off")
    return f"At these arms {spelt(cut)} of the four printed numbers must have been cut off." if cut else ""


def _ways(reader: Reader, split: tuple[int, int], arms: dict[Arm, int]) -> list[str]:
    """How each arm's share and that of all come to be printed; '' for one that does not."""
    (k1, k2), (n1, n2) = split, (arms["pc"], arms["cec"])
    tried = ((k1, n1, AGED["pc"]), (k2, n2, AGED["cec"]), (k1 + k2, n1 + n2, AGED_PCT))
    return [how_printed(k, n, reader.claim(id)) for k, n, id in tried]


def _all_readings(reader: Reader) -> str:
    """How many of all splits that give the four printed numbers have a test that does not contradict the claim."""
    lenient = []
    for one in every_aged_out_split(reader):
        split, arms = (one.k_treat, one.k_control), {ARMS[0]: one.n_treat, ARMS[1]: one.n_control}
        if sum(split) == reader.count(AGED_N) and all(_ways(reader, split, arms)):
            lenient.append(any(p >= ALPHA for p in _tests(split, arms).values()))
    return (
        f"Of {len(lenient)} implied readings, other arms included, that give all four printed numbers, {sum(lenient)} "
        f"{'has' if sum(lenient) == 1 else 'have'} a test above {ALPHA}."
    )


def _rival_arms(reader: Reader) -> str:
    """The same with the arms implied by the 2017 report's cost tables, in a sentence; blank if they allow no split."""
    arms = table_arms(reader)
    found = [p for split in aged_out_splits(reader, arms) for p in _tests(split, arms).values()]
    if not found or arms == printed_arms(reader):
        return ""
    return (
        f"No test is named. Arms of {arms['pc']} and {arms['cec']}, implied by the 2017 report's cost tables, "
        f"would give p = {p_value(min(found))} to {p_value(max(found))}, depending on the test."
    )
