"""What the interviews found: the table keeps its rules, words follow it, and what is counted follows the register."""

import pandas as pd
import pytest

from crewe_lib import delivery_theme_counts as counts
from crewe_lib import delivery_themes as themes
from crewe_lib.checks import check_table
from crewe_lib.errors import CreweError, DataError
from crewe_lib.formats import NO_BREAK
from crewe_lib.load import load_claims, load_themes
from crewe_lib.themes_table import THEMES, THEMES_TABLE, VOICES, split_list

REGISTER, TABLE = load_claims(), load_themes()
FINDINGS = themes.derive_findings(TABLE, REGISTER)


def with_cell(id: str, **cells: object) -> pd.DataFrame:
    """The table with cells of one finding changed."""
    table = TABLE.copy()
    for name, value in cells.items():
        table.loc[table["id"] == id, name] = value
    return table


def with_claim(id: str, value: str) -> pd.DataFrame:
    register = REGISTER.copy()
    register.loc[register["id"] == id, "value"] = value
    return register


class TestTheTable:
    def test_every_theme_of_the_page_has_findings_and_words(self) -> None:
        assert set(TABLE["theme"]) == set(THEMES) == set(themes.LABELS)
        assert list(dict.fromkeys(TABLE["theme"])) == list(THEMES) == list(themes.LABELS)

    def test_a_theme_counts_nothing_just_where_no_claim_bears_on_it(self) -> None:
        claimed = TABLE["claims"].ne("").groupby(TABLE["theme"]).any()
        assert {t for t, (_, _, counted) in themes.LABELS.items() if counted == themes.NOTHING} == set(
            claimed.index[~claimed]
        )

    def test_findings_are_sentences_in_our_own_words(self) -> None:
        assert TABLE["finding"].str.match(r"^[A-Z].*\.$").all()
        assert not TABLE["finding"].str.replace("FACT22", "").str.contains(r"[\"“”‘’]|\d|!").any()

    def test_pages_lie_in_their_reports(self) -> None:
        known = TABLE[TABLE["page"].notna()]
        first, second = (known.loc[known["document"] == name, "page"] for name in ("r1", "r2"))
        assert first.between(7, 82).all() and second.between(8, 66).all()
        assert TABLE.loc[TABLE["document"] == "blog", "page"].isna().all()

    def test_a_page_that_the_register_gives_for_the_same_passage_is_the_same(self) -> None:
        pages = REGISTER.set_index("id")["page"]
        for finding, claim in {
            "r1_visits": "r1.visits.autumn",
            "r1_caseload_grew": "r1.caseload.nov15",
            "r1_parents_unaware": "r1.qual.pc_fail",
            "r1_volunteers_glad": "r1.qual.volunteer_families",
            "r1_no_relief": "r1.caseload.extra",
            "r1_stress": "r1.stress.k_cec",
            "r1_escalations_few": "r1.escal.year",
            "r2_pod_smaller": "r2.design.cases_pod",
            "r2_training_cut": "r2.design.training_days",
            "r2_history_limit": "r2.design.referrals_max2",
            "r2_fewer_pods": "r2.pods.manager",
        }.items():
            assert int(TABLE.set_index("id").loc[finding, "page"]) == int(pages[claim]), finding

    @pytest.mark.parametrize(
        ("cells", "message"),
        [
            ({"how_many": "one"}, "how_many needs one entry for each entry of said_by"),
            ({"at_odds_with": "r1_nothing"}, "at_odds_with must name another finding"),
            ({"at_odds_with": "r1_visits"}, "at_odds_with must name another finding"),
            ({"document": "r2"}, "id must begin with its document"),
            ({"page_basis": ""}, "a page needs its page_basis"),
            ({"said_by": "neighbours"}, "must match"),
            ({"how_many": "a few; many"}, "must match"),
            ({"theme": "weather"}, "must be one of practitioner"),
            ({"finding": " "}, "must not be blank"),
        ],
    )
    def test_a_table_that_breaks_a_rule_is_refused(self, cells, message) -> None:
        with pytest.raises(DataError, match=message):
            check_table(with_cell("r1_visits", **cells), THEMES_TABLE, "themes.csv")


class TestFindings:
    @pytest.mark.parametrize(
        ("said_by", "how_many", "words"),
        [
            ("families", "", "families"),
            ("families; practitioners", "-; most", "families, most practitioners"),
            ("social_workers; council_leaders", "one; one", "one social worker, one leader of the council"),
            ("service_staff", "one", "one of the service's staff"),
            ("service_staff", "all", "all of the service's staff"),
            ("families", "two", "two families"),
            ("authors", "", "the authors"),
        ],
    )
    def test_who_said_it_in_words(self, said_by, how_many, words) -> None:
        assert themes.write_who(said_by, how_many) == words

    def test_a_finding_ends_with_who_and_page(self) -> None:
        said = FINDINGS.set_index("id")["said"]
        assert said["r1_trust"].endswith(f" such as money (families; p.{NO_BREAK}32).")
        assert said["r2_expect_help"].endswith("(one of the service's staff; page not known).")
        assert said["blog_relief"].endswith("(one leader of the service; Catch22 article).")
        where = FINDINGS.set_index("id")["where"]
        assert where["r1_trust"] == f"2017 report, p.{NO_BREAK}32" and where["r2_expect_help"] == "2020 report"

    def test_a_claim_that_the_register_lacks_is_named(self) -> None:
        with pytest.raises(DataError, match=r"finding r1_visits names r1\.visits\.spring, which the register lacks"):
            themes.derive_findings(TABLE, REGISTER[REGISTER["id"] != "r1.visits.spring"])

    def test_a_theme_without_findings_is_named(self) -> None:
        with pytest.raises(DataError, match="no finding stands under signs"):
            themes.derive_findings(TABLE[TABLE["theme"] != "signs"], REGISTER)


