"""From executed notebooks to pages: the kinds of data at the head, "This run" at the foot, code folded away."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat
import yaml

from crewe_lib.datapackage import Kind, hash_file
from crewe_lib.glossary import link_terms
from crewe_lib.kinds import BANNERS, format_running
from crewe_lib.prose import find_bound
from crewe_lib.provenance import REPOSITORY
from crewe_lib.show import escape, format_step, list_table


@dataclass(frozen=True)
class Code:
    """Which code made the book: the commit (None outside a checkout), whether files were changed since, the lock."""

    commit: str | None
    changed: bool
    lock: str

    def describe(self) -> str:
        """In one line, for the panel."""
        if self.commit is None:
            return "no version known (not a git checkout)"
        return f"commit `{self.commit[:12]}`" + (", with changes not yet committed" if self.changed else "")


def find_code(out: Path) -> Code:
    """The state of the repository now; what lies in `out`, where the book goes, is no change to the code."""
    place = out.parent.resolve() / out.name
    mine = [place, place.with_name(out.name + ".failed")]
    inside = [path.relative_to(REPOSITORY).as_posix() for path in mine if path.is_relative_to(REPOSITORY)]
    ignored = [f":(exclude,top,literal){path}" for path in inside]

    def git(*words: str) -> str | None:
        run = subprocess.run(["git", *words], cwd=REPOSITORY, capture_output=True, text=True, check=False)
        return run.stdout.strip() if run.returncode == 0 else None

    try:
        top, commit, status = (
            git("rev-parse", "--show-toplevel"),
            git("rev-parse", "HEAD"),
            git("status", "--porcelain", "--untracked-files=all", "--", ":(top)", *ignored),
        )
    except OSError:
        top = commit = status = None
    ours = top is not None and Path(top).resolve() == REPOSITORY
    return Code(commit if ours else None, bool(status) and ours, hash_file(REPOSITORY / "requirements.txt"))


def toc_files(toc: Mapping[str, Any]) -> list[str]:
    """The pages of a `_toc.yml` in reading order, the root first."""
    files = [str(toc["root"])]

    def walk(entries: Sequence[Mapping[str, Any]]) -> None:
        for entry in entries:
            if "file" in entry:
                files.append(str(entry["file"]))
            walk(entry.get("sections", []))

    for part in toc.get("parts", [{"chapters": toc.get("chapters", [])}]):
        walk(part.get("chapters", []))
    return files


def cut_toc(toc: Mapping[str, Any], chapters: Sequence[str]) -> dict[str, Any]:
    """The same contents with only the named chapters, and the pages that are none; parts left empty go."""
    keep = {f"chapters/{name}" for name in chapters}
    parts = []
    for part in toc.get("parts", []):
        found = part.get("chapters", [])
        entries = [entry for entry in found if entry.get("file") in keep or "/" not in str(entry.get("file"))]
        if entries:
            parts.append({**part, "chapters": entries})
    return {**toc, "parts": parts}


def stage_config(source: Path, target: Path, *, repository_url: str, branch: str) -> None:
    """Copy `_config.yml`. The buttons that lead to the repository appear only for hosts that the theme knows."""
    config = yaml.safe_load(source.read_text(encoding="utf-8"))
    address = urlsplit(repository_url)
    known = any(host in address.netloc.lower() for host in ("github", "gitlab"))
    if known and address.path.strip("/").count("/") >= 1:
        config["repository"] = {"url": repository_url, "branch": branch, "path_to_book": "."}
        config.setdefault("html", {}).update(use_repository_button=True, use_issues_button=True)
    target.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")


def stage_notebook(source: Path, target: Path, *, published: bool, records: bool = False) -> None:
    """Copy a chapter to be run, without the cells that do not belong to this run.

    Cells tagged 'only-published' stay when the published analysis is repeated, 'only-other' when another is made;
    'only-simulated' when the cohort is simulated, 'only-records' when a researcher brought records.
    """
    notebook = nbformat.read(source, as_version=4)
    unwanted = {"only-other" if published else "only-published", "only-simulated" if records else "only-records"}
    notebook.cells = [cell for cell in notebook.cells if not unwanted & set(cell.metadata.get("tags", []))]
    nbformat.write(notebook, target)


def fill_headings(notebook: nbformat.NotebookNode, items: Sequence[Mapping[str, Any]]) -> None:
    """Replace {id} in headings by the item's text: Sphinx needs headings to be plain text."""
    texts = {item["id"]: item["text"] for item in items if item["kind"] in ("number", "word")}

    def fill(heading: re.Match[str]) -> str:
        return _PLACEHOLDER.sub(lambda found: texts.get(found[1], found[0]), heading[0])

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"^#+ .*$", fill, cell.source, flags=re.MULTILINE)


_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*\.[a-z0-9_]+)\}")


