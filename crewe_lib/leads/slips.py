"""Small slips of the reports, each with its place; and the claims that follow, so that a reader can trust them."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from crewe_lib.claim_classes import AGREES, ALPHA
from crewe_lib.claim_register import Reader, read_register
from crewe_lib.claim_writing import write_dates
from crewe_lib.errors import DataError
from crewe_lib.evidence import Column
from crewe_lib.formats import count, p_phrase
from crewe_lib.leads import Lead
from crewe_lib.models.proportions import fit_two_proportions
from crewe_lib.provenance import infers, traced

SLIP_COLUMNS: Mapping[str, Column] = {
    "slip": Column("What"),
    "place": Column("Where"),
    "printed": Column("Printed"),
    "expected": Column("Printed elsewhere, or what fits"),
}
FOLLOW_COLUMNS: Mapping[str, Column] = {
    "group": Column("What"),
    "claims": Column("Claims", count),
    "follow": Column("Follow", count),
    "others": Column("Others, with their class", lambda text: text or "–"),
}
AUTHORITY = "E06000049"
# A slip with its claim and the claim that says otherwise; both are printed.
PAIRS = (
    ("Number of the figure of stress scores", "r1.ref.stress_fig", "r1.ref.stress_caption"),
    ("Number of the figure of categories of need", "r1.ref.need_fig", "r1.ref.need_caption"),
    ("Appendix with the categories of need", "r1.ref.need_app", "r1.ref.need_heading"),
    ("Page of the source on attainment", "r1.ref.gcse_page", "r1.ref.gcse_page_app"),
    ("Appendix with the risk framework", "r2.framework.appendix", "r2.ref.framework_heading"),
    ("Number of the figure of closed cases", "r2.ref.fig_blank", "r2.ref.closure_caption"),
    ("Treatment in the logit equation", "r2.ref.logit_equation", "r2.ref.logit_list"),
    ("Treatment in the list of the difference in differences", "r2.ref.did_list", "r2.ref.did_equation"),
    ("First trial", "sum.claim.first_rct", "r1.claim.first_rct"),
    ("Second round of interviews", "r1.qual.waves_limits", "r1.qual.waves"),
)
# A slip of wording: what the method calls for.
WORDINGS = (
    ("Assumption on censoring", "r1.ref.censoring", "censoring that carries no information"),
    ("Huber-White errors", "r1.ref.huber_white", "robust to unequal variances, not to serial correlation"),
    ("Sample for the length of cases", "r2.ref.matched_sample", "randomised sample; nothing is matched"),
    ("Length of cases: results", "r2.def.length_unused", "results, since the outcome is defined"),
)
GROUPS: Mapping[str, tuple[str, ...]] = {
    "Interviews: totals of Table 1": ("r1.t1.total.participants", "r1.t1.total.interviews"),
    "Interviews: outcomes of Table 3": tuple(
        f"r1.t3.{row}.{arm}"
        for row in ("closed", "improved", "no_change", "escalated")
        for arm in ("pc", "cec", "total")
    ),
    "Interviews: totals of the appendices": (
        "r1.qual.interviews_case",
        "r1.qual.interviews_delivery",
        "r1.qual.interviews_sum",
    ),
    "Pupils and re-referrals: sums": ("r1.att.n", "r1.reref.total"),
    "Risk factors: percentages of Table 2": ("r1.t2.dv.pct", "r1.t2.mh.pct", "r1.t2.sub.pct"),
    "Costs: Table 7": tuple(f"r1.cost.{row}_{arm}" for row in ("earn", "tax", "emp") for arm in ("pc", "cec")),
    "Costs: Tables 6, 8 and 9": (
        "r1.cost.week_diff",
        "r1.cost.reref_total",
        "r1.cost.reref_case",
        "r1.cost.escal_save_total",
    ),
    "Capacity and caseloads": (
        "r1.design.swc_cases_before",
        "r1.design.swc_cases_after",
        "r2.t1.p1.capacity",
        "r2.t1.p2.capacity",
        "r2.t1.p3.capacity",
        "r1.caseload.extra",
    ),
    "Arms of the 2020 report": ("r2.sample.pct_treat", "r2.sample.pct_control"),
    "Baseline percentages of the 2020 report": (
        *(f"r2.demo.{row}_{arm}" for row in ("female", "sibs", "wb", "ow") for arm in ("treat", "control")),
        "r2.demo.u11_treat",
        "r2.demo.aged_treat",
    ),
    "Where families of the service lived": ("r2.mi.crewe", "r2.mi.macc", "r2.mi.unknown"),
    "Power: relative effects": ("r1.power.mdes_icc1_rel", "r1.power.mdes_icc36_rel"),
    "No significant difference in closures and re-referrals": ("r1.closure.sig", "r2.closure.sig", "r2.reref.sig"),
}  # fmt: skip


@traced
def check_minor_slips(register: pd.DataFrame, panel: pd.DataFrame) -> Lead:
    """Slips on which no result rests, each checked against another place of the same documents or official data.

    panel: the table of `load_la_panel`, for the region. readings: slip, place, printed, expected. A pair that agrees is
    no slip and is left out. Raises DataError.
    """
    reader = read_register(register)
    rows = [_slip(reader, *pair) for pair in PAIRS if reader.text(pair[1]) != reader.text(pair[2])]
    rows += [(name, reader.claim(id).place, reader.text(id), expected) for name, id, expected in WORDINGS]
    rows += [*_region(reader, panel), *_tenure(reader), *_participants(reader)]
    readings = pd.DataFrame(rows, columns=list(SLIP_COLUMNS))
    p = _workload(reader)
    answers = " and ".join(str(reader.count(f"r1.stress.n_{name}")) for name in ("cec", "fp"))
    finding = (
        f"{len(readings)} slips of reference, wording and number were found, none of which moves a result. One "
        "contrast of counts that the 2017 report prints without a test, staff who name workload as the main cause of "
        f"stress, {'is' if p < ALPHA else 'is not'} significant by Fisher's exact test ({p_phrase(p)}). It rests on "
        f"{answers} answers and was chosen by us after looking, so it is a description rather than a test."
    )
    return Lead(
        id="minor_slips",
        title="Which small slips are there?",
        verdict="confirmed" if rows else "refuted",
        finding=finding,
        settles="Nothing rests on these slips; a corrected edition would mend them.",
        claims=tuple(sorted(reader.read)),
        readings=readings,
        numbers={"slips": len(readings), "workload_p": p},
    )


def _slip(reader: Reader, name: str, id: str, other: str) -> tuple[str, str, str, str]:
    claim, says = reader.claim(id), reader.claim(other)
    return name, claim.place, write_dates(claim.value), f"{write_dates(says.value)} ({says.place})"


def _region(reader: Reader, panel: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    """The region that the council is compared with, and the one it lies in."""
    claim = reader.claim("r1.power.region_name")
    regions = panel.loc[panel["authority"] == AUTHORITY, "region"].unique()
    if len(regions) != 1:
        raise DataError(f"the panel must give one region for {AUTHORITY}; it gives {', '.join(regions) or 'none'}.")
    own = str(regions[0])
    return [] if claim.value == own else [("Region compared with", claim.place, claim.value, own)]


def _tenure(reader: Reader) -> list[tuple[str, str, str, str]]:
    """The longest time in the service, if longer than it had run."""
    claim = reader.claim("r2.qual.tenure_max")
    days = (reader.day("r2.qual.dates", end=True) - reader.day("r2.design.pilot_period")).days
    if claim.number <= days / 365.25 + 1:
        return []
    return [("Years in the service, most", claim.place, f"{claim.number:.0f}", f"at most {days / 365.25:.1f}")]


def _participants(reader: Reader) -> list[tuple[str, str, str, str]]:
    """'33 families, frontline staff and leaders': those 33 are people, of whom some are families."""
    claim = reader.claim("sum.qual.participants")
    family = reader.count("r1.t1.pc_case.participants") + reader.count("r1.t1.cec_case.participants")
    if family == claim.number:
        return []
    said = f"{claim.number:.0f} families, frontline staff and leaders"
    return [("People interviewed", claim.place, said, f"{claim.number:.0f} people, {family} of them in families")]


def _workload(reader: Reader) -> float:
    k1, n1, k2, n2 = (reader.count(f"r1.stress.{name}") for name in ("k_cec", "n_cec", "k_fp", "n_fp"))
    return fit_two_proportions(k1, n1, k2, n2).p_values["Fisher's exact"]


@traced
@infers
def check_reproduced(register: pd.DataFrame, ledger: pd.DataFrame) -> Lead:
    """Claims that follow from other numbers of the reports, by group, with their classes in the ledger.

    The groups are chosen because their claims follow; they are no sample.

    ledger: the frame of `evaluate_claims`. readings: group, claims, follow (counts), others (claims of another class,
    in words). Raises DataError if the ledger lacks a claim.
    """
    reader = read_register(register)
    classes = dict(zip(ledger["id"], ledger["cls"], strict=True))
    places = dict(zip(ledger["id"], ledger["statement"], strict=True))
    if missing := [id for ids in GROUPS.values() for id in ids if id not in classes]:
        raise DataError(f"the ledger lacks {', '.join(missing)}.")
    rows = []
    for group, ids in GROUPS.items():
        others = [f"{places[reader.claim(id).id]}: {classes[id]}" for id in ids if classes[id] not in AGREES]
        rows.append((group, len(ids), len(ids) - len(others), "; ".join(others)))
    readings = pd.DataFrame(rows, columns=list(FOLLOW_COLUMNS))
    total, follow = int(readings["claims"].sum()), int(readings["follow"].sum())
    return Lead(
        id="reproduced",
        title="Which claims follow?",
        verdict="confirmed" if follow == total else "confirmed in part" if follow else "refuted",
        finding=f"Of {total} claims in {len(readings)} groups, {follow} follow from other printed numbers, to the "
        "digit or but for rounding; where they rest on a count that no report prints, that count is implied. The "
        "groups were chosen because their claims follow: a list of what can be relied on, not a rate.",
        settles="Nothing further is needed; each computation stands in the ledger.",
        claims=tuple(id for ids in GROUPS.values() for id in ids),
        readings=readings,
        numbers={"claims": total, "follow": follow, "groups": len(readings)},
    )
