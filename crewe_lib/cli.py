"""The `crewe` command. Every error a user can mend is one message without a traceback; exit codes: 1 for a failed
build or check, 2 for a call that cannot be carried out."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from crewe_lib.errors import BuildError, CreweError, DataError, EvidenceError

OUT = Path("_build/book")
LOCK = Path(__file__).resolve().parents[1] / "claims.lock"
app = typer.Typer(
    help="Build and trace the Crewe research report.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
official = typer.Typer(help="Official statistics.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(official, name="official")


def say(line: str) -> None:
    """Progress, only for someone who is watching."""
    if sys.stderr.isatty():
        typer.echo(line, err=True)


STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Stop in an orderly way, once: a second signal must not disturb the tidying."""
    for each in STOPPING:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


@app.command(
    epilog="Examples: crewe build | crewe build --chapter 05_cost_benefit --no-pdf --out /tmp/costs | "
    "crewe build -p alpha=0.1"
)
def build(
    chapter: Annotated[list[str] | None, typer.Option(help="Build only this chapter (may be repeated).")] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Set a parameter of every chapter that has it."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="A folder of records, or of datasets to use in place of data/.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the book goes.")] = OUT,
    pdf: Annotated[bool, typer.Option("--pdf/--no-pdf", help="Make the PDF too.")] = True,
) -> None:
    """Run the chapters and build HTML, PDF and evidence.json. The last good book stays until the new one is whole."""
    from crewe_lib.book import Request, build_book

    request = Request(out=out.absolute(), chapters=chapter or (), given=parameter or (), data=data, pdf=pdf)
    for number in STOPPING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, _interrupt)
    try:
        book = build_book(request, say)
    except KeyboardInterrupt:
        typer.echo("crewe: interrupted; the last good book is untouched", err=True)
        raise typer.Exit(130) from None
    for left in book.left_out:
        typer.echo(f"left out: {left.describe()}")
    pages = "" if book.pdf_pages is None else f", {book.pdf_pages} PDF pages"
    typer.echo(f"{len(book.chapters)} chapters, {book.items} numbers, tables and figures{pages}: {out}/html/index.html")


@app.command(epilog="Examples: crewe trace la_did.closures_estimate | crewe trace --all")
def trace(
    id: Annotated[str | None, typer.Argument(help="The id of a number, table or figure.")] = None,
    all_items: Annotated[bool, typer.Option("--all", help="Check every item; exit 1 if any does not resolve.")] = False,
    out: Annotated[Path, typer.Option(help="The book.")] = OUT,
    data: Annotated[Path | None, typer.Option(help="The folder the book was built from, if --data was used.")] = None,
) -> None:
    """Show where a number, table or figure comes from: function, lines, data and their hashes."""
    from crewe_lib.trace import check_item, find_item, load_evidence

    if (id is None) != all_items:
        raise CreweError("name one id, or give --all; 'crewe trace --help' shows examples.")
    evidence = load_evidence(out)
    items = evidence["items"] if all_items else [find_item(evidence, str(id))]
    found = [check_item(item, data=data) for item in items]
    faults, stale = [fault for each in found for fault in each], sum(map(bool, found))
    if all_items:
        for item in items:
            typer.echo(f"{item['id']}\t{item['kind']}\t{item['file']}:{item['lines'][0]}-{item['lines'][1]}")
    else:
        typer.echo(json.dumps(items[0], indent=2, ensure_ascii=False))
    if faults:
        raise EvidenceError("\n".join([*faults, f"{stale} of {len(items)} items' references do not resolve."]))
    if all_items and not items:
        raise EvidenceError("the book holds no evidence at all.")
    typer.echo(f"{len(items)} item{'s' if len(items) > 1 else ''} resolved.", err=True)


@app.command(
    epilog="Examples: crewe claims | crewe claims --class decision | crewe claims --id r2.demo.aged_test | "
    "crewe claims --json | crewe claims --register copy.csv"
)
def claims(
    cls: Annotated[list[str] | None, typer.Option("--class", help="Only this class (may be repeated).")] = None,
    id: Annotated[list[str] | None, typer.Option(help="Only this claim (may be repeated).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A list of objects instead of a table.")] = False,
    register: Annotated[Path | None, typer.Option(help="A copy of data/published/claims.csv to check instead.")] = None,
    lock: Annotated[Path, typer.Option(help="The acknowledged classes.", show_default="claims.lock")] = LOCK,
    acknowledge: Annotated[bool, typer.Option("--acknowledge", help="Write the classes to the lock file.")] = False,
) -> None:
    """Print every published claim with its class; exit 1 when a class is not the one acknowledged in claims.lock."""
    from crewe_lib import claims as ledger
    from crewe_lib import claims_list as listed
    from crewe_lib.claim_register import read_claims_file, to_claims
    from crewe_lib.claims_lock import compare_with_lock, read_lock, write_lock
    from crewe_lib.load import load_claims, load_ledger_tables

    if acknowledge and register is not None:
        raise CreweError("--acknowledge is for the project's own register, not for a copy given with --register.")
    frame = load_claims() if register is None else read_claims_file(register)
    faults: list[str] = []
    entries = ledger.check_register(to_claims(frame), load_ledger_tables(), faults=faults)
    chosen = listed.choose_entries(entries, classes=cls or (), ids=id or ())
    if as_json:
        typer.echo(json.dumps([listed.as_json(entry) for entry in chosen], indent=2, ensure_ascii=False))
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        typer.echo(listed.write_ledger(chosen, width=width))
    classes = {name: entry.cls for name, entry in entries.items()}
    if faults:
        raise DataError(f"{ledger.shorten(faults)}\nThe other classes are as printed above; none was acknowledged.")
    if acknowledge:
        write_lock(lock, classes)
        typer.echo(f"{len(classes)} classes acknowledged: {lock}", err=True)
    elif changed := compare_with_lock(classes, read_lock(lock)):
        many = "1 claim is" if len(changed) == 1 else f"{len(changed)} claims are"
        mend = ["If the changes are meant: crewe claims --acknowledge"] if register is None else []
        raise DataError("\n".join([f"{many} not as {lock.name} has them:", *changed, *mend]))


