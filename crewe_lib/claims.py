"""The ledger: every published claim with its class, and the computation or the reason behind it."""

from __future__ import annotations

import difflib
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from crewe_lib.claim_classes import AGREES, CLASSES, Judgement, Recomputed, judge
from crewe_lib.claim_register import EXTERNAL, Claim, Reader, to_claims
from crewe_lib.claim_rules import RULES, Rule
from crewe_lib.claim_rules.registry import RuleFunction
from crewe_lib.claim_writing import round_recomputed, write_printed, write_recomputed
from crewe_lib.datapackage import Kind
from crewe_lib.errors import CreweError, DataError
from crewe_lib.provenance import infers, traced

Tables = Mapping[str, tuple[Kind, pd.DataFrame]]
# Beyond so many rounded inputs the corners of their rounding are not all tried.
MOST_CORNERS = 6
MOST_FAULTS = 10


@dataclass(frozen=True)
class Entry:
    """One row of the ledger.

    cls: one of `CLASSES`; printed: the value as printed, with its unit; recomputed: a number (to ten digits), words or
    None; how: the computation, or the reason that there is none; note: why it differs, or what the check cannot tell;
    method: the kind of rule, blank without one; read: ids of the claims that the class rests on; tables: names of
    other data; kinds: kinds of data.
    """

    claim: Claim
    cls: str
    printed: str
    recomputed: float | str | None
    how: str
    note: str
    method: str
    read: frozenset[str]
    tables: frozenset[str]
    kinds: tuple[Kind, ...]


def check_claim(claims: Mapping[str, Claim], id: str, tables: Tables) -> Entry:
    """One claim's entry. Raises DataError if it has neither rule nor reason, or its rule cannot be carried out."""
    claim, rule = claims[id], RULES.get(id)
    if rule is None:
        if not claim.status:
            raise DataError(f"claim {id} has no rule, and the register gives no reason (columns status and reason).")
        return Entry(
            claim,
            claim.status,
            write_printed(claim),
            None,
            claim.reason,
            "",
            "",
            frozenset(),
            frozenset(),
            ("published",),
        )
    found, judged, reader = _apply(claims, tables, rule, rule.function)
    if rule.implied is not None and judged.cls != "exact":
        second = _apply(claims, tables, rule, rule.implied, infers=True)
        if second[1].cls == "exact" or judged.cls not in AGREES:
            found, judged, reader = second
    kinds: set[Kind] = {"published", *reader.kinds} | ({"inferred"} if claim.origin == "derived" else set())
    how = found.uninformative or (found.repeats if judged.recomputed is None else "") or found.how
    return Entry(
        claim,
        judged.cls,
        write_printed(claim),
        round_recomputed(judged.recomputed),
        how,
        found.note,
        rule.method,
        frozenset(reader.read),
        frozenset(reader.tables_read),
        tuple(sorted(kinds)),
    )


def _apply(
    claims: Mapping[str, Claim], tables: Tables, rule: Rule, function: RuleFunction, *, infers: bool = False
) -> tuple[Recomputed, Judgement, Reader]:
    """What one form of a rule finds, the class that follows, and what was read for it."""
    claim, reader = claims[rule.claim], Reader(claims, tables, checking=rule.claim)
    if infers:
        reader.infer()
    try:
        found = function(reader)
        judged = judge(claim, found)
        if judged.cls != "exact":
            judged = judge(claim, found, _reach(claims, tables, rule.claim, function, reader.read))
    except ZeroDivisionError:
        raise DataError(
            f"claim {claim.id}: its rule divides by zero; one of {', '.join(sorted(reader.read))} is 0."
        ) from None
    return found, judged, reader


def _reach(
    claims: Mapping[str, Claim], tables: Tables, id: str, function: RuleFunction, read: set[str]
) -> tuple[float, float] | None:
    """Least and largest result as the rounded numbers that a rule read vary within half a unit; None if none does."""
    rounded = [claims[id] for id in sorted(read) if claims[id].half_unit > 0]
    if not rounded or len(rounded) > MOST_CORNERS:
        return None
    results = []
    for signs in itertools.product((-1, 1), repeat=len(rounded)):
        moved = {c.id: c.number + sign * c.half_unit for c, sign in zip(rounded, signs, strict=True)}
        found = function(Reader(claims, tables, checking=id, moved=moved))
        if found.value is None:
            return None
        results.append(found.value)
    return min(results), max(results)


def check_register(claims: Mapping[str, Claim], tables: Tables) -> dict[str, Entry]:
    """Every claim's entry, by id. Raises one DataError that names all claims whose rule cannot be carried out."""
    faults, entries = [], {}
    if unknown := [id for id in RULES if id not in claims]:
        faults.append(f"the register lacks {', '.join(unknown)}, which have rules.")
    for id in claims:
        try:
            entries[id] = check_claim(claims, id, tables)
        except DataError as fault:
            faults.append(str(fault))
    if faults:
        rest = len(faults) - MOST_FAULTS
        raise DataError("\n".join([*faults[:MOST_FAULTS], *([f"and {rest} more"] if rest > 0 else [])]))
    return entries


