"""Trial and service, caseloads and the table of changes: by hand, and turned by changed numbers."""

import pandas as pd
import pytest

from crewe_lib.errors import DataError
from crewe_lib.leads.programme import PROGRAMME_COLUMNS, check_programme_table
from crewe_lib.leads.service import CASELOAD_COLUMNS, SERVICE_COLUMNS, check_caseload_relief, check_trial_and_service
from crewe_lib.load import load_claims

FRAME = load_claims()


def with_values(**values: str) -> pd.DataFrame:
    frame = FRAME.copy()
    for name, value in values.items():
        frame.loc[frame["id"] == name.replace("__", "."), "value"] = value
    return frame


class TestTrialAndService:
    def test_by_hand(self) -> None:
        lead = check_trial_and_service(FRAME)
        assert lead.verdict == "confirmed" and "implied" in lead.finding
        assert list(lead.readings) == list(SERVICE_COLUMNS)
        assert lead.readings["outside_2017"].tolist() == pytest.approx([186 - 84, 186 - 83, 186 - 0.7 * 132])
        assert lead.numbers["least_share_2020"] == pytest.approx(1 - 92.4 / 380)
        assert lead.numbers["escalated_outside"] == 8 - 4 and lead.numbers["escalated_blog"] == 9 + 2

    def test_a_service_no_larger_than_the_trial_refutes_it(self) -> None:
        assert check_trial_and_service(with_values(blog__families="80")).verdict == "refuted"


class TestCaseloads:
    def test_by_hand(self) -> None:
        lead = check_caseload_relief(FRAME)
        assert lead.verdict == "confirmed" and list(lead.readings) == list(CASELOAD_COLUMNS)
        # 100 cases with 44 in need; 30 of these leave: 14 of 70 are 20%.
        assert lead.numbers["needed_share_before"] == pytest.approx(44)
        assert lead.numbers["freed"] == pytest.approx(0.124 * 20)
        assert lead.numbers["weekly_autumn"] == pytest.approx(11 * 12 / (365.25 / 7))
        assert lead.numbers["longer_visits"] == pytest.approx(4 / 3)

    def test_a_fall_within_the_share_is_possible(self) -> None:
        lead = check_caseload_relief(with_values(blog__caseload_drop="15"))
        assert "implied to be possible" in lead.finding
        assert bool(lead.readings["agrees"].iloc[1])

    def test_documents_that_agree_on_the_fall_confirm_in_part_only(self) -> None:
        lead = check_caseload_relief(with_values(r1__caseload__sw_relief="yes"))
        assert lead.verdict == "confirmed in part" and "Both documents" in lead.finding


class TestProgrammeTable:
    def test_what_differs(self) -> None:
        lead = check_programme_table(FRAME)
        differ = set(lead.readings.loc[~lead.readings["agrees"], "item"])
        assert differ == {
            "capacity 2019-20",
            "rounds of recommissioning",
            "earlier referrals",
            "window of the trial",
            "years compared",
        }
        assert lead.verdict == "confirmed in part" and list(lead.readings) == list(PROGRAMME_COLUMNS)
        assert "96 against 144" in lead.finding

    def test_it_follows_the_register(self) -> None:
        lead = check_programme_table(with_values(r2__t1__p4__capacity="144", r2__t1__p2__pods_macc="2"))
        differ = set(lead.readings.loc[~lead.readings["agrees"], "item"])
        assert "capacity 2019-20" not in differ and {"capacity 2017-18", "pods of a manager"} <= differ

    def test_all_in_order_refutes_it(self) -> None:
        frame = with_values(
            r2__t1__p4__capacity="144",
            r2__t1__recommissions="three",
            r2__design__referrals_lt2="3",
            r2__design__rct_window_main="2015-08 to 2016-03",
            r2__design__five_year="four",
        )
        assert check_programme_table(frame).verdict == "refuted"


def test_an_absent_claim_is_named() -> None:
    with pytest.raises(DataError, match=r"blog\.families"):
        check_trial_and_service(FRAME[FRAME["id"] != "blog.families"])
