"""Rules for orders in words, periods and citations: hand results, and that they follow the register."""

from pathlib import Path

import pandas as pd
import pytest

from crewe_lib.claim_register import read_claims_file, to_claims
from crewe_lib.claims import Entry, check_claim
from crewe_lib.errors import DataError

REGISTER = Path(__file__).parents[1] / "data" / "published" / "claims.csv"


@pytest.fixture(scope="module")
def register() -> pd.DataFrame:
    return read_claims_file(REGISTER)


def check(register: pd.DataFrame, id: str, **changes: str) -> Entry:
    """An entry, after values of other claims (with '__' for '.') were changed."""
    changed = register.copy()
    for name, value in changes.items():
        changed.loc[changed["id"] == name.replace("__", "."), "value"] = value
    return check_claim(to_claims(changed), id, {})


@pytest.mark.parametrize(
    ("id", "cls", "recomputed"),
    [
        ("r2.reref.order", "exact", "FACT22 lower"),
        ("r2.mi.escalation_higher", "exact", "higher"),
        ("r2.closure.not_sustained", "exact", "not sustained"),
        ("r2.t1.p2.period", "exact", "2017-04 to 2018-03"),
        ("r2.t1.p4.period", "exact", "2019-04 to 2020-03"),
        ("r2.design.r1_evaluation", "minor", "2015 to 2016"),
        ("r2.qual.tenure_since", "minor", "2018"),
        ("r2.t1.volunteers_text", "minor", "2 years after re-commissioning"),
        ("r2.ref.findings_page", "exact", "21"),
        ("r2.ref.evolution_page", "minor", "28"),
        ("r2.ref.fig14_page", "minor", 56.0),
        ("r2.design.cases_pod_before", "exact", 60.0),
    ],
)
def test_what_follows_from_the_printed_numbers(
    register: pd.DataFrame, id: str, cls: str, recomputed: str | float
) -> None:
    entry = check(register, id)
    assert (entry.cls, entry.recomputed) == (cls, recomputed)


@pytest.mark.parametrize(
    ("id", "changes", "cls", "recomputed"),
    [
        ("r2.reref.order", {"r2__reref__treat": "45"}, "decision", "CEC lower"),
        ("r2.reref.order", {"r2__reref__treat": "44"}, "decision", "alike"),
        ("r2.risk.not_sustained", {"r2__risk__treat": "-0.5"}, "decision", "sustained"),
        ("r2.r1.open_longer", {"r1__cost__case_pc": "1000"}, "decision", "CEC longer"),
        ("r2.t1.p3.period", {"r2__t1__p4__period": "2019-06 to 2020-03"}, "minor", "2018-04 to 2019-05"),
        ("r2.t1.volunteers_text", {"r2__t1__volunteers_until": "2017-06"}, "exact", "after re-commissioning"),
        ("r2.ref.fig14_page", {"r2__ref__app5_page": "66"}, "exact", 64.0),
        ("r2.ref.kim_year", {"r2__ref__kim_list": "2007"}, "exact", "2007"),
        ("blog.reduced_service", {"r2__t1__p2__pods_crewe": "4"}, "decision", "not reduced"),
    ],
)
def test_the_verdict_follows_the_register(
    register: pd.DataFrame, id: str, changes: dict[str, str], cls: str, recomputed: str | float
) -> None:
    entry = check(register, id, **changes)
    assert (entry.cls, entry.recomputed) == (cls, recomputed)


def test_a_repetition_is_not_a_recomputation(register: pd.DataFrame) -> None:
    assert check(register, "reg.sig").cls == "not recomputable without the records"
    assert check(register, "reg.sig", r1__closure__sig="significant").cls == "minor"


def test_a_period_that_is_no_date_is_refused(register: pd.DataFrame) -> None:
    with pytest.raises(DataError, match=r"r2\.t1\.p4\.period"):
        check(register, "r2.t1.p3.period", r2__t1__p4__period="spring")
