"""The percentages that the reports print of each arm, and the whole numbers of families that print so.

Arms: 'pc' is Project Crewe (later FACT22, treatment), 'cec' is Cheshire East (control). Dates: 'trial_end' for the
2017 report's records, 'november_2019' for those of the 2020 report.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from crewe_lib.claim_classes import cut_to, rounds_to
from crewe_lib.claim_register import Claim, Reader

How = Literal["rounded", "cut off", ""]
Arm = Literal["pc", "cec"]
ARMS: tuple[Arm, Arm] = ("pc", "cec")
TRIAL_END, NOVEMBER_2019 = "trial_end", "november_2019"
UNDER_11: dict[Arm, str] = {"pc": "r2.demo.u11_treat", "cec": "r2.demo.u11_control"}
AGED: dict[Arm, str] = {"pc": "r2.demo.aged_treat", "cec": "r2.demo.aged_control"}
AGED_N = "r2.sample.aged_n"
# Every total of families that the reports print.
TOTALS = ("r1.sample.final", "r1.sample.randomised", "r2.sample.families", "r2.sample.some_outcomes")
N_PRINTED = {"pc": "r2.sample.n_treat", "cec": "r2.sample.n_control"}
# One family may carry another arm's label in another extract of the records; see `arm_sizes`.
RELABELLED = 1
ADJUSTED = "The percentage is a mean adjusted for covariates, so the count is indicative."
MODELLED = "The report's chart shows what a model predicts for this arm, so the count is indicative."


@dataclass(frozen=True)
class Percentage:
    """A printed percentage of one arm. group: 'characteristic' or 'outcome'; count: claim that prints its count;
    swapped: it is printed of the other arm, and taken here with the labels exchanged; rival: another printing of
    the same quantity, or the printed labels where exchanged ones are the main reading; remark: what limits it."""

    claim: str
    outcome: str
    date: str
    arm: Arm
    group: Literal["characteristic", "outcome"]
    count: str = ""
    swapped: bool = False
    rival: bool = False
    remark: str = ""


def _pair(outcome: str, stem: str, group: Literal["characteristic", "outcome"]) -> tuple[Percentage, Percentage]:
    modelled = MODELLED if outcome in ("closed", "rereferred") else ""
    return (
        Percentage(f"r2.{stem}treat", outcome, NOVEMBER_2019, "pc", group, remark=modelled),
        Percentage(f"r2.{stem}control", outcome, NOVEMBER_2019, "cec", group),
    )


# Every percentage of one arm that the two reports print, in their order.
ARM_PERCENTAGES: tuple[Percentage, ...] = (
    Percentage("r1.closure.pc", "closed", TRIAL_END, "pc", "outcome", remark=ADJUSTED),
    Percentage("r1.closure.cec", "closed", TRIAL_END, "cec", "outcome", remark=ADJUSTED),
    Percentage("r2.closure.r1_control", "closed", TRIAL_END, "cec", "outcome", rival=True),
    Percentage("r1.reref.rate_pc", "rereferred", TRIAL_END, "pc", "outcome", count="r1.reref.pc"),
    Percentage("r1.reref.rate_cec", "rereferred", TRIAL_END, "cec", "outcome", count="r1.reref.cec"),
    Percentage("r1.cost.escal_pc", "escalated", TRIAL_END, "pc", "outcome", count="r1.cost.escal_obs"),
    *_pair("closed", "closure.", "outcome"),
    *_pair("rereferred", "reref.", "outcome"),
    *_pair("aged_out", "demo.aged_", "outcome"),
    *_pair("under_11", "demo.u11_", "characteristic"),
    *_pair("female", "demo.female_", "characteristic"),
    *_pair("other_children_in_need", "demo.sibs_", "characteristic"),
    *_pair("white_british", "demo.wb_", "characteristic"),
    *_pair("other_white", "demo.ow_", "characteristic"),
)


def how_printed(k: int, n: int, claim: Claim) -> How:
    """How k of n comes to be printed as the claim's percentage: 'rounded', 'cut off', or '' if it does not."""
    printed, share = Decimal(repr(claim.number)), 100 * k / n
    if rounds_to(share, printed, claim.decimals):
        return "rounded"
    return "cut off" if cut_to(share, printed, claim.decimals) else ""


def whole_numbers(claim: Claim, n: int, *, cut: bool = True) -> list[int]:
    """The whole numbers k for which k of n is printed as the claim's percentage; with `cut`, by cutting off too."""
    allowed = ("rounded", "cut off") if cut else ("rounded",)
    near = round(claim.number * n / 100)
    return [k for k in range(max(0, near - 2), min(n, near + 2) + 1) if how_printed(k, n, claim) in allowed]


