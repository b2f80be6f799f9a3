"""Scores and bands of the questionnaire, by hand from the makers' published rules (no routine of theirs could be run).

Rules: 'Scoring the Strengths & Difficulties Questionnaire for age 4-17', 19 August 2014. Items are known by number.
"""

import ast
import re
from itertools import product
from pathlib import Path

import pandas as pd
import pytest

from crewe_lib import sdq_bands
from crewe_lib.contract import TABLES
from crewe_lib.errors import CreweError, DataError
from crewe_lib.load import load_simulated_cohort
from crewe_lib.records import to_records
from crewe_lib.sdq_scoring import (
    DIFFICULTIES,
    LABELS,
    OUTCOMES,
    REVERSED,
    SCALES,
    derive_scores,
    is_better_low,
    most_points,
    score_items,
)


def answers(default: int | None, **given: int | None) -> pd.DataFrame:
    """One questionnaire: every item answered alike, but for those given (i7=2)."""
    values = {number: given.get(f"i{number}", default) for number in range(1, 26)}
    columns = {f"item_{number:02d}": pd.array([value], dtype="Int64") for number, value in values.items()}
    return pd.DataFrame(columns)


def scored(default: int | None, **given: int | None) -> dict[str, int | None]:
    row = score_items(answers(default, **given)).iloc[0]
    return {name: None if pd.isna(row[name]) else int(row[name]) for name in row.index}


class TestScales:
    def test_every_item_is_in_one_scale_and_five_are_turned_round(self) -> None:
        assert sorted(number for numbers in SCALES.values() for number in numbers) == list(range(1, 26))
        assert all(len(numbers) == 5 for numbers in SCALES.values())
        # The items that the instructions score 2, 1, 0 in place of 0, 1, 2.
        assert {name: sorted(set(numbers) & set(REVERSED)) for name, numbers in SCALES.items()} == {
            "emotional": [],
            "conduct": [7],
            "hyperactivity": [21, 25],
            "peer": [11, 14],
            "prosocial": [],
        }

    def test_not_true_throughout(self) -> None:
        want = {"emotional": 0, "conduct": 2, "hyperactivity": 4, "peer": 4, "prosocial": 0, "total": 10}
        assert want.items() <= scored(0).items()

    def test_certainly_true_throughout(self) -> None:
        want = {"emotional": 10, "conduct": 8, "hyperactivity": 6, "peer": 6, "prosocial": 10, "total": 30}
        assert want.items() <= scored(2).items()

    def test_the_best_and_the_worst_child(self) -> None:
        turned = dict.fromkeys((f"i{number}" for number in REVERSED), 2)
        kind = {f"i{number}": 2 for number in SCALES["prosocial"]}
        best = scored(0, **turned, **kind)
        assert (best["total"], best["prosocial"]) == (0, 10)
        worst = scored(2, **dict.fromkeys(turned, 0), **dict.fromkeys(kind, 0))
        assert (worst["total"], worst["prosocial"]) == (most_points("total"), 0) == (40, 0)

    @pytest.mark.parametrize("number", range(1, 26))
    def test_one_point_more_moves_its_own_scale_alone(self, number: int) -> None:
        before, after = scored(1), scored(1, **{f"i{number}": 2})
        scale = next(name for name, numbers in SCALES.items() if number in numbers)
        step = -1 if number in REVERSED else 1
        assert after[scale] == before[scale] + step  # type: ignore[operator]
        moved = {name for name in SCALES if after[name] != before[name]}
        assert moved == {scale}
        assert after["total"] - before["total"] == (0 if scale == "prosocial" else step)  # type: ignore[operator]


