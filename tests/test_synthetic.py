"""The simulated cohort: same seed, same files; the model's parameters come back; nothing is overwritten."""

import dataclasses
import json
import math
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crewe_lib.cohort import draw as draw
from crewe_lib.cohort.episodes import _describe, draw_closing_days
from crewe_lib.cohort.search import choose_rows, improve_by_swaps
from crewe_lib.cohort.text import write_table
from crewe_lib.contract import TABLES
from crewe_lib.datapackage import find_resource, read_descriptor
from crewe_lib.definitions import StudyDates, derive_cases, derive_study_dates
from crewe_lib.errors import CreweError
from crewe_lib.load import load_claims
from crewe_lib.provenance import REPOSITORY
from crewe_lib.records import Records, read_records, to_records
from crewe_lib.synthetic import PUBLISHED_FAMILIES, PUBLISHED_SEED, Simulated, Truth, simulate, write_cohort
from crewe_lib.targets import measures as measures

DATES = StudyDates(pd.Timestamp("2015-08-01"), pd.Timestamp("2016-11-01"), pd.Timestamp("2019-11-22"))
PUBLISHED = REPOSITORY / "data" / "synthetic"


@cache
def drawn(families: int = 400, seed: int = 11, **changes: object) -> Simulated:
    return simulate(families, seed, dataclasses.replace(Truth(), **changes))


def as_records(made: Simulated) -> Records:
    return to_records(made.tables, "simulated")


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def crewe(*words: str) -> subprocess.CompletedProcess[str]:
    start = "from crewe_lib.cli import main; main()"
    return subprocess.run([sys.executable, "-c", start, *words], cwd=REPOSITORY, capture_output=True, text=True)


class TestSameSeed:
    def test_same_bytes(self, tmp_path) -> None:
        for name in ("one", "two"):
            write_cohort(simulate(60, 3), tmp_path / name)
        assert files(tmp_path / "one") == files(tmp_path / "two")

    def test_another_seed_gives_other_families(self) -> None:
        assert not drawn(60, 3).tables["children"].equals(drawn(60, 4).tables["children"])

    def test_the_published_draw_is_regenerated_byte_for_byte(self, tmp_path) -> None:
        write_cohort(simulate(PUBLISHED_FAMILIES, PUBLISHED_SEED), tmp_path / "again")
        assert files(tmp_path / "again") == files(PUBLISHED)


class TestFiles:
    @pytest.fixture
    def folder(self, tmp_path) -> Path:
        return write_cohort(drawn(), tmp_path / "cohort")

    def test_one_for_each_table_in_the_columns_of_the_contract(self, folder) -> None:
        assert {path.name for path in folder.iterdir()} == {"datapackage.json", *(f"{name}.csv" for name in TABLES)}
        for name, table in TABLES.items():
            header = (folder / f"{name}.csv").read_text(encoding="utf-8").splitlines()[0]
            assert header == ",".join(table.names)

    def test_only_whole_numbers_iso_dates_codes_and_ids(self, folder) -> None:
        shapes = {"integer": r"-?\d+", "date": r"\d{4}-\d\d-\d\d", "month": r"\d{4}-\d\d", "text": r"[a-z_]+"}
        for name, table in TABLES.items():
            frame = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
            for item in table.fields:
                shape = "|".join(map(re.escape, item.allowed)) or shapes.get(item.type, r"[A-Za-z0-9_]+")
                blank = "" if item.required else "|"
                assert frame[item.name].str.fullmatch(f"(?:{shape}){blank}").all(), f"{name}.{item.name}"

    def test_line_ends_are_lf_and_keys_are_unique(self, folder) -> None:
        for name, table in TABLES.items():
            assert b"\r" not in (folder / f"{name}.csv").read_bytes()
            assert not drawn().tables[name].duplicated(list(table.key)).any()

    def test_the_card_says_loudly_that_it_is_invented(self, folder) -> None:
        card = read_descriptor(folder)
        assert card["kind"] == "simulated" and "SIMULATED" in card["title"] and "not evidence" in card["title"]
        assert card["description"].startswith("INVENTED DATA.") and "Not calibrated" in card["description"]
        assert card["simulation"]["seed"] == 11 and card["simulation"]["families"] == 400
        assert card["simulation"]["parameters"]["icc"] == Truth().icc
        assert not card["simulation"]["calibrated"]
        for name in TABLES:
            assert find_resource(folder, name).kind == "simulated"

    def test_the_published_card_says_that_agreement_confirms_nothing(self) -> None:
        card = read_descriptor(PUBLISHED)
        assert card["simulation"]["calibrated"] and "confirms nothing" in card["description"]

    def test_no_value_may_need_quoting(self, tmp_path) -> None:
        with pytest.raises(CreweError, match="a value holds a comma"):
            write_table(pd.DataFrame({"a": ["x,y"], "b": ["z"]}), tmp_path / "t.csv")


