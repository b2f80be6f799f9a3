"""Agreement of coders: R's psych and vcd, Krippendorff's published example, brute force, and answers without a pair.

Krippendorff's alpha could not be held against the PyPI package, which cannot be installed here. Instead: the values
that Krippendorff (2011) prints for his worked example, and a reckoning pair by pair.
"""

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crewe_lib.errors import CreweError
from crewe_lib.load import load_risk_framework, load_simulated_cohort
from crewe_lib.models.agreement import fit_krippendorff, fit_krippendorff_interval, fit_weighted_kappa
from crewe_lib.risk_agreement import NO_PAIR, check_agreement, describe_agreement

REFERENCE = Path(__file__).parent / "reference"
LEVELS = (-2, -1, 1, 2)
N = np.nan
# Krippendorff (2011), sections C and D: four observers (columns) of twelve units.
EXAMPLE = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3],
        [N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N],
    ]
).T


def reference(quantity: str) -> float:
    table = pd.read_csv(REFERENCE / "risk.csv", comment="#").set_index("quantity")["value"]
    return float(table[quantity])


def ratings() -> tuple[np.ndarray, np.ndarray]:
    table = pd.read_csv(REFERENCE / "risk_input.csv")
    return table["first"].to_numpy(), table["second"].to_numpy()


class TestKappa:
    @pytest.mark.parametrize("weights", ["linear", "quadratic"])
    @pytest.mark.parametrize("package", ["psych", "vcd"])
    def test_agrees_with_r(self, weights, package) -> None:
        kappa = fit_weighted_kappa(*ratings(), categories=LEVELS, weights=weights)
        assert kappa.estimate == pytest.approx(reference(f"kappa {weights}, {package}"), rel=1e-12)

    def test_by_hand(self) -> None:
        # 20 yes-yes, 5 and 10 apart, 15 no-no: observed 0.7, expected 0.5·0.6 + 0.5·0.4 = 0.5, kappa 0.4.
        first, second = np.repeat([1, 1, 0, 0], [20, 5, 10, 15]), np.repeat([1, 0, 1, 0], [20, 5, 10, 15])
        for weights in ("linear", "quadratic"):  # with two categories both are Cohen's kappa
            kappa = fit_weighted_kappa(first, second, categories=(0, 1), weights=weights)
            assert (kappa.estimate, kappa.observed, kappa.expected) == pytest.approx((0.4, 0.7, 0.5))
            assert kappa.n == 50

    def test_invariances(self) -> None:
        first, second = ratings()
        expected = fit_weighted_kappa(first, second, categories=LEVELS, weights="linear").estimate
        order = np.random.default_rng(1).permutation(len(first))
        for a, b, categories in (
            (second, first, LEVELS),
            (first[order], second[order], LEVELS),
            (first, second, LEVELS[::-1]),
        ):
            assert fit_weighted_kappa(a, b, categories=categories, weights="linear").estimate == pytest.approx(expected)

    def test_full_agreement_and_chance(self) -> None:
        first = np.tile(LEVELS, 25)
        assert fit_weighted_kappa(first, first, categories=LEVELS, weights="quadratic").estimate == pytest.approx(1)
        rng = np.random.default_rng(3)
        apart = fit_weighted_kappa(*rng.choice(LEVELS, (2, 40_000)), categories=LEVELS, weights="quadratic")
        assert apart.estimate == pytest.approx(0, abs=0.02)

    @pytest.mark.parametrize(
        ("first", "second", "options", "words"),
        [
            ([1, 2], [1, 2], {"weights": "cubic"}, "'linear' or 'quadratic'"),
            ([1, 2], [1, 2], {"categories": (1,)}, "two or more different categories"),
            ([1, 2], [1, 2], {"categories": (1, 1, 2)}, "two or more different categories"),
            ([1, 2], [1], {}, "2 and 1 ratings"),
            ([], [], {}, "0 and 0 ratings"),
            ([1, np.nan], [1, 2], {}, "missing"),
            ([1, 3], [1, 2], {}, "none of the categories"),
            ([1, 1], [1, 1], {}, "same rating"),
        ],
    )
    def test_named_errors(self, first, second, options, words) -> None:
        with pytest.raises(CreweError, match=words):
            fit_weighted_kappa(first, second, **{"categories": (1, 2), "weights": "linear"} | options)