def printed_arms(reader: Reader) -> dict[Arm, int]:
    """Families by arm as the 2020 report prints them."""
    return {arm: reader.count(N_PRINTED[arm]) for arm in ARMS}


def table_arms(reader: Reader) -> dict[Arm, int]:
    """Families by arm implied by the 2017 report's Tables 8 and 9: the saving in the sample over that per case."""
    reader.infer()
    pc = round(reader.number("r1.cost.escal_save_total") / reader.number("r1.cost.escal_save_case"))
    both = round(reader.number("r1.cost.reref_total") / reader.number("r1.cost.reref_case"))
    return {"pc": pc, "cec": both - pc}


def recommended_arms(reader: Reader) -> dict[Arm, int]:
    """Division of all cases recommended that prints as their two shares and can leave the printed arms; the implied
    arms if exactly one does, else empty."""
    reader.infer()
    printed, families = printed_arms(reader), reader.count("r2.sample.recommended")
    shares = {
        arm: reader.claim(f"r2.sample.pct_{name}_132") for arm, name in zip(ARMS, ("treat", "control"), strict=True)
    }
    found: list[dict[Arm, int]] = []
    for pc in range(printed["pc"], families - printed["cec"] + 1):
        arms: dict[Arm, int] = {"pc": pc, "cec": families - pc}
        if all(how_printed(arms[arm], families, shares[arm]) == "rounded" for arm in ARMS):
            found.append(arms)
    return found[0] if len(found) == 1 else {}


def left_out(reader: Reader) -> int:
    """Families randomised according to the 2017 report that the 2020 report does not count."""
    return reader.count("r1.sample.randomised") - reader.count("r2.sample.families")


def arm_sizes(reader: Reader, arm: Arm, date: str) -> range:
    """Sizes that an arm may have had in the records.

    The largest is the printed arm with all families that the 2020 report leaves out of those randomised. The smallest
    is, at trial end, the printed arm less all cases that the 2017 report excluded; in November 2019, less those that
    the 2020 report excluded for some outcomes and one family that may carry the other arm's label.
    """
    n, most = printed_arms(reader)[arm], left_out(reader)
    gone = "r1.sample.excluded" if date == TRIAL_END else "r2.sample.missing"
    less = reader.count(gone) + (0 if date == TRIAL_END else RELABELLED)
    return range(n - less, n + max(most, 0) + 1)


@dataclass(frozen=True)
class Split:
    """Aged out (k) of families (n) by arm."""

    k_treat: int
    n_treat: int
    k_control: int
    n_control: int


def every_aged_out_split(reader: Reader) -> Iterator[Split]:
    """Splits that print as both arms' percentages, rounded or cut off, over all arms that the records may have had:
    `arm_sizes` at either date, together between the least and most families printed. Whatever their sum."""
    totals = [reader.count(id) for id in TOTALS]
    sizes = {arm: sorted({*arm_sizes(reader, arm, TRIAL_END), *arm_sizes(reader, arm, NOVEMBER_2019)}) for arm in ARMS}
    shares = {arm: reader.claim(AGED[arm]) for arm in ARMS}
    for n1 in sizes["pc"]:
        for n2 in sizes["cec"]:
            if min(totals) <= n1 + n2 <= max(totals):
                for k1 in whole_numbers(shares["pc"], n1):
                    yield from (Split(k1, n1, k2, n2) for k2 in whole_numbers(shares["cec"], n2))


def fits(reader: Reader, percentages: Iterable[Percentage], n: int, *, cut: bool = False) -> list[Percentage]:
    """Those of the percentages that a whole number out of n prints; where the count is printed, that count."""
    found = []
    for one in percentages:
        claim = reader.claim(one.claim)
        ks = [reader.count(one.count)] if one.count else whole_numbers(claim, n, cut=cut)
        allowed = ("rounded", "cut off") if cut else ("rounded",)
        if any(how_printed(k, n, claim) in allowed for k in ks):
            found.append(one)
    return found


def aged_out_splits(reader: Reader, arms: Mapping[Arm, int]) -> list[tuple[int, int]]:
    """Children aged out by arm, (treatment, control), that print as both arms' percentages, rounded or cut off, and
    add up to the printed number."""
    pc, cec = (whole_numbers(reader.claim(AGED[arm]), arms[arm]) for arm in ARMS)
    wanted = reader.count(AGED_N)
    return [(a, b) for a in pc for b in cec if a + b == wanted]
