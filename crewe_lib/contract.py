"""The data contract: the tables that an evaluator with access to the records would hold.

Each field states its type, unit, allowed values and limits; each table its key and the tables it refers to. `crewe
check`, the empty tables of `crewe new`, the data packages and the dictionary in the book are all generated from here.
Rules that span fields or tables are in `crewe_lib.intake.rules`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

FieldType = Literal["id", "code", "integer", "date", "month", "text"]
FIRST_DATE, LAST_DATE = "1990-01-01", "2030-12-31"
YES_NO: Mapping[str, str] = {"0": "no", "1": "yes"}
# Units in which a researcher may count instead: ours → theirs → how many of ours one of theirs is, always two (halves
# are allowed). Said in mapping.yml, column by column.
CONVERSIONS: Mapping[str, Mapping[str, int]] = {"sessions": {"days": 2}}


@dataclass(frozen=True)
class Field:
    """One column of a table of records.

    type: id (letters, digits, - and _), code (one of `allowed`), integer, date (YYYY-MM-DD), month (YYYY-MM) or text.
    allowed: code → what it means. required: may not be blank. minimum, maximum: of integers, dates or months.
    personal: its values are masked in every message.
    """

    name: str
    type: FieldType
    description: str
    unit: str = ""
    allowed: Mapping[str, str] = field(default_factory=dict)
    required: bool = True
    minimum: str = ""
    maximum: str = ""

    @property
    def personal(self) -> bool:
        """Whether a value could point to a person: ids, dates, months and free text."""
        return self.type in ("id", "date", "month", "text")


@dataclass(frozen=True)
class Table:
    """One file of the contract: `name`.csv, its fields in order, its key, and field → (table, field) it refers to."""

    name: str
    description: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    refers: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The column names, in order."""
        return [item.name for item in self.fields]


def _id(name: str, description: str) -> Field:
    return Field(name, "id", description)


def _date(name: str, description: str, *, required: bool = True) -> Field:
    return Field(name, "date", description, required=required, minimum=FIRST_DATE, maximum=LAST_DATE)


def _code(name: str, description: str, allowed: Mapping[str, str], *, required: bool = True) -> Field:
    return Field(name, "code", description, allowed=allowed, required=required)


def _integer(name: str, description: str, unit: str, low: int, high: int, *, required: bool = True) -> Field:
    return Field(name, "integer", description, unit=unit, required=required, minimum=str(low), maximum=str(high))


ARMS: Mapping[str, str] = {"treatment": "Project Crewe, later FACT22", "control": "Cheshire East's usual service"}
NEEDS: Mapping[str, str] = {
    "N1": "abuse or neglect",
    "N2": "child's disability or illness",
    "N3": "parent's disability or illness",
    "N4": "family in acute stress",
    "N5": "family dysfunction",
    "N6": "socially unacceptable behaviour",
    "N7": "low income",
    "N8": "absent parenting",
    "N9": "cases other than children in need",
    "N0": "not stated",
}
CLOSED_REASONS: Mapping[str, str] = {
    "stepped_down": "needs met, support ended or handed to early help",
    "escalated": "moved to child protection or care",
    "aged_out": "turned eighteen",
    "moved": "left the authority",
    "other": "another reason, or not recorded",
}
TIME_POINTS: Mapping[str, str] = {
    "referral": "at referral",
    "latest": "latest information of the first round, about six months on",
    "follow_up": "third time point, January 2019",
}

