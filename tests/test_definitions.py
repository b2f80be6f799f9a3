"""The reports' definitions at their edges, on families made by hand."""

import pandas as pd
import pytest

from crewe_lib import definitions as d
from crewe_lib import definitions_follow_up as f
from crewe_lib.contract import TABLES
from crewe_lib.errors import CreweError, DataError
from crewe_lib.load import load_claims, load_simulated_cohort
from crewe_lib.records import Records, to_records

DATES = d.StudyDates(pd.Timestamp("2015-08-01"), pd.Timestamp("2016-11-01"), pd.Timestamp("2019-11-22"))
REASONS = ("aged_out", "moved", "other")
EPISODE = {
    "referred_on": "2015-10-01",
    "plan_opened_on": "2015-10-11",
    "status": "open",
    "closed_on": "",
    "closed_reason": "",
    "primary_need": "N1",
}
CHILD = {
    "lead_child": "1",
    "sex": "female",
    "born_in": "2008-05",
    "ethnicity": "white_british",
    "disability": "0",
    "is_cin": "1",
    "followed_to": "2019-11-22",
}

READINGS = ("any_but_escalated", "stepped_down")
OUTCOMES = [
    (d.derive_rereferred_round1, {}),
    *((define, {"reading": r}) for define in (d.derive_closed_round1, d.derive_days_open) for r in READINGS),
    *((f.derive_closed_round2, {"reading": r}) for r in ("status", "recorded")),
    *((f.derive_rereferred_round2, {"reading": r}) for r in ("any", "printed", "statutory")),
    (f.derive_escalated, {}),
    (f.derive_case_length, {}),
]


def frame(table: str, rows: list[dict]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=TABLES[table].names).fillna("").astype(str)


def closed(on: str, reason: str = "stepped_down", **more: str) -> dict:
    return {"status": "closed", "closed_on": on, "closed_reason": reason, **more}


def records(
    *episodes: dict, child: dict | None = None, others: list[dict] = (), protection: list[dict] = ()
) -> Records:
    """One family, its lead child c1 and that child's episodes."""
    rows = [{"episode_id": f"e{n}", "child_id": "c1", **EPISODE, **e} for n, e in enumerate(episodes, 1)]
    family = {
        "family_id": "f1",
        "arm": "treatment",
        "randomised_on": "2015-10-02",
        "site": "crewe",
        "case_data": "1",
    }
    return to_records(
        {
            "families": frame("families", [family]),
            "children": frame("children", [{"child_id": "c1", "family_id": "f1", **CHILD, **(child or {})}, *others]),
            "episodes": frame("episodes", rows),
            "protection": frame("protection", [{"child_id": "c1", **row} for row in protection]),
        },
        "records",
    )


def outcome(made: Records, define, column: str, **options: object):
    cases = d.derive_cases(made, dates=DATES)
    value = define(made, cases, dates=DATES, **options)[column].iloc[0]
    return None if pd.isna(value) else value


def closed_round1(made: Records, reading: str = "any_but_escalated"):
    return outcome(made, d.derive_closed_round1, "closed", reading=reading)


def days_open(made: Records, reading: str = "any_but_escalated") -> pd.DataFrame:
    return d.derive_days_open(made, d.derive_cases(made, dates=DATES), dates=DATES, reading=reading)


def rereferred_round2(made: Records) -> list[bool | None]:
    """In each reading: any, printed, statutory."""
    readings = ("any", "printed", "statutory")
    return [outcome(made, f.derive_rereferred_round2, "rereferred", reading=reading) for reading in readings]


def test_the_dates_are_those_that_the_reports_print() -> None:
    assert d.derive_study_dates(load_claims()) == DATES


