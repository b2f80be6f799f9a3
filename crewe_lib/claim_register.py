"""The register of published claims: what each report prints, where, and how a rule may read it.

A claim is one printed statement. A rule recomputes it from *other* claims, so it reads the register through a
`Reader`, which remembers what was read and refuses the claim under check: no rule can be an identity.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa

from crewe_lib.checks import check_table
from crewe_lib.datapackage import Kind, find_resource
from crewe_lib.errors import DataError

DOCUMENTS: Mapping[str, str] = {
    "r1": "2017 report",
    "r2": "2020 report",
    "summary": "summary",
    "blog": "Catch22 article",
    "registry": "registry entry",
}
# Topic → (label, the chapter that treats it).
TOPICS: Mapping[str, tuple[str, str]] = {
    "design": ("Design and dates", "09_design"),
    "sample": ("Families and arms", "09_design"),
    "power": ("Power", "09_design"),
    "closure": ("Closing cases", "01_rct"),
    "survival": ("Time to closing", "01_rct"),
    "rereferral": ("Re-referrals", "01_rct"),
    "escalation": ("Escalations", "01_rct"),
    "attendance": ("Attendance", "02_attendance"),
    "sdq": ("Strengths and difficulties", "03_sdq"),
    "risk": ("Risk", "04_risk"),
    "cost": ("Costs and benefits", "05_cost_benefit"),
    "follow_up": ("Long-term follow-up", "06_follow_up"),
    "authorities": ("Local authorities", "07_la_did"),
    "service": ("The service", "08_delivery"),
    "staff": ("Staff and caseloads", "08_delivery"),
    "interviews": ("Interviews", "08_delivery"),
    "context": ("Context", "00_summary"),
    "wording": ("Wording and references", "10_claims"),
}
NOT_RECOMPUTABLE, DEFINITION, EXTERNAL = "not recomputable without the records", "definition", "external"
STATUSES = (NOT_RECOMPUTABLE, DEFINITION, EXTERNAL)
# How the value is printed → the power of ten of its last digit (None: the digits of `value` say).
PRECISIONS: Mapping[str, int | None] = {
    "digits": None,
    "words": None,
    "about": None,
    "over": None,
    "under": None,
    "tens": 1,
    "hundreds": 2,
    "thousands": 3,
    "ten thousands": 4,
    "day": None,
    "month": None,
    "year": None,
    "none": None,
}
UNITS = (
    "families", "children", "pupils", "cases", "people", "interviews", "visits per month", "visits per week",
    "authorities", "pods", "items", "referrals", "score", "ratio", "%", "percentage points", "probability", "p-value",
    "intra-class correlation", "GBP", "GBP per week", "days", "weeks", "months", "years", "hours", "minutes", "terms",
    "date", "direction", "label", "definition", "reference",
)  # fmt: skip
# Counts are exact; anything else may have been rounded before it was printed.
WHOLE = ("families", "children", "pupils", "cases", "people", "interviews", "authorities", "pods", "items", "referrals")


def _text(description: str, *, allowed: tuple[str, ...] = (), blank: bool = False, pattern: str = "") -> pa.Column:
    if allowed:
        values = (*allowed, "") if blank else allowed
        check = pa.Check.isin(values, error=f"must be one of {', '.join(allowed)}{' or blank' if blank else ''}")
    else:
        rule = pattern or (r"" if blank else r"\S")
        check = pa.Check.str_matches(rule, error=f"must match {rule}" if pattern else "must not be blank")
    limits = {"enum": list(allowed)} if allowed else {"pattern": pattern} if pattern else {}
    return pa.Column(str, check, description=description, metadata={"required": not blank, **limits})


CLAIMS = pa.DataFrameSchema(
    {
        "id": _text("Name of the claim; begins with its document", pattern=r"^[a-z0-9]+(\.[a-z0-9_]+)+$"),
        "document": _text("Document that prints it", allowed=tuple(DOCUMENTS)),
        "section": _text("Section, table or appendix of the document"),
        "page": pa.Column(
            "Int64",
            pa.Check.gt(0, error="must be more than 0"),
            nullable=True,
            description="Page printed on the report; blank in documents without pages",
            metadata={"unit": "page", "minimum": 1},
        ),
        "line": _text("Line of the text version it was taken from; blank if derived", blank=True),
        "statement": _text("What is claimed, in our own words"),
        "value": _text(
            "What is printed: a number without unit or commas, a date (YYYY-MM-DD, YYYY-MM), two of them with 'to' "
            "between, 'n.s.' for not significant, or a few words"
        ),
        "unit": _text("Unit of the value", allowed=UNITS),
        "group": _text("Whom it is about", blank=True),
        "denominator": pa.Column(
            "Int64",
            pa.Check.gt(0, error="must be more than 0"),
            nullable=True,
            description="Printed number that a share is of",
            metadata={"minimum": 1},
        ),
        "precision": _text("How exactly it is printed", allowed=tuple(PRECISIONS)),
        "topic": _text("What it is about, which decides the chapter", allowed=tuple(TOPICS)),
        "origin": _text("Whether a document prints it, or it is derived from those", allowed=("printed", "derived")),
        "status": _text("Class of a claim that no rule recomputes", allowed=STATUSES, blank=True),
        "reason": _text("Why no rule recomputes it, or what an external figure is", blank=True),
    },
    checks=[
        pa.Check(
            lambda frame: (frame["status"] == "") | (frame["reason"] != ""),
            name="status/reason",
            error="a status needs its reason",
        )
    ],
    unique=["id"],
    strict=True,
    ordered=True,
    name="claims",
)  # fmt: skip

# Numbers that name something: years, figures, appendices.
LABELS = ("date", "reference", "label")

# Derived claim's id, moved numbers → the claim as it follows, and the ids behind it.
Resolver = Callable[[str, Mapping[str, float]], "tuple[Claim, set[str]]"]
_NUMBER = re.compile(r"[-−]?[0-9]{1,15}(?:\.[0-9]{1,9})?")


@dataclass(frozen=True)
class Claim:
    """One printed statement; the fields are the columns of `CLAIMS`."""

    id: str
    document: str
    section: str
    page: int | None
    line: str
    statement: str
    value: str
    unit: str
    group: str
    denominator: int | None
    precision: str
    topic: str
    origin: str
    status: str
    reason: str

    @property
    def is_number(self) -> bool:
        """Whether the value is one number."""
        return bool(_NUMBER.fullmatch(self.value))

    @property
    def number(self) -> float:
        """The value as a number. Raises DataError if it is not one."""
        if not self.is_number:
            raise DataError(f"claim {self.id}: '{self.value}' is not a number; a rule needs one here.")
        return float(self.value.replace("−", "-"))

    @property
    def ends(self) -> tuple[float, float]:
        """Both numbers of a range such as '18 to 21'. Raises DataError if there are not two."""
        found = [float(part.replace("−", "-")) for part in _NUMBER.findall(self.value)]
        if len(found) != 2:
            raise DataError(f"claim {self.id}: '{self.value}' is not a range such as '18 to 21'.")
        return found[0], found[1]

    @property
    def decimals(self) -> int:
        """Decimals of the last printed digit; −2 if printed in hundreds."""
        power = PRECISIONS[self.precision]
        if power is not None:
            return -power
        return len(self.value.partition(".")[2]) if self.is_number else 0

    @property
    def half_unit(self) -> float:
        """Half a unit of the last printed digit: how far rounding may have moved the value; 0 for exact counts."""
        exact = self.unit in LABELS or (self.unit in WHOLE and self.precision in ("digits", "words"))
        return 0.0 if exact or not self.is_number else 0.5 * 10.0**-self.decimals

    @property
    def days(self) -> tuple[date, date]:
        """First and last day that the value covers: of a day, a month, a year, or a range of these."""
        parts = [part.strip() for part in self.value.split(" to ")]
        try:
            return _first_day(parts[0]), _last_day(parts[-1])
        except ValueError:
            raise DataError(f"claim {self.id}: '{self.value}' is not a date such as 2015-08-01 or 2015-08.") from None

    @property
    def place(self) -> str:
        """Where it stands: '2017 report, p. 12'."""
        page = f", p. {self.page}" if self.page is not None else f", {self.section}"
        return f"{DOCUMENTS[self.document]}{page}"


def _first_day(text: str) -> date:
    year, *rest = (int(part) for part in text.split("-"))
    return date(year, *([*rest, 1, 1])[:2])


def _last_day(text: str) -> date:
    year, *rest = (int(part) for part in text.split("-"))
    if len(rest) == 2:
        return date(year, *rest)
    month = rest[0] if rest else 12
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def read_claims(folder: Path) -> pd.DataFrame:
    """The register: resource 'claims' of the package in `folder`. Raises DataError."""
    return read_claims_file(find_resource(folder, "claims").path)


def read_claims_file(path: Path) -> pd.DataFrame:
    """A register from a CSV file, also a copy that somebody changed. Columns as in `CLAIMS`. Raises DataError."""
    types: dict[Any, Any] = {name: str(column.dtype) for name, column in CLAIMS.columns.items()}
    try:
        frame = pd.read_csv(
            path, dtype=types, keep_default_na=False, na_values={"page": [""], "denominator": [""]}, encoding="utf-8"
        )
    except (OSError, ValueError, TypeError, pd.errors.ParserError) as fault:
        raise DataError(f"{path}: cannot be read as a register of claims ({fault}).") from None
    return check_table(frame, CLAIMS, str(path))


@dataclass
class Reader:
    """The register as a rule sees it.

    What is read is noted in `read` and `kinds`. `checking` is the claim under check, which may not be read.
    `moved` replaces numbers while rounding is explored; `tables` are other data, each with its kind. `resolve` gives a
    derived claim with the value that follows from what is printed, and what that rests on; without it the register's
    own note of that value is taken.
    """

    claims: Mapping[str, Claim]
    tables: Mapping[str, tuple[Kind, pd.DataFrame]] = field(default_factory=dict)
    checking: str = ""
    read: set[str] = field(default_factory=set)
    tables_read: set[str] = field(default_factory=set)
    kinds: set[Kind] = field(default_factory=set)
    moved: Mapping[str, float] = field(default_factory=dict)
    resolve: Resolver | None = None

    def claim(self, id: str) -> Claim:
        """Another claim; noted as read. Raises DataError for the claim under check or an unknown id."""
        if id == self.checking:
            raise DataError(f"the rule of {id} reads {id} itself; a claim cannot check itself.")
        if id not in self.claims:
            raise DataError(f"the register has no claim '{id}', which the rule of {self.checking or 'a lead'} needs.")
        self.read.add(id)
        self.kinds.add("published")
        claim = self.claims[id]
        if claim.origin == "derived":
            self.infer()
            if self.resolve is not None:
                claim, behind = self.resolve(id, self.moved)
                self.read |= behind
        return claim

    def number(self, id: str) -> float:
        """The number printed in another claim."""
        claim = self.claim(id)
        return self.moved.get(id, claim.number)

    def count(self, id: str) -> int:
        """The whole number printed in another claim. Raises DataError for a fraction."""
        value = self.number(id)
        if value != int(value):
            raise DataError(f"claim {id}: {value:g} is not a whole number; the rule of {self.checking} needs a count.")
        return int(value)

    def share(self, id: str) -> float:
        """A printed percentage as a share of one."""
        return self.number(id) / 100

    def day(self, id: str, *, end: bool = False) -> date:
        """The first (or last) day that a printed date covers."""
        return self.claim(id).days[1 if end else 0]

    def text(self, id: str) -> str:
        """The words printed in another claim."""
        return self.claim(id).value

    def table(self, name: str) -> pd.DataFrame:
        """Another table of the repository, such as the official panel; its kind is noted. Raises DataError."""
        if name not in self.tables:
            raise DataError(f"the rule of {self.checking} needs the table '{name}', which was not given.")
        kind, frame = self.tables[name]
        self.tables_read.add(name)
        self.kinds.add(kind)
        return frame

    def starting(self, prefix: str) -> list[str]:
        """Ids that begin so, in the register's order. Listing is not reading."""
        return [id for id in self.claims if id.startswith(prefix) and id != self.checking]

    def infer(self) -> None:
        """State that what is computed is an inference, not arithmetic on what is printed."""
        self.kinds.add("inferred")


def to_claims(frame: pd.DataFrame) -> dict[str, Claim]:
    """The register's rows as claims, by id."""
    rows: list[dict[str, Any]]
    rows = [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]
    return {str(row["id"]): Claim(**row) for row in rows}


def read_register(frame: pd.DataFrame) -> Reader:
    """A reader over a whole register, for questions; derived claims follow from what is printed."""
    from crewe_lib.claims import make_resolver  # the rules import this module

    claims = to_claims(frame)
    return Reader(claims, resolve=make_resolver(claims, {}))