class TestMissingItems:
    def test_the_makers_own_example(self) -> None:
        """Rule on missing items, with its own example: four points from three answers are 6.67 from five, and so 7."""
        assert scored(0, i3=2, i8=2, i13=0, i16=None, i24=None)["emotional"] == 7

    @pytest.mark.parametrize(
        ("points", "score"),
        [(0, 0), (1, 1), (2, 3), (3, 4), (4, 5), (5, 6), (6, 8), (7, 9), (8, 10)],
    )
    def test_four_answers_by_hand(self, points: int, score: int) -> None:
        """Rule: five quarters of the points, halves up. 1.25, 2.5, 3.75, 5, 6.25, 7.5, 8.75, 10."""
        split = [min(2, max(0, points - 2 * place)) for place in range(4)]
        given = dict(zip(("i3", "i8", "i13", "i16"), split, strict=True))
        assert scored(0, **given, i24=None)["emotional"] == score

    @pytest.mark.parametrize(("points", "score"), [(0, 0), (1, 2), (2, 3), (3, 5), (4, 7), (5, 8), (6, 10)])
    def test_three_answers_by_hand(self, points: int, score: int) -> None:
        """Rule: five thirds of the points to the nearest whole: 1.67, 3.33, 5, 6.67, 8.33, 10."""
        split = [min(2, max(0, points - 2 * place)) for place in range(3)]
        assert scored(0, **dict(zip(("i3", "i8", "i13"), split, strict=True)), i16=None, i24=None)["emotional"] == score

    def test_halves_go_up_not_to_the_even_number(self) -> None:
        """2.5 is 3 and 7.5 is 8, where rounding to even gives 2 and 8."""
        assert scored(0, i3=2, i24=None)["emotional"] == 3

    def test_a_reversed_item_is_turned_before_it_is_scaled_up(self) -> None:
        """Conduct from items 5, 7 and 12: 2, 0 turned to 2, 1: five points of three items, 8.33."""
        assert scored(0, i5=2, i7=0, i12=1, i18=None, i22=None)["conduct"] == 8

    def test_two_answers_give_no_scale_and_no_total(self) -> None:
        """Rule: a scale needs three answers; the total is missing if one of its scales is."""
        found = scored(1, i5=None, i7=None, i12=None)
        assert found["conduct"] is None and found["total"] is None and found["total_five"] is None
        assert found["emotional"] == 5 and found["answered"] == 22

    def test_prosocial_behaviour_is_no_part_of_the_total(self) -> None:
        found = scored(1, i1=None, i4=None, i9=None)
        assert (found["prosocial"], found["total"], found["total_five"]) == (None, 20, None)

    def test_an_empty_questionnaire(self) -> None:
        found = scored(None)
        assert found["answered"] == 0 and all(found[name] is None for name in OUTCOMES)


class TestInput:
    def test_an_answer_that_is_not_allowed(self) -> None:
        with pytest.raises(DataError, match="item_03 hold answers other than 0, 1 and 2"):
            score_items(answers(0, i3=3))

    def test_an_item_that_is_lacking(self) -> None:
        with pytest.raises(DataError, match="no column item_25"):
            score_items(answers(0).drop(columns="item_25"))

    def test_an_answer_from_before_randomisation_is_left_out(self) -> None:
        cohort = load_simulated_cohort()
        child = cohort.sdq["child_id"].iloc[0]
        family = cohort.children.loc[cohort.children["child_id"] == child, "family_id"].iloc[0]
        day = cohort.families.loc[cohort.families["family_id"] == family, "randomised_on"].iloc[0]
        for shift, kept in ((-1, 0), (0, 1)):
            sdq = cohort.sdq.copy()
            sdq.loc[0, "completed_on"] = day + pd.Timedelta(days=shift)
            found = derive_scores(type(cohort)(**{**vars(cohort), "sdq": sdq}))
            assert (found["child_id"] == child).sum() == kept

    def test_no_questionnaires_give_no_scores(self) -> None:
        none = to_records({"families": pd.DataFrame(columns=TABLES["families"].names, dtype=object)}, "records")
        assert derive_scores(none).empty


