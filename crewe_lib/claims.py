"""The ledger: every published claim with its class, and the computation or the reason behind it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from crewe_lib.claim_classes import AGREES, Judgement, Recomputed, judge
from crewe_lib.claim_register import Claim, Reader, Resolver, to_claims
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
    resolve = make_resolver(claims, tables, frozenset({rule.claim}))
    claim, reader = claims[rule.claim], Reader(claims, tables, checking=rule.claim, resolve=resolve)
    if infers:
        reader.infer()
    try:
        found = function(reader)
        judged = judge(claim, found)
        if judged.cls != "exact":
            judged = judge(claim, found, _reach(claims, tables, rule.claim, function, reader.read))
    except (ArithmeticError, ValueError, CreweError) as fault:
        if isinstance(fault, DataError) and claim.id in str(fault):
            raise
        said = f" ({fault})" if isinstance(fault, CreweError) else ""
        raise DataError(
            f"claim {claim.id} cannot be computed from {', '.join(sorted(reader.read))}{said}; is one out of range?"
        ) from None
    return found, judged, reader


def make_resolver(claims: Mapping[str, Claim], tables: Tables, above: frozenset[str] = frozenset()) -> Resolver:
    """For a `Reader`: derived claims as they follow from what is printed, so that a changed figure reaches all that
    rests on it. `above` are claims whose rules are being carried out; their own notes are taken, to end the chain."""

    def resolve(id: str, moved: Mapping[str, float]) -> tuple[Claim, set[str]]:
        claim, rule = claims[id], RULES.get(id)
        if rule is None or id in above:
            return claim, set()
        reader = Reader(claims, tables, checking=id, moved=moved, resolve=make_resolver(claims, tables, above | {id}))
        value = judge(claim, rule.function(reader)).recomputed
        if isinstance(value, float | int):
            value = f"{value:.{max(claim.decimals, 0)}f}"
        return replace(claim, value=value or claim.value), reader.read

    return resolve


def _reach(
    claims: Mapping[str, Claim], tables: Tables, id: str, function: RuleFunction, read: set[str]
) -> tuple[float, float] | None:
    """Least and largest result as the rounded numbers that a rule read vary within half a unit; None if none does."""
    rounded = [claims[id] for id in sorted(read) if claims[id].half_unit > 0 and claims[id].origin == "printed"]
    if not rounded or len(rounded) > MOST_CORNERS:
        return None
    results = []
    for signs in itertools.product((-1, 1), repeat=len(rounded)):
        moved = {c.id: c.number + sign * c.half_unit for c, sign in zip(rounded, signs, strict=True)}
        resolve = make_resolver(claims, tables, frozenset({id}))
        found = function(Reader(claims, tables, checking=id, moved=moved, resolve=resolve))
        if found.value is None:
            return None
        results.append(found.value)
    return min(results), max(results)


def check_register(claims: Mapping[str, Claim], tables: Tables, *, faults: list[str] | None = None) -> dict[str, Entry]:
    """Every claim's entry, by id.

    Claims whose rule cannot be carried out are named in one DataError; if a list of `faults` is given they are added to
    it instead, and the other entries returned.
    """
    found: list[str] = []
    entries = {}
    if unknown := [id for id in RULES if id not in claims]:
        found.append(f"the register lacks {', '.join(unknown)}, for which there are rules.")
    for id in claims:
        try:
            entries[id] = check_claim(claims, id, tables)
        except DataError as fault:
            found.append(str(fault))
    if faults is not None:
        faults += dict.fromkeys(found)
    elif found:
        raise DataError(shorten(list(dict.fromkeys(found))))
    return entries


def shorten(lines: Sequence[str]) -> str:
    """The first lines, and how many more there are."""
    rest = len(lines) - MOST_FAULTS
    return "\n".join([*lines[:MOST_FAULTS], *([f"and {rest} more"] if rest > 0 else [])])


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