def finish_notebook(
    path: Path,
    items: Sequence[Mapping[str, Any]],
    panel: str,
    link: str = "",
    terms: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Turn an executed notebook into a page.

    Run times and paths that papermill recorded go; code is folded; parameter cells are hidden (the panel shows the
    values); the kinds banner stands under the title and the panel at the end. `link`: where the code can be read;
    `terms`: of the glossary, linked where first used.
    """
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        for name in ("papermill", "execution"):
            cell.metadata.pop(name, None)
        if cell.cell_type != "code":
            continue
        tags = set(cell.metadata.get("tags", []))
        tags |= {"remove-cell"} if tags & {"parameters", "injected-parameters"} else {"hide-input"}
        cell.metadata["tags"] = sorted(tags)
    head = [format_banner(kinds_of(items)), format_running_head(items)]
    banner = nbformat.v4.new_markdown_cell("\n\n".join(filter(None, head)))
    shown = {id for cell in notebook.cells if cell.cell_type == "markdown" for id in find_bound(cell.source)}
    foot = nbformat.v4.new_markdown_cell("\n\n".join(filter(None, [panel, format_numbers(items, shown, link)])))
    fill_headings(notebook, items)
    link_terms(notebook, terms or {})
    split_title(notebook)
    notebook.cells[1:1] = [banner]
    notebook.cells = join_silent(notebook.cells)
    notebook.cells.append(foot)
    for number, cell in enumerate(notebook.cells, 1):
        cell.id = f"cell-{number}"  # papermill names the cells it injects at random
    nbformat.write(notebook, path)


def join_silent(cells: Sequence[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Adjacent code cells that show nothing become one, so that the page folds them into one box."""
    joined: list[nbformat.NotebookNode] = []
    for cell in cells:
        last = joined[-1] if joined else None
        if last is not None and _is_silent(last) and _is_silent(cell):
            last.source += "\n\n" + cell.source
            last.outputs += cell.outputs
        else:
            joined.append(cell)
    return joined


def _is_silent(cell: nbformat.NotebookNode) -> bool:
    """A code cell on the page whose outputs are all records, which the page does not show."""
    return (
        cell.cell_type == "code"
        and "remove-cell" not in cell.metadata["tags"]
        and all("scrapbook" in output.get("metadata", {}) for output in cell.outputs)
    )


def split_title(notebook: nbformat.NotebookNode) -> None:
    """Leave the first cell with the title alone, so that the banner can stand right under it."""
    first = notebook.cells[0]
    title, _, rest = first.source.partition("\n")
    if rest.strip():
        first.source = title
        after = nbformat.v4.new_markdown_cell(rest.strip())
        notebook.cells.insert(1, after)


def kinds_of(items: Sequence[Mapping[str, Any]]) -> list[Kind]:
    """The kinds of data that any of the items rests on."""
    return sorted({kind for item in items for kind in item["kinds_of_data"]})


def format_banner(kinds: Sequence[Kind]) -> str:
    """What the page's data are and what may be concluded from them; simulated data get the loudest box."""
    box = "warning" if "simulated" in kinds else "note"
    said = "\n".join(f"- {BANNERS[kind]}" for kind in kinds)
    return f"```{{admonition}} What this page rests on\n:class: {box} crewe-kinds\n{said}\n```" if said else ""


def format_running_head(items: Sequence[Mapping[str, Any]]) -> str:
    """What stays in sight while a page with simulated results is read: at the top of the window, and of each printed
    page (`crewe_lib.pdf.assemble` takes it from here)."""
    said = format_running(items)
    return f"```{{div}} crewe-running\n{said}\n```" if said else ""


def format_panel(code: Code, parameters: Mapping[str, Any], data: Sequence[Mapping[str, Any]]) -> str:
    """The 'This run' panel: data with their dates and hashes, parameters, code."""
    lines = ["```{dropdown} This run", ":class-container: crewe-run", ""]
    for item in data:
        dates = f", {item['dates']}" if item.get("dates") else ""
        lines.append(f"- Data: `{item['path']}` ({item['kind']}{dates}), SHA-256 `{item['sha256'][:12]}`")
    said = ", ".join(f"`{name}` = {json.dumps(value, ensure_ascii=False)}" for name, value in parameters.items())
    lines += [f"- Parameters: {said or 'none'}", f"- Code: {code.describe()}"]
    lines += [f"- Package lock: `requirements.txt`, SHA-256 `{code.lock[:12]}`", "```"]
    return "\n".join(lines)


def format_numbers(items: Sequence[Mapping[str, Any]], shown: Container[str], link: str = "") -> str:
    """A folded list of the numbers and words that a page's text shows, each with the function behind it."""
    numbers = [item for item in items if item["kind"] in ("number", "word") and item["id"] in shown]
    if not numbers:
        return ""
    rows = [["Shown", "Id", "Kind of data", "Made by"]]
    for item in numbers:
        kinds = ", ".join(item["kinds_of_data"]) or "parameter"
        id = f"`{item['id']}`" + (f", the same as `{item['same_as']}`" if item.get("same_as") else "")
        rows.append([escape(item["text"]), id, kinds, format_step(item["steps"][-1], link)])
    head = ["````{dropdown} The numbers in this page's text, and where they come from"]
    return "\n".join([*head, ":class-container: crewe-trail html-only", "", *list_table(rows), "````"])


def format_downloads(*, pdf: bool, data: bool, code: str = "", up: str = "") -> str:
    """Links to the files that lie beside the landing page, to the data if that chapter is built and, if its address is
    known, to the code.

    up: the way from the page to the landing page's folder, such as '../'. Raw HTML, since Jupyter Book knows of none.
    """
    links = [f'<a href="{up}crewe.pdf">the whole book as one PDF</a>'] if pdf else []
    links.append(f'<a href="{up}evidence.json">all its evidence as one file</a>')
    if data:
        links.append(f'<a href="{up}chapters/11_data.html">the data, table by table</a>')
    if code:
        links.append(f'<a href="{code}">the code of this build</a>')
    said = " and ".join(filter(None, [", ".join(links[:-1]), links[-1]]))
    return f'<p class="html-only">To take away: {said}.</p>'
