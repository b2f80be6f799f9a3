"""The tables beside the findings of chapter 10: cut from the readings, nothing added."""

import matplotlib as mpl
import pandas as pd
import pytest

from crewe_lib import claims_exhibits as exhibits
from crewe_lib import claims_words as words
from crewe_lib.claim_classes import ALPHA
from crewe_lib.claims import evaluate_claims
from crewe_lib.claims_summary import summarise_totals
from crewe_lib.errors import DataError
from crewe_lib.figures.claims import draw_p_ranges
from crewe_lib.leads import catalogue
from crewe_lib.load import load_claims, load_ledger_tables

REGISTER, TABLES = load_claims(), load_ledger_tables()
LEADS = catalogue.check_leads(REGISTER)
LEDGER = evaluate_claims(REGISTER, TABLES)


@pytest.mark.parametrize("name", exhibits.EXCERPTS)
def test_an_excerpt_is_the_ledgers_rows(name: str) -> None:
    tables = TABLES if name == "authorities" else {}
    found = exhibits.check_excerpt(REGISTER, tables, name=name)
    rows = LEDGER.set_index("id").loc[list(exhibits.EXCERPTS[name])].reset_index()
    pd.testing.assert_frame_equal(found, rows[found.columns], check_dtype=False)


def test_an_excerpt_needs_the_tables_that_its_rules_read() -> None:
    with pytest.raises(DataError, match="needs the table 'la_panel'"):
        exhibits.check_excerpt(REGISTER, {}, name="authorities")


def test_every_reading_of_ageing_out_that_fits_is_shown() -> None:
    readings, found = LEADS["ageing_out"].readings, exhibits.derive_ageing_out(LEADS)
    assert len(found) == (readings["matched"] == 4).sum() > 10
    assert found["counts"].is_unique and found.loc[0, "reading"] == "arms as printed"
    assert (found["p_least"] <= found["p_fisher"]).all() and (found["p_fisher"] <= found["p_greatest"]).all()


def test_the_table_behind_it_writes_p_values_in_full() -> None:
    table = exhibits.write_ageing_out(exhibits.derive_ageing_out(LEADS))
    assert table["p, Fisher"].str.fullmatch(r"0\.\d{2,3}|< 0\.001").all()


def test_its_figure_has_a_bar_for_each_reading_and_the_level() -> None:
    mpl.use("agg")
    readings = exhibits.derive_ageing_out(LEADS)
    _, ax = mpl.pyplot.subplots()
    draw_p_ranges(readings, ax=ax, alpha=ALPHA)
    assert len(ax.get_yticks()) == len(readings)
    assert any(list(line.get_xdata()) == [ALPHA, ALPHA] for line in ax.lines)
    mpl.pyplot.close("all")


def test_power_is_given_in_both_directions() -> None:
    found = exhibits.derive_power(REGISTER, LEADS)
    assert found["printed"].tolist() == [15.1, 11.2, 12.4, 9.1]
    assert (found["own_rise"] > found["own_fall"]).all() and (found["own_fall"] > found["fall"]).all()


def test_the_windows_add_up_to_all_rereferrals() -> None:
    found = exhibits.derive_windows(LEADS)
    assert found["rereferrals"].sum() == LEADS["rereferral"].numbers["together"]
    assert found["per_month"].tolist() == pytest.approx((found["rereferrals"] / found["months"]).tolist())


def test_under_eleven_stands_in_both_orders() -> None:
    found = exhibits.derive_under_11(LEADS)
    assert set(found["order"]) == {"exchanged", "as printed"} and found["p_fisher"].between(0, 1).all()


def test_each_question_is_told_once() -> None:
    others = catalogue.tabulate_leads(LEADS, without=words.TOLD)
    assert set(others["id"]) == set(LEADS) - set(words.TOLD) and set(words.TOLD) <= set(LEADS)
    assert others[["title", "finding", "settles"]].map(bool).all(axis=None)


@pytest.mark.parametrize("id", LEADS)
def test_a_question_names_claims_that_exist_and_keeps_rival_readings(id: str) -> None:
    lead = LEADS[id]
    assert set(lead.claims) <= set(REGISTER["id"]) and lead.claims
    assert len(lead.readings) > 1 and lead.verdict in catalogue.VERDICTS


def test_totals_count_printed_claims_only() -> None:
    totals = summarise_totals(LEDGER)
    assert totals["claims"] + totals["derived"] == len(LEDGER)
    assert totals["follow"] + totals["differ"] == totals["computed"] <= totals["claims"]
    assert 0 < totals["supports"] <= totals["exact"]


def test_one_sum_of_three_numbers_is_one_agreement() -> None:
    own = LEDGER[LEDGER["id"].isin(("r1.sample.randomised", "r1.sample.excluded", "r1.sample.final"))]
    assert set(own["together"]) == {"r1.sample.excluded r1.sample.final r1.sample.randomised"}
