"""Durations between printed dates, windows printed twice, and references, against the calendar."""

from dataclasses import replace
from datetime import date

import pytest

from crewe_lib.claim_register import to_claims
from crewe_lib.claims import check_claim
from crewe_lib.errors import DataError
from crewe_lib.load import load_claims

CLAIMS = to_claims(load_claims())


def entry(id: str, **values: str):
    ids = {name.replace("__", "."): value for name, value in values.items()}
    return check_claim(CLAIMS | {name: replace(CLAIMS[name], value=value) for name, value in ids.items()}, id, {})


@pytest.mark.parametrize(
    ("id", "days", "cls"),
    [
        ("r1.design.max_followup", date(2016, 11, 1) - date(2015, 8, 1), "exact"),
        ("r1.design.min_followup", date(2016, 11, 1) - date(2016, 3, 31), "exact"),
    ],
)
def test_days(id: str, days, cls: str) -> None:
    found = entry(id)
    assert (found.recomputed, found.cls) == (days.days, cls)


def test_data_of_15_months_are_printed_as_14() -> None:
    assert entry("r1.design.data_months").recomputed == pytest.approx(458 / 30.4375)
    assert entry("r1.design.data_months").cls == "minor"
    assert entry("r1.design.data_months", r1__design__pilot_end="2016-10-01").cls == "exact"


def test_five_years_are_4_3() -> None:
    found = entry("r2.design.five_year")
    assert (found.recomputed, found.cls) == ("four", "minor") and "4.3 years" in found.how
    assert entry("r2.design.five_year", r2__design__study_end="2020-08-01").cls == "exact"


def test_the_service_did_run_five_years() -> None:
    assert entry("r2.design.years_running").recomputed == pytest.approx(
        (date(2020, 3, 31) - date(2015, 6, 1)).days / 365.25
    )
    assert entry("r2.design.years_running").cls == entry("r2.design.programme_period").cls == "exact"


def test_the_window_of_the_main_text_ends_a_month_late() -> None:
    assert entry("r2.design.rct_window_main").recomputed == "2015-08 to 2016-03"
    assert entry("r2.design.rct_window_main").cls == "minor"
    assert entry("r2.design.rct_window_app").cls == "not recomputable without the records"
    assert entry("r2.design.rct_window_app", r1__design__rct_end="2016-04").cls == "minor"


def test_months_in_and_time_to_close() -> None:
    assert entry("r1.qual.months_in").recomputed == 8
    found = entry("r1.design.running_years")
    assert found.recomputed == pytest.approx((date(2016, 11, 1) - date(2015, 6, 1)).days / 365.25)
    assert found.cls == "exact" and entry("r1.design.running_years", r1__design__pilot_end="2016-05-01").cls != "exact"
    assert entry("r2.design.months_intervention").recomputed is None
    assert entry("r2.data.delete").cls == "exact"


def test_nine_years_in_a_younger_service() -> None:
    assert (entry("r2.qual.tenure_max").recomputed, entry("r2.qual.tenure_max").cls) == (5, "minor")
    assert entry("r2.qual.tenure_max", r2__qual__tenure_max="4").cls == "exact"


@pytest.mark.parametrize(
    ("id", "says"),
    [
        ("r1.ref.stress_fig", "12"),
        ("r1.ref.need_app", "11"),
        ("r2.framework.appendix", "5"),
        ("r2.ref.fig_blank", "2"),
        ("r2.ref.logit_equation", "T"),
        ("sum.claim.first_rct", "first in the UK"),
    ],
)
def test_references(id: str, says: str) -> None:
    found = entry(id)
    assert (found.recomputed, found.cls) == (says, "minor")
    assert check_claim(CLAIMS | {id: replace(CLAIMS[id], value=says)}, id, {}).cls == "exact"


def test_a_date_that_is_none_is_refused() -> None:
    with pytest.raises(DataError, match="is not a date"):
        entry("r1.design.max_followup", r1__design__pilot_end="autumn")


@pytest.mark.parametrize(
    ("id", "source", "page"),
    [("r1.ref.page_stress", "r1.stress.k_cec", 46), ("r1.ref.page_disengage", "r1.qual.disengage", 35)],
)
def test_a_page_is_where_the_passage_stands(id: str, source: str, page: int) -> None:
    found = entry(id)
    assert (found.recomputed, found.cls) == (str(page), "minor")
    moved = {**CLAIMS, source: replace(CLAIMS[source], page=int(CLAIMS[id].value))}
    assert check_claim(moved, id, {}).cls == "exact"