class TestReferral:
    def test_one_before_the_pilot_is_recoded_to_its_first_day(self) -> None:
        case = d.derive_cases(records({"referred_on": "2015-03-01", "plan_opened_on": "2015-03-09"}), dates=DATES).iloc[
            0
        ]
        assert (case["referred_on"], case["referred_on_recorded"]) == (DATES.pilot_start, pd.Timestamp("2015-03-01"))

    @pytest.mark.parametrize("day", ["2015-08-01", "2015-08-02"])
    def test_one_from_the_first_day_on_stays(self, day: str) -> None:
        assert d.derive_cases(records({"referred_on": day}), dates=DATES).iloc[0]["referred_on"] == pd.Timestamp(day)

    @pytest.mark.parametrize(("ended", "index"), [("2015-07-31", "e2"), ("2015-08-01", "e1")])
    def test_an_episode_open_on_the_first_day_is_the_index_episode(self, ended: str, index: str) -> None:
        made = records({"referred_on": "2014-01-01", "plan_opened_on": "2014-01-05", **closed(ended)}, {})
        assert d.derive_cases(made, dates=DATES).iloc[0]["episode_id"] == index

    def test_one_closed_on_an_unknown_day_stands_in_where_there_is_no_other(self) -> None:
        old = {"referred_on": "2015-03-01", "plan_opened_on": "2015-03-09", **closed("")}
        assert d.derive_cases(records(old), dates=DATES)["episode_id"].tolist() == ["e1"]
        assert d.derive_cases(records(old, {}), dates=DATES)["episode_id"].tolist() == ["e2"]
        assert d.derive_cases(records({**old, "referred_on": "2012-03-01"}, old), dates=DATES)[
            "episode_id"
        ].tolist() == ["e2"]

    def test_one_referred_after_the_pilot_is_no_index_episode(self) -> None:
        old = {"referred_on": "2015-03-01", "plan_opened_on": "2015-03-09", **closed("")}
        made = records(old, {"referred_on": "2016-11-02", "plan_opened_on": ""})
        assert d.derive_cases(made, dates=DATES)["episode_id"].tolist() == ["e1"]
        last = records({"referred_on": "2016-11-01", "plan_opened_on": ""})
        assert d.derive_cases(last, dates=DATES)["episode_id"].tolist() == ["e1"]

    @pytest.mark.parametrize(
        "episodes",
        [
            [],
            [{"referred_on": "2016-11-02", "plan_opened_on": ""}],
            [{"referred_on": "2014-01-01", "plan_opened_on": "", **closed("2015-07-31")}],
        ],
    )
    def test_a_family_with_case_data_but_no_index_episode_is_refused(self, episodes: list[dict]) -> None:
        with pytest.raises(
            DataError, match=r"without an index episode: 1\. .* set case_data to 0 .*, or bring the epis"
        ):
            d.derive_cases(records(*episodes), dates=DATES)

    def test_a_family_without_a_lead_child_is_refused(self) -> None:
        with pytest.raises(DataError, match="do not have exactly one lead child"):
            d.derive_cases(records({}, child={"lead_child": "0"}), dates=DATES)

    def test_a_family_without_case_data_is_no_case(self) -> None:
        made = records({})
        made.families["case_data"] = "0"
        assert d.derive_cases(made, dates=DATES).empty


SIBLING = {"child_id": "c2", "family_id": "f1", **CHILD, "lead_child": "0", "born_in": "2003-01"}


