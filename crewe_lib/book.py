"""Build the book: chapters run, pages staged, HTML and PDF made, evidence collected; then all of it swapped in at once.

Nothing of the last good book changes until everything has succeeded.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import yaml

from crewe_lib import glossary, pages, prose
from crewe_lib.brought import Brought, LeftOut, find_title, look_at_records
from crewe_lib.claim_pages import find_ledger, format_touched
from crewe_lib.datapackage import read_descriptor
from crewe_lib.errors import BuildError, CreweError
from crewe_lib.evidence import unregistered
from crewe_lib.execute import Outcome, Task, default_workers, kernel_environment, run_all
from crewe_lib.html import build_html, check_offline, check_paths, finish_html
from crewe_lib.load import DATA_FOLDER, check_data_folder
from crewe_lib.parameters import is_published, load_parameters, resolve
from crewe_lib.pdf import build_pdf, explain_missing, missing_system_libraries
from crewe_lib.provenance import REPOSITORY
from crewe_lib.show import FIGURE_FOLDER, SOURCE_LINK
from crewe_lib.swap import check_target, swap_in
from crewe_lib.taken_over import check_taken_over

REPOSITORY_URL = "CREWE_REPOSITORY_URL"
DATA_CHAPTER = "11_data"
SUMMARY = "00_summary"  # its page offers the files to take away, as the landing page does
Say = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What to build. chapters: names, empty for all; given: `name=value` texts; data: a folder of datasets."""

    out: Path
    root: Path = REPOSITORY
    chapters: Sequence[str] = ()
    given: Sequence[str] = ()
    data: Path | None = None
    pdf: bool = True
    workers: int = field(default_factory=default_workers)


@dataclass(frozen=True)
class Book:
    """What was built: where it lies and what it holds."""

    out: Path
    chapters: tuple[str, ...]
    items: int
    pdf_pages: int | None
    left_out: tuple[LeftOut, ...] = ()


def build_book(request: Request, say: Say) -> Book:
    """Build the book into `request.out`. `say` receives one line of progress at a time. Raises CreweError."""
    toc = yaml.safe_load((request.root / "_toc.yml").read_text(encoding="utf-8"))
    chapters = select_chapters(toc, request.chapters)
    parameters = resolve(load_parameters(request.root / "params" / "published.yml"), chapters, request.given)
    if request.data:
        check_data_folder(request.data)
    brought = look_at_records(chapters, request.root, request.data)
    if request.pdf and (missing := missing_system_libraries()):
        raise BuildError(explain_missing(missing))
    check_target(request.out)
    repository_url()
    code = pages.find_code(request.out)  # before the stage, which may lie inside the repository
    try:
        return _build(request, code, toc, brought.keep(chapters), parameters, brought, say)
    except OSError as fault:
        raise BuildError(
            f"--out {request.out}: the book could not be written ({fault}); the last good book, if there is one, is "
            "untouched."
        ) from fault


def _build(
    request: Request,
    code: pages.Code,
    toc: Mapping[str, Any],
    chapters: Sequence[str],
    parameters: Mapping[str, Mapping[str, Any]],
    brought: Brought,
    say: Say,
) -> Book:
    with staging(request.out) as stage:
        source = stage / "source"
        for left in brought.left_out:
            say(f"left out: {left.describe()}")
        outcomes = run_chapters(request, code, chapters, parameters, brought, source, say)
        evidence = assemble_evidence(request, code, parameters, brought, outcomes, stage / "stored")
        stage_pages(request, code, toc, chapters, brought, source, evidence)
        say("HTML")
        schema = load_parameters(request.root / "params" / "published.yml")
        other = any(not is_published(schema, name, parameters[name]) for name in chapters)  # may lack some figures
        html = build_html(source, stage / "jupyter-book", strict=not (request.chapters or brought.left_out or other))
        notebooks = {name: request.root / "chapters" / f"{name}.ipynb" for name in select_chapters(toc, ())}
        finish_html(html, {name: find_title(path) for name, path in notebooks.items() if name not in chapters})
        check_offline(html)
        count = finish(request, stage, html, source / "_toc.yml", evidence, say)
        check_paths(stage / "book", [stage, REPOSITORY, request.root])
        swap_in(stage / "book", request.out)
    forget_failures(request.out, chapters)
    return Book(request.out, tuple(chapters), len(evidence["items"]), count, brought.left_out)


