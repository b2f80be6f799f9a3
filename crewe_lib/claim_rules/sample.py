"""Families, children and arms: sums, shares, and whole numbers behind percentages."""

from __future__ import annotations

from fractions import Fraction

from crewe_lib.arm_percentages import N_PRINTED, Arm, how_printed, left_out, table_arms
from crewe_lib.claim_classes import Recomputed
from crewe_lib.claim_register import Reader
from crewe_lib.claim_rules.common import difference, percentage, restated, total, written
from crewe_lib.claim_rules.power import EFFECTS, implied_by_allocation, implied_per_arm
from crewe_lib.claim_rules.registry import RuleFunction, add_rule, rule
from crewe_lib.formats import fixed

RANDOMISED, EXCLUDED, FINAL = "r1.sample.randomised", "r1.sample.excluded", "r1.sample.final"
FAMILIES, TREAT, CONTROL = "r2.sample.families", "r2.sample.n_treat", "r2.sample.n_control"
FRACTIONS = {Fraction(1, 3): "one third", Fraction(2, 3): "two-thirds", Fraction(1, 2): "half"}
MISSING, SOME = "r2.sample.missing", "r2.sample.some_outcomes"

# Claims that are the sum of others.
_TOTALS = {
    RANDOMISED: (EXCLUDED, FINAL),
    "sum.sample.families": (EXCLUDED, FINAL),
    "r2.sample.recommended": (EXCLUDED, FINAL),
    FAMILIES: (TREAT, CONTROL),
    "r1.att.n": ("r1.att.n_primary", "r1.att.n_secondary"),
    "r1.risk.n": ("r1.risk.n_pc", "r1.risk.n_cec"),
    "r1.t10.risk_n": ("r1.risk.n_pc", "r1.risk.n_cec"),
    "sum.risk.n": ("r1.risk.n_pc", "r1.risk.n_cec"),
    "r2.risk.n_r1": ("r2.risk.n", "r2.risk.lost"),
    "r2.risk.n": ("r2.risk.n_treat", "r2.risk.n_control"),
}
# Claims that are one number less another.
_DIFFERENCES = {
    EXCLUDED: (RANDOMISED, FINAL),
    FINAL: (RANDOMISED, EXCLUDED),
    TREAT: (FAMILIES, CONTROL),
    CONTROL: (FAMILIES, TREAT),
    MISSING: (FAMILIES, SOME),
    SOME: (FAMILIES, MISSING),
    "r1.att.n_primary": ("r1.att.n", "r1.att.n_secondary"),
    "r1.att.n_secondary": ("r1.att.n", "r1.att.n_primary"),
    "r1.risk.n_pc": ("r1.risk.n", "r1.risk.n_cec"),
    "r1.risk.n_cec": ("r1.risk.n", "r1.risk.n_pc"),
    "r2.risk.n_treat": ("r2.risk.n", "r2.risk.n_control"),
    "r2.risk.n_control": ("r2.risk.n", "r2.risk.n_treat"),
    "r2.risk.lost": ("r2.risk.n_r1", "r2.risk.n"),
}
_PERCENTAGES = {
    "r2.sample.pct_treat": (TREAT, FAMILIES),
    "r2.sample.pct_control": (CONTROL, FAMILIES),
    "r1.sample.school_share": ("r1.att.n", "r1.sample.children"),
    "r1.risk.share": ("r1.risk.n", RANDOMISED),
}
for _id, _parts in _TOTALS.items():
    add_rule(_id, total(*_parts), "arithmetic")
for _id, (_whole, _part) in _DIFFERENCES.items():
    add_rule(_id, difference(_whole, _part), "arithmetic")
for _id, (_part, _whole) in _PERCENTAGES.items():
    add_rule(_id, percentage(_part, _whole), "arithmetic")

add_rule("sum.sample.children", restated("r1.sample.children"), "arithmetic")


def _share_of_recommended(arm: Arm) -> RuleFunction:
    """An arm's share of all recommended cases, which must hold at least the families it has in the 2020 report."""

    def compute(reader: Reader) -> Recomputed:
        reader.infer()
        least, families, more = reader.count(N_PRINTED[arm]), reader.count(RANDOMISED), left_out(reader)
        return Recomputed(
            f"{least} to {least + more} of {families}",
            choices=tuple(100 * k / families for k in range(least, least + more + 1)),
            differs="minor",
            note=f"{least} families of this arm are in the 2020 report; "
            f"the {more} that it leaves out may belong to either arm.",
        )

    return compute


add_rule("r1.sample.pc_share", _share_of_recommended("pc"), "attainable percentages")
add_rule("r1.sample.cec_share", _share_of_recommended("cec"), "attainable percentages")
add_rule("r1.sample.pc_share_words", _share_of_recommended("pc"), "attainable percentages")
add_rule("r1.sample.cec_share_words", _share_of_recommended("cec"), "attainable percentages")
add_rule("r2.sample.pct_treat_132", _share_of_recommended("pc"), "attainable percentages")
add_rule("r2.sample.pct_control_132", _share_of_recommended("cec"), "attainable percentages")


def _fraction(arm: Arm) -> RuleFunction:
    """The simple fraction, with a denominator of five at most, that is nearest to an arm's share."""

    def compute(reader: Reader) -> Recomputed:
        n, families = reader.count(N_PRINTED[arm]), reader.count(FAMILIES)
        nearest = Fraction(n, families).limit_denominator(5)
        words = FRACTIONS.get(nearest, str(nearest))
        return Recomputed(f"{n} / {families} = {fixed(2)(n / families)}", words=words)

    return compute


add_rule("r2.sample.fraction_treat", _fraction("pc"), "arithmetic")
add_rule("r2.sample.fraction_control", _fraction("cec"), "arithmetic")