class TestTables:
    def test_children_have_families_and_one_of_each_leads(self) -> None:
        tables = drawn().tables
        assert set(tables["children"]["family_id"]) == set(tables["families"]["family_id"])
        assert (tables["children"].groupby("family_id")["lead_child"].apply(lambda s: (s == "1").sum()) == 1).all()

    def test_days_are_in_order_and_episodes_do_not_overlap(self) -> None:
        made = as_records(drawn(2000, 5))
        episodes = made.episodes.sort_values(["child_id", "referred_on"])
        assert not (episodes["plan_opened_on"] < episodes["referred_on"]).any()
        assert not (episodes["closed_on"] < episodes["plan_opened_on"]).any()
        assert not (episodes["closed_on"] < episodes["referred_on"]).any()
        earlier = episodes.groupby("child_id")["closed_on"].shift()
        assert not (episodes["referred_on"] < earlier).any()
        born = episodes["child_id"].map(made.children.set_index("child_id")["born_in"])
        assert not (episodes["referred_on"] < born).any()
        assert not (made.protection["ended_on"] < made.protection["started_on"]).any()
        assert episodes["referred_on"].max() <= DATES.study_end

    @pytest.mark.parametrize("published", [False, True])
    def test_no_family_is_randomised_before_its_referral_or_after_its_case_closed(self, published: bool) -> None:
        made = read_records(PUBLISHED) if published else as_records(drawn(2000, 5))
        cases = derive_cases(made, dates=DATES).merge(made.families[["family_id", "randomised_on"]], on="family_id")
        assert (cases["randomised_on"] >= cases["referred_on"]).all()
        assert not (cases["randomised_on"] > cases["closed_on"]).any()
        if not published:
            assert (cases["randomised_on"] == cases["closed_on"]).any()

    def test_families_without_case_data_have_no_records(self) -> None:
        tables = drawn(2000, 5).tables
        lost = tables["families"].query("case_data == '0'")["family_id"]
        children = tables["children"].query("family_id in @lost")["child_id"]
        assert len(lost) > 0
        for name in ("episodes", "protection", "absence", "sdq"):
            assert not tables[name]["child_id"].isin(children).any()
        assert not tables["risk"]["family_id"].isin(lost).any()

    def test_every_family_with_case_data_is_a_case(self) -> None:
        made = as_records(drawn(2000, 5))
        cases = measures.describe_outcomes(made, DATES)
        assert len(cases) == (made.families["case_data"] == "1").sum()

    def test_absence_fits_in_the_term_and_sdq_answers_are_mostly_there(self) -> None:
        made = as_records(drawn(2000, 5))
        missed = made.absence["sessions_authorised"] + made.absence["sessions_unauthorised"]
        assert (missed <= made.absence["sessions_possible"]).all()
        items = made.sdq.filter(like="item_")
        assert 0.005 < float(items.isna().to_numpy().mean()) < 0.02