class TestBands:
    @pytest.mark.parametrize("cut_offs", sdq_bands.CUT_OFFS, ids=lambda c: f"{c.form} {c.version} {c.bands}")
    def test_bands_are_in_order_and_hold_every_score(self, cut_offs: sdq_bands.CutOffs) -> None:
        assert set(cut_offs.starts) == set(OUTCOMES)
        for outcome in OUTCOMES:
            assert len(cut_offs.starts[outcome]) == cut_offs.bands - 1
            found = [sdq_bands.find_band(outcome, score, cut_offs) for score in range(most_points(outcome) + 1)]
            assert set(found) == set(range(1, cut_offs.bands + 1))
            assert found == sorted(found, reverse=not is_better_low(outcome))

    def test_verified_are_those_held_against_a_source_below(self) -> None:
        """The three tests that follow copy the sources' own tables; no set without one may say that it is verified."""
        said = {(one.form, one.version, one.bands): (one.verified, one.source) for one in sdq_bands.CUT_OFFS}
        held = {("parent", "4_17", 3): ("yes", "a"), ("teacher", "4_17", 4): ("yes", "b")}
        held[("parent", "2_4", 4)] = ("in part", "a")
        assert said == {**dict.fromkeys(said, ("no", "")), **held}
        counts = sdq_bands.summarise_cut_offs()
        assert (counts["sets"], counts["yes"], counts["in_part"], counts["no"]) == (len(said), 2, 1, len(said) - 3)

    @pytest.mark.parametrize(
        ("form", "outcome", "ranges"),
        [
            # PMC4830858, Table 1: teacher complete, four bands.
            ("teacher", "total", [(0, 11), (12, 15), (16, 18), (19, 40)]),
            ("teacher", "emotional", [(0, 3), (4, 4), (5, 5), (6, 10)]),
            ("teacher", "conduct", [(0, 2), (3, 3), (4, 4), (5, 10)]),
            ("teacher", "hyperactivity", [(0, 5), (6, 7), (8, 8), (9, 10)]),
            ("teacher", "peer", [(0, 2), (3, 4), (5, 5), (6, 10)]),
            ("teacher", "prosocial", [(6, 10), (5, 5), (4, 4), (0, 3)]),
        ],
    )
    def test_the_teachers_four_bands_are_the_source_s(
        self, form: sdq_bands.Form, outcome: str, ranges: list[tuple[int, int]]
    ) -> None:
        cut_offs = sdq_bands.find_cut_offs(form, "4_17", 4)
        assert cut_offs is not None
        for band, (low, high) in enumerate(ranges, 1):
            assert {sdq_bands.find_band(outcome, score, cut_offs) for score in range(low, high + 1)} == {band}

    def test_the_parents_bands_are_the_source_s(self) -> None:
        # BMC Pediatrics 23 (2023), doi 10.1186/s12887-023-03837-1, Table 2, column 'UK 2–4/4–17 years', as printed.
        printed = {
            "total": ("13/14", "16/17"), "emotional": ("3/4", "4/5"), "peer": ("3/3", "4/4"),
            "conduct": ("4/3", "5/4"), "hyperactivity": ("6/6", "7/7"), "prosocial": ("6/5", "5/4"),
        }  # fmt: skip
        for place, (version, bands) in enumerate((("2_4", 4), ("4_17", 3))):
            cut_offs = sdq_bands.find_cut_offs("parent", version, bands)
            assert cut_offs is not None
            for outcome, cells in printed.items():
                assert cut_offs.starts[outcome][:2] == tuple(int(cell.split("/")[place]) for cell in cells)

    def test_bands_by_arm_add_up_and_depend_on_the_form(self) -> None:
        scores = derive_scores(load_simulated_cohort())
        for bands in (3, 4):
            table = sdq_bands.derive_bands(scores, bands=bands)
            for _, own in table.groupby("reading"):
                assert own[["treatment", "control"]].sum().tolist() == [29, 12]
                assert own["treatment_share"].sum() == pytest.approx(1)
        four = sdq_bands.derive_bands(scores, bands=4)
        best = four[four["band"] == "close to average"].set_index("reading")["treatment"]
        assert best["teacher form"] < best["parent form"]

    def test_a_version_without_cut_offs_is_counted_apart(self) -> None:
        scores = pd.DataFrame(
            {"total": pd.array([30, 5, pd.NA], dtype="Int64"), "informant": ["practitioner", "parent", "parent"],
             "version": ["2_4", "2_4", "4_17"], "arm": ["treatment", "treatment", "control"]}
        )  # fmt: skip
        table = sdq_bands.derive_bands(scores, bands=4).set_index(["reading", "band"])
        assert table.at[("teacher form", sdq_bands.NO_BAND), "treatment"] == 1
        assert table.at[("parent form", "very high"), "treatment"] == 1
        assert table["control"].sum() == 0 and table["control_share"].isna().all()

    def test_another_number_of_bands(self) -> None:
        with pytest.raises(CreweError, match="bands is 5"):
            sdq_bands.derive_bands(pd.DataFrame({"total": []}), bands=5)


