"""What a reader may choose in the local-authority chapter: outcomes, comparators, authorities; and what is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

import pandas as pd

from crewe_lib.errors import CreweError
from crewe_lib.la_did import ENGLAND, OUTCOMES
from crewe_lib.la_specifications import TESTED
from crewe_lib.provenance import traced


@traced
def parse_outcomes(text: str) -> tuple[str, ...]:
    """'closures,escalations' as names of outcomes, in the order given. CreweError for an unknown or double one."""
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    allowed = f"name one or more of {', '.join(TESTED)}, with commas between"
    if not names:
        raise CreweError(f"outcomes is empty; {allowed}.")
    for name in names:
        if name not in TESTED:
            raise CreweError(f"outcomes: {name!r} is not known; {allowed}.")
    if len(set(names)) < len(names):
        raise CreweError(f"outcomes is {text!r}; each may be named once.")
    return names


@traced
def parse_comparators(text: str, outcomes: Sequence[str], *, panel: pd.DataFrame, treated: str) -> dict[str, str]:
    """'closures=E09000010,rereferrals=E06000050' as a comparator for each outcome; one not named has the report's.

    Raises CreweError for a part that cannot be read, an outcome not among `outcomes`, an authority that the panel does
    not hold, England, and a comparator that is the treated authority.
    """
    check_authority(treated, panel, "treated")
    chosen: dict[str, str] = {}
    for part in (one.strip() for one in text.split(",") if one.strip()):
        outcome, equals, code = (piece.strip() for piece in part.partition("="))
        if not equals or not code:
            raise CreweError(f"comparators: {part!r} cannot be read; write outcome=code, such as closures=E09000010.")
        if outcome not in outcomes:
            raise CreweError(
                f"comparators: {outcome!r} is not an outcome here; it must be one of {', '.join(outcomes)}."
            )
        if outcome in chosen:
            raise CreweError(f"comparators: {outcome} is given twice; name one authority for it.")
        chosen[outcome] = code
    result = {outcome: chosen.get(outcome, OUTCOMES[outcome].comparator) for outcome in outcomes}
    for outcome, code in result.items():
        check_authority(code, panel, f"the comparator for {outcome}")
        if code == treated:
            given = "" if outcome in chosen else f"{_name(panel, code)} is the report's own comparator; "
            raise CreweError(
                f"{outcome}: {given}{code} cannot be its own comparator; name another, such as {outcome}="
                f"{_another(panel, treated)}."
            )
    return result


def check_authority(code: str, panel: pd.DataFrame, role: str) -> None:
    """Raise CreweError unless the panel holds this authority; England is none. Near codes and names are listed."""
    if code == ENGLAND:
        raise CreweError(f"{role} is {ENGLAND}: England holds the authorities themselves; name one of them.")
    names = panel.drop_duplicates("authority").set_index("authority")["name"].drop(ENGLAND, errors="ignore")
    if code in names.index:
        return
    by_name = {str(name).lower(): str(key) for key, name in names.items()}
    like = [by_name[near] for near in get_close_matches(code.lower(), by_name, n=3)]
    like += [key for name, key in by_name.items() if code.lower() in name and key not in like][:3]
    like += [key for key in get_close_matches(code, list(names.index), n=3, cutoff=0.7) if key not in like]
    near = ", ".join(f"{key} ({names.loc[key]})" for key in like[:5]) or "none"
    raise CreweError(f"{role} is {code!r}, and the panel holds no such code; near it: {near}.")


def _name(panel: pd.DataFrame, code: str) -> str:
    return str(panel.loc[panel["authority"] == code, "name"].iloc[0])


def _another(panel: pd.DataFrame, treated: str) -> str:
    """A code to show as an example: another authority of the same region."""
    region = panel.loc[panel["authority"] == treated, "region"].iloc[0]
    others = panel.loc[(panel["region"] == region) & (panel["authority"] != treated), "authority"]
    return str(others.iloc[0] if len(others) else panel.loc[~panel["authority"].isin([treated, ENGLAND])].iloc[0, 0])
