"""One authority among all: the tables of chapter 07 against the two-authority estimates and against hand arithmetic."""

import numpy as np
import pandas as pd
import pytest

from crewe_lib import la_did, la_inference, la_size, la_words
from crewe_lib import la_specifications as spec
from crewe_lib.la_eligible import derive_eligible
from crewe_lib.load import load_inference_size, load_la_missing, load_la_panel

YEARS = dict(first_year=2011, last_year=2019)
EAST = la_did.CHESHIRE_EAST


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return load_la_panel()


@pytest.fixture(scope="module")
def sets(panel):
    missing, design = load_la_missing(), dict(series="main", treated=EAST, implemented=2015, **YEARS)
    return {name: derive_eligible(panel, missing, outcome=name, **design) for name in spec.TESTED}


@pytest.fixture(scope="module")
def pairs(sets) -> pd.DataFrame:
    return la_inference.derive_pair_estimates(sets, spec.PUBLISHED)


@pytest.fixture(scope="module")
def placebos(sets) -> pd.DataFrame:
    return la_inference.derive_placebos(sets)


@pytest.fixture(scope="module")
def inference(sets, placebos) -> pd.DataFrame:
    return la_inference.estimate_inference(sets, placebos, alpha=0.05)


def test_the_pair_with_the_chosen_comparator_is_the_published_estimate(panel, pairs) -> None:
    design = dict(treated=EAST, comparators=spec.PUBLISHED, implemented=2015, **YEARS)
    published = spec.estimate_published(panel, alpha=0.05, **design)
    main = published.query("covariate == 'none' and covariance == 'CR2'").set_index("outcome")["estimate"]
    chosen = pairs[pairs["chosen"]].set_index("outcome")["estimate"]
    for outcome in spec.TESTED:
        assert chosen[outcome] == pytest.approx(main[outcome])


def test_every_other_authority_is_a_comparator_once_and_ranked(sets, pairs) -> None:
    for outcome, rows in pairs.groupby("outcome"):
        others = len(sets[outcome].authorities) - 1
        assert len(rows) == others and rows["authority"].is_unique and EAST not in set(rows["authority"])
        for name in ("rank_level", "rank_trend", "rank_both"):
            assert sorted(rows[name]) == list(range(1, others + 1))


def test_the_summary_counts_the_estimates_below_the_chosen_one(pairs) -> None:
    summary = la_inference.summarise_comparators(pairs).set_index("outcome")
    rows = pairs[pairs["outcome"] == "closures"]
    own = rows.loc[rows["chosen"], "estimate"].iloc[0]
    assert summary.at["closures", "share_below"] == pytest.approx(np.mean([e < own for e in rows["estimate"]]))
    assert summary.at["closures", "comparator"] == "Enfield"


def test_a_placebo_is_the_change_less_the_mean_change_of_all_others(sets, placebos) -> None:
    y, row = sets["closures"].matrix, sets["closures"].treated_row
    change = y[:, 5:].mean(axis=1) - y[:, :5].mean(axis=1)
    own = placebos.query("outcome == 'closures' and treated").iloc[0]
    assert own["estimate"] == pytest.approx(change[row] - np.delete(change, row).mean())
    every = placebos[placebos["outcome"] == "closures"]["estimate"]
    assert own["p_value"] == pytest.approx((every.abs() >= abs(own["estimate"]) - 1e-12).mean())


def test_the_methods_against_all_agree_where_they_must(inference, placebos) -> None:
    for outcome in spec.TESTED:
        rows = inference[inference["outcome"] == outcome].set_index("method")
        own = placebos[placebos["outcome"].eq(outcome) & placebos["treated"]].iloc[0]
        assert rows.at["Conley–Taber", "estimate"] == pytest.approx(own["estimate"])
        for name in ("Conley–Taber", "Ferman–Pinto"):
            row = rows.loc[name]
            assert row["conf_low"] < row["estimate"] < row["conf_high"]
            assert (row["p_value"] <= 0.05) == (row["conf_low"] > 0 or row["conf_high"] < 0)
        assert rows.loc["placebo in space", "interval"] is None


