"""Timeline, diagrams, challenges and questions: held to the register, to the ledger, and to what is drawn."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from register_copy import PUBLISHED, reprint

from crewe_lib import delivery_model as model
from crewe_lib import delivery_timeline as times
from crewe_lib.checks import check_table, describe_fields
from crewe_lib.claim_register import to_claims
from crewe_lib.datapackage import find_resource
from crewe_lib.delivery_tables import CHALLENGES, DIAGRAMS, PROGRAMME_CHANGES, QUESTIONS
from crewe_lib.errors import CreweError, DataError
from crewe_lib.figures import diagrams as fig
from crewe_lib.figures.style import house_style
from crewe_lib.leads.programme import check_programme_table
from crewe_lib.load import (
    load_challenges,
    load_diagrams,
    load_programme_changes,
    load_questions,
    load_service_capacity,
)
from crewe_lib.provenance import REPOSITORY

CHANGES, BOXES, LEAD = load_programme_changes(), load_diagrams(), check_programme_table(PUBLISHED)
TIMELINE = times.derive_timeline(CHANGES, PUBLISHED, LEAD)
NAMES = ["logic_model", "themes", "pod"]
TABLES = [
    (PROGRAMME_CHANGES, CHANGES),
    (CHALLENGES, load_challenges()),
    (DIAGRAMS, BOXES),
    (QUESTIONS, load_questions()),
]


def diagram(name: str) -> pd.DataFrame:
    return model.derive_diagram(BOXES, PUBLISHED, name=name)


class TestTables:
    @pytest.mark.parametrize(("schema", "frame"), TABLES, ids=lambda item: getattr(item, "name", ""))
    def test_the_card_is_the_schema_and_no_number_stands_outside_the_register(self, schema, frame) -> None:
        card = find_resource(REPOSITORY / "data" / "published", schema.name).descriptor
        assert card["schema"]["fields"] == describe_fields(schema)
        for name in ("change", "text", "measure", "note", "effect", "question"):
            for text in frame.get(name, []):
                assert not re.search(r"\d", re.sub(r"\{[^}]*\}|FACT22|early 2019", "", text)), text
                for id in re.findall(r"\{([^}]*)\}", text):
                    assert (PUBLISHED["id"] == id).any(), id

    def test_the_months_are_those_of_the_register(self) -> None:
        claims = to_claims(PUBLISHED)
        spans = [claims[id].value.split(" to ") for id in ("r2.design.pilot_period", *_phases("period", first=2))]
        for aspect in ("funding", "pods_crewe", "pods_macclesfield", "capacity"):
            own = CHANGES[CHANGES["aspect"] == aspect]
            assert own[["first", "last"]].to_numpy().tolist() == spans
        begun, ended = spans[0][0], claims["r2.design.funding_to"].value
        first = CHANGES.groupby("aspect")["first"].agg(list)
        for aspect, id in (
            ("pod_size", "r2.design.pod_change"),
            ("office", "r2.t1.colocation"),
            ("criteria", "r2.t1.criteria_from"),
        ):
            assert first[aspect] == [begun, claims[id].value]
        last = CHANGES.groupby("aspect")["last"].agg(list)
        assert last["volunteers"] == [claims["r2.t1.volunteers_until"].value, ended]
        trial = claims["r2.design.rct_window_main"].value.split(" to ")
        assert [first["trial"][0], last["trial"][0]] == trial and first["follow_up"] == trial[:1]
        assert claims["r2.design.study_end"].value.startswith(last["follow_up"][0])
        assert first["council"][0].startswith(claims["r2.t1.sos"].value)

    def test_aspects_leave_no_gap_and_do_not_overlap(self) -> None:
        for _, own in TIMELINE.groupby("aspect"):
            assert own["start"].iloc[1:].to_numpy() == pytest.approx(own["end"].iloc[:-1].to_numpy())

    def test_capacity_is_that_of_the_other_table(self) -> None:
        printed = load_service_capacity()["capacity"].tolist()
        assert [int(text) for text in TIMELINE.loc[TIMELINE["aspect"] == "capacity", "text"]] == printed

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"leads_to": "nowhere"}, "boxes of a later stage"),
            ({"leads_to": "staff"}, "boxes of a later stage"),
            ({"column": 3, "span": 2}, "must not overlap"),
            ({"text": ""}, "must not be blank"),
        ],
    )
    def test_a_diagram_that_cannot_be_read_is_refused(self, change, message) -> None:
        wrong = BOXES.copy()
        for name, value in change.items():
            wrong.loc[wrong["box"] == "support", name] = value
        with pytest.raises(DataError, match=message):
            check_table(wrong, DIAGRAMS, "diagrams.csv")

    def test_a_span_that_ends_before_it_begins_is_refused(self) -> None:
        with pytest.raises(DataError, match="first must not be after last"):
            check_table(CHANGES.assign(last="2015-01"), PROGRAMME_CHANGES, "programme_changes.csv")


@contextmanager
def drawn(draw: Callable[..., Axes], data: pd.DataFrame, size: tuple[float, float]) -> Iterator[tuple[Figure, Axes]]:
    """A figure in the house style, drawn and laid out; closed at the end."""
    with house_style():
        canvas, ax = plt.subplots(figsize=size, layout="constrained")
        try:
            draw(data, ax=ax)
            canvas.canvas.draw()
            yield canvas, ax
        finally:
            plt.close(canvas)


def _phases(what: str, first: int = 1) -> Iterator[str]:
    return (f"r2.t1.p{number}.{what}" for number in range(first, 5))


class TestTimeline:
    def test_what_the_ledger_finds_is_marked_and_nothing_else(self) -> None:
        found = times.derive_inconsistencies(LEAD)
        assert len(found) == LEAD.numbers["differ"] == 5
        differ = LEAD.readings[~LEAD.readings["agrees"]]
        assert found[["printed", "other"]].to_numpy().tolist() == differ[["printed", "other"]].to_numpy().tolist()
        marked = TIMELINE[TIMELINE["marks"] != ""].groupby("aspect")["marks"].first().to_dict()
        assert marked == dict(zip(found["lane"], found["mark"], strict=True))

    def test_a_register_that_agrees_takes_the_mark_away(self) -> None:
        other = reprint(PUBLISHED, r2__t1__p4__capacity="144", r2__design__five_year="four")
        lead = check_programme_table(other)
        timeline = times.derive_timeline(CHANGES, other, lead)
        marked = timeline[timeline["marks"] != ""]["aspect"].unique().tolist()
        assert marked == ["funding", "trial", "criteria"]
        assert timeline.loc[timeline["aspect"] == "capacity", "text"].iloc[-1] == "144"

    def test_every_item_of_the_ledgers_question_has_its_row(self) -> None:
        aspects = set(CHANGES["aspect"])
        assert set(times.LANES.values()) <= aspects
        found = times.derive_inconsistencies(replace(LEAD, readings=LEAD.readings.assign(agrees=False)))
        assert len(found) == len(LEAD.readings) and found["mark"].is_unique
        odd = replace(LEAD, readings=LEAD.readings.assign(item="something new", agrees=False))
        with pytest.raises(DataError, match="no row for 'something new'"):
            times.derive_inconsistencies(odd)

    def test_cases_of_mean_length_were_closed_before_the_first_change(self) -> None:
        found = times.derive_exposure(PUBLISHED)
        # 30 April 2016 and 188 days are 4 November 2016.
        assert (found["drawn_to"], found["closed_by"], found["renewed"]) == (
            "April 2016",
            "November 2016",
            "April 2017",
        )
        assert (found["closed_share"], found["closed_on"]) == (72, "1 November 2016")
        assert found["margin"] == 26 + 31 + 31 + 28 + 31 + 1
        assert times.derive_exposure(reprint(PUBLISHED, r2__mi__days="388"))["margin"] < 0

    def test_its_words_follow_the_rows(self) -> None:
        text = times.describe_timeline(TIMELINE)["text"]
        assert "Cases, at most, marked a. June 2015 to March 2017: 192; April 2017 to March 2018: 144;" in text
        assert "5 days; from when is not printed (date not printed)" in text
        places = [text.index(lane) for lane in TIMELINE["lane"].unique()]
        assert places == sorted(places)

    def test_words_stay_in_their_bars_or_clear_of_them(self) -> None:
        with drawn(fig.draw_timeline, TIMELINE, fig.timeline_size(TIMELINE)) as (canvas, ax):
            bars = [patch.get_window_extent() for patch in ax.patches]
            frame, renderer = ax.get_window_extent(), canvas.canvas.get_renderer()
            assert len(ax.texts) == len(bars) == len(TIMELINE)
            for text in ax.texts:
                own = text.get_window_extent(renderer)
                assert own.x0 >= frame.x0 and own.x1 <= frame.x1, text.get_text()
                assert all(_inside(own, bar) or not own.overlaps(bar) for bar in bars), text.get_text()


class TestDiagrams:
    @pytest.mark.parametrize("name", NAMES)
    def test_it_is_told_box_by_box_in_the_order_of_the_arrows(self, name: str) -> None:
        boxes = diagram(name)
        text = model.describe_diagram(boxes)["text"]
        places = [text.index(f"box {row.number}, {row.text}") for row in boxes.itertuples()]
        assert places == sorted(places) and boxes["number"].tolist() == list(range(1, len(boxes) + 1))
        for row in boxes[boxes["leads"] != ""].itertuples():
            assert all(int(end) > row.number for end in re.findall(r"\d+", row.leads))
            several = "es" if "and" in row.leads else ""
            assert f"{row.text}, leads to box{several} {row.leads}" in text

    @pytest.mark.parametrize("name", NAMES)
    def test_text_stays_in_its_box_and_arrows_cross_none(self, name: str) -> None:
        boxes = diagram(name)
        size = fig.diagram_size(boxes)
        assert size[0] * 72 / 380 <= 1.1  # at the width of a phone type is about as large as it is set
        with drawn(fig.draw_diagram, boxes, size) as (canvas, ax):
            renderer = canvas.canvas.get_renderer()
            patches = [patch.get_window_extent() for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
            assert len(patches) == len(boxes)
            headings = set(boxes["stage"])
            for text in ax.texts:
                if text.get_text() and text.get_text() not in headings:
                    own = text.get_window_extent(renderer)
                    assert sum(_inside(own, box) for box in patches) == 1, text.get_text()
            arrows = [text for text in ax.texts if text.get_text() == ""]
            assert len(arrows) == sum(len(re.findall(r"\d+", leads)) for leads in boxes["leads"])
            lines = [np.array([arrow.xyann, arrow.xy]) for arrow in arrows]
            lines += [line.get_xydata() for line in ax.lines]
            for line in lines:
                points = np.concatenate([np.linspace(a, b, 50)[1:-1] for a, b in pairwise(line)])
                for x, y in ax.transData.transform(points):
                    assert not any(b.x0 + 1 < x < b.x1 - 1 and b.y0 + 1 < y < b.y1 - 1 for b in patches), name

    def test_what_bears_on_everything_has_no_arrow_and_is_as_many_as_the_report_counts(self) -> None:
        boxes = diagram("logic_model")
        ends = {end for leads in boxes["leads"] for end in re.findall(r"\d+", leads)}
        aside = boxes[(boxes["leads"] == "") & ~boxes["number"].astype(str).isin(ends)]
        assert len(aside) == int(to_claims(PUBLISHED)["r2.design.moderators"].number) == 5
        centre = diagram("themes")["stage"] == "At the centre"
        assert centre.sum() == to_claims(PUBLISHED)["r1.qual.themes"].number

    def test_numbers_come_from_the_register(self) -> None:
        other = reprint(PUBLISHED, r1__design__fp_cap="15")
        boxes = model.derive_diagram(BOXES, other, name="pod").set_index("box")
        assert "with at most 15 cases each" in boxes.loc["practitioners", "text"]

    def test_an_unknown_diagram_and_an_unknown_claim_are_named(self) -> None:
        with pytest.raises(DataError, match="no diagram 'pods'; there are logic_model, themes, pod"):
            model.derive_diagram(BOXES, PUBLISHED, name="pods")
        with pytest.raises(DataError, match=r"has no claim 'r1\.no\.such'"):
            model.derive_diagram(BOXES.assign(text="{r1.no.such}"), PUBLISHED, name="pod")

    def test_an_arrow_through_a_box_is_refused(self) -> None:
        boxes = pd.DataFrame({"number": [1, 2, 3], "stage": list("abc"), "column": 2, "span": 1, "text": "box"})
        with (
            pytest.raises(CreweError, match="from box 1 to box 3 would cross another box"),
            drawn(fig.draw_diagram, boxes.assign(leads=["3", "", ""]), (5, 3)),
        ):
            pass


class TestQuestionsAndChallenges:
    def test_every_question_has_its_row_and_its_chapter(self) -> None:
        questions, claims = load_questions(), to_claims(PUBLISHED)
        table = model.derive_questions(questions, PUBLISHED)
        assert len(table) == 9 and set(questions["chapter"]) <= set(model.CHAPTERS)
        asked = questions[questions["document"] == "r2"].groupby("question", sort=False).size().tolist()
        counted = [f"r2.t2.{name}" for name in ("family_metrics", "authority_metrics", "delivery_questions")]
        assert asked == [claims[id].number for id in counted]
        own = table.set_index("question").loc["Better outcomes in social care than in the control group?"]
        assert own["measures"] == "closing of cases (yes); re-referrals (in part)"
        assert own["notes"] == "too few re-referrals to compare" and own["chapters"] == "The trial"

    def test_the_chapters_named_are_those_of_the_book(self) -> None:
        for stem in model.CHAPTERS:
            path = REPOSITORY / "chapters" / f"{stem}.ipynb"
            assert not path.exists() or model.CHAPTERS[stem] in path.read_text(encoding="utf-8").split("\\n")[0]

    def test_three_challenges_as_the_report_counts_them(self) -> None:
        table = model.derive_challenges(load_challenges(), PUBLISHED)
        assert table["challenge"].nunique() == to_claims(PUBLISHED)["r2.design.challenges"].number
        assert "Training of 5 days instead of 12 days" in table["change"].tolist()
        assert table["change"].is_unique

    def test_numbers_for_prose(self) -> None:
        challenges, questions = load_challenges(), load_questions()
        found = model.summarise_model(PUBLISHED, challenges, questions)
        assert (found["capacity_first"], found["capacity_last"]) == (192, 96)
        assert (found["pods_first"], found["pods_least"], found["pods_last"]) == (4, 2, 3)
        assert sum(found[f"view_{name}"] for name in ("better", "worse", "mixed")) == found["changes"] == 10
        answers = ("yes", "in_part", "no", "not_told")
        assert sum(found[f"answered_{name}"] for name in answers) == found["measures"] == 22
        assert found["questions"] == 9 and found["pod_cases"] == found["pod_size"] * found["cap"]


def _inside(inner, outer, *, slack: float = 1.0) -> bool:
    return bool(
        inner.x0 >= outer.x0 - slack
        and inner.x1 <= outer.x1 + slack
        and inner.y0 >= outer.y0 - slack
        and inner.y1 <= outer.y1 + slack
    )
