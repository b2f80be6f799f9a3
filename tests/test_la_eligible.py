"""Who is eligible and why the others are not; what a reader may choose."""

import numpy as np
import pytest
from made_panel import EAST, OTHER, THIRD, made_panel, marks, set_cell

from crewe_lib.errors import CreweError
from crewe_lib.la_choices import parse_comparators, parse_outcomes
from crewe_lib.la_did import ENGLAND
from crewe_lib.la_eligible import derive_eligible
from crewe_lib.load import load_la_missing, load_la_panel

NONE = marks()


@pytest.fixture(scope="module")
def real():
    return load_la_panel(), load_la_missing()


def eligible(panel, missing=NONE, **changes):
    options = dict(outcome="closures", series="main", first_year=2011, last_year=2019, treated=EAST, implemented=2015)
    return derive_eligible(panel, missing, **(options | changes))


def test_matrix_by_hand() -> None:
    panel = made_panel()
    done = eligible(panel)
    row = panel.query("authority == @EAST and year == 2014 and vintage == 'revised'").iloc[0]
    assert done.matrix[done.treated_row, 3] == row["episodes_ended"] and done.n_pre == 5
    assert done.matrix.shape == (14, 9) and done.exclusions.empty and ENGLAND not in done.authorities
    assert (done.population == 10_000).all() and len(done.rates) == 14 * 9


def test_each_reason_in_plain_words() -> None:
    panel = set_cell(made_panel(), OTHER, 2014, "episodes_ended", None)
    panel = set_cell(panel, THIRD, 2018, "population_all_ages", 0)
    panel = set_cell(panel, "E08000000", 2012, "population_all_ages", None)
    panel = panel[~(panel["authority"].eq("E08000001") & panel["year"].gt(2016))]
    out = eligible(panel, marks((OTHER, 2014, "revised", "episodes_ended", "withheld because"))).exclusions
    said = out.set_index("authority")
    assert said.loc[OTHER, ["years", "kind", "reason"]].tolist() == ["2014", "withheld", "endings: withheld because"]
    assert said.loc[THIRD, "kind"] == "no residents"
    assert said.loc["E08000000", "reason"].startswith("its boundaries changed later")
    assert said.loc["E08000001", "reason"].startswith("did not exist in every year")
    assert said.loc["E08000001", "years"].replace("\N{WORD JOINER}", "") == "2017–2019"


@pytest.mark.parametrize("outcome", ["closures", "rereferrals", "escalations"])
def test_nothing_is_dropped_in_silence(real, outcome) -> None:
    panel, missing = real
    done = eligible(panel, missing, outcome=outcome)
    there = set(panel.loc[panel["year"].between(2011, 2019), "authority"]) - {ENGLAND}
    assert set(done.authorities) | set(done.exclusions["authority"]) == there
    assert not set(done.authorities) & set(done.exclusions["authority"]) and done.exclusions["authority"].is_unique
    assert np.isfinite(done.matrix).all() and len(there) == 152
    assert not done.exclusions["reason"].str.contains("no figure in the files").any()  # each has a mark


def test_order_of_rows_does_not_matter(real) -> None:
    panel, missing = real
    one, other = eligible(panel, missing), eligible(panel.sample(frac=1, random_state=2), missing)
    assert one.authorities == other.authorities and np.array_equal(one.matrix, other.matrix)


def test_an_incomplete_treated_authority_is_told_what_it_could_have(real) -> None:
    panel, missing = real
    with pytest.raises(CreweError) as caught:
        eligible(panel, missing, outcome="rereferrals", treated=OTHER)
    text = str(caught.value)
    assert "rereferrals: the official files give no figure for Enfield (E09000010) in 2011" in text
    assert "no usable return" in text and "the years 2012–2021" in text and "(closures, escalations)" in text
    with pytest.raises(CreweError, match="did not exist in 2011"):
        eligible(panel, missing, treated="E06000061")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"treated": ENGLAND}, "England holds the authorities"),
        ({"treated": "E06000094"}, r"holds no such code; near it: .*E06000064 \(Westmorland and Furness\)"),
        ({"treated": "cheshire est"}, r"near it: E06000049 \(Cheshire East\)"),
        ({"implemented": 2019}, "from 2011 to 2018"),
        ({"last_year": 2023}, "in 2022–2023 .no authority has a figure of residents of all ages"),
        ({"outcome": "closure"}, "must be one of closures"),
    ],
)
def test_bad_choices_are_named(real, changes, message) -> None:
    with pytest.raises(CreweError, match=message):
        eligible(*real, **changes)


def test_parsing(real) -> None:
    outcomes = parse_outcomes("closures, escalations")
    assert outcomes == ("closures", "escalations")
    chosen = parse_comparators("closures=E06000050", outcomes, panel=real[0], treated=EAST)
    assert chosen == {"closures": THIRD, "escalations": "E09000032"}


@pytest.mark.parametrize(("text", "message"), [
    ("", "outcomes is empty; name one or more of closures, rereferrals, escalations"),
    ("closure", "'closure' is not known"),
    ("closures,closures", "each may be named once"),
])  # fmt: skip
def test_bad_outcomes(text, message) -> None:
    with pytest.raises(CreweError, match=message):
        parse_outcomes(text)


@pytest.mark.parametrize(("text", "message"), [
    ("closures:E06000050", "write outcome=code"),
    ("escalations=E06000050", "must be one of closures"),
    ("closures=E06000050,closures=E09000010", "given twice"),
    ("closures=Enfeild", r"E09000010 \(Enfield\)"),
    ("closures=E06000049", "E06000049 cannot be its own comparator; name another, such as closures="),
])  # fmt: skip
def test_bad_comparators(real, text, message) -> None:
    with pytest.raises(CreweError, match=message):
        parse_comparators(text, ("closures",), panel=real[0], treated=EAST)


def test_the_reports_comparator_cannot_be_treated(real) -> None:
    with pytest.raises(CreweError, match="Enfield is the report's own comparator"):
        parse_comparators("", ("closures",), panel=real[0], treated=OTHER)