def brute_force(table: np.ndarray, level: str) -> float:
    """Alpha from all ordered pairs of ratings, within units and over all."""
    units = [row[~np.isnan(row)] for row in table]
    units = [unit for unit in units if len(unit) > 1]
    pooled = np.concatenate(units)

    def apart(a: float, b: float) -> float:
        if level == "interval":
            return (a - b) ** 2
        if level == "nominal":
            return float(a != b)
        low, high = sorted((a, b))
        between = ((pooled >= low) & (pooled <= high)).sum() - ((pooled == a).sum() + (pooled == b).sum()) / 2
        return float(between) ** 2

    n = len(pooled)
    observed = sum(sum(apart(a, b) for a, b in permutations(unit, 2)) / (len(unit) - 1) for unit in units) / n
    expected = sum(apart(a, b) for a, b in permutations(pooled, 2)) / (n * (n - 1))
    return 1 - observed / expected


class TestKrippendorff:
    @pytest.mark.parametrize(("level", "printed"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
    def test_the_published_example(self, level, printed) -> None:
        fit = fit_krippendorff(EXAMPLE, level=level)
        assert round(fit.estimate, 3) == printed
        assert (fit.n_units, fit.n_ratings) == (11, 40)

    @pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
    @pytest.mark.parametrize("seed", range(4))
    def test_pair_by_pair(self, level, seed) -> None:
        rng = np.random.default_rng(seed)
        truth = rng.integers(0, 5, 15)[:, None]
        table = (truth + rng.choice([-1, 0, 0, 1], (15, 3))).astype(float)
        table[rng.random(table.shape) < 0.2] = N
        assert fit_krippendorff(table, level=level).estimate == pytest.approx(brute_force(table, level), rel=1e-12)

    def test_invariances(self) -> None:
        order = np.random.default_rng(1).permutation(len(EXAMPLE))
        for level in ("nominal", "ordinal", "interval"):
            expected = fit_krippendorff(EXAMPLE, level=level).estimate
            assert fit_krippendorff(EXAMPLE[order][:, ::-1], level=level).estimate == pytest.approx(expected)
        interval = fit_krippendorff(EXAMPLE, level="interval").estimate
        assert fit_krippendorff(3 - 2 * EXAMPLE, level="interval").estimate == pytest.approx(interval)
        ordinal = fit_krippendorff(EXAMPLE, level="ordinal").estimate
        assert fit_krippendorff(np.exp(EXAMPLE), level="ordinal").estimate == pytest.approx(ordinal)

    def test_recovers_the_reliability_of_two_coders(self) -> None:
        """With interval distances alpha estimates the share of variance that the coders have in common."""
        rng = np.random.default_rng(11)
        table = rng.normal(0, 2, (3000, 1)).round() + rng.normal(0, 1, (3000, 2)).round()
        shared = (4 + 1 / 12) / (4 + 1 / 12 + 1 + 1 / 12)  # rounding adds a twelfth to each variance
        assert fit_krippendorff(table, level="interval").estimate == pytest.approx(shared, abs=0.02)

    @pytest.mark.parametrize(
        ("table", "level", "words"),
        [
            (EXAMPLE, "ratio", "'nominal', 'ordinal' or 'interval'"),
            ([1.0, 2.0], "nominal", "units × coders"),
            ([[1.0, np.inf]], "nominal", "finite"),
            ([[1.0, N], [N, 2.0]], "nominal", "no unit was rated by two coders"),
            ([[1.0, 1.0], [1.0, 1.0]], "interval", "all ratings are alike"),
        ],
    )
    def test_named_errors(self, table, level, words) -> None:
        with pytest.raises(CreweError, match=words):
            fit_krippendorff(table, level=level)


def ignorant(rng, n_cases=40, n_factors=29):
    """Two coders who know how common each factor is and nothing of the case: ratings (units, 2), factor of each."""
    common = np.linspace(0.02, 0.9, n_factors)
    factor = np.tile(np.arange(n_factors), n_cases)
    return (rng.random((len(factor), 2)) < common[factor][:, None]).astype(float), factor


class TestStrata:
    def test_knowing_what_is_common_is_no_agreement(self) -> None:
        rng = np.random.default_rng(5)
        pooled, within, kappa = [], [], []
        for _ in range(40):
            table, factor = ignorant(rng)
            pooled.append(fit_krippendorff(table, level="nominal").estimate)
            within.append(fit_krippendorff(table, level="nominal", strata=factor).estimate)
            options = {"categories": (0, 1), "weights": "linear", "strata": factor}
            kappa.append(fit_weighted_kappa(table[:, 0], table[:, 1], **options).estimate)
        assert np.mean(pooled) > 0.25
        for estimates in (within, kappa):
            assert abs(np.mean(estimates)) < 4 * np.std(estimates) / np.sqrt(40) < 0.03

    @pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
    def test_each_stratum_by_itself_weighted_by_its_ratings(self, level) -> None:
        rng = np.random.default_rng(8)
        kind = np.array(["a"] * 9 + ["b"] * 14)
        table = rng.integers(1, 5, (23, 3)).astype(float) + (kind == "b")[:, None]
        table[3, 0] = table[12, :2] = N
        alone = [fit_krippendorff(table[kind == name], level=level) for name in "ab"]
        whole = fit_krippendorff(table, level=level, strata=kind)
        observed, expected = (
            sum(fit.n_ratings * getattr(fit, part) for fit in alone) for part in ("observed", "expected")
        )
        assert whole.estimate == pytest.approx(1 - observed / expected)
        assert whole.n_ratings == sum(fit.n_ratings for fit in alone)

    def test_kappa_by_hand(self) -> None:
        """Factor a: table 2, 1, 1, 1 of five; factor b: all agree that it is absent, so chance agrees fully there."""
        first, second = [1, 1, 1, 0, 0, 0, 0], [1, 1, 0, 1, 0, 0, 0]
        options = {"categories": (0, 1), "weights": "linear"}
        kappa = fit_weighted_kappa(first, second, strata=[*"aaaaa", *"bb"], **options)
        assert kappa.observed == pytest.approx(5 / 7) and kappa.expected == pytest.approx((5 * 13 / 25 + 2) / 7)
        alone = fit_weighted_kappa(first[:5], second[:5], **options)
        assert kappa.estimate == pytest.approx(alone.estimate)

    def test_one_stratum_is_none_and_order_does_not_matter(self) -> None:
        rng = np.random.default_rng(3)
        table, factor = ignorant(rng, 10)
        one = fit_krippendorff(table, level="nominal", strata=np.zeros(len(table)))
        assert one == fit_krippendorff(table, level="nominal")
        order = rng.permutation(len(table))
        shuffled = fit_krippendorff(table[order], level="nominal", strata=factor[order])
        assert shuffled.estimate == pytest.approx(fit_krippendorff(table, level="nominal", strata=factor).estimate)

    def test_the_interval_is_of_the_same_measure(self) -> None:
        table, factor = ignorant(np.random.default_rng(4))
        options = {"level": "nominal", "clusters": np.repeat(np.arange(40), 29), "n_draws": 400, "alpha": 0.05}
        low, high = fit_krippendorff_interval(table, strata=factor, rng=np.random.default_rng(1), **options)
        pooled = fit_krippendorff_interval(table, rng=np.random.default_rng(1), **options)
        assert low < fit_krippendorff(table, level="nominal", strata=factor).estimate < high < pooled[0]

    def test_named_errors(self) -> None:
        table, factor = ignorant(np.random.default_rng(4), 5)
        with pytest.raises(CreweError, match="strata must be 145 labels"):
            fit_krippendorff(table, level="nominal", strata=factor[:-1])
        with pytest.raises(CreweError, match="strata must be 145 labels"):
            fit_weighted_kappa(*table.T, categories=(0, 1), weights="linear", strata=np.where(factor == 1, N, factor))


class TestInterval:
    def fit(self, table=EXAMPLE, **options):
        given = {"clusters": np.arange(len(table)), "n_draws": 400, "rng": np.random.default_rng(5), "alpha": 0.05}
        return fit_krippendorff_interval(table, **{"level": "interval"} | given | options)

    def test_it_holds_the_estimate_and_follows_its_generator(self) -> None:
        low, high = self.fit()
        assert low < fit_krippendorff(EXAMPLE, level="interval").estimate < high
        assert self.fit() == (low, high)

    def test_families_are_resampled_whole(self) -> None:
        """Every unit four times in its family adds no information; as if apart, they would halve the interval."""
        table, families = np.tile(EXAMPLE, (4, 1)), np.tile(np.arange(len(EXAMPLE)), 4)
        own, together, apart = self.fit(), self.fit(table, clusters=families), self.fit(table)
        assert together == pytest.approx(own, abs=0.01)
        assert apart[1] - apart[0] < 0.75 * (own[1] - own[0])

    @pytest.mark.parametrize(
        ("table", "options", "words"),
        [
            (EXAMPLE, {"alpha": 1.0}, "between 0 and 1"),
            (EXAMPLE, {"n_draws": 0}, "between 0 and 1"),
            (EXAMPLE, {"clusters": [1, 2]}, "one label for each unit"),
            (EXAMPLE[:4], {}, "too few to resample"),
            (np.r_[np.ones((30, 2)), [[1.0, 2.0]]], {"rng": np.random.default_rng(8)}, None),
            (np.r_[np.ones((30, 2))], {}, "all ratings are alike"),
        ],
    )
    def test_named_errors(self, table, options, words) -> None:
        if words is None:  # one disagreement among thirty-one: a resample without it has no alpha and is left out
            assert self.fit(table, **options)[0] <= 0
            return
        with pytest.raises(CreweError, match=words):
            self.fit(table, **options)


@pytest.fixture(scope="module")
def cohort():
    return load_simulated_cohort()


def check(records, **options):
    given = {"combine": "sum", "alpha": 0.05, "n_draws": 100, "seed": 1} | options
    return check_agreement(records, load_risk_framework(), **given)


class TestCoders:
    def test_with_one_coder_each_the_answer_is_that_it_cannot_be_assessed(self, cohort) -> None:
        table = check(cohort)
        assert len(table) == 1 and table["cases"].item() == 0 and table["note"].item() == NO_PAIR
        assert table[["same", "kappa_linear", "kappa_quadratic", "alpha"]].isna().all(axis=None)
        assert describe_agreement(table)["text"] == f"{NO_PAIR}, so agreement could not be assessed"

    def test_a_copy_agrees_fully(self, cohort) -> None:
        risk = cohort.risk[cohort.risk["time_point"] == "referral"]
        table = check(replace(cohort, risk=pd.concat([risk.assign(coder="a"), risk.assign(coder="b")])))
        assert table["measure"].tolist() == [
            "total score",
            "parent's engagement",
            "child's engagement",
            "factors, found or not",
        ]
        assert table["alpha"].eq(1).all() and table["same"].eq(100).all()
        assert table["kappa_quadratic"].tolist() == pytest.approx([N, 1, 1, 1], nan_ok=True)
        assert table["cases"].iloc[0] == risk["family_id"].nunique() and not table["note"].any()
        assert describe_agreement(table)["text"].startswith("30 cases were coded by two")

    def test_only_what_two_people_coded_counts(self, cohort) -> None:
        """By hand: two families coded twice, of which one at both times; a third family once."""
        columns = ["family_id", "time_point", "coder", "factor", "level"]
        rows = [
            ("F0002", "referral", "a", "parent_engagement", 1),
            ("F0002", "referral", "b", "parent_engagement", 2),
            ("F0002", "latest", "a", "parent_engagement", 2),
            ("F0002", "latest", "b", "parent_engagement", 2),
            ("F0004", "referral", "a", "parent_engagement", -2),
            ("F0004", "referral", "b", "parent_engagement", -2),
            ("F0004", "referral", "b", "family_stress", 1),
            ("F0008", "referral", "a", "parent_engagement", -1),
        ]
        risk = pd.DataFrame(rows, columns=columns).astype({"level": "Int64"})
        table = check(replace(cohort, risk=risk)).set_index("measure")
        assert "child's engagement" not in table.index
        assert table["units"].tolist() == [3, 3, 3 * 22]  # the child's own factors only where the child was coded
        assert table["cases"].tolist() == [2, 2, 2]
        assert table["same"].to_numpy() == pytest.approx([100 / 3, 200 / 3, 100 * 65 / 66])
        kappa = fit_weighted_kappa([1, 2, -2], [2, 2, -2], categories=LEVELS, weights="linear")
        assert table.at["parent's engagement", "kappa_linear"] == pytest.approx(kappa.estimate)
        assert table["interval"].isna().all() and table["note"].str.contains("too few to resample").all()

    def test_the_childs_factors_count_where_the_child_was_coded(self, cohort) -> None:
        risk = cohort.risk[cohort.risk["family_id"] == cohort.risk.query("factor == 'child_engagement'").iloc[0, 0]]
        risk = risk[risk["time_point"] == "referral"]
        records = replace(cohort, risk=pd.concat([risk.assign(coder="a"), risk.assign(coder="b")]))
        assert check(records).set_index("measure").at["factors, found or not", "units"] == 29

    def test_kappa_is_left_out_with_three_coders_and_says_so(self, cohort) -> None:
        risk = cohort.risk
        copies = pd.concat([risk.assign(coder=coder) for coder in "abc"])
        table = check(replace(cohort, risk=copies))
        assert table["kappa_linear"].isna().all() and table["alpha"].eq(1).all()
        assert table["note"].iloc[1:].str.contains("same two coders").all()
