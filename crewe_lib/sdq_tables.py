"""The tables of chapter 03 as a reader sees them: what is printed, who answered, tests, and the headings of all."""

from __future__ import annotations

import pandas as pd

from crewe_lib.evidence import Column
from crewe_lib.formats import NO_BREAK, count, fixed, interval, p_value, percent
from crewe_lib.provenance import traced
from crewe_lib.sdq import ARMS

# What the 2017 report prints of behaviour, in the order of its pages.
STATEMENTS = (
    "r1.sdq.direction",
    "r1.sdq.sig",
    "r1.sdq.waves",
    "r1.sdq.interval",
    "r1.sdq.respondent",
    "r1.sdq.respondent_app",
    "r1.sdq.composite_text",
    "r1.sdq.composite",
    "r1.sdq.age",
    "r1.sdq.age_young",
)
DETECTABLE_COLUMNS = {
    "answered": Column("With answers for"),
    "n_treatment": Column("Project Crewe", fixed(0)),
    "n_control": Column("Cheshire East", fixed(0)),
    "worth": Column("Count as", fixed(0)),
    "better": Column("Chance of the better score", percent()),
    "deviations": Column("Standard deviations apart", fixed(2)),
}
ANSWER_COLUMNS = {
    "what": Column("Families and questionnaires"),
    "treatment": Column("Project Crewe"),
    "control": Column("Cheshire East"),
}
# Rows of the table of answers that are counts: column of `summarise_answers` → what it says.
COUNTED = {
    "families": "Families randomised",
    "answered": "Lead children with a questionnaire",
    "practitioner": "– filled in by a worker",
    "parent": "– by a parent",
    "self": "– by the child",
    "gaps": "– with an answer left out",
    "no_total": "– with too many left out for a total",
    "before": "Not used: from before randomisation",
    "other": "– lead child’s, other time or respondent",
    "unscorable": "– lead child’s, without a total",
    "siblings": "– brother’s or sister’s",
}
PUBLISHED_COLUMNS = {
    "label": Column("Score"),
    "better_when": Column("Better when"),
    "treatment": Column("Project Crewe"),
    "control": Column("Cheshire East"),
    "favours": Column("Better by ranks"),
    "p_value": Column("p", p_value),
    "note": Column("Not tested because", blank=""),
}
BETTER_COLUMNS = {
    "label": Column("Score"),
    "favours": Column("Better by ranks"),
    "better": Column("Chance that Project Crewe’s child is better", percent()),
    "better_interval": Column("Interval"),
    "shift": Column("Difference in points", fixed(1, sign=True)),
    "shift_interval": Column("Interval"),
    "p_value": Column("p", p_value),
    "p_step_down": Column("p, step-down", p_value),
    "p_holm": Column("p, Holm", p_value),
}
SPECIFICATION_COLUMNS = {
    "specification": Column("Test, sum, time or respondents"),
    "n_treatment": Column("Project Crewe", fixed(0)),
    "n_control": Column("Cheshire East", fixed(0)),
    "better": Column("Chance that Project Crewe’s child is better", percent()),
    "p_value": Column("p", p_value),
    "note": Column("Note", blank=""),
}


@traced
def write_answers(answers: pd.DataFrame) -> pd.DataFrame:
    """The table of answers turned on its side: what, treatment, control, all as words."""
    by = answers.set_index("arm")
    rows = [{"what": said, **{arm: count(by.at[arm, name]) for arm in ARMS}} for name, said in COUNTED.items()]
    shares = {arm: percent()(by.at[arm, "share"]) if by.at[arm, "families"] else "–" for arm in ARMS}
    rows.insert(2, {"what": "– as a share of families", **shares})
    days = {str(row["arm"]): _write_days(row) for _, row in answers.iterrows()}
    rows.insert(8, {"what": "Days since randomisation, median (range)", **days})
    return pd.DataFrame(rows)


def _write_days(row: pd.Series) -> str:
    if not row["answered"]:
        return "–"
    return f"{row['days_median']:g} ({interval(row['days_low'], row['days_high'], 0)})"


@traced
def write_published(published: pd.DataFrame) -> pd.DataFrame:
    """The table of the report's tests with each arm's scores as words: treatment, control."""
    arms = {
        arm: [
            f"{fixed(1)(mean)}; {fixed(1)(median)}; {fixed(0)(n)}" if pd.notna(mean) else "–"
            for mean, median, n in published[[f"mean_{arm}", f"median_{arm}", f"n_{arm}"]].itertuples(index=False)
        ]
        for arm in ("treatment", "control")
    }
    return published.assign(**arms)


@traced
def write_better(better: pd.DataFrame) -> pd.DataFrame:
    """The table of exact results with its intervals as words: better_interval, shift_interval ('–' where missing)."""
    chances = [
        f"{percent()(low)}{NO_BREAK}to{NO_BREAK}{percent()(high)}" if pd.notna(low) else "–"
        for low, high in zip(better["better_low"], better["better_high"], strict=True)
    ]
    shifts = [
        interval(low, high) if pd.notna(low) else "–"
        for low, high in zip(better["shift_low"], better["shift_high"], strict=True)
    ]
    return better.assign(better_interval=chances, shift_interval=shifts)