class TestTruth:
    """A large plain draw gives back what went in, within four standard errors or so."""

    FAMILIES = 20_000

    def outcomes(self, **changes: object) -> pd.DataFrame:
        return measures.describe_outcomes(as_records(drawn(self.FAMILIES, 9, **changes)), DATES)

    def test_dates_are_those_that_the_reports_print(self) -> None:
        truth, dates = Truth(), derive_study_dates(load_claims())
        assert (truth.pilot_start, truth.pilot_end, truth.study_end) == tuple(
            str(day.date()) for day in (dates.pilot_start, dates.pilot_end, dates.study_end)
        )

    def test_shares(self) -> None:
        truth, made = Truth(), as_records(drawn(self.FAMILIES, 9))
        sizes = made.children.groupby("family_id").size().value_counts(normalize=True).sort_index()
        assert sizes.to_numpy() == pytest.approx(truth.family_sizes, abs=0.015)
        assert (made.families["arm"] == "treatment").sum() == round(self.FAMILIES * truth.treated_share)
        assert (made.families["case_data"] == "1").mean() == pytest.approx(truth.case_data_found, abs=0.005)
        assert (made.children["sex"] == "female").mean() == pytest.approx(truth.female, abs=0.01)
        ethnicity = made.children["ethnicity"].value_counts(normalize=True)
        assert {name: ethnicity[name] for name in truth.ethnicity} == pytest.approx(dict(truth.ethnicity), abs=0.015)

    def test_hazards_of_closing_by_period_arm_and_history(self) -> None:
        """Without family effects, closings over days at risk are the hazard itself."""
        truth = Truth(icc=0.0, escalation_per_year=0.0, moving_per_year=0.0, closing_day_unknown=0.0, age_teenager=0.0)
        changes = {
            name: getattr(truth, name)
            for name in ("icc", "escalation_per_year", "moving_per_year", "closing_day_unknown", "age_teenager")
        }
        cases = self.outcomes(**changes)
        days = (cases["closed_on"].fillna(DATES.study_end) - cases["referred_on"]).dt.days.to_numpy()
        closed = (cases["closed_on"].notna() & (cases["closed_reason"] != "aged_out")).to_numpy()
        for treated in (0, 1):
            for history in (False, True):
                own = ((cases["treated"] == treated) & (cases["history"] == history)).to_numpy()
                effect = treated * np.array(truth.treatment)
                effect = effect + history * (truth.history + treated * truth.treatment_by_history)
                wanted = np.array(truth.closing_control) * np.exp(effect)
                for period, (low, high) in enumerate(zip((0, *truth.periods), (*truth.periods, 10**6), strict=True)):
                    at_risk = (np.minimum(days[own], high) - low).clip(0).sum()
                    events = (closed[own] & (days[own] > low) & (days[own] <= high)).sum()
                    # Days are whole: a closing counts to the end of its day.
                    found, error = events / (at_risk - events / 2), 1 / math.sqrt(events)
                    assert math.log(found / wanted[period]) == pytest.approx(0, abs=4.5 * error + 0.005)

    @pytest.mark.parametrize("icc", [0.0, 0.36])
    def test_the_icc_of_siblings(self, icc: float) -> None:
        """On the model's scale, the log of the integrated hazard at closing: covariance of siblings over variance."""
        truth = dataclasses.replace(Truth(), icc=icc)
        people = draw.draw_people(self.FAMILIES, 9, truth)
        plan = np.full(len(people.families), people.families["referred"].to_numpy())
        who = _describe(people.families, people.children, people.course.episodes.head(0), plan, truth)
        frailty = people.families["frailty"].to_numpy()[who.family]
        days = draw_closing_days(np.random.default_rng(1), who, frailty, truth) - 0.5
        knots = np.array([0, *truth.periods, 10**7])
        reached = np.empty(len(days))
        for arm in (False, True):
            rates = np.array(truth.closing_control) * (np.exp(truth.treatment) if arm else 1)
            own = who.treated == arm
            reached[own] = np.interp(days[own], knots, np.r_[0, np.cumsum(rates * np.diff(knots))])
        effect = truth.history * who.history + truth.treatment_by_history * who.history * who.treated
        latent = np.log(reached) + effect + truth.age_teenager * who.teenager
        pairs = pd.DataFrame({"family": who.family, "latent": latent - latent.mean()})
        two = pairs.groupby("family")["latent"].agg(lambda s: s.iloc[0] * s.iloc[1] if len(s) > 1 else np.nan).dropna()
        assert two.mean() / np.var(latent) == pytest.approx(icc, abs=0.035)

    def test_history_lowers_and_interaction_raises_closing(self) -> None:
        cases = self.outcomes()
        closed = cases.groupby(["treated", "history"])["closed_1"].apply(lambda s: s.dropna().astype(float).mean())
        assert closed[0, True] < closed[0, False]
        assert closed[1, True] - closed[0, True] > closed[1, False] - closed[0, False]

    def test_absence_effects_have_their_signs(self) -> None:
        found = measures.fit_absence(measures.describe_absence(as_records(drawn(self.FAMILIES, 9)), DATES))
        assert found["primary"][0] > 0 > found["secondary"][0]

    def test_sdq_difference_has_its_sign(self) -> None:
        total = measures.compare_sdq(as_records(drawn(self.FAMILIES, 9))).set_index("scale").loc["total"]
        assert total["mean_treatment"] < total["mean_control"]

    @pytest.mark.slow
    def test_a_hundred_thousand_families_are_made(self, tmp_path) -> None:
        folder = tmp_path / "large"
        write_cohort(simulate(100_000, 1), folder)
        with (folder / "families.csv").open(encoding="utf-8") as rows:
            assert sum(1 for _ in rows) == 100_001

    def test_impossible_parameters_are_refused(self) -> None:
        for changes, words in (
            ({"female": 1.2}, "female is 1.2; it must lie between 0 and 1"),
            ({"icc": 1.0}, "icc is 1"),
            ({"family_sizes": (0.5, 0.4)}, "shares of family_sizes"),
            ({"periods": (300, 100, 458)}, "days from 1 on, rising"),
            ({"treatment": (0.0,)}, "one value more than periods"),
        ):
            with pytest.raises(CreweError, match=re.escape(words)):
                Truth(**changes)


