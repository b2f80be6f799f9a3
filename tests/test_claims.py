"""The ledger as a whole: every claim has its class, and each class rests on exactly what its rule read."""

import json
import re
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from crewe_lib.claim_classes import AGREES, CLASSES
from crewe_lib.claim_register import STATUSES, Claim, Reader, to_claims
from crewe_lib.claim_rules import RULES
from crewe_lib.claims import Entry, check_claim, check_register, evaluate_claims
from crewe_lib.claims_lock import compare_with_lock, read_lock, write_lock
from crewe_lib.claims_summary import summarise_classes
from crewe_lib.cli import LOCK, app
from crewe_lib.errors import CreweError, DataError
from crewe_lib.load import load_claims, load_ledger_tables

FRAME = load_claims()
CLAIMS = to_claims(FRAME)
TABLES = load_ledger_tables()
ENTRIES = check_register(CLAIMS, TABLES)
RULED = [id for id in CLAIMS if id in RULES]


def changed(id: str, value: str) -> dict[str, Claim]:
    return {**CLAIMS, id: replace(CLAIMS[id], value=value)}


def perturb(claim: Claim) -> list[str]:
    """Values of the same form that are far off: numbers, dates, ranges, words."""
    if claim.is_number:
        number, digits = claim.number, max(claim.decimals, 0)
        # Several: of 84 families most whole percentages can be reached, but not all.
        values = (number * 2 + 3, number / 2, *(number + step * 10.0**-digits for step in range(1, 12)))
        return [f"{value:.{digits}f}" for value in values]
    if claim.unit == "date":
        return [re.sub(r"20(\d\d)", century + r"\1", claim.value) for century in ("19", "21")]
    if any(character.isdigit() for character in claim.value):
        return ["1000 to 2000"]
    return ["significant", "n.s."] if claim.unit == "p-value" else ["something else"]


def outcome(claims: dict[str, Claim], id: str) -> Entry | str:
    """The entry of a claim, or the named error that a changed value leads to."""
    try:
        return check_claim(claims, id, TABLES)
    except (DataError, CreweError) as fault:
        return str(fault)


def test_every_claim_has_a_class_and_a_computation_or_a_reason() -> None:
    assert len(ENTRIES) == len(CLAIMS) >= 463
    for entry in ENTRIES.values():
        assert entry.cls in CLASSES and entry.how.strip() and "published" in entry.kinds
        if entry.method:
            assert entry.recomputed is not None or entry.cls in STATUSES
        else:
            assert entry.cls in STATUSES and entry.claim.reason


def test_a_claim_with_a_rule_declares_no_other_class() -> None:
    assert [id for id in RULED if CLAIMS[id].status not in ("", "external")] == []


def test_every_rule_has_a_claim() -> None:
    assert set(RULES) <= set(CLAIMS)


@pytest.mark.parametrize("id", RULED)
def test_a_rule_can_fail(id: str) -> None:
    """A claim that agrees would not if something else were printed: its rule is no identity."""
    entry = ENTRIES[id]
    if entry.cls not in (*AGREES, "external") or entry.recomputed is None:
        return
    classes = {outcome(changed(id, value), id) for value in perturb(CLAIMS[id])}
    assert any(isinstance(found, str) or found.cls != entry.cls for found in classes)


@pytest.mark.parametrize("id", RULED)
def test_a_rule_follows_what_it_reads(id: str) -> None:
    """Some number or page that a rule read moves its result (or is refused): nothing is typed in."""
    entry = ENTRIES[id]
    if not entry.read:
        assert entry.tables, "a rule that reads neither claims nor other data"
        return
    for read in sorted(entry.read):
        for value in perturb(CLAIMS[read]):
            found = outcome(changed(read, value), id)
            if isinstance(found, str) or (found.recomputed, found.how) != (entry.recomputed, entry.how):
                return
        source = CLAIMS[read]
        moved = {**CLAIMS, read: replace(source, page=source.page + 1)} if source.page else CLAIMS
        if isinstance(found := outcome(moved, id), Entry) and found.recomputed != entry.recomputed:
            return
    pytest.fail("no claim that it reads moves it")


@pytest.mark.parametrize(
    "id", ["r1.t1.fp.interviews", "r2.sample.n_treat", "r1.closure.cec", "r1.design.pilot_end", "r2.demo.aged_treat"]
)
def test_changing_one_value_changes_only_classes_that_rest_on_it(id: str) -> None:
    rest = {other for other, entry in ENTRIES.items() if id in entry.read} | {id}
    moved = 0
    for value in perturb(CLAIMS[id])[:3]:
        claims = changed(id, value)
        for other in CLAIMS:
            found = outcome(claims, other)
            differs = isinstance(found, str) or found.cls != ENTRIES[other].cls
            assert not differs or other in rest, other
            moved += differs
    assert moved


def test_a_claim_without_rule_or_reason_is_refused() -> None:
    id = next(id for id in CLAIMS if id not in RULES)
    with pytest.raises(DataError, match=f"{id} has no rule"):
        check_claim({**CLAIMS, id: replace(CLAIMS[id], status="")}, id, TABLES)


def test_recomputed_numbers_carry_ten_digits() -> None:
    found = [entry.recomputed for entry in ENTRIES.values() if isinstance(entry.recomputed, float)]
    assert found and all(value == float(f"{value:.10g}") for value in found)
    assert ENTRIES["r1.reref.rate_cec"].recomputed == 6.666666667