@app.command(
    epilog="Examples: crewe simulate --seed 20150801 --out published-cohort | "
    "crewe simulate --seed 7 --families 5000 --out large-cohort"
)
def simulate(
    seed: Annotated[int, typer.Option(help="Any whole number from 0; the same seed gives the same files.")],
    out: Annotated[Path, typer.Option(help="A new or empty folder, or an earlier simulated cohort.")],
    families: Annotated[int, typer.Option(help="How many families to invent.")] = 132,
) -> None:
    """Invent a cohort: tables as an evaluator would hold them, from a model with known parameters. Never evidence.

    Seed 20150801 at 132 families is the published draw, calibrated to the figures that the reports print; every other
    draw is not calibrated."""
    from crewe_lib import synthetic

    synthetic.check_out(out)
    made = synthetic.simulate(families, seed, say=say)
    say("writing")
    synthetic.write_cohort(made, out)
    rows = sum(len(table) for table in made.tables.values())
    how = "calibrated to the printed figures" if made.calibrated else "not calibrated: a plain draw from the model"
    typer.echo(f"SIMULATED, not evidence: {families:,} invented families, {rows:,} rows, {how}: {out}/datapackage.json")


@app.command(epilog="Examples: crewe check my-records | crewe check my-records --json")
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder with the tables.")],
    as_json: Annotated[bool, typer.Option("--json", help="A list of objects instead of a table.")] = False,
) -> None:
    """Check a folder of records: every fault with its place and how to mend it. No id, date or text is shown.

    Exit 0 if there is no fault, 1 if there are any, 2 if there is no such folder."""
    from crewe_lib.intake.check import examine_folder, write_summary
    from crewe_lib.intake.faults import write_faults

    seen = examine_folder(folder)
    if as_json:
        typer.echo(json.dumps([fault.as_json() for fault in seen.faults], indent=2, ensure_ascii=False))
    else:
        typer.echo(write_faults(seen.faults) if seen.faults else write_summary(seen))
    if seen.faults:
        raise typer.Exit(1)


@app.command(epilog="Example: crewe new my-records")
def new(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")]) -> None:
    """Write empty tables for records, with a dictionary, a data package and a mapping.yml for names of your own."""
    from crewe_lib.intake.template import write_template

    names = write_template(folder)
    typer.echo(f"{folder}: {', '.join(names)}. Begin with README.md.")


@official.command("build", epilog="Example: crewe official build ~/Downloads/children-in-need")
def official_build(
    source_dir: Annotated[Path, typer.Argument(help="The folder with the publishers' files, as released.")],
    out: Annotated[Path, typer.Option(help="Where the tables go.")] = Path("data/official"),
) -> None:
    """Rebuild the local-authority tables from the publishers' own files."""
    from crewe_lib.sources.panel import build_official

    report = build_official(source_dir, out)
    typer.echo(
        f"{report.rows} rows of la_panel and {report.duration_rows} of la_durations from {len(report.sources)} files: "
        f"{out}/datapackage.json"
    )
    for ignored in report.ignored:
        typer.echo(f"not used: {ignored.path.name}: {ignored.reason}", err=True)


def main() -> None:
    """Entry point: turns errors that a user can mend into one message on standard error."""
    try:
        app(standalone_mode=True)
    except (BuildError, DataError, EvidenceError) as fault:
        typer.echo(f"crewe: {fault}", err=True)
        sys.exit(1)
    except CreweError as fault:
        typer.echo(f"crewe: {fault}", err=True)
        sys.exit(2)
    except OSError as fault:  # a path that the system refuses, a full disk, a closed device
        name = f": {fault.filename}" if fault.filename else ""
        typer.echo(f"crewe: the system refused{name} ({fault.strerror or fault}).", err=True)
        sys.exit(2)