class TestRefusals:
    def test_a_folder_of_something_else_is_left_alone(self, tmp_path) -> None:
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "notes.txt").write_text("keep")
        with pytest.raises(CreweError, match=r"is not empty and holds no datapackage\.json"):
            write_cohort(drawn(60, 3), tmp_path / "mine")
        assert (tmp_path / "mine" / "notes.txt").read_text() == "keep"

    def test_records_are_left_alone(self, tmp_path) -> None:
        (tmp_path / "datapackage.json").write_text(json.dumps({"kind": "records", "resources": []}))
        with pytest.raises(CreweError, match=r"holds a datapackage\.json of something else"):
            write_cohort(drawn(60, 3), tmp_path)

    def test_a_cohort_with_another_file_in_it_is_left_alone(self, tmp_path) -> None:
        write_cohort(drawn(60, 3), tmp_path / "cohort")
        (tmp_path / "cohort" / "analysis.csv").write_text("x")
        with pytest.raises(CreweError, match="also holds 1 other file"):
            write_cohort(drawn(60, 4), tmp_path / "cohort")

    def test_an_earlier_cohort_is_replaced_and_nothing_is_left_beside_it(self, tmp_path) -> None:
        for seed in (3, 4):
            write_cohort(drawn(60, seed), tmp_path / "cohort")
        assert read_descriptor(tmp_path / "cohort")["simulation"]["seed"] == 4
        assert [path.name for path in tmp_path.iterdir()] == ["cohort"]

    def test_a_file_in_the_way(self, tmp_path) -> None:
        (tmp_path / "file").write_text("x")
        with pytest.raises(CreweError, match="this is not a folder"):
            write_cohort(drawn(60, 3), tmp_path / "file")

    @pytest.mark.parametrize(("families", "seed"), [(2, 1), (0, 1), (2_000_000, 1), (132, -1)])
    def test_impossible_sizes(self, families: int, seed: int) -> None:
        with pytest.raises(CreweError, match="it must be"):
            simulate(families, seed)

    @pytest.mark.parametrize("families", range(3, 12))
    def test_the_smallest_cohorts_are_whole(self, families: int) -> None:
        made = simulate(families, 1)
        assert set(made.tables) == set(TABLES) and len(made.tables["families"]) == families
        as_records(made)


class TestCommand:
    def test_it_says_that_it_is_simulated_and_not_calibrated(self, tmp_path) -> None:
        run = crewe("simulate", "--seed", "7", "--families", "40", "--out", str(tmp_path / "c"))
        assert run.returncode == 0 and run.stderr == ""
        assert run.stdout.startswith("SIMULATED, not evidence: 40 invented families")
        assert "not calibrated: a plain draw from the model" in run.stdout

    def test_help_shows_examples(self) -> None:
        assert "Examples: crewe simulate" in " ".join(crewe("simulate", "--help").stdout.split())

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (("--seed", "-1", "--families", "40"), "crewe: seed is -1; it must be 0 or more."),
            (
                ("--seed", "1", "--families", "1"),
                "crewe: families is 1; it must be a whole number from 3 to 1,000,000.",
            ),
        ],
    )
    def test_wrong_calls_are_one_line(self, words, message, tmp_path) -> None:
        run = crewe("simulate", *words, "--out", str(tmp_path / "c"))
        assert run.returncode == 2 and run.stderr.strip() == message
        assert not (tmp_path / "c").exists()

    def test_a_folder_in_use_is_refused(self) -> None:
        run = crewe("simulate", "--seed", "1", "--out", "tests")
        assert run.returncode == 2 and "is not an earlier simulated cohort; nothing was touched" in run.stderr


class TestSearch:
    def test_sums_within_bounds_and_groups_once(self) -> None:
        rng = np.random.default_rng(1)
        features = rng.integers(0, 5, (200, 3))
        group = np.arange(200) // 2
        low, high = np.array([40, 30, 50]), np.array([40, 33, 60])
        chosen = choose_rows(rng, features, low, high, 20, group=group)
        sums = features[chosen].sum(axis=0)
        assert (low <= sums).all() and (sums <= high).all() and len(set(group[chosen])) == 20

    def test_what_cannot_be_is_refused(self) -> None:
        features = np.ones((30, 1), dtype=np.int64)
        with pytest.raises(CreweError, match="found no choice"):
            choose_rows(np.random.default_rng(1), features, np.array([50]), np.array([50]), 5, restarts=1, steps=20)

    def test_swaps_keep_to_their_kind(self) -> None:
        rng = np.random.default_rng(1)
        value, kinds = rng.normal(size=300), np.arange(300) % 3
        start = np.arange(12)
        chosen = improve_by_swaps(rng, start, kinds, lambda rows: max(3.0 - value[rows].sum(), 0.0), steps=5000)
        assert value[chosen].sum() >= 3 and sorted(kinds[chosen]) == sorted(kinds[start])