class TestThemes:
    def test_each_finding_stands_in_one_cell_of_one_table(self) -> None:
        tables = [themes.derive_themes(FINDINGS, part=part) for part in ("families", "service")]
        together = pd.concat(tables, ignore_index=True)
        assert list(together["theme"]) == list(THEMES) and together["findings"].sum() == len(TABLE)
        assert all(len(table) <= 10 for table in tables)
        cells = " ".join(text for column in ("first", "second") for text in together[column].dropna())
        assert all(cells.count(said) == 1 for said in FINDINGS["said"])

    def test_rounds_stand_apart_and_silence_is_missing(self) -> None:
        table = themes.derive_themes(FINDINGS, part="service").set_index("theme")
        assert table.loc["funding", "first"] is None and table.loc["signs", "first"] is None
        assert "Catch22 article" in table.loc["relief", "first"] and "Catch22" not in table.loc["relief", "second"]
        assert table.loc["handover", "counted"] == "nothing"

    def test_what_is_counted_goes_with_its_claims(self) -> None:
        bare = FINDINGS.assign(claims="")
        assert set(themes.derive_themes(bare, part="families")["counted"]) == {"nothing"}

    def test_another_part_is_refused(self) -> None:
        with pytest.raises(CreweError, match="it must be families or service"):
            themes.derive_themes(FINDINGS, part="money")


class TestDisagreements:
    def test_by_hand(self) -> None:
        odds = themes.derive_disagreements(FINDINGS).set_index("id")
        assert dict(odds["between"]) == {
            "r1_sooner_believed": "one report",
            "r1_volunteers_unnamed": "one report",
            "r1_history_warmest": "rounds",
            "r1_history_fresh": "rounds",
            "r1_caseload_steady": "one report",
            "r1_no_relief": "documents",
            "r1_criteria_agreed": "rounds",
            "r1_escalations_few": "rounds",
        }
        row = odds.loc["r1_history_warmest"]
        assert (row["where"], row["other_where"]) == (f"2017 report, p.{NO_BREAK}32", f"2020 report, p.{NO_BREAK}33")

    def test_without_a_pair_there_is_none(self) -> None:
        odds = themes.derive_disagreements(FINDINGS.assign(at_odds_with=""))
        assert odds.empty and "other_where" in odds


def test_voices_by_hand() -> None:
    few = pd.DataFrame(
        [("r1", "families; practitioners", ""), ("r1", "practitioners", "r2_x"), ("r2", "authors", ""),
         ("blog", "families", "")],
        columns=["document", "said_by", "at_odds_with"],
    )  # fmt: skip
    found = themes.summarise_voices(few)
    assert (found["n_r1"], found["n_r2"], found["disagreements"]) == (2, 1, 1)
    assert (found["families_r1"], found["practitioners_r1"], found["authors_r2"]) == (1, 2, 1)
    assert found["families_r2"] == 0


def test_no_family_stands_behind_a_finding_of_2020() -> None:
    found = themes.summarise_voices(FINDINGS)
    assert found["families_r2"] == 0 and found["families_r1"] > 0
    assert {voice for cell in TABLE["said_by"] for voice in split_list(cell)} == set(VOICES)


class TestCounts:
    def test_what_is_printed(self) -> None:
        found = counts.derive_theme_numbers(REGISTER)
        assert (found["visits_autumn"], found["visits_spring"], found["cap"]) == (11, 9, 12)
        assert (found["stressed_council"], found["answered_council"], found["stressed"], found["answered"]) == (
            8,
            9,
            6,
            19,
        )
        assert (found["failed"], found["cases"], found["failed_council"], found["cases_council"]) == (3, 7, 1, 5)
        assert (found["criteria_from"], found["pod_change"], found["closed_tested"]) == (
            "April 2019", "January 2016", "n.s.",
        )  # fmt: skip

    def test_case_studies_that_failed_agree_with_their_table(self) -> None:
        found = counts.derive_theme_numbers(REGISTER)
        printed = REGISTER.set_index("id")["value"].astype(object)
        assert found["failed"] == int(printed["r1.t3.no_change.pc"]) + int(printed["r1.t3.escalated.pc"])

    def test_numbers_follow_the_register(self) -> None:
        found = counts.derive_theme_numbers(with_claim("r1.t3.escalated.cec", "2"))
        assert found["failed_council"] == 2

    def test_timing_by_hand(self) -> None:
        found = counts.derive_timing(REGISTER)
        month = 365.25 / 12
        assert found["months"] == pytest.approx(1574 / month)  # 1 August 2015 to 22 November 2019
        assert found["signs_months"] == pytest.approx(325 / month)  # from 1 January 2019
        assert found["criteria_months"] == pytest.approx(1096 / month)  # 31 March 2016 to 1 April 2019
        assert found["open_share"] == pytest.approx(28) and found["escalated"] == pytest.approx(0.14 * 380)

    def test_what_began_after_the_end_touches_no_month(self) -> None:
        assert counts.derive_timing(with_claim("r2.t1.sos", "2021"))["signs_months"] == 0

    def test_a_missing_claim_is_named(self) -> None:
        with pytest.raises(DataError, match=r"r2\.t1\.sos"):
            counts.derive_timing(REGISTER[REGISTER["id"] != "r2.t1.sos"])

    def test_every_name_is_given_once(self) -> None:
        names = [*counts.COUNTS, *counts.OTHER, *counts.DATES, *counts.TESTS]
        assert len(names) == len(set(names))