class TestChildren:
    def test_lead_children_are_the_cases_in_the_cohort(self) -> None:
        cohort = load_simulated_cohort()
        cases, children = (define(cohort, dates=DATES) for define in (d.derive_cases, d.derive_children))
        leads = children[children["lead_child"]].drop(columns="lead_child").reset_index(drop=True)
        pd.testing.assert_frame_equal(leads, cases)
        assert children["child_id"].is_unique and set(children["family_id"]) == set(cases["family_id"])
        assert len(children) > len(cases) and children["episode_id"].notna().all()

    def test_outcomes_of_lead_children_do_not_depend_on_the_frame(self) -> None:
        cohort = load_simulated_cohort()
        cases, children = (define(cohort, dates=DATES) for define in (d.derive_cases, d.derive_children))
        for define, options in OUTCOMES:
            few, many = (define(cohort, frame, dates=DATES, **options) for frame in (cases, children))
            assert list(few)[:2] == ["family_id", "child_id"] and many["child_id"].is_unique
            leads = many[many["child_id"].isin(cases["child_id"])].reset_index(drop=True)
            pd.testing.assert_frame_equal(leads, few)
        aged = [f.derive_aged_out(frame, dates=DATES).set_index("child_id")["aged_out"] for frame in (cases, children)]
        pd.testing.assert_series_equal(aged[1][aged[0].index], aged[0])

    def test_a_sibling_has_an_episode_an_age_and_an_outcome_of_its_own(self) -> None:
        own = {"child_id": "c2", "referred_on": "2015-12-01", **closed("2016-02-01")}
        made = records({}, own, others=[SIBLING])
        children = d.derive_children(made, dates=DATES).set_index("child_id")
        assert children["lead_child"].to_dict() == {"c1": True, "c2": False}
        assert children["episode_id"].to_dict() == {"c1": "e1", "c2": "e2"}
        assert children["under_11"].to_dict() == {"c1": True, "c2": False} and children["other_cin"].all()
        frame = d.derive_children(made, dates=DATES)
        shut = d.derive_closed_round1(made, frame, dates=DATES, reading="any_but_escalated")
        assert shut.set_index("child_id")["closed"].to_dict() == {"c1": False, "c2": True}
        days = d.derive_days_open(made, frame, dates=DATES, reading="any_but_escalated")
        assert days.set_index("child_id")["days"].to_dict() == {"c1": 397, "c2": 62}

    def test_the_history_of_a_family_is_that_of_all_its_children(self) -> None:
        early = {"child_id": "c2", "referred_on": "2015-05-01", "plan_opened_on": "2015-05-09"}
        assert d.derive_children(records({}, early, others=[SIBLING]), dates=DATES)["history"].all()

    @pytest.mark.parametrize(
        ("sibling", "episode"),
        [({"is_cin": "0"}, {}), ({}, {"referred_on": "2016-11-02"}), ({}, None)],
        ids=["not in need", "referred after the pilot", "no episode"],
    )
    def test_a_sibling_without_need_or_index_episode_is_left_out(self, sibling: dict, episode: dict | None) -> None:
        own = [] if episode is None else [{"child_id": "c2", "plan_opened_on": "", **episode}]
        made = records({}, *own, others=[{**SIBLING, **sibling}])
        children = d.derive_children(made, dates=DATES)
        assert children["child_id"].tolist() == ["c1"]
        assert children["other_cin"].tolist() == [sibling == {}]

    def test_a_lead_child_without_an_index_episode_is_refused_whatever_its_siblings_have(self) -> None:
        made = records({"child_id": "c2"}, others=[SIBLING])
        with pytest.raises(DataError, match="without an index episode: 1"):
            d.derive_children(made, dates=DATES)


class TestHistory:
    @pytest.mark.parametrize(("opened", "history"), [("2015-07-31", True), ("2015-08-01", False), ("", False)])
    def test_a_plan_before_the_first_day(self, opened: str, history: bool) -> None:
        made = records({"referred_on": "2015-07-01", "plan_opened_on": opened})
        assert d.derive_cases(made, dates=DATES).iloc[0]["history"] == history

    def test_a_sibling_s_plan_counts(self) -> None:
        sibling = {"child_id": "c2", "family_id": "f1", **CHILD, "lead_child": "0"}
        made = records({}, {"child_id": "c2", "plan_opened_on": "2012-01-01", **closed("2012-05-01")}, others=[sibling])
        case = d.derive_cases(made, dates=DATES).iloc[0]
        assert case["history"] and case["other_cin"]
        assert d.derive_history(made, dates=DATES)["history"].tolist() == [True]


