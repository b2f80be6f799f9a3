"""How the reports word differences, and escalations by count: hand arithmetic, the leads' numbers, kinds."""

import pandas as pd
import pytest
from register_copy import PUBLISHED, reprint

from crewe_lib import load
from crewe_lib.evidence import written
from crewe_lib.leads.closure import check_closure_at_trial_end
from crewe_lib.leads.escalations import check_escalations
from crewe_lib.leads.history import check_history_effect
from crewe_lib.provenance import start_recording, stop_recording
from crewe_lib.rct_wording import (
    WORDING_COLUMNS,
    derive_implied_wording,
    derive_printed_escalations,
    derive_wording,
)


@pytest.fixture(scope="module")
def wording() -> pd.DataFrame:
    return derive_wording(PUBLISHED).set_index("id", drop=False)


def test_percentages_are_percentage_points(wording: pd.DataFrame) -> None:
    assert wording["meaning"].tolist() == ["percentage points"] * 3
    assert wording["printed"].tolist() == [8.5, 0.7, 21]
    assert wording["points"].tolist() == pytest.approx([8, -0.7, 21])
    assert wording["relative"].tolist() == pytest.approx([12.5, -100 * 0.7 / 6.7, 100 * 21 / 61])
    assert wording.at["closing", "worded_relative"] == pytest.approx(100 * 8.5 / 64)


def test_relative_sizes_are_those_of_the_leads(wording: pd.DataFrame) -> None:
    history, closure = check_history_effect(PUBLISHED).numbers, check_closure_at_trial_end(PUBLISHED).numbers
    closing = wording.loc["closing"]
    assert closing["relative"] == pytest.approx(history["relative"]) == pytest.approx(closure["effect_relative"])
    assert closing["worded_relative"] == pytest.approx(history["relative_effect"])
    assert wording.at["follow_up", "relative"] == pytest.approx(closure["rise_relative"])


@pytest.mark.parametrize(
    ("printed", "meaning"), [("12.5", "per cent"), ("8.5", "percentage points"), ("30", "neither")]
)
def test_the_meaning_follows_the_register(printed: str, meaning: str) -> None:
    found = derive_wording(reprint(PUBLISHED, r1__closure__ate_percent=printed)).set_index("id")
    assert found.at["closing", "meaning"] == meaning


def test_either_meaning_where_rounding_allows_both() -> None:
    changed = reprint(PUBLISHED, r1__closure__pc="99", r1__closure__cec="90", r1__closure__ate_percent="9.5")
    assert derive_wording(changed).set_index("id").at["closing", "meaning"] == "either"


def test_the_bullet_on_history_cannot_be_relative_to_the_text() -> None:
    found = derive_implied_wording(PUBLISHED)
    assert (found["bullet"], found["text"]) == (12, 20)
    assert found["base_needed"] == pytest.approx(500 / 3)
    assert found["base_verdict"] == "which is impossible"
    assert found["base_exchanged"] == pytest.approx(60)
    assert found["overall_relative"] == pytest.approx(12.5)
    assert found["overall_near"] == "about the size"
    assert derive_implied_wording(reprint(PUBLISHED, r1__closure__hist_bullet="40"))["base_verdict"].endswith(
        "possible"
    )


def test_escalations_are_those_of_the_lead() -> None:
    found, lead = derive_printed_escalations(PUBLISHED), check_escalations(PUBLISHED).numbers
    assert [found[name] for name in ("year", "half_year", "table", "later")] == [8, 2, 2, 4]
    assert (found["year"], found["table"], found["later"]) == tuple(
        lead[name] for name in ("year_count", "cost_count", "trial_fact22")
    )
    assert "cannot be smaller" in found["verdict"]
    assert "may be the same" in derive_printed_escalations(reprint(PUBLISHED, r1__escal__year="4"))["verdict"]


def test_kinds_of_data_and_tables(wording: pd.DataFrame) -> None:
    rows = written(wording, WORDING_COLUMNS)
    assert rows[2][1:] == ["0.7", "6", "6.7", "−0.7", "−10.4", "percentage points"]
    recorder = start_recording()
    try:
        register = load.load_claims()
        assert recorder.find(derive_wording(register)).kinds == ["published"]
        assert recorder.find(derive_printed_escalations(register)).kinds == ["published"]
        assert "inferred" in recorder.find(derive_implied_wording(register)).kinds
    finally:
        stop_recording()
