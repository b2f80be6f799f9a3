"""Who was in the trial: the printed flow and its disagreements, the flow of records, and their figure."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest
from made_records import add, both, make_folder, put, swap
from matplotlib import pyplot as plt
from register_copy import PUBLISHED, reprint

from crewe_lib import design, design_records
from crewe_lib.definitions import derive_study_dates
from crewe_lib.errors import CreweError
from crewe_lib.figures import design as fig
from crewe_lib.load import load_claims, load_simulated_cohort
from crewe_lib.provenance import start_recording, stop_recording
from crewe_lib.records import Records, read_records

mpl.use("agg")
DATES = derive_study_dates(PUBLISHED)
READING = {"dates": DATES, "reading": "any_but_escalated"}


@pytest.fixture(scope="module")
def printed() -> pd.DataFrame:
    return design.derive_printed_flow(PUBLISHED)


@pytest.fixture(scope="module")
def cohort() -> Records:
    return load_simulated_cohort()


# As printed
# ---------------------------------------------------------------------------------------------------------------


def test_the_flow_holds_what_the_reports_print(printed: pd.DataFrame) -> None:
    rows = printed.set_index(["step", "arm", "source"]).sort_index()
    one = rows.loc[("randomised", "both", design.R1)].iloc[0]
    assert (one["families"], one["children"]) == (132, 326) and one["words"] == "132 families, 326 children"
    assert rows.loc[("randomised", "both", design.R2), "families"].tolist() == [128]
    shares = rows.loc[("allocated", "treatment", design.R1)].iloc[0]
    assert pd.isna(shares["families"]) and shares["words"] == "70% of 132"
    assert rows.loc[("allocated", "control", design.R2), "words"].tolist() == [
        "44 families (34% of 128)",
        "34% of 132, in its appendix",
    ]
    assert rows.loc[("crossed", "control", design.R2), "families"].tolist() == [5]
    assert rows.loc[("left_out", "both", design.R1), "families"].tolist() == [6]
    assert rows.loc[("analysed", "both", design.R2), "families"].tolist() == [128, 126]


def test_empty_boxes_are_kept(printed: pd.DataFrame) -> None:
    empty = printed[printed["basis"] == design.NOT_REPORTED]
    assert set(zip(empty["step"], empty["arm"], strict=True)) == {
        ("assessed", "both"),
        ("excluded", "both"),
        ("crossed", "treatment"),
        *((step, arm) for step in ("left_out", "analysed") for arm in ("treatment", "control")),
    }
    assert set(empty["words"]) == {"not reported"} and empty["families"].isna().all()


def test_printed_and_implied_are_kept_apart() -> None:
    recorder = start_recording()
    try:
        register = load_claims()
        tables = design.derive_printed_flow(register), design.check_printed_flow(register)
        origins = [recorder.find(table) for table in (*tables, design.derive_implied_flow(register))]
    finally:
        stop_recording()
    assert [origin.kinds for origin in origins if origin] == [["published"], ["published"], ["inferred", "published"]]


def test_where_the_reports_disagree() -> None:
    checks = design.check_printed_flow(PUBLISHED)
    assert checks["agree"].tolist() == [False, False, False, True, True, True, False]
    assert checks.loc[1, ["first", "second"]].tolist() == ["70% and 30%", "66% and 34%"]
    counts = design.summarise_printed_flow(design.derive_printed_flow(PUBLISHED), checks)
    assert (counts["comparisons"], counts["disagree"]) == (7, 4)
    assert (counts["boxes"], counts["empty"], counts["crossed"]) == (14, 7, 5)
    mended = design.check_printed_flow(
        reprint(PUBLISHED, r2__sample__randomised="132", r2__sample__r1_final="126", r2__sample__families="132",
                r2__sample__n_treat="88", r2__sample__some_outcomes="130")
    )  # fmt: skip
    assert mended["agree"].tolist() == [True, False, True, True, True, True, True]


def test_arms_that_fit_what_is_printed() -> None:
    table = design.derive_implied_flow(PUBLISHED)
    rows = table.set_index(["n_treat", "n_control"])
    assert list(rows.index) == [
        (93, 39), (92, 40), (88, 44), (87, 45), (84, 44), (83, 45), (84, 42), (83, 43), (82, 44),
    ]  # fmt: skip
    assert rows.loc[(92, 40), "prints"] == rows.loc[(93, 39), "prints"] == "70/30"
    assert not rows.loc[(92, 40), "reached"] and not rows.loc[(93, 39), "reached"]
    assert rows.loc[(87, 45), "prints"] == "66/34" and rows.loc[(87, 45), "reached"]
    assert rows.loc[(84, 44), "basis"] == "printed in 2020" and rows.loc[(84, 44), "prints"] == "66/34"
    assert rows.loc[(83, 45), "prints"] == "neither" and not rows.loc[(83, 45), "reached"]
    counts = design.summarise_implied_flow(table, PUBLISHED)
    assert counts == {"first": 2, "first_reach": 0, "second": 1, "second_reach": 1}


# Of records
# -------------------------------------------------------------------------------------------------------------


def families(flow: pd.DataFrame, step: str) -> dict[str, object]:
    """Families in the boxes of a step, by arm."""
    rows = flow[flow["step"] == step]
    return dict(zip(rows["arm"], rows["families"], strict=True))


def test_flow_of_the_cohort(cohort: Records) -> None:
    flow = design_records.derive_flow(cohort, **READING)
    assert families(flow, "randomised") == {"both": 132}
    assert families(flow, "allocated") == {"treatment": 88, "control": 44}
    assert families(flow, "no_case_data") == {"treatment": 4, "control": 0}
    assert families(flow, "left_out") == {"treatment": 2, "control": 0}
    assert families(flow, "analysed") == {"treatment": 82, "control": 44}
    assert families(flow, "crossed") == {"treatment": 0, "control": 5}
    children = flow[flow["step"] == "allocated"]["children"]
    assert int(children.sum()) == len(cohort.children) == 326
    checks = design_records.check_flow(flow)
    assert len(checks) == 6 and checks["holds"].all()
    summary = design_records.summarise_flow(flow, checks)
    assert (summary["families"], summary["analysed"], summary["failed"]) == (132, 126, 0)


def test_flow_by_hand(tmp_path: Path) -> None:
    """F1 closed on an unknown day, F2 analysed with a sex not recorded, F3 without case data, F4 analysed."""
    folder = make_folder(tmp_path / "records")
    both(
        swap("episodes", ("closed,2016-05-01,stepped_down,N5\nE3,C1,2016-05-01,,open,,,N1", "closed,,other,N5")),
        swap("children", ("C3,F2,1,male", "C3,F2,1,not_recorded")),
        add("families", "F4,treatment,2016-01-10,crewe,1"),
        add("children", "C5,F4,1,male,2008-01,mixed,0,1,2019-11-22", "C6,F4,0,male,2009-01,mixed,0,0,2019-11-22"),
        add("episodes", "E9,C5,2016-01-02,2016-01-09,open,,,N1"),
    )(folder)  # fmt: skip
    flow = design_records.derive_flow(read_records(folder), **READING)
    assert families(flow, "allocated") == {"treatment": 3, "control": 1}
    assert families(flow, "no_case_data") == {"treatment": 1, "control": 0}
    assert families(flow, "left_out") == {"treatment": 1, "control": 0}
    assert families(flow, "analysed") == {"treatment": 1, "control": 1}
    assert families(flow, "adjusted") == {"treatment": 0, "control": 1}
    assert families(flow, "crossed") == {"treatment": 0, "control": 1}
    assert int(flow.loc[(flow["step"] == "analysed") & (flow["arm"] == "treatment"), "children"].iloc[0]) == 2
    assert design_records.check_flow(flow)["holds"].all()


def test_crossing_over_that_may_not_have_been_brought_is_an_empty_box(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "records")
    put("crossovers.csv", "family_id,crossed_on\n")(folder)
    flow = design_records.derive_flow(read_records(folder), **READING)
    own = flow[flow["step"] == "crossed"]
    assert own["families"].isna().all() and set(own["words"]) == {"not in the records"}
    assert len(own) == 2 and design_records.check_flow(flow)["holds"].all()


def test_a_sum_that_fails_is_shown(cohort: Records) -> None:
    flow = design_records.derive_flow(cohort, **READING)
    spoilt = flow.assign(families=flow["families"].where(flow["step"] != "left_out", 1))
    checks = design_records.check_flow(spoilt)
    assert checks.loc[~checks["holds"], "check"].tolist() == [
        "families, treatment: allocated less those who left, and analysed",
        "families, control: allocated less those who left, and analysed",
    ]


def test_an_arm_without_families(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "records")
    swap("families", ("F2,control", "F2,treatment"))(folder)
    with pytest.raises(CreweError, match=r"families.csv has no family in the control arm"):
        design_records.derive_flow(read_records(folder), **READING)
    with pytest.raises(CreweError, match="reading is 'closed'"):
        design_records.derive_flow(load_simulated_cohort(), dates=DATES, reading="closed")  # type: ignore[arg-type]


# Their figure
# ---------------------------------------------------------------------------------------------------------


def test_every_box_is_drawn_and_described(printed: pd.DataFrame, cohort: Records) -> None:
    for flow in (printed, design_records.derive_flow(cohort, **READING)):
        figure = plt.figure(figsize=(7, fig.flow_height(flow)))
        ax = fig.draw_flow(flow, ax=figure.add_subplot())
        drawn = " ".join(text.get_text() for text in ax.texts)
        text = design.describe_flow(flow)["text"]
        for label, words in zip(flow["label"], flow["words"], strict=True):
            assert label in drawn and label in text
            assert words in text
        dashed = sum(patch.get_linestyle() not in ("-", "solid") for patch in ax.patches)
        boxes = flow.groupby(["step", "arm"])["basis"].agg(lambda basis: (basis == "not reported").all())
        assert dashed == boxes.sum()
        plt.close(figure)


def test_text_stays_within_its_box(printed: pd.DataFrame, cohort: Records) -> None:
    """At seven inches, and no text smaller than eight points."""
    for flow in (printed, design_records.derive_flow(cohort, **READING)):
        figure, ax = plt.subplots(figsize=(7, fig.flow_height(flow)), layout="constrained")
        fig.draw_flow(flow, ax=ax)
        figure.canvas.draw()
        boxes = [patch.get_window_extent() for patch in ax.patches]
        for text in (text for text in ax.texts if text.get_text()):
            extent = text.get_window_extent()
            assert text.get_fontsize() >= 8
            for box in boxes:
                if box.x0 <= (extent.x0 + extent.x1) / 2 <= box.x1 and box.y0 <= (extent.y0 + extent.y1) / 2 <= box.y1:
                    assert box.x0 <= extent.x0 and extent.x1 <= box.x1, text.get_text()
        plt.close(figure)
