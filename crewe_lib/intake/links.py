"""Rules across columns, rows and tables of records: what they are, and the finders that several share.

A rule reports only what is wrong by itself: a cell that its own column refused takes no part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from crewe_lib.contract import Table
from crewe_lib.intake.faults import Fault, count, make_fault, mask
from crewe_lib.intake.mapping import Plan

NONE = pd.Series(dtype=object)


@dataclass(frozen=True)
class Context:
    """What rules see: typed tables with the file's row numbers as their index (refused cells missing), the tables
    whose every row could be read, every id that is written in a key column, and factor → levels of the framework."""

    tables: Mapping[str, pd.DataFrame]
    whole: Collection[str]
    ids: Mapping[str, pd.Index]
    factors: Mapping[str, Collection[int]]


@dataclass(frozen=True)
class LinkRule:
    """One rule. `rule` and `mend` name columns as {column}, {table.column} or {table.csv}, so that they can be said in
    the researcher's own names. needs: other tables that must be there, with all their rows."""

    table: str
    column: str
    rule: str
    mend: str
    find: Callable[[Context], pd.Series]  # row of the file → what was found there, for the rows at fault
    needs: tuple[str, ...] = ()


def find_faults(rules: Iterable[LinkRule], context: Context, plan: Plan) -> Iterator[Fault]:
    """The faults of every rule whose tables are there, in the order of the rules."""
    for rule in rules:
        if rule.table in context.tables and all(name in context.whole for name in rule.needs):
            found = rule.find(context).sort_index()
            if len(found):
                names = rule.column.split(", ")
                yield make_fault(
                    plan[rule.table].file,
                    say(rule.rule, rule.table, plan),
                    say(rule.mend, rule.table, plan),
                    column=", ".join(plan[rule.table].columns[name] for name in names),
                    rows=found.index,
                    found=[word for word in found if word],
                )


def say(words: str, table: str, plan: Plan) -> str:
    """Words of a rule in the researcher's names."""

    def name(match: re.Match[str]) -> str:
        where, _, column = match[1].rpartition(".")
        return plan[where].file if column == "csv" else plan[where or table].columns[column]

    return re.sub(r"\{([\w.]+)\}", name, words)


def key_rule(table: Table, less: Callable[[Context], pd.Series] | None = None) -> LinkRule:
    """The rule that a table's key is there once; `less` finds rows of which another rule speaks."""
    names = ", ".join(f"{{{name}}}" for name in table.key)
    rule = f"each {names} must be there once" if len(table.key) == 1 else f"no two rows may share {names}"

    def find(context: Context) -> pd.Series:
        again = repeats(context.tables[table.name], list(table.key))
        return again if less is None else again.drop(less(context).index, errors="ignore")

    return LinkRule(table.name, ", ".join(table.key), rule, "keep one of the rows, or correct the id", find)


def reference_rule(table: Table, name: str) -> LinkRule:
    """The rule that what a column refers to is there."""
    other, field = table.refers[name]

    def find(context: Context) -> pd.Series:
        written = context.tables[table.name][name].dropna()
        lost = written[~written.isin(context.ids[other])]
        return lost.map(mask)

    rule = f"each {{{name}}} must be in {{{other}.csv}}, column {{{other}.{field}}}"
    mend = f"add it to {{{other}.csv}}, or correct it here"
    return LinkRule(table.name, name, rule, mend, find, needs=(other,))


def repeats(frame: pd.DataFrame, key: list[str]) -> pd.Series:
    """Rows whose key is that of an earlier row: 'as in row 2'."""
    known = frame[key].dropna()
    again = known.duplicated()
    if not again.any():
        return NONE
    first = known[~again].assign(first=known.index[~again])
    joined = known[again].merge(first, on=key, how="left")
    return pd.Series([f"as in row {row}" for row in joined["first"]], index=known.index[again])


def earlier(early: pd.Series, late: pd.Series) -> pd.Series:
    """Rows where the day that must come later comes earlier: '3 days before'."""
    days = (early - late).dt.days
    wrong = days[days > 0].astype("int64")
    return wrong.map(lambda number: f"{count(number, 'day')} before")


def rows_at(wrong: pd.Series, found: str) -> pd.Series:
    return pd.Series(found, index=wrong.index[wrong.fillna(False).astype(bool)], dtype=object)


def overlaps(frame: pd.DataFrame, by: list[str], start: str, end: str, unknown: pd.Series, lasting: str) -> pd.Series:
    """Rows that begin before an earlier one of the same kind has ended; a new one on the last day is none."""
    never = pd.Timestamp("2262-01-01").as_unit("s")
    ends = frame[end].fillna(never).mask(unknown, pd.Timestamp("1700-01-01").as_unit("s"))
    data = frame[[*by, start]].assign(end=ends).dropna().sort_values([*by, start, "end"], kind="stable")
    groups = data.groupby(by, sort=False)
    before = groups["end"].cummax().groupby([data[name] for name in by], sort=False).shift()
    wrong = data[start] < before
    days = (before - data[start])[wrong].dt.days
    open_ended = before[wrong] == never
    words = [lasting if so else f"{count(int(n), 'day')} too early" for n, so in zip(days, open_ended, strict=True)]
    return pd.Series(words, index=data.index[wrong], dtype=object)


def before_birth(table: str, column: str, months: int) -> Callable[[Context], pd.Series]:
    def find(context: Context) -> pd.Series:
        children, frame = context.tables["children"].dropna(subset=["child_id"]), context.tables[table]
        born = frame["child_id"].map(children.drop_duplicates("child_id").set_index("child_id")["born_in"])
        gap = (born.dt.year - frame[column].dt.year) * 12 + born.dt.month - frame[column].dt.month
        wrong = gap[gap > months].astype("int64")
        words: pd.Series = wrong.map(lambda number: f"{count(number, 'month')} before birth")
        return words

    return find