FAMILIES = Table(
    "families",
    "Randomised families, one row each: the unit of randomisation.",
    (
        _id("family_id", "The family's pseudonym"),
        _code("arm", "Arm that the family was randomised to", ARMS),
        _date("randomised_on", "Day of randomisation"),
        _code(
            "site", "Where the family lives", {"crewe": "Crewe", "macclesfield": "Macclesfield", "other": "elsewhere"}
        ),
        _code("case_data", "Whether the council's case records were found for the family", YES_NO),
    ),
    key=("family_id",),
)
CHILDREN = Table(
    "children",
    "Children of the randomised families, one row each.",
    (
        _id("child_id", "The child's pseudonym"),
        _id("family_id", "The child's family"),
        _code("lead_child", "Whether this is the child whose case led to the referral; one in each family", YES_NO),
        _code("sex", "Sex as recorded", {"female": "female", "male": "male", "not_recorded": "not recorded"}),
        Field("born_in", "month", "Month of birth", minimum="1990-01", maximum="2030-12"),
        _code(
            "ethnicity",
            "Ethnic group as recorded",
            {
                "white_british": "White British",
                "white_other": "other White",
                "mixed": "mixed",
                "asian": "Asian or Asian British",
                "black": "Black or Black British",
                "other": "another group",
                "not_recorded": "not recorded",
            },
        ),
        _code("disability", "Whether a disability is recorded; blank if unknown", YES_NO, required=False),
        _code("is_cin", "Whether the child was ever a child in need", YES_NO),
        _date("followed_to", "Last day for which the child's referrals are known to be complete"),
    ),
    key=("child_id",),
    refers={"family_id": ("families", "family_id")},
)
EPISODES = Table(
    "episodes",
    "Episodes of need, one row each, earlier ones included: a referral, and what followed.",
    (
        _id("episode_id", "The episode's pseudonym"),
        _id("child_id", "The child"),
        _date("referred_on", "Day of the referral"),
        _date("plan_opened_on", "Day on which a child-in-need plan opened; blank if none did", required=False),
        _code("status", "State of the episode at the extract", {"open": "open", "closed": "closed"}),
        _date("closed_on", "Day of closing; blank if open, or if closed on an unknown day", required=False),
        _code("closed_reason", "Why it closed; blank if open", CLOSED_REASONS, required=False),
        _code("primary_need", "Category of need at assessment", NEEDS),
    ),
    key=("episode_id",),
    refers={"child_id": ("children", "child_id")},
)
PROTECTION = Table(
    "protection",
    "Child protection plans and periods of being looked after, one row each.",
    (
        _id("child_id", "The child"),
        _code("event", "What began", {"child_protection": "child protection plan", "looked_after": "looked after"}),
        _date("started_on", "First day"),
        _date("ended_on", "Last day; blank if it lasts", required=False),
    ),
    key=("child_id", "event", "started_on"),
    refers={"child_id": ("children", "child_id")},
)
ABSENCE = Table(
    "absence",
    "School absence, one row per child and term. A session is half a day.",
    (
        _id("child_id", "The child"),
        _code("school_phase", "Phase of schooling", {"primary": "primary", "secondary": "secondary"}),
        _code(
            "term",
            "Term",
            {"autumn_2015": "autumn 2015", "spring_2016": "spring 2016", "summer_2016": "summer 2016"},
        ),
        _integer("sessions_possible", "Sessions that the child could have attended", "sessions", 0, 400),
        _integer("sessions_authorised", "Sessions missed with leave", "sessions", 0, 400),
        _integer("sessions_unauthorised", "Sessions missed without leave", "sessions", 0, 400),
    ),
    key=("child_id", "term"),
    refers={"child_id": ("children", "child_id")},
)
SDQ = Table(
    "sdq",
    "Strengths and Difficulties Questionnaires, one row each. Items by number only: their wording is copyright.",
    (
        _id("child_id", "The child"),
        _code("informant", "Who filled it in", {"parent": "parent", "practitioner": "worker", "self": "the child"}),
        _code("version", "Age version", {"2_4": "two to four years", "4_17": "four to seventeen years"}),
        _date("completed_on", "Day on which it was filled in"),
        *(
            _integer(
                f"item_{number:02d}",
                f"Answer to item {number}, 0 to 2; blank if left out",
                "points",
                0,
                2,
                required=False,
            )
            for number in range(1, 26)
        ),
    ),
    key=("child_id", "informant", "completed_on"),
    refers={"child_id": ("children", "child_id")},
)
RISK = Table(
    "risk",
    "Coded risk assessments: one row per family, time point, coder and factor that was found.",
    (
        _id("family_id", "The family"),
        _code("time_point", "When", TIME_POINTS),
        _id("coder", "Who coded it"),
        Field("factor", "text", "Factor of the framework, by its code in data/published/risk_framework.csv"),
        _integer("level", "Level of engagement, −2 to 2; 1 for factors that were found", "points", -2, 2),
    ),
    key=("family_id", "time_point", "coder", "factor"),
    refers={"family_id": ("families", "family_id")},
)
CROSSOVERS = Table(
    "crossovers",
    "Families who later received the other arm's service.",
    (_id("family_id", "The family"), _date("crossed_on", "First day of the other service")),
    key=("family_id",),
    refers={"family_id": ("families", "family_id")},
)
TABLES: Mapping[str, Table] = {
    table.name: table for table in (FAMILIES, CHILDREN, EPISODES, PROTECTION, ABSENCE, SDQ, RISK, CROSSOVERS)
}
