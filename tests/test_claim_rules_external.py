"""Figures of other sources against the official tables: read by eye, by hand, and what changed data do."""

import pandas as pd
import pytest
from ledger_rows import entry, with_rows

from crewe_lib.claim_rules import external
from crewe_lib.errors import DataError
from crewe_lib.load import load_claims, load_context_counts, load_la_panel

CHECKED = {"status": "external", "reason": "A source"}
ROWS = {
    "r1.power.region_name": {"value": "North East", "unit": "label", "topic": "power"},
    "r1.t2.sub.meaning": {"value": "substance abuse", "unit": "label", "topic": "risk"},
    "r2.ext.population": {"value": "380000", "precision": "over", **CHECKED},
    **dict.fromkeys(
        (
            "r1.ext.cin_2016",
            "r1.ext.cin_cp_lac_12",
            "r1.power.baseline",
            "r1.power.region",
            "r1.power.england",
            "r1.cost.escal_nat_text",
            "r1.cost.escal_nat_table",
            "r2.mi.national_escalation",
            *(f"r1.t2.{row}.nat" for row in external.FACTORS),
        ),
        CHECKED,
    ),
}


@pytest.fixture(scope="module")
def tables() -> dict:
    return {"la_panel": ("official", load_la_panel()), "context_counts": ("official", load_context_counts())}


@pytest.fixture(scope="module")
def register() -> pd.DataFrame:
    return with_rows(load_claims(), ROWS)


def spoil(tables: dict, name: str, where: dict, column: str, value: object) -> dict:
    """The tables with one cell changed."""
    kind, frame = tables[name]
    frame = frame.copy()
    frame.loc[(frame[list(where)] == pd.Series(where)).all(axis=1), column] = value
    return {**tables, name: (kind, frame)}


# Read by eye in the release of the year ending March 2016: England's row, and the column named.
@pytest.mark.parametrize(
    ("authority", "measure", "number", "column"),
    [
        ("England", "episodes_with_factors", 448200, "Episodeswithfactors1516"),
        ("England", "domestic_violence", 222200, "Factor1516Domesticviolence"),
        ("England", "mental_health", 164200, "Factor1516Mentalhealth"),
        ("England", "drug_misuse", 86600, "Factor1516Drugmisuse"),
        ("England", "alcohol_misuse", 82400, "Factor1516Alcoholmisuse"),
        ("England", "plans_open_31_march", 50310, "CPPAt310316"),
        ("England", "episodes_at_any_point", 778980, "CINThro1516"),
        ("England", "episodes_started", 401600, "CINStarting1516"),
        ("Cheshire East", "episodes_with_factors", 3159, "Episodeswithfactors1516"),
        ("Cheshire East", "domestic_violence", 1873, "Factor1516Domesticviolence"),
        ("Cheshire East", "plans_open_31_march", 279, "CPPAt310316"),
    ],
)
def test_cells_read_by_eye(authority, measure, number, column) -> None:
    rows = load_context_counts()
    keys = {"name": authority, "year": 2016, "vintage": "first_published", "measure": measure}
    (row,) = rows[(rows[list(keys)] == pd.Series(keys)).all(axis=1)].itertuples()
    assert (row.number, row.column) == (number, column) and "SFR52/2016" in row.release


def test_percentages_are_of_the_assessed_episodes() -> None:
    rows = load_context_counts()
    factors = rows[rows["subject"] == "assessment factors"]
    assert set(factors["year"]) == {2015, 2016, 2017} and set(factors["name"]) == {"England", "Cheshire East"}
    keys = ["authority", "year"]
    whole = rows[rows["measure"] == "episodes_with_factors"].set_index(keys)["number"].astype(float)
    by_hand = 100 * factors["number"].astype(float) / factors[keys].apply(lambda row: whole[tuple(row)], axis=1)
    pd.testing.assert_series_equal(factors["percentage"], by_hand.round(2), check_names=False)
    assert rows.loc[rows["subject"] != "assessment factors", "percentage"].isna().all()


