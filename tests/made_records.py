"""A small folder of records without a fault, and ways to break it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

ITEMS = [f"item_{number:02d}" for number in range(1, 26)]
TABLES = {
    "families": """family_id,arm,randomised_on,site,case_data
F1,treatment,2015-10-02,crewe,1
F2,control,2015-11-03,crewe,1
F3,treatment,2016-01-04,macclesfield,0
""",
    "children": """child_id,family_id,lead_child,sex,born_in,ethnicity,disability,is_cin,followed_to
C1,F1,1,female,2004-05,white_british,0,1,2019-11-22
C2,F1,0,male,2009-11,white_british,,1,2019-11-22
C3,F2,1,male,2012-02,mixed,0,1,2019-11-22
C4,F3,1,female,2010-07,not_recorded,1,1,2016-01-04
""",
    "episodes": """episode_id,child_id,referred_on,plan_opened_on,status,closed_on,closed_reason,primary_need
E1,C1,2014-01-10,2014-01-20,closed,2014-09-01,stepped_down,N1
E2,C1,2015-09-20,2015-10-01,closed,2016-05-01,stepped_down,N5
E3,C1,2016-05-01,,open,,,N1
E4,C2,2015-09-20,2015-10-01,closed,,other,N1
E5,C3,2015-10-25,2015-11-05,closed,2016-08-09,escalated,N3
""",
    "protection": """child_id,event,started_on,ended_on
C3,child_protection,2016-08-09,2017-03-01
C3,child_protection,2018-03-01,
C3,looked_after,2018-04-01,
""",
    "absence": """child_id,school_phase,term,sessions_possible,sessions_authorised,sessions_unauthorised
C1,secondary,autumn_2015,140,9,3
C1,secondary,spring_2016,120,0,0
""",
    "sdq": "\n".join(
        [
            ",".join(["child_id,informant,version,completed_on", *ITEMS]),
            ",".join(["C1,parent,4_17,2015-10-20", *("0121"[n % 4] for n in range(25))]),
            ",".join(["C3,practitioner,2_4,2015-12-01", *("" if n == 7 else "1" for n in range(25))]),
            "",
        ]
    ),
    "risk": """family_id,time_point,coder,factor,level
F1,referral,coder_1,parent_mental_health,1
F1,referral,coder_1,parent_engagement,-2
F1,latest,coder_1,parent_engagement,2
F2,referral,coder_2,family_stress,1
""",
    "crossovers": """family_id,crossed_on
F2,2017-06-01
""",
}
CARD = '{"name": "records", "kind": "records", "resources": []}\n'
Change = Callable[[Path], object]


def make_folder(folder: Path) -> Path:
    """Write the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in TABLES.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8", newline="\n")
    (folder / "datapackage.json").write_text(CARD, encoding="utf-8")
    return folder


def put(file: str, content: str | bytes) -> Change:
    """Replace a whole file."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    return lambda folder: (folder / file).write_bytes(data)


def swap(table: str, *pairs: tuple[str, str]) -> Change:
    """Replace texts in a table, each of which must be there."""

    def change(folder: Path) -> None:
        path = folder / f"{table}.csv"
        text = path.read_text(encoding="utf-8")
        for old, new in pairs:
            assert old in text, old
            text = text.replace(old, new)
        path.write_bytes(text.encode("utf-8"))

    return change


def add(table: str, *lines: str) -> Change:
    """Add rows at the end of a table."""
    return swap_end(table, "".join(f"{line}\n" for line in lines))


def swap_end(table: str, tail: str) -> Change:
    """Add text at the end of a table."""
    return lambda folder: (folder / f"{table}.csv").write_bytes(
        (folder / f"{table}.csv").read_bytes() + tail.encode("utf-8")
    )


def recode(table: str, encoding: str) -> Change:
    """Write a table in another encoding."""
    return put(f"{table}.csv", TABLES[table].replace("coder_1", "coder_é").encode(encoding))


def remove(*files: str) -> Change:
    """Delete files."""
    return lambda folder: [(folder / file).unlink() for file in files]


def rename(old: str, new: str) -> Change:
    """Rename a file."""
    return lambda folder: (folder / old).rename(folder / new)


def as_folder(file: str) -> Change:
    """Put a folder in the place of a file."""

    def change(folder: Path) -> None:
        (folder / file).unlink()
        (folder / file).mkdir()

    return change


def both(*changes: Change) -> Change:
    """Several changes."""
    return lambda folder: [change(folder) for change in changes]
