"""The calibration: every figure of the parts 1 to 9 is met by the published draw, and by it alone."""

import csv
import dataclasses
from functools import cache

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from crewe_lib.calibration import OFFICIAL, SHOWN, TUNED, check_calibration, is_met
from crewe_lib.contract import TABLES
from crewe_lib.definitions import derive_study_dates
from crewe_lib.errors import DataError
from crewe_lib.load import load_calibration_targets, load_claims
from crewe_lib.provenance import REPOSITORY
from crewe_lib.records import Records, to_records
from crewe_lib.risk_scoring import find_hinges
from crewe_lib.synthetic import simulate
from crewe_lib.targets import measures as measures
from crewe_lib.targets.risk_rows import Found
from crewe_lib.targets.rows import MEASURES
from crewe_lib.targets.shape import describe_shape


@cache
def published() -> Records:
    """The published draw, from its files."""
    tables = {}
    for name in TABLES:
        path = REPOSITORY / "data" / "synthetic" / f"{name}.csv"
        tables[name] = pd.read_csv(path, dtype=str, keep_default_na=False)
    return to_records(tables, "simulated")


@cache
def calibration() -> pd.DataFrame:
    return check_calibration(published(), load_calibration_targets(), load_claims())


@pytest.mark.parametrize("id", list(MEASURES))
def test_the_published_draw_meets(id: str) -> None:
    row = calibration().set_index("id").loc[id]
    assert row["met"], f"{row['quantity']}: {row['achieved']} against {row['target']} ({row['tolerance']})"


class TestTable:
    def test_every_row_of_the_parts_1_to_9_is_held_against_the_cohort(self) -> None:
        table = calibration()
        part = table["chapter"].str.split().str[0].astype(int)
        assert set(table.loc[part <= 9, "use"]) == {TUNED} and table.loc[part <= 9, "met"].notna().all()
        assert set(table.loc[part.between(10, 12), "use"]) == {SHOWN}
        assert set(table.loc[part == 13, "use"]) == {OFFICIAL}
        assert table.loc[part >= 10, "met"].isna().all()

    def test_conflicts_list_what_was_rejected(self) -> None:
        conflicts = calibration().query("status == 'conflict'")
        assert len(conflicts) == 8 and (conflicts["rejected"] != "").all() and (conflicts["reading"] != "").all()

    def test_claims_exist(self) -> None:
        known = set(load_claims()["id"])
        assert {name for cell in load_calibration_targets()["claims"] for name in cell.split()} <= known

    def test_statuses_are_as_many_as_listed(self) -> None:
        counts = load_calibration_targets()["status"].value_counts()
        assert counts.to_dict() == {"firm": 34, "derived": 20, "conflict": 8, "free": 1}

    def test_a_plain_draw_does_not_meet_them(self) -> None:
        made = simulate(132, 1)
        assert not made.calibrated
        table = check_calibration(to_records(made.tables, "simulated"), load_calibration_targets(), load_claims())
        assert (table["met"] == False).sum() > 10  # noqa: E712

    def test_a_target_without_a_measure_is_refused(self) -> None:
        targets = load_calibration_targets().replace({"id": {"sample.families": "sample.nothing"}})
        with pytest.raises(DataError, match=r"no measure is named 'sample\.nothing'"):
            check_calibration(published(), targets, load_claims())


class TestTolerance:
    @pytest.mark.parametrize(
        ("target", "tolerance", "found", "met"),
        [
            ("88; 44", "exact", ("88", "44"), True),
            ("88; 44", "exact", ("87", "45"), False),
            ("1/2", "exact", ("2/4",), False),
            ("59/82", "±0.5", ("60/84",), False),
            ("59/82", "±0.6", ("60/84",), True),
            ("252.0; 227.9", "±1", ("253.00", "226.90"), True),
            ("252.0; 227.9", "±1", ("253.01", "227.90"), False),
            ("8.5", "8.45 to 8.55", ("8.450",), True),
            ("20", "19.5 to 20.5", ("20.0", "20.6"), False),
        ],
    )
    def test_at_its_edges(self, target, tolerance, found, met) -> None:
        assert is_met({"target": target, "tolerance": tolerance}, Found(found)) is met

    def test_a_rule_is_what_the_measure_says(self) -> None:
        assert is_met({"target": "words", "tolerance": "rule"}, Found(("x",), True))
        assert not is_met({"target": "words", "tolerance": "rule"}, Found(("x",), False))


class TestMeasures:
    def test_the_survival_curve_agrees_with_statsmodels(self) -> None:
        rng = np.random.default_rng(2)
        days, closed = rng.integers(1, 459, 200), rng.random(200) < 0.7
        curve = measures.estimate_open(days, closed, 458)
        fit = sm.SurvfuncRight(days, closed.astype(int))
        for day, share in zip(fit.surv_times, fit.surv_prob, strict=True):
            assert curve[int(day)] == pytest.approx(share, abs=1e-12)

    def test_crossings_are_counted(self) -> None:
        treated = np.linspace(1, 0.2, 459)
        control = np.where(np.arange(459) < 310, treated - 0.05, 0.4)
        shape = describe_shape(treated, np.minimum.accumulate(control))
        assert shape.below and len(shape.crossings) == 1

    def test_hinges_hold_the_middle_value_in_both_halves(self) -> None:
        assert find_hinges(np.array([1.0, 2, 3, 4, 5])) == (2.0, 4.0)
        assert find_hinges(np.array([4.0, 1, 3, 2])) == (1.5, 3.5)

    def test_the_worked_split_is_not_significant(self) -> None:
        dates = derive_study_dates(load_claims())
        outcomes = measures.describe_outcomes(published(), dates)
        fit = measures.fit_closure(outcomes)
        assert dataclasses.asdict(fit)["all_p"] > 0.05
        aged = [[int(own["aged_out"].sum()), int((~own["aged_out"]).sum())] for _, own in outcomes.groupby("treated")]
        assert stats.fisher_exact(aged).pvalue == pytest.approx(0.032, abs=0.0005)


def test_the_targets_name_no_lines_of_outside_texts() -> None:
    with (REPOSITORY / "data" / "published" / "calibration_targets.csv").open(encoding="utf-8") as file:
        header = next(csv.reader(file))
    assert "source_lines" not in header