def choose_entries(entries: Mapping[str, Entry], *, classes: Sequence[str], ids: Sequence[str]) -> list[Entry]:
    """The entries of these classes and ids; all if none is named. Raises CreweError for an unknown class or id."""
    if wrong := [name for name in classes if name not in CLASSES]:
        raise CreweError(f"no class is named '{wrong[0]}'; there are: {', '.join(CLASSES)}.")
    if wrong := [name for name in ids if name not in entries]:
        near = difflib.get_close_matches(wrong[0], entries, n=3)
        raise CreweError(f"no claim has the id '{wrong[0]}'{'; perhaps ' + ' or '.join(near) if near else ''}.")
    return [entry for id, entry in entries.items() if (not classes or entry.cls in classes) and (not ids or id in ids)]


def as_json(entry: Entry) -> dict[str, Any]:
    """An entry as `crewe claims --json` prints it."""
    return {
        "id": entry.claim.id,
        "class": entry.cls,
        "printed": entry.printed,
        "recomputed": entry.recomputed,
        "how": entry.how,
        "kinds_of_data": list(entry.kinds),
        "note": entry.note,
        "statement": entry.claim.statement,
        "place": entry.claim.place,
        "rests_on": sorted(entry.read),
    }


def write_ledger(entries: Sequence[Entry]) -> str:
    """Entries as a table for a terminal, and how many there are of each class."""
    rows = [(e.claim.id, e.cls, e.printed, write_recomputed(e.claim, e.recomputed) or "–", e.how) for e in entries]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(4)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]) for row in rows
    ]
    counts = Counter(entry.cls for entry in entries)
    lines += ["", *(f"{counts[name]:4d}  {name}: {meaning}" for name, meaning in CLASSES.items() if counts[name])]
    return "\n".join([*lines, f"{len(entries):4d}  claims"])


@traced
@infers
def evaluate_claims(register: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """The whole ledger: one row per claim, in the register's order.

    Columns: id, document, section, page, place, statement, printed, cls, recomputed (text), how, note, method, topic,
    origin, kinds_of_data, together (the claim and those that its class rests on). Raises DataError.
    """
    return tabulate_entries(check_register(to_claims(register), tables).values())


def tabulate_entries(entries: Iterable[Entry]) -> pd.DataFrame:
    """Entries as rows; columns as in `evaluate_claims`."""
    return pd.DataFrame([_as_row(entry) for entry in entries])


def _as_row(entry: Entry) -> dict[str, Any]:
    claim = entry.claim
    return {
        "id": claim.id,
        "document": claim.document,
        "section": claim.section,
        "page": claim.page,
        "place": claim.place,
        "statement": claim.statement,
        "printed": entry.printed,
        "cls": entry.cls,
        "recomputed": write_recomputed(claim, entry.recomputed),
        "how": entry.how,
        "note": entry.note,
        "method": entry.method,
        "topic": claim.topic,
        "origin": claim.origin,
        "kinds_of_data": "; ".join(entry.kinds),
        "together": " ".join(sorted({claim.id, *entry.read})),
    }


@traced
def summarise_classes(ledger: pd.DataFrame) -> pd.DataFrame:
    """How many claims of each class, in the order of `CLASSES`.

    Columns: cls, meaning, claims (printed), by_rule (of these, how many a rule recomputes), derived (rows that no
    document prints, apart).
    """
    printed = ledger[ledger["origin"] == "printed"]
    counts, ruled = printed["cls"].value_counts(), printed.loc[printed["recomputed"] != "", "cls"].value_counts()
    derived = ledger.loc[ledger["origin"] == "derived", "cls"].value_counts()
    rows = [
        (name, meaning, *(int(found.get(name, 0)) for found in (counts, ruled, derived)))
        for name, meaning in CLASSES.items()
    ]
    return pd.DataFrame(rows, columns=["cls", "meaning", "claims", "by_rule", "derived"])


@traced
def summarise_totals(ledger: pd.DataFrame) -> dict[str, int]:
    """How many printed claims there are, how many a rule recomputes, and how those come out.

    claims; computed: with a rule that could fail; follow, differ: of those, exact or but for rounding (or external and
    borne out), and not; exact, supports: exact ones, and the different sets of numbers on which they rest (a total and
    its parts are one set); external, external_checked: figures of other sources, and those of them we hold data for;
    derived: rows that no document prints, which the other counts leave out.
    """
    printed = ledger[ledger["origin"] == "printed"]
    computed = (printed["method"] != "") & (printed["recomputed"] != "")
    differ = printed["cls"].isin(("minor", "major", "decision"))
    external, exact = printed["cls"] == EXTERNAL, printed["cls"] == "exact"
    return {
        "claims": len(printed),
        "computed": int(computed.sum()),
        "follow": int((computed & ~differ).sum()),
        "differ": int(differ.sum()),
        "exact": int(exact.sum()),
        "supports": int(printed.loc[exact, "together"].nunique()),
        "external": int(external.sum()),
        "external_checked": int((external & computed).sum()),
        "derived": len(ledger) - len(printed),
    }
