"""The register of claims: its form, and (with the reports' texts at hand) that each printed value stands where it says.

The texts are not part of the repository. Set CREWE_SEEDS to a folder with the files named in `TEXTS` and run
`pytest -m official tests/test_claims_register.py`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from crewe_lib.claim_register import CLAIMS, WHOLE, Claim, read_claims_file, to_claims
from crewe_lib.errors import DataError

REGISTER = Path(__file__).parents[1] / "data" / "published" / "claims.csv"
TEXTS = {
    "r1": "report_2017_project_crewe.txt",
    "r2": "report_2020_fact22_longitudinal.txt",
    "summary": "summary_evaluation.txt",
    "blog": "catch22_article_2017.txt",
    "registry": "evaluation_registry_entry.txt",
}
NUMBER = r"-?\d+(?:\.\d+)?"
WORDS_ONLY = ("direction", "label", "definition")
# So many words in a row that also stand in the document are copied; fewer may be names and terms.
COPIED = 9
# Claims whose value counts what is listed; the number itself is not printed: id → what is counted on those lines.
COUNTED = {"r1.need.categories": r"(?m)^N\d - ", "r1.qual.withdrawn": r"Withdrew"}
# Numbers printed in other words than their own.
SAID = {
    "66.7": ("two-thirds",),
    "33.3": ("one-third", "one- third"),
    "12 months": ("year",),
    "1 years": ("a year",),
    "1 probability": ("all",),
    "2 families": ("both",),
    "30 minutes": ("half an hour", "half-hour"),
    "0 percentage points": ("steady",),
}
ONES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip


@pytest.fixture(scope="module")
def register() -> pd.DataFrame:
    """The register as published."""
    return read_claims_file(REGISTER)


@pytest.fixture(scope="module")
def claims(register: pd.DataFrame) -> dict[str, Claim]:
    """The same, by id."""
    return to_claims(register)


@pytest.fixture(scope="module")
def texts() -> dict[str, list[str]]:
    """The lines of each document."""
    folder = Path(os.environ["CREWE_SEEDS"])
    return {document: (folder / name).read_text(encoding="utf-8").split("\n") for document, name in TEXTS.items()}


# ---------------------------------------------------------------------------------------------------- form


def test_ids_are_unique_and_begin_with_their_document(register: pd.DataFrame) -> None:
    assert register["id"].is_unique
    starts = {"summary": "sum", "registry": "reg"}
    named = {
        id: starts.get(document, document) for id, document in zip(register["id"], register["document"], strict=True)
    }
    assert [id for id, start in named.items() if not id.startswith(f"{start}.")] == []


def test_statements_are_short_phrases(register: pd.DataFrame) -> None:
    faults = {
        row.id: row.statement
        for row in register.itertuples()
        if len(str(row.statement)) >= 160
        or not re.match(r"[A-Z0-9]", str(row.statement))
        or re.search(r"[“”\"!]|\.$", str(row.statement))
    }
    assert faults == {}


def test_values_fit_their_unit(claims: Mapping[str, Claim]) -> None:
    assert {id: claim.value for id, claim in claims.items() if not _fits(claim)} == {}


def _fits(claim: Claim) -> bool:
    value, unit = claim.value, claim.unit
    if unit == "date":
        return all(re.fullmatch(r"\d{4}(-[01]\d(-[0-3]\d)?)?", part) for part in _dates(value)) and (
            _dates(value) == sorted(_dates(value))
        )
    if unit == "p-value":
        return value in ("n.s.", "significant") or (claim.is_number and 0 <= claim.number <= 1)
    if unit in WORDS_ONLY:
        return not claim.is_number and claim.precision == "none"
    if unit == "reference":
        return bool(value)
    if unit == "ratio" and re.fullmatch(r"\d+:\d+", value):
        return True
    if re.fullmatch(f"{NUMBER} to {NUMBER}", value):
        return claim.ends[0] < claim.ends[1]
    if not claim.is_number:
        return claim.precision == "none" or (claim.precision == "words" and value in ONES)
    if claim.precision in ("none", "month", "year"):
        return False
    return claim.number == int(claim.number) or unit not in WHOLE


def test_printed_claims_have_a_line_and_derived_ones_none(claims: Mapping[str, Claim]) -> None:
    wrong = [id for id, claim in claims.items() if (claim.origin == "printed") != bool(claim.line)]
    assert wrong == []


def test_lines_are_written_alike(claims: Mapping[str, Claim]) -> None:
    pattern = re.compile(r"\d+(-\d+)?(; \d+(-\d+)?)*")
    assert {id: claim.line for id, claim in claims.items() if claim.line and not pattern.fullmatch(claim.line)} == {}


def test_pages_rise_with_lines(claims: Mapping[str, Claim]) -> None:
    """In the 2017 report a claim further down stands on the same page or a later one.

    Its pages were counted from the few numbers that survive in the text; the other documents name the page of the main
    place, which need not be the first.
    """
    placed = sorted(
        (_spans(claim)[0][0], claim.page, claim.id)
        for claim in claims.values()
        if claim.document == "r1" and claim.line and claim.page is not None
    )
    assert len(placed) > 200
    assert [pair for pair in pairwise(placed) if pair[0][1] > pair[1][1]] == []


def test_reasons_are_particular(register: pd.DataFrame) -> None:
    """No reason serves for more than one family of claims, such as the marks of one table."""
    families: dict[str, set[str]] = {}
    for row in register[register["reason"] != ""].itertuples():
        families.setdefault(str(row.reason), set()).add(".".join(str(row.id).split(".")[:-1][:2]))
    assert {reason: sorted(found) for reason, found in families.items() if len(found) > 2} == {}


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [
        ("unit", "furlongs", "unit"),
        ("topic", "weather", "topic"),
        ("statement", " ", "statement"),
        ("status", "external", "reason"),
        ("precision", "roughly", "precision"),
        ("page", "0", "page"),
    ],
)
def test_a_wrong_cell_is_named(tmp_path: Path, column: str, value: str, named: str) -> None:
    frame = pd.read_csv(REGISTER, dtype=str, keep_default_na=False)
    at = frame.index[frame["id"] == "r1.cost.earn_pc"][0]
    frame.loc[at, column] = value
    frame.to_csv(tmp_path / "claims.csv", index=False)
    with pytest.raises(DataError, match=named):
        read_claims_file(tmp_path / "claims.csv")


def test_a_repeated_id_is_refused(tmp_path: Path) -> None:
    frame = pd.read_csv(REGISTER, dtype=str, keep_default_na=False)
    pd.concat([frame, frame.head(1)]).to_csv(tmp_path / "claims.csv", index=False)
    with pytest.raises(DataError, match="id"):
        read_claims_file(tmp_path / "claims.csv")
    assert CLAIMS.unique == ["id"]


# ------------------------------------------------------------------------------- what the checks below can see


@pytest.mark.parametrize(
    ("value", "unit", "text", "stands"),
    [
        ("80000", "GBP", "estimated to be £80,000 in", True),
        ("8000", "GBP", "estimated to be £80,000 in", False),
        ("8", "people", "Eight out of the 9", True),
        ("39", "interviews", "Thirty-nine interviews", True),
        ("30", "interviews", "Thirty-nine interviews", False),
        ("-6 to 2", "score", "between -6 and 2", True),
        ("-6 to 3", "score", "between -6 and 2", False),
        ("6.7", "%", "6.7 per cent", True),
        ("7", "%", "6.7 per cent", False),
        ("64", "%", "(64%for CEC", True),
        ("2016-11-01", "date", "1st November 2016", True),
        ("2016-11-02", "date", "1st November 2016", False),
        ("2015-09 to 2016-04", "date", "09/15 - 04/16", True),
        ("2016-03", "date", "November 2015", False),
    ],
)
def test_the_search_finds_numbers_and_dates(value: str, unit: str, text: str, stands: bool) -> None:
    parts = value.split(" to ")
    if unit == "date":
        found = all(_has_date(part, text.lower()) for part in parts)
    else:
        found = {float(part) for part in parts} <= _numbers(text)
    assert found is stands


# -------------------------------------------------------------------------------------------- against the texts

needs_texts = pytest.mark.skipif("CREWE_SEEDS" not in os.environ, reason="set CREWE_SEEDS to the reports' texts")


@pytest.mark.official
@needs_texts
@pytest.mark.parametrize("document", TEXTS)
def test_each_value_stands_on_its_lines(
    document: str, claims: Mapping[str, Claim], texts: Mapping[str, list[str]]
) -> None:
    """On every place that a claim names, not only the first; the ends of a range may stand on different ones."""
    faults = []
    for claim in claims.values():
        if claim.document != document or not claim.line:
            continue
        places = ["\n".join(texts[document][first - 1 : last]) for first, last in _spans(claim)]
        if re.search(" to | and ", claim.value) or claim.unit == "date":
            places = ["\n".join(places)] if all(place.strip() for place in places) else places
        faults += [
            f"{claim.id}: {claim.value} {claim.unit} not on {claim.line}: {place[:200]}"
            for place in places
            if not place.strip() or not _stands(claim, place)
        ]
    assert not faults, "\n".join(faults)


@pytest.mark.official
@needs_texts
def test_statements_are_in_our_own_words(claims: Mapping[str, Claim], texts: Mapping[str, list[str]]) -> None:
    faults = []
    for claim in claims.values():
        source = " " + " ".join(_plain("\n".join(texts[claim.document]))) + " "
        words = _plain(claim.statement)
        for at in range(len(words) - COPIED + 1):
            run = " ".join(words[at : at + COPIED])
            if f" {run} " in source:
                faults.append(f"{claim.id}: {run}")
                break
    assert not faults, "\n".join(faults)


def _dates(value: str) -> list[str]:
    """The dates of a range ('… to …') or of a few single ones ('… and …')."""
    return re.split(" to | and ", value)


def _spans(claim: Claim) -> list[tuple[int, int]]:
    """'445-446; 458' as [(445, 446), (458, 458)]."""
    spans = []
    for part in claim.line.split(";"):
        first, _, last = part.strip().partition("-")
        spans.append((int(first), int(last or first)))
    return spans


def _stands(claim: Claim, text: str) -> bool:
    """Whether the value stands in the text. Words of our own (directions, labels) cannot be looked for."""
    low = re.sub(r"\s+", " ", text.lower())
    if claim.id in COUNTED:
        return len(re.findall(COUNTED[claim.id], text)) == claim.number
    if claim.unit == "date" and _fits(claim):
        return all(_has_date(part, low) for part in _dates(claim.value))
    if re.fullmatch(r"\d+:\d+", claim.value):
        return claim.value in text
    if claim.is_number and (said := SAID.get(f"{claim.value} {claim.unit}", SAID.get(claim.value, ()))):
        return any(word in low for word in said) or claim.number in _numbers(text)
    if claim.is_number or re.fullmatch(f"{NUMBER} to {NUMBER}", claim.value):
        values = claim.ends if " to " in claim.value else (claim.number,)
        return {float(value) for value in values} <= _numbers(text)
    return True


def _numbers(text: str) -> set[float]:
    """Every number in a text: digits with commas, signs and decimals, and number words up to ninety-nine."""
    clean = re.sub(r"(?<=\d),(?=\d{3})", "", text.replace("−", "-").replace("–", "-").lower())
    found = {float(number) for number in re.findall(r"\d+(?:\.\d+)?", clean)}
    found |= {-float(number) for number in re.findall(r"(?<!\d)-(\d+(?:\.\d+)?)", clean)}
    tens, ones = "|".join(TENS), "|".join(ONES[1:10])
    compound = re.compile(rf"\b(?:({tens})(?:-({ones}))?|({'|'.join(ONES)}))\b")
    for ten, one, alone in compound.findall(clean):
        found.add(float(ONES.index(alone) if alone else TENS[ten] + (ONES.index(one) if one else 0)))
    return found | {float(times) for times, word in ((1, "once"), (2, "twice")) if re.search(rf"\b{word}\b", clean)}


def _has_date(value: str, low: str) -> bool:
    """Whether the parts of '2016-11-01', '2016-11' or '2016' stand in a text in lower case."""
    year, *rest = value.split("-")
    short = rf"(?<![\d/]){rest[0]}/{year[2:]}\b" if rest else rf"\b\d{{4}}[/-]{year[2:]}\b"
    if re.search(short, low):
        return len(rest) < 2
    if not re.search(rf"\b{year}\b", low):
        return False
    if not rest:
        return True
    name = MONTHS[int(rest[0]) - 1]
    if not re.search(rf"\b({name}|{name[:3]})\b", low):
        return False
    return len(rest) < 2 or bool(re.search(rf"\b{int(rest[1])}(st|nd|rd|th)?\b", low))


def _plain(text: str) -> list[str]:
    return re.findall(r"[a-z0-9.]+", text.lower().replace("’", ""))