class TestRereferrals:
    @pytest.mark.parametrize(
        ("id", "part", "whole"),
        [
            ("r1.power.baseline", 645, 2856),
            ("r1.power.region", 28238, 103569),
            ("r1.power.england", 154000, 657800),
        ],
    )
    def test_they_are_those_of_2014_as_first_published(self, register, tables, id, part, whole) -> None:
        found = entry(register, id, tables)
        assert found.recomputed == pytest.approx(100 * part / whole) and found.cls == "external"
        assert "March 2014, as first published" in found.how and "inferred" in found.kinds

    def test_regions_add_up_authorities(self, tables) -> None:
        panel = tables["la_panel"][1]
        rates = external.derive_rereferral_rates(panel)
        own = panel[panel["region"].eq("North West") & panel["year"].eq(2014) & panel["vintage"].eq("first_published")]
        keys = {"area": "North West", "year": 2014, "vintage": "first_published"}
        rate = rates.loc[(rates[list(keys)] == pd.Series(keys)).all(axis=1), "rate"].item()
        assert rate == pytest.approx(100 * own["rereferrals"].sum() / own["referrals"].sum())

    def test_the_region_is_the_north_west(self, register, tables) -> None:
        found = entry(register, "r1.power.region_name", tables)
        assert (found.recomputed, found.cls) == ("North West", "minor") and "slip" in found.note
        right = with_rows(register, {"r1.power.region_name": {"value": "North West"}})
        assert entry(right, "r1.power.region_name", tables).cls == "exact"

    def test_another_printed_rate_names_another_region(self, register, tables) -> None:
        changed = with_rows(register, {"r1.power.region": {"value": "22.9"}})
        found = entry(changed, "r1.power.region_name", tables)
        assert found.recomputed == "North East" and found.cls == "exact"

    def test_a_wrong_rate_is_found(self, register, tables) -> None:
        changed = with_rows(register, {"r1.power.baseline": {"value": "25.6"}})
        assert entry(changed, "r1.power.baseline", tables).cls == "major"


class TestEscalation:
    def test_open_plans(self, register, tables) -> None:
        for id, cls in (
            ("r1.ext.cin_cp_lac_12", "external"),
            ("r1.cost.escal_nat_text", "external"),
            ("r1.cost.escal_nat_table", "minor"),
        ):
            found = entry(register, id, tables)
            assert found.recomputed == pytest.approx(100 * 50310 / 394400) and found.cls == cls
        assert f"{100 * 50310 / 401600:.2f}%" in found.note and f"{100 * 63310 / 778980:.2f}%" in found.note

    def test_the_sentence_on_care_has_its_own_remark(self, register, tables) -> None:
        assert "looked-after" in entry(register, "r1.ext.cin_cp_lac_12", tables).note
        assert "looked-after" not in entry(register, "r1.cost.escal_nat_table", tables).note

    def test_the_national_average_of_the_second_report(self, register, tables) -> None:
        found = entry(register, "r2.mi.national_escalation", tables)
        assert found.recomputed == pytest.approx(100 * 66680 / 708840) and found.cls == "minor"
        for plans, children in ((63310, 694590), (66410, 692880), (68770, 705060)):
            assert f"{100 * plans / children:.2f}%" in found.note

    def test_it_follows_the_data(self, register, tables) -> None:
        where = {"authority": "E92000001", "year": 2016, "vintage": "first_published", "measure": "plans_open_31_march"}
        changed = spoil(tables, "context_counts", where, "number", 49300)
        assert entry(register, "r1.cost.escal_nat_table", changed).cls == "external"


class TestFactors:
    @pytest.mark.parametrize(("row", "number"), [("dv", 222200), ("mh", 164200), ("sub", 86600)])
    def test_they_are_in_the_release(self, register, tables, row, number) -> None:
        found = entry(register, f"r1.t2.{row}.nat", tables)
        assert found.recomputed == pytest.approx(100 * number / 448200) and found.cls == "external"

    def test_substance_abuse_is_drug_misuse(self, register, tables) -> None:
        found = entry(register, "r1.t2.sub.meaning", tables)
        assert (found.recomputed, found.cls) == ("drug misuse", "minor")
        changed = with_rows(register, {"r1.t2.sub.nat": {"value": "18.4"}})
        assert entry(changed, "r1.t2.sub.meaning", tables).recomputed == "alcohol misuse"

    def test_another_percentage_is_found(self, register, tables) -> None:
        changed = with_rows(register, {"r1.t2.dv.nat": {"value": "46.9"}})
        assert entry(changed, "r1.t2.dv.nat", tables).cls == "minor"


def test_children_in_need_are_those_of_one_day(register, tables) -> None:
    found = entry(register, "r1.ext.cin_2016", tables)
    assert (found.recomputed, found.cls) == (394400, "external") and "401,600" in found.note
    assert (
        entry(with_rows(register, {"r1.ext.cin_2016": {"value": "304400"}}), "r1.ext.cin_2016", tables).cls == "major"
    )


def test_residents(register, tables) -> None:
    assert entry(register, "r2.ext.population", tables).recomputed == 380790
    more = with_rows(register, {"r2.ext.population": {"value": "390000"}})
    assert entry(more, "r2.ext.population", tables).cls == "minor"


def test_a_missing_table_is_named(register, tables) -> None:
    with pytest.raises(DataError, match="needs the table 'context_counts'"):
        entry(register, "r1.t2.dv.nat", {"la_panel": tables["la_panel"]})
