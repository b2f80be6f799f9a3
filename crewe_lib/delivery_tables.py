"""Small tables on how the service was built and changed, in our own words: what each must look like.

A number that the register holds stands in a text as the claim's id in braces, so that it is in one place only.
"""

from __future__ import annotations

import re

import pandas as pd
import pandera.pandas as pa

from crewe_lib.claim_register import Reader
from crewe_lib.claim_writing import write_printed
from crewe_lib.tables import text

COLUMNS = 3  # of a diagram, so that it stays legible on a phone
# How the time of a change is known.
DATED = ("month", "phase", "not printed")
VIEWS = ("better", "worse", "mixed")
ANSWERS = ("yes", "in part", "no", "not told")
_MONTH = r"^20[12][0-9]-(0[1-9]|1[0-2])$"
_CLAIMS = "; a claim's id in braces stands for its value"


_CLAIM = re.compile(r"\{([a-z0-9]+(?:\.[a-z0-9_]+)+)\}")


def fill_claims(texts: pd.Series[str], reader: Reader) -> list[str]:
    """Texts with the printed value of each claim in braces, with its unit where that is not plain from the words."""
    return [_CLAIM.sub(lambda found: write_printed(reader.claim(found[1])), text) for text in texts]


def _place(*names: str) -> dict[str, pa.Column]:
    """The columns that say where something stands."""
    own = {
        "document": text("Report: r1 of 2017, r2 of 2020", allowed=("r1", "r2")),
        "place": text("Section, table or appendix of the report"),
        "page": pa.Column(
            "Int64",
            pa.Check.gt(0, error="must be more than 0"),
            nullable=True,
            description="Page printed on the report; blank where it cannot be told",
            metadata={"unit": "page", "minimum": 1},
        ),
    }
    return {name: column for name, column in own.items() if not names or name in names}


def _position(description: str) -> pa.Column:
    check = pa.Check.in_range(1, COLUMNS, error=f"must be from 1 to {COLUMNS}")
    return pa.Column("int64", check, description=description, metadata={"minimum": 1, "maximum": COLUMNS})


def _arrows_go_on(frame: pd.DataFrame) -> pd.Series[bool]:
    """Arrows end at boxes of the same diagram in a later stage, so that reading on follows them."""
    stage = frame.groupby("diagram", sort=False)["stage"].transform(lambda own: pd.factorize(own)[0])
    order = dict(zip(zip(frame["diagram"], frame["box"], strict=True), stage, strict=True))
    keeps = [
        all(order.get((diagram, name), -1) > own for name in str(leads).split())
        for diagram, leads, own in zip(frame["diagram"], frame["leads_to"], stage, strict=True)
    ]
    return pd.Series(keeps, index=frame.index)


def _boxes_are_apart(frame: pd.DataFrame) -> pd.Series[bool]:
    """Boxes of a stage follow each other from left to right, within the columns."""
    end = frame["column"] + frame["span"] - 1
    before = end.groupby([frame["diagram"], frame["stage"]]).shift(fill_value=0)
    return (frame["column"] > before) & (end <= COLUMNS)


PROGRAMME_CHANGES = pa.DataFrameSchema(
    {
        "aspect": text("What of the service it is about, by a short name", pattern=r"^[a-z_]+$"),
        "label": text("The same in words"),
        "first": text("First month", pattern=_MONTH),
        "last": text("Last month", pattern=_MONTH),
        "change": text(f"How it was in these months, in our own words{_CLAIMS}"),
        "dated": text(
            "How the months are known: each is printed; they are those of a phase in the table; or not printed",
            allowed=DATED,
        ),
        **_place(),
    },
    checks=[
        pa.Check(lambda frame: frame["first"] <= frame["last"], name="first/last", error="first must not be after last")
    ],
    unique=["aspect", "first"],
    strict=True,
    ordered=True,
    name="programme_changes",
)

CHALLENGES = pa.DataFrameSchema(
    {
        "challenge": text("One of the three challenges that the 2020 report names, in our own words"),
        "change": text(f"What was changed{_CLAIMS}"),
        "kind": text(
            "Whether the report calls it proactive or reactive, to less money; blank where it does neither",
            allowed=("proactive", "reactive", ""),
            blank=True,
        ),
        "effect": text("What staff saw come of it, in our own words"),
        "view": text("That effect in a word: for better, for worse, or both", allowed=VIEWS),
        **_place(),
    },
    unique=["change"],
    strict=True,
    ordered=True,
    name="challenges",
)

DIAGRAMS = pa.DataFrameSchema(
    {
        "diagram": text("Short name of the diagram", pattern=r"^[a-z_]+$"),
        "box": text("Short name of the box, unique in its diagram", pattern=r"^[a-z_]+$"),
        "stage": text("Heading of the row of boxes; rows follow each other from top to bottom"),
        "column": _position("First column of the box, from the left"),
        "span": _position("Columns that the box takes up"),
        "text": text(f"What the box says, in our own words{_CLAIMS}"),
        "leads_to": text(
            "Boxes to which the text says that this one leads, apart by spaces; blank for none",
            pattern=r"^[a-z_]+( [a-z_]+)*$",
            blank=True,
        ),
        **_place(),
    },
    checks=[
        pa.Check(_arrows_go_on, name="leads_to/stage", error="leads_to must name boxes of a later stage"),
        pa.Check(_boxes_are_apart, name="column/span", error="boxes of a stage must not overlap or go beyond column 3"),
    ],
    unique=["diagram", "box"],
    strict=True,
    ordered=True,
    name="diagrams",
)

QUESTIONS = pa.DataFrameSchema(
    {
        **_place("document"),
        "question": text("What the evaluation asked, in our own words"),
        "measure": text(f"What it was to be measured by{_CLAIMS}"),
        "answered": text("Whether the report answers by this measure", allowed=ANSWERS),
        "note": text(f"What is wanting; blank if answered{_CLAIMS}", blank=True),
        "chapter": text("The chapter of this book that takes it up", pattern=r"^[0-9]{2}_[a-z_]+$"),
        **_place("place", "page"),
    },
    checks=[
        pa.Check(
            lambda frame: (frame["answered"] == "yes") == (frame["note"] == ""),
            name="answered/note",
            error="a note must say what is wanting, and only then",
        )
    ],
    unique=["document", "question", "measure"],
    strict=True,
    ordered=True,
    name="questions",
)