def test_an_effect_put_into_the_data_is_found(sets) -> None:
    """A further 80 closures per 10,000 in every year after: beyond what any placebo shows."""
    from dataclasses import replace

    eligible = sets["closures"]
    y = eligible.matrix.copy()
    y[eligible.treated_row, 5:] += 80
    moved = {"closures": replace(eligible, matrix=y)}
    found = la_inference.estimate_inference(moved, la_inference.derive_placebos(moved), alpha=0.05)
    assert (found["p_value"] <= 0.05).all() and (found["estimate"] > 60).all()


def test_synthetic_controls_fit_worse_and_rank_alike_as_the_penalty_grows(sets) -> None:
    one = {"escalations": sets["escalations"]}
    table = la_inference.estimate_synthetic_controls(one)
    assert table["penalty"].tolist() == [0.0, 0.1, 1.0]
    assert table["pre_rmspe"].is_monotonic_increasing and table["p_value"].between(0, 1).all()
    assert table["exact"].tolist() == [True, False, False]
    assert table["donors"].str.contains("%").all()


def test_the_event_study_is_zero_in_the_reference_year(sets) -> None:
    study = la_inference.derive_event_study(sets, alpha=0.05)
    reference = study[study["year"] == 2015]
    assert (reference[["estimate", "low", "high", "sup_low", "sup_high"]] == 0).all(axis=None)
    others = study[study["year"] != 2015]
    assert (others["sup_low"] <= others["low"]).all() and (others["high"] <= others["sup_high"]).all()
    assert "2019" in la_inference.describe_event_study(study)["text"]


def test_a_wider_bound_leaves_more_open(sets) -> None:
    table = la_inference.estimate_sensitivity({"closures": sets["closures"]}, alpha=0.05)
    magnitudes = table[table["restriction"].str.contains("step")]
    widths = [float(text.split("\N{NO-BREAK SPACE}")[2].replace("−", "-")) for text in magnitudes["interval"]]
    assert widths == sorted(widths) and magnitudes["holds_zero"].all()


def test_findings_join_the_three_tables(panel, inference) -> None:
    design = dict(treated=EAST, comparators=spec.PUBLISHED, implemented=2015, **YEARS)
    means, published = spec.derive_period_means(panel, **design), spec.estimate_published(panel, alpha=0.05, **design)
    findings = la_words.derive_findings(means, published, inference)
    assert findings["comparator"].tolist() == ["Enfield", "Cheshire West and Chester", "Wandsworth"]
    assert findings["own"].iloc[0] == "55.8\N{NO-BREAK SPACE}→\N{NO-BREAK SPACE}47.7"
    counts = la_words.summarise_findings(findings, inference, alpha=0.05)
    assert counts["tests"] == 12 and counts["below"] == (inference["p_value"] <= 0.05).sum()


def test_nobody_is_left_out_silently(panel, sets) -> None:
    """Compared and left out together are all authorities that the panel has in these years."""
    everyone = panel[panel["year"].between(2011, 2019) & (panel["authority"] != la_did.ENGLAND)]["authority"].nunique()
    table = la_words.derive_left_out(sets)
    for outcome, one in sets.items():
        label = la_did.OUTCOMES[outcome].label
        assert len(one.authorities) + table.loc[table["label"] == label, "number"].sum() == everyone
    assert table["reason"].str.len().gt(5).all()


def test_the_size_table_is_the_stored_study() -> None:
    study = load_inference_size()
    table = la_size.derive_size_table(study).set_index("method")
    row = study.query("design == 'noise alike' and shock_sd == 0 and method == 'placebo in space'").iloc[0]
    assert table.at["placebo in space", "none"] == row["rate"] == row["rejections"] / row["replications"]
    assert table.at["two authorities, nearest comparator, classical", "large"] > 0.2
