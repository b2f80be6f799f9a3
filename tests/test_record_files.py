"""The reader of tables: no bytes lead to a traceback, and no cell is changed on the way."""

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_records import TABLES, make_folder

from crewe_lib.contract import TABLES as CONTRACT
from crewe_lib.intake.check import check_folder, examine_folder
from crewe_lib.intake.files import read_bytes, read_fast
from crewe_lib.intake.rows import Cells, read_alike, read_carefully
from crewe_lib.intake.types import to_typed

PIECES = [",", '"', "\n", "\r", "\r\n", "\0", ";", "\t", " ", "NA", "007", "1.0", "\ufeff", "é", "\x85", "\u2028", "-"]
text = st.text(max_size=12)
plain = st.text(st.characters(blacklist_characters=',"\r\n\0', blacklist_categories=("Cs",)), max_size=8)


def cells_of(cells: Cells) -> list[list[str]]:
    return [list(row) for row in zip(*(column.cells for column in cells.columns), strict=True)]


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_a_table_or_have_a_fault(data) -> None:
    cells, faults = read_bytes(data, "x.csv")
    assert cells is not None or faults
    assert all(fault.message.isprintable() for fault in faults)


def edit(source: str, edits: list[tuple[float, int, str]]) -> bytes:
    """A text with pieces put in and letters taken out at some places."""
    for place, taken, piece in edits:
        at = int(place * len(source))
        source = source[:at] + piece + source[at + taken :]
    return source.encode("utf-8", "surrogatepass")


edits = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 6), st.sampled_from(PIECES) | st.text(max_size=3)), min_size=1, max_size=4
)


@given(st.sampled_from(sorted(TABLES)), edits)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_an_edited_folder_has_faults_or_the_cells_of_its_file(table, changes) -> None:
    data = edit(TABLES[table], changes)
    with TemporaryDirectory() as name:
        folder = make_folder(Path(name))
        (folder / f"{table}.csv").write_bytes(data)
        seen = examine_folder(folder)
    assert all(fault.message.isprintable() for fault in seen.faults)
    if not seen.faults:
        header, *rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
        frame = pd.DataFrame(rows, columns=header, dtype=object)
        pd.testing.assert_frame_equal(
            seen.tables[table].reset_index(drop=True), to_typed(CONTRACT[table], frame), check_column_type=False
        )
        for name in CONTRACT[table].names:
            typed = seen.tables[table][name]
            if str(typed.dtype) == "Int64":
                assert [("" if pd.isna(v) else str(v)) for v in typed] == list(frame[name])
            elif str(typed.dtype).startswith("datetime"):
                length = 7 if name == "born_in" else 10
                assert [("" if pd.isna(v) else v.isoformat()[:length]) for v in typed] == list(frame[name])


@given(st.binary(max_size=120), st.sampled_from(["mapping.yml", "datapackage.json", "families.csv"]))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_bytes_in_any_file_are_no_traceback(data, name) -> None:
    with TemporaryDirectory() as place:
        folder = make_folder(Path(place))
        (folder / name).write_bytes(data)
        assert isinstance(check_folder(folder), list)


@given(st.integers(2, 4).flatmap(lambda n: st.lists(st.lists(plain, min_size=n, max_size=n), min_size=2, max_size=5)))
@settings(max_examples=200, deadline=None)
def test_the_fast_path_reads_what_the_careful_one_reads(rows) -> None:
    header = tuple(rows[0])
    source = "".join(",".join(row) + "\n" for row in rows)
    fast = read_fast(source.encode("utf-8"), header)
    slow, faults = read_carefully(source, header, "x.csv")
    alike = read_alike(source, header)
    assert alike is not None and cells_of(alike) == cells_of(slow) and list(alike.rows) == list(slow.rows)
    if fast is None:  # where the first cell begins with a byte-order mark
        assert rows[1][0].startswith("\ufeff") and not faults
        return
    assert cells_of(fast) == cells_of(slow) and list(fast.rows) == list(slow.rows)
    assert cells_of(fast) == rows[1:]


@given(st.lists(st.lists(text, min_size=2, max_size=2), min_size=1, max_size=5))
@settings(max_examples=200, deadline=None)
def test_quoted_cells_are_read_as_they_are(rows) -> None:
    rows = [[cell.encode("utf-8", "ignore").decode().replace("\0", "") for cell in row] for row in rows]
    buffer = io.StringIO(newline="")
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows([["one", "two"], *rows])
    cells, faults = read_bytes(buffer.getvalue().encode("utf-8"), "x.csv")
    assert cells is not None
    expected = [row for row in rows if not any(sign in cell for cell in row for sign in "\r\n") and any(row)]
    assert cells_of(cells) == expected
    slow, _ = read_carefully(buffer.getvalue(), ("one", "two"), "x.csv")
    assert [row for row in cells_of(slow) if any(row)] == expected
    assert bool(faults) == (expected != rows)


@pytest.mark.parametrize("value", ["007", "1.0", "NA", "nan", "1e5", "True", " x ", "00", "-0", "#", "\\N", "'"])
def test_no_value_is_read_as_something_else(value) -> None:
    cells, faults = read_bytes(f"a,b\n{value},1\n".encode(), "x.csv")
    assert cells is not None and not faults and cells_of(cells) == [[value, "1"]]


def test_row_numbers_are_those_of_a_spreadsheet() -> None:
    cells, faults = read_bytes(b'a,b\n1,2\n\n3\n"4",5\n', "x.csv")
    assert cells is not None and list(cells.rows) == [2, 5] and not cells.whole
    assert sorted(fault.rows for fault in faults) == [(3,), (4,)]
