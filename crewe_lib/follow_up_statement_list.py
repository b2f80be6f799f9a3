"""Which statements of the 2020 report on the trial's families have a counterpart in chapter 06, and where in the book.

Nothing is computed here. Claims are named by their ids in the register; what is said without a number or a direction is
listed in our words.
"""

from __future__ import annotations

from collections.abc import Mapping

AGREED, CORRECTED, OPEN = "agreed with", "corrected", "left open"
# Label → chapter (blank: this one), for where in the book a statement is gone into.
IN_BOOK: Mapping[str, str] = {
    "here": "",
    "trial": "01_rct",
    "risk": "04_risk",
    "records": "06_follow_up_records",
    "delivery": "08_delivery",
    "design": "09_design",
    "ledger": "10_claims",
}
# Subject → claims, in the order in which the report comes to them.
SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "Sample": (
        "r2.sample.families", "r2.sample.randomised", "r2.sample.n_treat", "r2.sample.n_control",
        "r2.sample.pct_treat", "r2.sample.pct_control", "r2.sample.estimated", "r2.sample.r1_final",
        "r2.sample.some_outcomes", "r2.sample.missing", "r2.design.five_year", "r2.design.rct_window_main",
        "r2.power.detectable",
    ),
    "How it was measured": (
        "r2.t2.family_metrics", "r2.def.lead_child", "r2.design.study_end", "r2.def.closed", "r2.def.reref_window",
        "r2.def.reref_feasible", "r2.def.escalated", "r2.def.model", "r2.def.age_split", "r2.def.bars",
        "r2.def.star1", "r2.def.star2",
    ),
    "Who they were": (
        "r2.demo.female_treat", "r2.demo.female_control", "r2.demo.u11_treat", "r2.demo.u11_control",
        "r2.demo.age_median", "r2.demo.disability", "r2.demo.disability_treat", "r2.demo.sibs_treat",
        "r2.demo.sibs_control", "r2.demo.wb_treat", "r2.demo.wb_control", "r2.demo.ow_treat", "r2.demo.ow_control",
    ),
    "Turning eighteen": (
        "r2.def.adult_age", "r2.sample.aged_n", "r2.sample.aged_pct", "r2.demo.aged_treat", "r2.demo.aged_control",
        "r2.demo.aged_test",
    ),
    "All outcomes": (),
    "Closing": (
        "r2.closure.treat", "r2.closure.control", "r2.closure.order", "r2.closure.sig", "r2.closure.r1_control",
        "r2.closure.increase", "r2.closure.increase_percent", "r2.closure.increased", "r2.closure.steady",
        "r2.closure.not_sustained", "r2.closure.similar", "r2.closure.r1_history",
    ),
    "Re-referral": (
        "r2.reref.treat", "r2.reref.control", "r2.reref.order", "r2.reref.sig", "r2.reref.r1_too_few",
        "r2.reref.similar",
    ),
    "Escalation": ("r2.escal.n", "r2.escal.treat", "r2.escal.control", "r2.escal.too_few", "r2.did.rowsig_similar"),
    "Risk": (
        "r2.risk.n_r1", "r2.risk.r1_treat", "r2.risk.r1_control", "r2.risk.timepoints", "r2.risk.t1", "r2.risk.t2",
        "r2.risk.months", "r2.risk.score_meaning", "r2.risk.t3", "r2.risk.n", "r2.risk.n_treat", "r2.risk.n_control",
        "r2.risk.lost", "r2.risk.follow_up_period", "r2.risk.treat", "r2.risk.control", "r2.risk.gap",
        "r2.risk.gap_direction", "r2.risk.all_cases", "r2.risk.similar", "r2.risk.not_sustained", "r2.risk.decomp",
        "r2.risk.rf_similar", "r2.risk.reduction_wording", "r2.risk.tested", "r2.risk.tested_r1", "r2.r1.risk_fig",
    ),
    "Length of cases": ("r2.def.length_unused", "r2.ref.matched_sample", "r2.r1.open_longer"),
    "Crossing": ("r2.design.crossover",),
    "The service": (
        "r2.mi.families", "r2.mi.data_to", "r2.mi.crewe", "r2.mi.macc", "r2.mi.unknown", "r2.mi.closed",
        "r2.mi.escalated", "r2.mi.national_escalation", "r2.mi.escalation_higher", "r2.mi.days", "r2.mi.months",
    ),
}  # fmt: skip
# Claims held against official numbers: answered where the table is given.
OFFICIAL: Mapping[str, str] = {"r2.mi.national_escalation": "la_panel"}
CHAPTERS: Mapping[str, str] = {
    **dict.fromkeys(("Sample", "Who they were"), "design"),
    **{"How it was measured": "records", "Risk": "risk", "Length of cases": "records"},
    **dict.fromkeys(("r2.def.closed", "r2.def.reref_window", "r2.def.reref_feasible", "r2.def.bars"), "here"),
    **dict.fromkeys(("r2.closure.r1_control", "r2.closure.r1_history", "r2.reref.r1_too_few"), "trial"),
    **dict.fromkeys(("r2.design.five_year", "r2.mi.national_escalation", "r2.mi.escalation_higher"), "ledger"),
    **{"r2.r1.open_longer": "trial", "changes": "delivery", "no_harm": "delivery", "few": "here", "selected": "here"},
}
# Claims whose number is not what is at issue: verdict (None: the ledger's) and what bears on them (blank: the ledger's
# caveat does). Left open are conclusions that printed numbers go the way of, and cannot bear.
JUDGED: Mapping[str, tuple[str | None, str]] = {
    "r2.power.detectable": (CORRECTED, "power"),
    "r2.def.closed": (None, "ever"),
    "r2.def.reref_window": (None, "window"),
    "r2.def.bars": (None, "bars"),
    "r2.closure.sig": (None, "closing_equal"),
    "r2.reref.sig": (None, "again_equal"),
    "r2.closure.not_sustained": (OPEN, ""),
    "r2.risk.not_sustained": (OPEN, ""),
    "r2.mi.escalation_higher": (OPEN, ""),
}
# Subject, what is said in our words, where, verdict; what bears on it is written from results, by key.
WITHOUT_CLAIM = (
    ("Sample", "Families beyond the service's capacity had the usual one, and are no controls", "Appendix 4", OPEN,
     "overflow"),
    ("How it was measured", "Cases are independent of each other", "Appendix 4: regression", OPEN, "independent"),
    ("Turning eighteen", "Keeping those who turned eighteen cannot affect findings, as the groups are alike in them",
     "Methods: impact", CORRECTED, "kept"),
    ("All outcomes", "There is no evidence of an effect on any outcome", "p. 22", AGREED, "none"),
    ("Closing", "The closing rate that seemed promising in the first round lessened", "p. 23", OPEN, "faded"),
    ("Closing", "Changes to either service may be behind a smaller effect", "Interpretation", OPEN, "changes"),
    ("Escalation", "Four escalations in one arm need not be the service's doing", "p. 24", AGREED, "escalated"),
    ("Escalation", "Being escalated is no bad outcome in itself if it is timely; staff say so", "p. 24", OPEN,
     "no_harm"),
    ("Risk", "Cases not followed had turned eighteen, or closed too early", "Methods: impact", OPEN, "selected"),
    ("Risk", "So few cases cannot be generalised from", "p. 24", AGREED, "few"),
    ("Crossing", "Control families who later had the service may hide an effect", "p. 39", OPEN, "crossing"),
    ("The service", "Lengths of cases vary, as a chart shows", "p. 22, Figure 1", OPEN, "picture"),
    ("The service", "Changes of staff may have made cases longer", "p. 22", OPEN, "staff"),
)  # fmt: skip