def test_rules_need_their_claims() -> None:
    id = RULED[0]
    with pytest.raises(DataError, match=f"lacks {id}"):
        check_register({name: claim for name, claim in CLAIMS.items() if name != id}, TABLES)


def test_inferences_are_called_so() -> None:
    for entry in ENTRIES.values():
        if entry.method == "attainable percentages" or entry.claim.origin == "derived":
            assert "inferred" in entry.kinds, entry.claim.id
        assert "simulated" not in entry.kinds


def test_nothing_is_called_a_reproduction() -> None:
    assert not any(
        "reproduc" in f"{e.how} {e.note}".lower() and "simulat" in f"{e.how} {e.note}" for e in ENTRIES.values()
    )


def test_the_summary_counts_every_claim_once() -> None:
    ledger = evaluate_claims(FRAME, TABLES)
    summary = summarise_classes(ledger)
    assert summary["claims"].sum() + summary["derived"].sum() == len(ledger) == len(CLAIMS)
    assert list(summary["cls"]) == list(CLASSES)


class TestLock:
    def test_it_holds_the_classes_of_today(self) -> None:
        assert compare_with_lock({id: e.cls for id, e in ENTRIES.items()}, read_lock(LOCK)) == []

    def test_it_reports_changed_new_and_lost_claims(self, tmp_path) -> None:
        path = tmp_path / "claims.lock"
        write_lock(path, {"a": "exact", "b": "minor"})
        assert compare_with_lock({"a": "major", "c": "exact"}, read_lock(path)) == [
            "a: was 'exact', is 'major'",
            "c: new, 'exact'",
            "b: no longer in the register (was 'minor')",
        ]

    @pytest.mark.parametrize("text", ["a\tgood\n", "a\texact\na\tminor\n"])
    def test_a_broken_one_is_refused(self, tmp_path, text: str) -> None:
        (tmp_path / "claims.lock").write_text(text)
        with pytest.raises(DataError, match="acknowledge"):
            read_lock(tmp_path / "claims.lock")

    def test_an_absent_one_is_refused(self, tmp_path) -> None:
        with pytest.raises(DataError, match="no lock file"):
            read_lock(tmp_path / "claims.lock")


class TestCommand:
    def test_json_gives_every_claim_with_what_was_promised(self) -> None:
        result = CliRunner().invoke(app, ["claims", "--json"])
        assert result.exit_code == 0
        found = json.loads(result.stdout)
        assert [item["id"] for item in found] == list(CLAIMS)
        for item in found:
            assert {"id", "class", "printed", "recomputed", "how", "kinds_of_data"} <= set(item)

    def test_a_changed_copy_fails_and_names_what_changed(self, tmp_path) -> None:
        frame = FRAME.copy()
        frame.loc[frame["id"] == "r1.t1.total.interviews", "value"] = "49"
        frame.to_csv(tmp_path / "copy.csv", index=False)
        result = CliRunner().invoke(app, ["claims", "--register", str(tmp_path / "copy.csv"), "--class", "decision"])
        assert isinstance(result.exception, DataError)
        assert "r1.t1.total.interviews: was 'exact', is 'minor'" in str(result.exception)

    def test_one_class_or_claim_can_be_asked_for(self) -> None:
        result = CliRunner().invoke(app, ["claims", "--id", "r2.demo.aged_test"])
        assert "r2.demo.aged_test  decision" in result.stdout and "   1  claims" in result.stdout

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["--class", "good"], "no class is named 'good'"),
            (["--id", "r2.demo.aged_tset"], "perhaps r2.demo.aged_test"),
            (["--register", "nowhere.csv"], "cannot be read as a register"),
        ],
    )
    def test_a_wrong_call_is_explained(self, options: list[str], words: str) -> None:
        result = CliRunner().invoke(app, ["claims", *options])
        assert isinstance(result.exception, CreweError | DataError) and words in str(result.exception)

    def test_a_copy_is_not_acknowledged(self, tmp_path) -> None:
        FRAME.to_csv(tmp_path / "copy.csv", index=False)
        result = CliRunner().invoke(
            app, ["claims", "--register", str(tmp_path / "copy.csv"), "--acknowledge", "--lock", str(tmp_path / "l")]
        )
        assert isinstance(result.exception, CreweError) and not (tmp_path / "l").exists()


def test_a_derived_number_follows_what_is_printed() -> None:
    """Table 9's saving rests on an arm that is back-solved from the printed re-referral rate."""
    id = "r1.cost.escal_save_case"
    assert {"r1.sample.arm_cec_implied", "r1.reref.rate_cec"} <= ENTRIES[id].read
    found = outcome(changed("r1.reref.rate_cec", "12.0"), id)
    assert isinstance(found, str) or found.recomputed != ENTRIES[id].recomputed


def test_a_value_out_of_range_spoils_only_what_rests_on_it() -> None:
    claims, faults = changed("r1.t2.mh.n", "-5"), []
    entries = check_register(claims, TABLES, faults=faults)
    assert all("cannot be computed from" in fault or "-5" in fault for fault in faults)
    lost = set(CLAIMS) - set(entries)
    assert lost <= {id for id, entry in ENTRIES.items() if "r1.t2.mh.n" in entry.read}


def test_a_reader_refuses_a_fraction_where_a_count_is_needed() -> None:
    id = "r2.sample.n_treat"
    with pytest.raises(DataError, match="not a whole number"):
        Reader(changed(id, "84.5"), checking="x").count(id)