class TestFirstRound:
    @pytest.mark.parametrize(("day", "expected"), [("2016-10-31", True), ("2016-11-01", True), ("2016-11-02", False)])
    def test_closing_on_the_last_day_counts(self, day: str, expected: bool) -> None:
        assert closed_round1(records(closed(day))) == expected

    def test_an_open_case_is_not_closed(self) -> None:
        assert closed_round1(records({})) == False  # noqa: E712

    @pytest.mark.parametrize(
        ("reason", "any_but_escalated", "stepped_down"),
        [("stepped_down", True, True), ("escalated", False, False), *((r, True, False) for r in REASONS)],
    )
    def test_which_reasons_are_a_stepping_down(self, reason: str, any_but_escalated: bool, stepped_down: bool) -> None:
        made = records(closed("2016-03-01", reason))
        assert closed_round1(made) == any_but_escalated
        assert closed_round1(made, "stepped_down") == stepped_down

    @pytest.mark.parametrize("define", [d.derive_closed_round1, d.derive_days_open])
    def test_another_reading_is_refused(self, define) -> None:
        with pytest.raises(CreweError, match="must be one of any_but_escalated, stepped_down"):
            outcome(records({}), define, "closed", reading="mine")

    def test_the_rule_says_what_a_return_or_an_escalation_does(self) -> None:
        back, day = records(closed("2016-03-01"), {"referred_on": "2016-05-01", "plan_opened_on": ""}), "2016-03-01"
        unknown = records(closed(""), {"referred_on": "2016-05-01", "plan_opened_on": ""})
        gone, end = records(closed(day, "escalated")), "2016-11-01"
        expected = [
            (back, "lasting", end, False), (back, "first", day, True), (back, "escalated_open", end, False),
            (gone, "lasting", day, False), (gone, "first", day, False), (gone, "escalated_open", end, False),
            (unknown, "lasting", end, False),
        ]  # fmt: skip
        for made, rule, until, event in expected:
            cases = d.derive_cases(made, dates=DATES)
            row = d.derive_days_open(made, cases, dates=DATES, reading="any_but_escalated", rule=rule).iloc[0]
            start = cases["referred_on"].iloc[0]
            assert (start + pd.Timedelta(days=int(row["days"])), row["closed"]) == (pd.Timestamp(until), event)
        cases = d.derive_cases(unknown, dates=DATES)
        assert d.derive_days_open(unknown, cases, dates=DATES, reading="any_but_escalated", rule="first").empty

    def test_a_child_not_followed_to_the_end_had_no_other_referral(self) -> None:
        made = records(closed("2016-03-01"), child={"followed_to": "2016-04-01"})
        assert closed_round1(made) and not outcome(made, d.derive_rereferred_round1, "rereferred")

    def test_an_unknown_day_leaves_both_outcomes_missing(self) -> None:
        made = records(closed(""))
        assert closed_round1(made) is None
        assert outcome(made, d.derive_rereferred_round1, "rereferred") is None

    @pytest.mark.parametrize(("again", "known"), [("2015-10-01", True), ("2016-11-01", True), ("2016-11-02", False)])
    def test_a_later_referral_in_the_pilot_proves_closing_on_an_unknown_day(self, again: str, known: bool) -> None:
        made = records(closed(""), {"referred_on": again, "plan_opened_on": ""})
        assert outcome(made, d.derive_rereferred_round1, "rereferred") == (True if known else None)
        day = outcome(made, d.derive_rereferred_round1, "rereferred_on")
        assert day == (pd.Timestamp(again) if known else None)
        assert closed_round1(made) == (False if known else None)

    def test_an_episode_over_before_the_pilot_proves_nothing(self) -> None:
        old = {"referred_on": "2012-03-01", "plan_opened_on": "", **closed("")}
        made = records(old, {"referred_on": "2014-03-01", "plan_opened_on": "", **closed("2015-01-01")})
        assert d.derive_cases(made, dates=DATES)["episode_id"].tolist() == ["e1"]
        assert outcome(made, d.derive_rereferred_round1, "rereferred") is None
        assert not outcome(made, f.derive_rereferred_round2, "rereferred", reading="any")
        assert not outcome(made, f.derive_rereferred_round2, "rereferred", reading="statutory")

    @pytest.mark.parametrize(
        ("again", "expected"),
        [("2016-02-29", False), ("2016-03-01", True), ("2016-11-01", True), ("2016-11-02", False)],
    )
    def test_a_referral_from_the_day_of_closing_to_the_last_day(self, again: str, expected: bool) -> None:
        # The first of these days lies before closing: it is no re-referral, and the case stays closed.
        made = records(closed("2016-03-01"), {"referred_on": again, "plan_opened_on": ""})
        assert outcome(made, d.derive_rereferred_round1, "rereferred") == expected
        assert closed_round1(made) == (not expected)

    def test_a_case_not_closed_cannot_be_rereferred(self) -> None:
        made = records({}, {"referred_on": "2016-03-01"})
        assert not outcome(made, d.derive_rereferred_round1, "rereferred")


