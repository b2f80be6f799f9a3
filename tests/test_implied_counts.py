"""Whole numbers behind printed percentages: brute force, the stored closure counts, and following the register."""

import pandas as pd
import pytest
from sample_register import register

from crewe_lib.arm_percentages import ARM_PERCENTAGES, aged_out_splits, how_printed, recommended_arms, table_arms
from crewe_lib.claim_register import read_register
from crewe_lib.errors import DataError
from crewe_lib.implied_counts import COLUMNS, derive_implied_counts, derive_printed_counts
from crewe_lib.provenance import REPOSITORY

COUNTS = derive_implied_counts(register())
MAIN = COUNTS[COUNTS["reading"] == "main"].set_index(["outcome", "date", "arm"])


@pytest.mark.parametrize(
    ("outcome", "date", "pc", "cec"),
    [
        ("closed", "trial_end", (59, 82), (28, 44)),
        ("closed", "november_2019", (60, 84), (36, 44)),
        ("rereferred", "trial_end", (5, 83), (3, 45)),
        ("rereferred", "november_2019", (34, 83), (19, 43)),
        ("aged_out", "november_2019", (11, 84), (13, 44)),
        ("under_11", "november_2019", (56, 84), (24, 44)),
        ("female", "november_2019", (35, 84), (14, 44)),
        ("other_children_in_need", "november_2019", (69, 84), (33, 44)),
        ("white_british", "november_2019", (64, 84), (36, 44)),
        ("other_white", "november_2019", (4, 84), (4, 44)),
    ],
)
def test_main_readings(outcome: str, date: str, pc: tuple[int, int], cec: tuple[int, int]) -> None:
    for arm, (k, n) in (("pc", pc), ("cec", cec)):
        row = MAIN.loc[(outcome, date, arm)]
        assert (row["k"], row["n"]) == (k, n)
        cut = (outcome, arm) == ("aged_out", "cec")
        assert row["how"] == ("cut off" if cut else "rounded")


def test_main_readings_agree_with_the_stored_closure_counts() -> None:
    stored = pd.read_csv(REPOSITORY / "data" / "inferred" / "closure_counts.csv")
    assert len(stored) == 4
    for row in stored.itertuples():
        found = MAIN.loc[("closed", row.round, row.arm)]
        assert (found["k"], found["n"]) == (row.closed, row.families)


def test_one_main_reading_each() -> None:
    assert not MAIN.index.duplicated().any()
    assert set(MAIN.index) == set(COUNTS.set_index(["outcome", "date", "arm"]).index)
    assert list(COUNTS.columns) == list(COLUMNS)


def test_all_readings_are_found() -> None:
    """Brute force with integers: |100k/n − p| ≤ half a unit, or p ≤ 100k/n < p + a unit."""
    expected = set()
    for n in range(84 - 3, 84 + 5):
        for k in range(n + 1):
            if abs(2 * (100 * k - 41 * n)) <= n:
                expected.add((k, n, "rounded"))
            elif 41 * n <= 100 * k < 42 * n:
                expected.add((k, n, "cut off"))
    found = COUNTS.query("outcome == 'rereferred' and date == 'november_2019' and arm == 'pc'")
    assert set(found[["k", "n", "how"]].itertuples(index=False, name=None)) == expected


def test_every_reading_prints_so() -> None:
    for row in COUNTS.itertuples():
        share = 100 * row.k / row.n
        unit = 1.0 if row.printed == int(row.printed) and row.outcome != "other_white" else 0.1
        assert row.printed - unit / 2 - 1e-9 <= share < row.printed + unit, row
        assert f"{row.k}/{row.n} is" in row.basis


def test_61_per_cent_is_only_ever_a_rival() -> None:
    rows = COUNTS.query("outcome == 'closed' and date == 'trial_end' and printed == 61")
    assert set(rows["reading"]) == {"rival"}
    assert (27, 44) in set(rows[["k", "n"]].itertuples(index=False, name=None))


def test_counts_follow_the_register() -> None:
    changed = derive_implied_counts(register({"r2.closure.control": "75", "r2.demo.aged_control": "30"}))
    main = changed[changed["reading"] == "main"].set_index(["outcome", "date", "arm"])
    assert tuple(main.loc[("closed", "november_2019", "cec"), ["k", "n"]]) == (33, 44)
    assert main.loc[("aged_out", "november_2019", "cec"), "how"] == "rounded"


def test_rereferral_arms_fall_back_to_the_printed_ones() -> None:
    changed = derive_implied_counts(register({"r2.reref.control": "40"}))
    main = changed[changed["reading"] == "main"].set_index(["outcome", "date", "arm"])
    # 17 of 42 to 17 of 43 are 40.5 and 39.5; no division of the 126 fits both, so the size nearest to 44 is taken.
    assert main.loc[("rereferred", "november_2019", "cec"), "n"] in (42, 43, 45)


def test_a_percentage_that_no_count_gives_is_an_error() -> None:
    with pytest.raises(DataError, match=r"r2\.demo\.ow_control: no whole number of families prints as 9\.6%"):
        derive_implied_counts(register({"r2.demo.ow_control": "9.6"}))


def test_printed_counts() -> None:
    counts = derive_printed_counts(register()).set_index(["outcome", "date", "arm"])
    assert counts.loc[("rereferred", "trial_end", "pc"), "k"] == 5
    assert pd.isna(counts.loc[("rereferred", "trial_end", "cec"), "n"])
    assert tuple(counts.loc[("escalated", "november_2019", "pc"), ["k", "n"]]) == (4, 84)
    assert tuple(counts.loc[("escalated", "november_2019", "cec"), ["k", "n"]]) == (0, 44)
    assert tuple(counts.loc[("stressed_staff", "trial_end", "cec"), ["k", "n"]]) == (8, 9)
    assert tuple(counts.loc[("stressed_staff", "trial_end", "pc"), ["k", "n"]]) == (6, 19)
    assert [counts.loc[("disability", "november_2019", arm), "k"] for arm in ("pc", "cec")] == [2, 0]


def test_implied_arms() -> None:
    reader = read_register(register())
    assert table_arms(reader) == {"pc": 83, "cec": 45}
    assert recommended_arms(reader) == {"pc": 87, "cec": 45}
    assert aged_out_splits(reader, {"pc": 84, "cec": 44}) == [(11, 13)]
    assert "inferred" in reader.kinds
    # Two thirds and a third leave no division of 132 that prints as 70% and 30% and holds 44 controls.
    other = read_register(register({"r2.sample.pct_treat_132": "70", "r2.sample.pct_control_132": "30"}))
    assert recommended_arms(other) == {}


def test_how_printed() -> None:
    claim = read_register(register()).claim("r2.demo.aged_control")  # 29%
    assert how_printed(13, 45, claim) == "rounded"  # 28.9
    assert how_printed(13, 44, claim) == "cut off"  # 29.5
    assert how_printed(12, 44, claim) == ""  # 27.3


def test_every_percentage_is_in_the_register_once() -> None:
    ids = [one.claim for one in ARM_PERCENTAGES]
    assert len(ids) == len(set(ids)) == 22
