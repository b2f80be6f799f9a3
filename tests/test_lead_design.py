"""Crossover, units of analysis, slips and what follows: by hand, by brute force, and turned by changed numbers."""

import itertools

import pandas as pd
import pytest

from crewe_lib.errors import DataError
from crewe_lib.leads.design import CROSSOVER_COLUMNS, UNIT_COLUMNS, check_crossover, check_unit_of_analysis
from crewe_lib.leads.slips import GROUPS, PAIRS, SLIP_COLUMNS, WORDINGS, check_minor_slips, check_reproduced
from crewe_lib.load import load_claims, load_la_panel

FRAME, PANEL = load_claims(), load_la_panel()


def with_values(**values: str) -> pd.DataFrame:
    frame = FRAME.copy()
    for name, value in values.items():
        frame.loc[frame["id"] == name.replace("__", "."), "value"] = value
    return frame


class TestCrossover:
    def test_bounds_by_brute_force(self) -> None:
        """All ways in which 5 of 44 can be closed, and would have been without FACT22."""
        lead = check_crossover(FRAME)
        gaps = [
            100 * (60 / 84 - (36 - closed + otherwise) / 44)
            for closed, otherwise in itertools.product(range(6), repeat=2)
        ]
        assert lead.numbers["best_gap"] == pytest.approx(max(gaps))
        assert lead.readings["difference"].iloc[3] == pytest.approx(min(gaps))
        assert list(lead.readings) == list(CROSSOVER_COLUMNS)

    def test_dilution_is_undone_by_the_share(self) -> None:
        """With an effect e for all, the control mean holds 5/44 of it: solving back gives what was printed."""
        effect = check_crossover(FRAME).numbers["diluted_gap"]
        untreated = 100 * 60 / 84 - effect
        assert untreated + effect * 5 / 44 == pytest.approx(100 * 36 / 44)
        assert effect == pytest.approx(-10.3896 / (39 / 44), abs=1e-3)

    def test_only_the_extreme_case_turns_it(self) -> None:
        lead = check_crossover(FRAME)
        assert lead.verdict == "confirmed in part" and (lead.readings["difference"] > 0).sum() == 1
        assert check_crossover(with_values(r2__design__crossover="4")).verdict == "confirmed"

    def test_no_gap_refutes_it(self) -> None:
        assert check_crossover(with_values(r2__closure__treat="90")).verdict == "refuted"

    def test_all_crossing_is_refused(self) -> None:
        with pytest.raises(DataError, match="44 of 44"):
            check_crossover(with_values(r2__design__crossover="44"))


class TestUnit:
    def test_by_hand(self) -> None:
        lead = check_unit_of_analysis(FRAME)
        assert lead.verdict == "confirmed" and list(lead.readings) == list(UNIT_COLUMNS)
        first = lead.readings.iloc[0]
        assert first["design_effect"] == pytest.approx(1 + (326 / 132 - 1) * 0.36)
        assert lead.numbers["error_factor"] == pytest.approx((326 / 132) ** 0.5)
        # With a correlation of 1 the pupils are worth their families.
        ones = lead.readings[lead.readings["icc"] == 1]
        assert ones["effective"].tolist() == pytest.approx(ones["families"].tolist())

    def test_as_many_cases_as_children_refutes_it(self) -> None:
        assert check_unit_of_analysis(with_values(r1__sample__randomised="326")).verdict == "refuted"


class TestSlips:
    def test_all_are_found_with_their_place(self) -> None:
        lead = check_minor_slips(FRAME, PANEL)
        assert list(lead.readings) == list(SLIP_COLUMNS)
        assert len(lead.readings) == len(PAIRS) + len(WORDINGS) + 3
        assert lead.readings["place"].str.contains("report|summary").all()
        assert lead.numbers["workload_p"] == pytest.approx(0.01275, abs=1e-5)

    def test_the_region_is_the_panels(self) -> None:
        slips = check_minor_slips(FRAME, PANEL).readings.set_index("slip")
        assert slips.loc["Region compared with", ["printed", "expected"]].tolist() == ["North East", "North West"]
        moved = PANEL.assign(region=PANEL["region"].replace("North West", "North East"))
        assert "Region compared with" not in set(check_minor_slips(FRAME, moved).readings["slip"])

    def test_a_slip_that_is_mended_goes(self) -> None:
        frame = with_values(r1__ref__stress_fig="12", r2__qual__tenure_max="4")
        assert len(check_minor_slips(frame, PANEL).readings) == len(PAIRS) + len(WORDINGS) + 1

    def test_a_panel_without_the_council_is_refused(self) -> None:
        with pytest.raises(DataError, match="E06000049"):
            check_minor_slips(FRAME, PANEL[PANEL["authority"] != "E06000049"])


class TestReproduced:
    LEDGER = FRAME[["id", "statement"]].assign(cls="exact")

    def test_all_agree(self) -> None:
        lead = check_reproduced(FRAME, self.LEDGER)
        assert lead.verdict == "confirmed" and lead.numbers["follow"] == sum(map(len, GROUPS.values()))

    def test_one_that_does_not_is_named(self) -> None:
        ledger = self.LEDGER.copy()
        ledger.loc[ledger["id"] == "r1.cost.earn_pc", "cls"] = "minor"
        ledger.loc[ledger["id"] == "r1.cost.tax_pc", "cls"] = "rounding"
        lead = check_reproduced(FRAME, ledger)
        assert lead.verdict == "confirmed in part"
        row = lead.readings.set_index("group").loc["Costs: Table 7"]
        assert row["claims"] - row["follow"] == 1 and row["others"].endswith(": minor")

    def test_no_claim_stands_in_two_groups(self) -> None:
        ids = [id for group in GROUPS.values() for id in group]
        assert len(ids) == len(set(ids))

    def test_a_ledger_without_a_claim_is_refused(self) -> None:
        with pytest.raises(DataError, match=r"lacks r1\.att\.n"):
            check_reproduced(FRAME, self.LEDGER[self.LEDGER["id"] != "r1.att.n"])