class TestDaysOpen:
    @pytest.mark.parametrize(
        ("episodes", "days", "event"),
        [
            ([closed("2015-10-31")], 30, True),
            ([{}], 397, False),  # still open: to 1 November 2016
            ([closed("2016-03-01"), {"referred_on": "2016-05-01"}], 397, False),  # re-referred: censored at the end
            ([closed("2016-12-01")], 397, False),
            ([closed("2015-10-31", "escalated")], 30, False),
            ([closed("2015-10-31", "moved")], 30, True),
            ([closed(""), {"referred_on": "2016-05-01"}], 397, False),  # closed and referred again, whenever it closed
            ([{"referred_on": "2015-01-01", "plan_opened_on": "2015-01-02"}], 458, False),  # from the recoded day
        ],
    )
    def test_days_and_event(self, episodes: list[dict], days: int, event: bool) -> None:
        made = records(*episodes)
        row = days_open(made).iloc[0]
        assert (row["days"], row["closed"]) == (days, event)

    def test_a_move_is_censored_where_only_stepping_down_counts(self) -> None:
        row = days_open(records(closed("2015-10-31", "moved")), "stepped_down").iloc[0]
        assert (row["days"], row["closed"]) == (30, False)

    def test_an_unknown_outcome_is_left_out(self) -> None:
        assert days_open(records(closed(""))).empty


