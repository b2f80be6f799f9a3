"""How the service was meant to work and what was changed, from tables in our own words; what was asked and answered.

Sources: FACT22 evaluation (2020), Table 2, "Model evolution" and Appendix 2; Project Crewe evaluation (2017),
"Qualitative findings", "Project delivery" and Appendix 10.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from crewe_lib.claim_register import DOCUMENTS, read_register
from crewe_lib.delivery_tables import ANSWERS, VIEWS, fill_claims
from crewe_lib.errors import DataError
from crewe_lib.evidence import Column
from crewe_lib.formats import fixed
from crewe_lib.provenance import traced

CHAPTERS: Mapping[str, str] = {
    "01_rct": "The trial",
    "02_attendance": "Attendance",
    "03_sdq": "Behaviour",
    "04_risk": "Risk",
    "05_cost_benefit": "Costs and benefits",
    "06_follow_up": "The long follow-up",
    "07_la_did": "Local authorities",
    "08_delivery": "Delivery",
}

CHALLENGE_COLUMNS: Mapping[str, Column] = {
    "challenge": Column("Challenge"),
    "change": Column("What was changed"),
    "view": Column("For better or worse"),
    "effect": Column("What staff saw come of it"),
    "page": Column("Page", fixed(0)),
}
QUESTION_COLUMNS: Mapping[str, Column] = {
    "report": Column("Report"),
    "question": Column("Question"),
    "measures": Column("Measured by (and answered)"),
    "notes": Column("What is wanting"),
    "chapters": Column("Chapter here"),
}
DIAGRAM_COLUMNS: Mapping[str, Column] = {
    "number": Column("Box", fixed(0)),
    "stage": Column("Row"),
    "text": Column("What it says"),
    "leads": Column("Leads to"),
    "place": Column("From"),
    "page": Column("Page", fixed(0)),
}


def _join(parts: list[str]) -> str:
    """'1', '1 and 2', '1, 2 and 3'."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]])) if parts else ""


@traced
def derive_challenges(challenges: pd.DataFrame, register: pd.DataFrame) -> pd.DataFrame:
    """What was changed and what staff saw come of it. Columns: challenge, change, kind, effect, view, page."""
    filled = challenges.assign(change=fill_claims(challenges["change"], read_register(register)))
    return filled[["challenge", "change", "kind", "effect", "view", "page"]]


@traced
def derive_diagram(diagrams: pd.DataFrame, register: pd.DataFrame, *, name: str) -> pd.DataFrame:
    """The boxes of one diagram in reading order, numbered. Raises DataError for a name that is not there.

    Columns: number, box, stage, column, span, text, leads (numbers, '4 and 6', blank for none), place, page.
    """
    own = diagrams[diagrams["diagram"] == name].reset_index(drop=True)
    if own.empty:
        raise DataError(f"there is no diagram '{name}'; there are {', '.join(diagrams['diagram'].unique())}.")
    number = {box: place for place, box in enumerate(own["box"], 1)}
    leads = [_join([str(n) for n in sorted(number[box] for box in text.split())]) for text in own["leads_to"]]
    places = [f"{DOCUMENTS[d]}, {place}" for d, place in zip(own["document"], own["place"], strict=True)]
    text = fill_claims(own["text"], read_register(register))
    filled = own.assign(number=list(number.values()), text=text, leads=leads, place=places)
    return filled[["number", "box", "stage", "column", "span", "text", "leads", "place", "page"]]


@traced
def describe_diagram(boxes: pd.DataFrame) -> dict[str, str]:
    """A diagram in words: row by row from the top, box by box, each with the boxes that its arrows lead to."""
    said = []
    for stage, own in boxes.groupby("stage", sort=False):
        parts = []
        for row in own.to_dict("records"):
            several = "es" if " and " in row["leads"] else ""
            parts.append(
                f"box {row['number']}, {row['text']}" + (f", leads to box{several} {row['leads']}" * bool(row["leads"]))
            )
        said.append(f"{stage}: {'; '.join(parts)}.")
    return {"text": " ".join(said)}


@traced
def derive_questions(questions: pd.DataFrame, register: pd.DataFrame) -> pd.DataFrame:
    """What each evaluation asked, one row per question. Columns: report, question, measures (each with its answer, in
    words), notes, chapters (names)."""
    reader = read_register(register)
    filled = questions.assign(
        measure=fill_claims(questions["measure"], reader), note=fill_claims(questions["note"], reader), text=""
    )
    rows = []
    for (document, question), own in filled.groupby(["document", "question"], sort=False):
        measures = [f"{m} ({a})" for m, a in zip(own["measure"], own["answered"], strict=True)]
        rows.append(
            {
                "report": DOCUMENTS[str(document)].removesuffix(" report"),
                "question": question,
                "measures": "; ".join(measures),
                "notes": "; ".join(note for note in own["note"] if note) or "–",
                "chapters": ", ".join(CHAPTERS[name] for name in own["chapter"].unique()),
            }
        )
    return pd.DataFrame(rows)


@traced
def summarise_model(register: pd.DataFrame, challenges: pd.DataFrame, questions: pd.DataFrame) -> dict[str, object]:
    """Numbers for prose: capacity and pods at first and last, changes by view, measures by answer."""
    reader = read_register(register)
    pods = [
        sum(reader.count(f"r2.t1.{phase}.pods_{town}") for town in ("crewe", "macc")) for phase in ("p1", "p3", "p4")
    ]
    answered = questions["answered"].value_counts()
    views = challenges["view"].value_counts()
    return {
        "capacity_first": reader.count("r2.t1.p1.capacity"),
        "capacity_last": reader.count("r2.t1.p4.capacity"),
        "pods_first": pods[0],
        "pods_least": pods[1],
        "pods_last": pods[2],
        "training_days": reader.count("r2.design.training_days"),
        "training_days_after": reader.count("r2.design.training_days_after"),
        "challenges": challenges["challenge"].nunique(),
        "changes": len(challenges),
        **{f"view_{name}": int(views.get(name, 0)) for name in VIEWS},
        "themes_central": reader.count("r1.qual.themes"),
        "moderators": reader.count("r2.design.moderators"),
        "pod_size": reader.count("r1.design.pod_size"),
        "cap": reader.count("r1.design.fp_cap"),
        "pod_cases": reader.count("r1.design.swc_cases_after"),
        "workshop": reader.count("r2.design.toc_staff"),
        "questions": len(questions[["document", "question"]].drop_duplicates()),
        "measures": len(questions),
        **{f"answered_{name.replace(' ', '_')}": int(answered.get(name, 0)) for name in ANSWERS},
    }