@rule("r1.sample.ratio", "arithmetic")
def check_ratio(reader: Reader) -> Recomputed:
    """Control to treatment, to the nearest whole number to one."""
    treat, control = reader.number("r1.sample.pc_share"), reader.number("r1.sample.cec_share")
    larger = round(max(treat, control) / min(treat, control))
    words = f"{larger}:1" if control > treat else f"1:{larger}"
    return Recomputed(
        f"control {written(control)}% : treatment {written(treat)}%",
        words=words,
        differs="minor",
        note="The sentence names the arms in the reverse order; no result rests on it.",
    )


@rule("r1.sample.arm_pc_implied", "arithmetic")
def check_arm_behind_table_9(reader: Reader) -> Recomputed:
    """Table 9: the saving in the sample over the saving per case."""
    reader.infer()
    saved, each = reader.number("r1.cost.escal_save_total"), reader.number("r1.cost.escal_save_case")
    return Recomputed(f"£{written(saved)} / £{written(each)} (Table 9)", value=saved / each)


@rule("r1.sample.n_cba_implied", "arithmetic")
def check_cases_behind_table_8(reader: Reader) -> Recomputed:
    """Table 8: the saving in the sample over the saving per case."""
    reader.infer()
    saved, each = reader.number("r1.cost.reref_total"), reader.number("r1.cost.reref_case")
    half = reader.claim("r1.cost.reref_total").half_unit
    low, high = fixed(1)((saved - half) / each), fixed(1)((saved + half) / each)
    return Recomputed(
        f"£{written(saved)} / £{written(each)} (Table 8)",
        value=saved / each,
        note=f"The total is printed in hundreds of pounds, which leaves room for {low} to {high}." if half > 1 else "",
    )


@rule("r1.sample.arm_cec_implied", "attainable percentages")
def check_arm_behind_rereferrals(reader: Reader) -> Recomputed:
    """Sizes of the control arm for which the printed re-referrals are the printed rate."""
    reader.infer()
    k, rate = reader.count("r1.reref.cec"), reader.claim("r1.reref.rate_cec")
    sizes = [n for n in range(max(k, 1), reader.count(RANDOMISED) + 1) if how_printed(k, n, rate) == "rounded"]
    said = f"{k} of {' or '.join(map(str, sizes))}" if sizes else f"no size of the arm gives {k} re-referrals"
    if not sizes:
        return Recomputed(f"{said} and {rate.value}%", value=100 * k / rate.number)
    return Recomputed(f"{said} is {rate.value}%", choices=tuple(map(float, sizes)))


@rule("r1.design.shortfall", "power")
def check_shortfall(reader: Reader) -> Recomputed:
    """The families randomised against those that the power calculation of the 2017 report implies."""
    each, randomised = implied_per_arm(reader, EFFECTS), reader.count(RANDOMISED)
    others = ", ".join(
        f"{fixed(0)(100 * (1 - randomised / families))}% of {families} at {name}"
        for name, families in implied_by_allocation(reader).items()
    )
    planned, analysed = reader.number("r1.sample.estimated"), reader.number(FINAL)
    fewer = fixed(1)(100 * (1 - analysed / planned))
    return Recomputed(
        f"100 × (1 − {randomised} / {2 * each}), with two arms of {each} families as the power calculation implies",
        value=100 * (1 - randomised / (2 * each)),
        note="No document prints the sample that was expected. By allocation, the printed effects imply a shortfall "
        f"of {others}. An appendix calls {written(planned)} the estimated "
        f"sample, and the {written(analysed)} analysed are {fewer}% fewer than that. Half of {2 * randomised} would be "
        f"the {randomised} randomised.",
    )


@rule("r2.sample.r1_final", "arithmetic")
def check_final_sample_of_2017(reader: Reader) -> Recomputed:
    """Cases randomised less cases excluded, as the 2017 report prints them."""
    implied = sum(table_arms(reader).values())
    found = difference(RANDOMISED, EXCLUDED)(reader)
    return Recomputed(
        found.how,
        value=found.value,
        note=f"The 2017 report also prints {reader.claim(FINAL).value} as its final sample; its cost tables imply "
        f"{implied}.",
    )


@rule("r1.sample.estimated", "arithmetic")
def check_estimated_sample(reader: Reader) -> Recomputed:
    """The estimate is the number that was randomised in the end."""
    found = total(EXCLUDED, FINAL)(reader)
    return Recomputed(found.how, value=found.value, note="It is called an estimate, and equals what was randomised.")


@rule("r2.sample.estimated", "arithmetic")
def check_estimated_sample_2020(reader: Reader) -> Recomputed:
    """The same sentence stands in the 2017 report with the number randomised there."""
    parts = [reader.count(EXCLUDED), reader.count(FINAL)]
    arms = reader.count(TREAT) + reader.count(CONTROL)
    return Recomputed(
        " + ".join(map(str, parts)) + " in the same sentence of the 2017 report",
        value=float(sum(parts)),
        differs="minor",
        note=f"The arms that the 2020 report prints add up to {arms}; a sample estimated beforehand would not follow.",
    )


add_rule(
    "r2.sample.randomised",
    total(
        EXCLUDED,
        FINAL,
        differs="minor",
        note="The 2017 report randomised more; the 2020 report does not say why it counts fewer.",
    ),
    "arithmetic",
)


@rule("r1.design.assumed_children", "arithmetic")
def check_children_per_family(reader: Reader) -> Recomputed:
    """Children per family among those randomised."""
    children, families = reader.number("r1.sample.children"), reader.number(RANDOMISED)
    return Recomputed(
        f"{written(children)} / {written(families)}",
        value=children / families,
        differs="minor",
        note="An assumption from the first 25 cases, made before the trial; the families randomised were smaller.",
    )