class TestFollowUp:
    @pytest.mark.parametrize(("day", "expected"), [("2019-11-22", True), ("2019-11-23", False), ("", True)])
    @pytest.mark.parametrize("reading", ["status", "recorded"])
    def test_closing_by_the_last_day(self, day: str, expected: bool, reading: str) -> None:
        assert outcome(records(closed(day)), f.derive_closed_round2, "closed", reading=reading) == expected

    def test_an_episode_opened_again_is_open_by_status_and_closed_as_recorded(self) -> None:
        made = records(closed("2016-03-01"), {"referred_on": "2018-01-01"})
        assert not outcome(made, f.derive_closed_round2, "closed", reading="status")
        assert outcome(made, f.derive_closed_round2, "closed", reading="recorded")

    @pytest.mark.parametrize(
        ("again", "any_", "near"),
        [
            ("2016-10-01", True, True),
            ("2016-10-02", True, False),
            ("2019-11-22", True, False),
            ("2019-11-23", False, False),
        ],
    )
    def test_rereferral(self, again: str, any_: bool, near: bool) -> None:
        made = records(closed("2016-03-01"), {"referred_on": again})
        assert rereferred_round2(made) == [any_, near, near]

    @pytest.mark.parametrize(
        ("again", "printed", "statutory"), [("2016-03-01", True, True), ("2016-03-02", True, False)]
    )
    def test_the_printed_window_runs_from_the_recoded_day_and_the_statutory_one_from_the_recorded(
        self, again: str, printed: bool, statutory: bool
    ) -> None:
        old = {"referred_on": "2015-03-01", "plan_opened_on": "2015-03-09", **closed("2015-12-01")}
        assert rereferred_round2(records(old, {"referred_on": again})) == [True, printed, statutory]

    def test_the_printed_window_ends_twelve_months_after_the_recoded_day(self) -> None:
        old = {"referred_on": "2015-03-01", "plan_opened_on": "2015-03-09", **closed("2015-12-01")}
        assert rereferred_round2(records(old, {"referred_on": "2016-08-01"})) == [True, True, False]
        assert rereferred_round2(records(old, {"referred_on": "2016-08-02"})) == [True, False, False]

    @pytest.mark.parametrize(
        ("second", "third", "statutory"),
        [
            ("2018-01-01", "2019-01-01", True),
            ("2018-01-01", "2019-01-02", False),
            ("2019-06-01", "2019-11-22", True),
            ("2019-06-01", "2019-11-23", False),
        ],
    )
    def test_any_two_referrals_within_twelve_months_are_a_statutory_rereferral(
        self, second: str, third: str, statutory: bool
    ) -> None:
        later = {"referred_on": second, "plan_opened_on": "", **closed(second, "other")}
        made = records(closed("2016-03-01"), later, {"referred_on": third, "plan_opened_on": ""})
        assert rereferred_round2(made) == [True, False, statutory]

    def test_a_referral_before_the_index_one_makes_no_rereferral(self) -> None:
        earlier = {"referred_on": "2015-01-01", "plan_opened_on": "", **closed("2015-07-01")}
        assert rereferred_round2(records(earlier, closed("2016-03-01"))) == [False, False, False]

    @pytest.mark.parametrize(("to", "printed"), [("2019-11-21", False), ("2016-10-01", False), ("2016-09-30", None)])
    def test_rereferral_is_unknown_for_a_child_lost_before_the_end(self, to: str, printed: bool | None) -> None:
        made = records(closed("2016-03-01"), child={"followed_to": to})
        assert rereferred_round2(made) == [None, printed, None]

    @pytest.mark.parametrize(
        ("day", "expected"),
        [("2015-09-30", False), ("2015-10-01", True), ("2019-11-22", True), ("2019-11-23", False)],
    )
    def test_escalation_from_the_referral_to_the_last_day(self, day: str, expected: bool) -> None:
        made = records({}, protection=[{"event": "child_protection", "started_on": day}])
        assert outcome(made, f.derive_escalated, "escalated") == expected

    @pytest.mark.parametrize(("born", "expected"), [("2001-11", True), ("2001-12", False), ("2001-10", True)])
    def test_a_birthday_around_the_last_day(self, born: str, expected: bool) -> None:
        # Born in November 2001: the birthday is taken to be the 15th, a week before the last day.
        cases = d.derive_cases(records({}, child={"born_in": born}), dates=DATES)
        assert f.derive_aged_out(cases, dates=DATES)["aged_out"].iloc[0] == expected

    @pytest.mark.parametrize(
        ("episode", "protection", "days", "known"),
        [
            (closed("2016-03-01"), [], 142, True),
            (closed("2016-03-01"), ["2016-03-01"], 142, False),  # escalated on the day of closing
            (closed("2016-03-01"), ["2019-11-22"], 142, False),
            (closed("2016-03-01"), ["2019-11-23"], 142, True),  # after the last day
            (closed("2016-03-01"), ["2016-02-01"], 142, True),
            (closed("2019-11-22"), [], 1503, True),
            (closed("2019-11-23"), [], 1503, False),
            (closed("2019-11-23"), ["2019-11-23"], 1503, False),
            ({}, [], 1503, False),
            (closed(""), [], None, None),
            ({"plan_opened_on": ""}, [], None, None),
            ({"plan_opened_on": "2019-11-23"}, [], None, None),
        ],
    )
    def test_case_length(self, episode: dict, protection: list, days: int | None, known: bool | None) -> None:
        events = [{"event": "child_protection", "started_on": day} for day in protection]
        made = records(episode, protection=events)
        assert outcome(made, f.derive_case_length, "days") == days
        assert outcome(made, f.derive_case_length, "closed") == known

    @pytest.mark.parametrize(
        ("opened", "entered"),
        [("2015-03-09", 145), ("2015-07-31", 1), ("2015-08-01", 0), ("2015-09-01", 0), ("", None)],
    )
    def test_a_plan_opened_before_the_pilot_was_only_seen_from_its_first_day(
        self, opened: str, entered: int | None
    ) -> None:
        made = records({"referred_on": "2015-03-01", "plan_opened_on": opened})
        assert outcome(made, f.derive_case_length, "entered") == entered

    @pytest.mark.parametrize("define", [f.derive_closed_round2, f.derive_rereferred_round2])
    def test_another_reading_is_refused(self, define) -> None:
        with pytest.raises(CreweError, match="must be one of"):
            outcome(records({}), define, "closed", reading="mine")


@pytest.mark.parametrize(("born", "years", "under"), [("2004-10", 10, True), ("2004-09", 11, False)])
def test_age_is_counted_at_referral(born: str, years: int, under: bool) -> None:
    # Referred on 1 October 2015: a child of October 2004 turns eleven in the middle of that month.
    case = d.derive_cases(records({}, child={"born_in": born}), dates=DATES).iloc[0]
    assert (case["age_at_referral"], case["under_11"]) == (years, under)
