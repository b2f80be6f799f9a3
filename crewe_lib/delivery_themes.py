"""What the interviews of both reports found, by theme, and where findings do not sit together.

The findings are in our words (`data/published/themes.csv`), and which theme a finding stands under is our reading.
Nothing here estimates an effect; what is counted beside the themes stands in `delivery_theme_counts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd

from crewe_lib.claim_register import DOCUMENTS
from crewe_lib.errors import CreweError, DataError
from crewe_lib.evidence import Column
from crewe_lib.formats import NO_BREAK
from crewe_lib.provenance import traced
from crewe_lib.themes_table import THEMES, UNSAID, VOICES, split_list

Part = Literal["families", "service"]
NOTHING = "nothing"
# Theme → its part of the page, its name there, and what either report counts of it.
LABELS: Mapping[str, tuple[Part, str, str]] = {
    "practitioner": ("families", "The family practitioner", "closed cases, tested, of the whole service"),
    "frequency": ("families", "Frequent visits", "visits a month, as told; time to closing"),
    "flexibility": ("families", "Flexible help", NOTHING),
    "ending": ("families", "Letting go, and volunteers", "families interviewed who had a volunteer"),
    "solution_focused": ("families", "The solution-focused approach", NOTHING),
    "feedback": ("families", "Tools that show progress", NOTHING),
    "unsuited": ("families", "Where it did not suit", NOTHING),
    "parents": ("families", "Parents", "case studies by outcome; risk scores of a sample"),
    "history": ("families", "Families with a history", "closed cases, tested; two sizes printed"),
    "pods": ("service", "Pods and caseloads", "posts and cases of a pod; mean caseloads"),
    "training": ("service", "Training", "days of the course"),
    "stress": ("service", "Stress and wellbeing", "answers to one survey"),
    "relief": ("service", "Room for social workers", "caseloads, on which two documents differ"),
    "referral": ("service", "Which families came", "re-referrals, tested; not by criterion"),
    "handover": ("service", "Handing cases over", NOTHING),
    "escalation": ("service", "Escalating cases", "escalations, of the trial and of the whole service"),
    "colocation": ("service", "Working with the council", "when the office was shared"),
    "funding": ("service", "Funding and turnover", "pods and capacity by year"),
    "signs": ("service", "Signs of Safety", "when it began"),
}
COLUMNS: Mapping[str, Column] = {
    "label": Column("Theme"),
    "first": Column("By 2017"),
    "second": Column("By 2020"),
    "counted": Column("What is counted"),
}


@traced
def derive_findings(themes: pd.DataFrame, register: pd.DataFrame) -> pd.DataFrame:
    """The findings with their words: columns of `load_themes`, who (who said it, and how many), where (document and
    page, or document alone) and said (the finding as a sentence that ends with who and page).

    Raises DataError if a finding names a claim that the register lacks, or a theme has none.
    """
    known = set(register["id"])
    for row in themes.to_dict("records"):
        if lacking := [id for id in split_list(row["claims"]) if id not in known]:
            raise DataError(f"themes: finding {row['id']} names {', '.join(lacking)}, which the register lacks.")
    if absent := [theme for theme in THEMES if theme not in set(themes["theme"])]:
        raise DataError(f"themes: no finding stands under {', '.join(absent)}; a theme of the page needs one.")
    who = [write_who(*pair) for pair in zip(themes["said_by"], themes["how_many"], strict=True)]
    where = [_write_where(*pair) for pair in zip(themes["document"], themes["page"], strict=True)]
    short = [_write_page(*pair) for pair in zip(themes["document"], themes["page"], strict=True)]
    said = [f"{text[:-1]} ({a}; {b})." for text, a, b in zip(themes["finding"], who, short, strict=True)]
    return themes.assign(who=who, where=where, said=said)


def write_who(said_by: str, how_many: str) -> str:
    """'families; practitioners' and '-; most' become 'families, most practitioners'."""
    voices = split_list(said_by)
    numbers = split_list(how_many) or [UNSAID] * len(voices)
    return ", ".join(_write_voice(*pair) for pair in zip(voices, numbers, strict=True))


def _write_voice(voice: str, number: str) -> str:
    singular, plural = VOICES[voice]
    if number == UNSAID:
        return plural
    of_a_staff = singular.startswith("of ")
    return f"{number} {singular if number == 'one' or of_a_staff else plural}"


def _write_where(document: str, page: Any) -> str:
    return DOCUMENTS[document] if pd.isna(page) else f"{DOCUMENTS[document]}, p.{NO_BREAK}{page}"


def _write_page(document: str, page: Any) -> str:
    """Within a column of one report: the page alone, or that it cannot be told; another document by its name."""
    if document not in ("r1", "r2"):
        return DOCUMENTS[document]
    return "page not known" if pd.isna(page) else f"p.{NO_BREAK}{page}"


@traced
def derive_themes(findings: pd.DataFrame, *, part: Part) -> pd.DataFrame:
    """One row per theme of a part of the page: what was said by 2017 (Catch22's article of that year too) and by 2020.

    findings: as from `derive_findings`. Columns: theme, label, first, second (missing where a report is silent),
    counted (what either report counts of it; 'nothing' where no claim of the register bears on it), findings (how
    many). Raises CreweError for another part.
    """
    chosen = [theme for theme, (own, _, _) in LABELS.items() if own == part]
    if not chosen:
        raise CreweError(f"part is '{part}'; it must be families or service.")
    rows = []
    for theme in chosen:
        own = findings[findings["theme"] == theme]
        later = own["document"] == "r2"
        counted = LABELS[theme][2] if own["claims"].ne("").any() else NOTHING
        said = [" ".join(own.loc[mask, "said"]) or None for mask in (~later, later)]
        rows.append((theme, LABELS[theme][1], *said, counted, len(own)))
    return pd.DataFrame(rows, columns=["theme", "label", "first", "second", "counted", "findings"])


@traced
def derive_disagreements(findings: pd.DataFrame) -> pd.DataFrame:
    """Findings that do not sit together, a pair a row, in the order of the themes.

    Columns: id and other (the two findings), between ('rounds', one report, or documents), finding and other_finding,
    where and other_where (document and page).
    """
    by_id = findings.set_index("id")
    rows = []
    for row in findings[findings["at_odds_with"] != ""].to_dict("records"):
        other = by_id.loc[row["at_odds_with"]]
        documents = {row["document"], other["document"]}
        between = "one report" if len(documents) == 1 else "rounds" if documents == {"r1", "r2"} else "documents"
        rows.append((row["id"], row["at_odds_with"], between, row["finding"], other["finding"], row["where"],
                     other["where"]))  # fmt: skip
    names = ["id", "other", "between", "finding", "other_finding", "where", "other_where"]
    return pd.DataFrame(rows, columns=names)


@traced
def summarise_voices(findings: pd.DataFrame) -> dict[str, int]:
    """How many findings each report has (n_r1, n_r2), how many of them rest on each voice (families_r1 and so on), and
    disagreements: how many pairs do not sit together. One finding may rest on several voices."""
    numbers = {"disagreements": int(findings["at_odds_with"].ne("").sum())}
    for document in ("r1", "r2"):
        own = [split_list(cell) for cell in findings.loc[findings["document"] == document, "said_by"]]
        numbers[f"n_{document}"] = len(own)
        numbers |= {f"{voice}_{document}": sum(voice in said for said in own) for voice in VOICES}
    return numbers