# A text beside an item's name or number: item_07: "…", "item_07", "…", item 7 = ….
WORDED = re.compile(r"""\bitems?[ _]?0?(\d{1,2})\b["'`]*\s*[:=|,(–-]\s*["'`(]*([A-Za-z’']+(?:[ ,]+[A-Za-z’']+)+)""")
ROOT = Path(__file__).parents[1]


def find_worded(text: str) -> list[str]:
    """Texts of two words or more that stand beside an item's name, but for the numbered form."""
    return [found[0] for found in WORDED.finditer(text) if not found[2].startswith("Answer to item")]


def listed(source: str) -> list[str]:
    """Lists of 25 texts, and texts keyed by the numbers or names of items, in a module."""
    found, names = [], {*range(1, 26), *(f"item_{number:02d}" for number in range(1, 26))}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.List | ast.Tuple) and len(node.elts) == 25:
            parts: list[ast.expr] = node.elts
        elif isinstance(node, ast.Dict):
            keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
            parts = [*ast.iter_child_nodes(node)] if len(keys & names) > 9 else []
        else:
            continue
        texts = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
        found += [text for text in texts if " " in text and not re.fullmatch(r"Answer to item \d+, .*", text)]
    return found


def test_no_item_has_words() -> None:
    """The wording is copyright. Whatever names an item, anywhere in the product, names it by its number alone."""
    assert set(LABELS) == set(OUTCOMES) and set(DIFFICULTIES) < set(SCALES)
    fields = {field.name: field.description for field in TABLES["sdq"].fields if field.name.startswith("item_")}
    assert fields == {f"item_{n:02d}": f"Answer to item {n}, 0 to 2; blank if left out" for n in range(1, 26)}
    paths = [p for folder in ("chapters", "crewe_lib", "data", "params") for p in sorted((ROOT / folder).rglob("*"))]
    paths = [p for p in paths if p.suffix in {".py", ".ipynb", ".json", ".csv", ".yml", ".md", ".txt"}]
    assert len(paths) > 100
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert not find_worded(text), path
        assert path.suffix != ".py" or not listed(text), path
    header = (ROOT / "data/synthetic/sdq.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert [name for name in header if name.startswith("item")] == list(fields)


def test_the_search_for_words_finds_them() -> None:
    for planted in ('"item_07": "A made up sentence"', "item 7: a made up sentence", "item_07,made up sentence"):
        assert find_worded(planted)
    assert not find_worded('"item_07": "Answer to item 7, 0 to 2; blank if left out"')
    assert listed(repr({number: "A made up sentence" for number in range(1, 26)}))
    assert listed(repr(["A made up sentence"] * 25)) and not listed(repr(list(range(25))))


def test_scores_span_their_range() -> None:
    """Every pattern of one scale with a reversed item: all scores from 0 to 10 and no other."""
    names = SCALES["conduct"]
    patterns = [dict(zip((f"item_{n:02d}" for n in names), p, strict=True)) for p in product((0, 1, 2), repeat=5)]
    frame = pd.DataFrame(patterns).reindex(columns=[f"item_{n:02d}" for n in range(1, 26)]).astype("Int64")
    assert set(score_items(frame)["conduct"]) == set(range(11))