def forget_failures(out: Path, chapters: Sequence[str]) -> None:
    """Remove the notebooks kept when these chapters failed, now that they are built."""
    kept = out.with_name(out.name + ".failed")
    with suppress(OSError):  # the book is whole by now; a leftover is no failure
        for name in chapters:
            (kept / f"{name}.ipynb").unlink(missing_ok=True)
        kept.rmdir()  # which leaves a folder that holds anything else


def select_chapters(toc: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """The chapters to build, in reading order. Raises CreweError listing the names there are."""
    known = [Path(file).name for file in pages.toc_files(toc) if file.startswith("chapters/")]
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise CreweError(f"--chapter {', '.join(unknown)}: no such chapter; there are {', '.join(known)}.")
    return [name for name in known if not names or name in names]


@contextmanager
def staging(out: Path) -> Iterator[Path]:
    """A scratch folder beside the target, so that the swap stays on one file system; removed whatever happens."""
    out.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def run_chapters(
    request: Request,
    code: pages.Code,
    chapters: Sequence[str],
    parameters: Mapping[str, Mapping[str, Any]],
    brought: Brought,
    source: Path,
    say: Say,
) -> list[Outcome]:
    """Execute the chapters side by side. The first failure is reported in full once all have ended."""
    for folder in (source / "chapters", source.parent / "stored"):
        folder.mkdir(parents=True)
    schema = load_parameters(request.root / "params" / "published.yml")
    for name in chapters:
        stored = request.root / "chapters" / f"{name}.ipynb"
        published = is_published(schema, name, parameters[name])
        target = source.parent / "stored" / f"{name}.ipynb"
        pages.stage_notebook(stored, target, published=published, records=brought.kind == "records")
    environment = {
        FIGURE_FOLDER: "_figures",
        DATA_FOLDER: str(request.data.resolve()) if request.data else "",
    }
    environment |= {SOURCE_LINK: source_link(code)} | kernel_environment(source.parent / "kernel")
    tasks = [
        Task(
            name=name,
            stored=request.root / "chapters" / f"{name}.ipynb",
            source=source.parent / "stored" / f"{name}.ipynb",
            target=source / "chapters" / f"{name}.ipynb",
            parameters=parameters[name],
            environment=environment,
        )
        for name in chapters
    ]
    say(f"running {len(tasks)} chapter{'s' if len(tasks) > 1 else ''}")
    done: dict[str, Outcome] = {}
    for outcome in run_all(tasks, request.workers):
        done[outcome.name] = outcome
        say(f"  {outcome.name}: {'FAILED' if outcome.error else 'done'} in {outcome.seconds:.1f} s")
    failed = [task for task in tasks if done[task.name].error]
    if failed:
        raise BuildError("\n\n".join(keep_failure(task, done[task.name], request.out) for task in failed))
    if strays := [line for task in tasks for line in find_strays(task)]:
        advice = "Show results through Chapter.number, word, table or figure only, and mend what warns."
        raise BuildError("\n".join([*strays, advice]))
    return [done[name] for name in chapters]


def keep_failure(task: Task, outcome: Outcome, out: Path) -> str:
    """Keep the notebook of a failed chapter beside the book and say which cell failed and why."""
    kept = out.with_name(out.name + ".failed") / task.target.name
    kept.parent.mkdir(parents=True, exist_ok=True)
    if task.target.is_file():
        shutil.copyfile(task.target, kept)
    where = "" if outcome.failed_cell is None else describe_cell(task, outcome)
    lines = [f"chapter {task.name} failed{where}: {outcome.error}"]
    kinds: list[type[CreweError]] = [CreweError, *CreweError.__subclasses__()]
    ours = outcome.error.partition(":")[0] in {kind.__name__ for kind in kinds}
    if outcome.traceback and not ours:  # an error that the user can mend says all there is to say
        lines.append(outcome.traceback)
    if kept.is_file():
        lines.append(f"The notebook as far as it ran: {kept}")
    return "\n".join([*lines, "The last good book, if there is one, is untouched."])


def describe_cell(task: Task, outcome: Outcome) -> str:
    """' in cell 7 (estimates = …)': the number counts the cells of the chapter as it is stored."""
    if outcome.failed_cell is None or outcome.failed_cell < 0:
        return ""
    ran = nbformat.read(task.target, as_version=4).cells
    failed = [c for c in ran if c.cell_type == "code" and any(o.output_type == "error" for o in c.outputs)]
    return f" in {name_cell(task, failed[0])}" if failed else ""


def name_cell(task: Task, cell: nbformat.NotebookNode) -> str:
    """'cell 7 (estimates = …)': the number counts the cells of the chapter as it is stored."""
    stored = nbformat.read(task.stored, as_version=4).cells
    numbers = [i for i, c in enumerate(stored, 1) if c.cell_type == "code" and c.source == cell.source]
    first = next(iter(cell.source.strip().splitlines()), "")[:60]
    return f"cell {numbers[0]} ({first})" if numbers else f"a cell ({first})"


def find_strays(task: Task) -> list[str]:
    """What an executed chapter would show that is no registered evidence: prints, warnings, bare results."""
    cells = [c for c in nbformat.read(task.target, as_version=4).cells if c.cell_type == "code"]
    return [
        f"chapter {task.name}, {name_cell(task, cell)}: shows something unregistered: {' '.join(text.split())[:80]}"
        for cell in cells
        for text in unregistered(cell.outputs)
    ]


def repository_url() -> str:
    """The public address of the repository, from the environment; '' without one. Raises CreweError."""
    url = os.environ.get(REPOSITORY_URL, "").strip().rstrip("/")
    if url and not re.fullmatch(r"https?://[\w.-]+(:\d+)?/[\w./~+-]+", url):
        raise CreweError(
            f"{REPOSITORY_URL}={url!r}: this is not the address of a repository, such as https://host/owner/name."
        )
    return url


def source_link(code: pages.Code) -> str:
    """The address of the code at the built commit, where the repository has one, else ''."""
    url = repository_url()
    return f"{url}/blob/{code.commit}" if url and code.commit else ""


def tree_link(code: pages.Code) -> str:
    """The address of the whole repository at the built commit, where it has one, else ''."""
    return source_link(code).replace("/blob/", "/tree/")


def assemble_evidence(
    request: Request,
    code: pages.Code,
    parameters: Mapping[str, Mapping[str, Any]],
    brought: Brought,
    outcomes: Sequence[Outcome],
    stored: Path,
) -> dict[str, Any]:
    """The content of `evidence.json`. Raises BuildError if a chapter shows nothing or breaks a rule of wording."""
    items = [item for outcome in outcomes for item in outcome.items]
    faults = [f"{outcome.name}: no number, table or figure was registered" for outcome in outcomes if not outcome.items]
    for outcome in outcomes:
        texts = [text for _, text in prose.texts_of_notebook(stored / f"{outcome.name}.ipynb")]
        faults += prose.check_wording(outcome.name, texts, items)
    faults += check_taken_over(items, [outcome.name for outcome in outcomes])
    if faults:
        raise BuildError("\n".join(faults))
    data = {entry["path"]: entry for item in items for entry in item["data"]}
    run = {
        "commit": code.commit,
        "uncommitted_changes": code.changed,
        "lock_sha256": code.lock,
        "chapters": [outcome.name for outcome in outcomes],
        "left_out": [left.as_json() for left in brought.left_out],
        "parameters": {outcome.name: dict(parameters[outcome.name]) for outcome in outcomes},
        "data": [{**entry, **card(request, entry["path"])} for _, entry in sorted(data.items())],
    }
    return {"run": run, "items": items}


def card(request: Request, path: str) -> dict[str, Any]:
    """Kind and dates of a data file, from its package."""
    place, _, inside = path.partition("/")
    file = request.data / inside if request.data and place == "<data>" else REPOSITORY / path
    real, name = file.parent, file.name
    descriptor = read_descriptor(real)
    entries = [entry for entry in descriptor["resources"] if isinstance(entry, dict)]
    resource = next((entry for entry in entries if entry.get("path") == name), {})
    return {"kind": descriptor["kind"], "dates": str(resource.get("dates", ""))}


def stage_pages(
    request: Request,
    code: pages.Code,
    toc: Mapping[str, Any],
    chapters: Sequence[str],
    brought: Brought,
    source: Path,
    evidence: Mapping[str, Any],
) -> None:
    """Lay out what Jupyter Book will read: config, contents, static files, and every page with its panel."""
    run = evidence["run"]
    pages.stage_config(
        request.root / "_config.yml",
        source / "_config.yml",
        repository_url=repository_url(),
        branch=code.commit or "main",
    )
    cut = pages.cut_toc(toc, chapters)
    (source / "_toc.yml").write_text(yaml.safe_dump(cut, sort_keys=False, allow_unicode=True), encoding="utf-8")
    shutil.copyfile(request.root / "references.bib", source / "references.bib")
    shutil.copytree(request.root / "_static", source / "_static")
    ledger = find_ledger(evidence["items"])
    terms = glossary.read_terms(request.root / f"{glossary.PAGE}.md") if glossary.PAGE in pages.toc_files(cut) else {}
    for name in chapters:
        items = [item for item in evidence["items"] if item["chapter"] == name]
        used = {entry["path"] for item in items for entry in item["data"]}
        data = [entry for entry in run["data"] if entry["path"] in used]
        panel = pages.format_panel(code, run["parameters"][name], data)
        panel = "\n\n".join(filter(None, [format_touched(name, ledger), panel]))
        if name == SUMMARY:
            panel = "\n\n".join(
                [
                    pages.format_downloads(
                        pdf=request.pdf, data=DATA_CHAPTER in chapters, code=tree_link(code), up="../"
                    ),
                    panel,
                ]
            )
        pages.finish_notebook(source / "chapters" / f"{name}.ipynb", items, panel, source_link(code), terms)
    for file in pages.toc_files(cut):
        if file == glossary.PAGE:
            glossary.stage_glossary(request.root / f"{file}.md", source / f"{file}.md")
        elif not file.startswith("chapters/"):
            title, _, text = (request.root / f"{file}.md").read_text(encoding="utf-8").partition("\n")
            panel = pages.format_panel(code, {}, run["data"])
            downloads = pages.format_downloads(pdf=request.pdf, data=DATA_CHAPTER in chapters, code=tree_link(code))
            page = "\n\n".join(filter(None, [title, brought.describe(), text.strip(), downloads, panel]))
            (source / f"{file}.md").write_text(page + "\n", encoding="utf-8")


def finish(request: Request, stage: Path, html: Path, toc: Path, evidence: Mapping[str, Any], say: Say) -> int | None:
    """Put HTML, PDF and evidence together in the staged book; returns the PDF's number of pages."""
    book = stage / "book"
    book.mkdir()
    shutil.move(html, book / "html")
    for name in (".buildinfo", "objects.inv"):
        (book / "html" / name).unlink(missing_ok=True)
    (book / "evidence.json").write_text(json.dumps(evidence, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    count = None
    if request.pdf:
        say("PDF")
        config = yaml.safe_load((request.root / "_config.yml").read_text(encoding="utf-8"))
        report = build_pdf(
            book / "html",
            toc,
            book / "crewe.pdf",
            title=config["title"],
            author=config["author"],
            subtitle=config.get("subtitle", ""),
            rights=re.sub(r"\s+", " ", config.get("rights", "")),
        )
        count = report.pages
        shutil.copyfile(book / "crewe.pdf", book / "html" / "crewe.pdf")
    shutil.copyfile(book / "evidence.json", book / "html" / "evidence.json")
    return count
