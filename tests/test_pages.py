"""Pages: the kinds banner, the run panel, cells tidied, contents cut to the chapters asked for."""

import subprocess

import nbformat
import pytest
import yaml

from crewe_lib import pages

ITEM = {
    "id": "x.n",
    "kind": "number",
    "text": "5",
    "kinds_of_data": ["official"],
    "steps": [{"function": "estimate", "file": "crewe_lib/x.py", "lines": [3, 9]}],
}


def code(source: str, outputs=(), tags=()):
    return nbformat.v4.new_code_cell(
        source, outputs=list(outputs), metadata={"tags": list(tags), "papermill": {"a": 1}}
    )


def record():
    return nbformat.v4.new_output("display_data", data={}, metadata={"scrapbook": {"name": "x.n"}})


def shown():
    return nbformat.v4.new_output("display_data", data={"text/markdown": "seen"})


@pytest.fixture
def finished(tmp_path):
    cells = [
        nbformat.v4.new_markdown_cell("# Title\n\nOpening {glue:text}`x.n`."),
        code("alpha = 1", tags=["parameters"]),
        code("alpha = 2", tags=["injected-parameters"]),
        code("a = 1", [record()]),
        code("b = 2", [record()]),
        code("c = 3", [shown()]),
        code("d = 4", [record()]),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"papermill": {"start_time": "now"}})
    path = tmp_path / "x.ipynb"
    nbformat.write(notebook, path)
    pages.finish_notebook(path, [ITEM], "```{dropdown} This run\n```")
    return nbformat.read(path, as_version=4)


def test_the_banner_stands_under_the_title_and_the_panel_at_the_end(finished) -> None:
    sources = [cell.source for cell in finished.cells]
    assert sources[0] == "# Title" and "**Official statistics.**" in sources[1] and sources[2].startswith("Opening")
    assert (
        sources[-1].startswith("```{dropdown} This run") and "`estimate` in crewe_lib/x.py, lines 3 to 9" in sources[-1]
    )


def test_cells_that_show_nothing_are_folded_into_one(finished) -> None:
    sources = [cell.source for cell in finished.cells if cell.cell_type == "code"]
    assert sources == ["alpha = 1", "alpha = 2", "a = 1\n\nb = 2", "c = 3", "d = 4"]
    joined = next(cell for cell in finished.cells if cell.source.startswith("a = 1"))
    assert len(joined.outputs) == 2


def test_times_and_paths_are_stripped_and_parameters_hidden(finished) -> None:
    assert "papermill" not in finished.metadata
    code_cells = [cell for cell in finished.cells if cell.cell_type == "code"]
    assert all("papermill" not in cell.metadata for cell in code_cells)
    assert [("remove-cell" in cell.metadata.tags) for cell in code_cells] == [True, True, False, False, False]
    assert [cell.id for cell in finished.cells] == [f"cell-{n}" for n in range(1, len(finished.cells) + 1)]


def test_simulated_data_get_the_loudest_box() -> None:
    text = pages.format_banner(["official", "simulated"])
    assert ":class: warning" in text and "say nothing about Crewe" in text
    assert pages.format_banner([]) == ""


def test_contents_are_cut_to_the_chapters_asked_for() -> None:
    toc = yaml.safe_load(
        "{root: index, parts: [{caption: A, chapters: [{file: chapters/01_a}, {file: chapters/02_b}]}, "
        "{caption: B, chapters: [{file: chapters/03_c}]}]}"
    )
    assert pages.toc_files(toc) == ["index", "chapters/01_a", "chapters/02_b", "chapters/03_c"]
    cut = pages.cut_toc(toc, ["02_b"])
    assert pages.toc_files(cut) == ["index", "chapters/02_b"] and len(cut["parts"]) == 1


def test_repository_links_need_an_address(tmp_path) -> None:
    (tmp_path / "a.yml").write_text("title: T\nhtml: {use_repository_button: false}\n")
    known = "https://github.com/crewe/book"
    for url in ("", known, "https://code.example/crewe/book", "https://github.com/crewe"):
        pages.stage_config(tmp_path / "a.yml", tmp_path / "b.yml", repository_url=url, branch="main")
        config = yaml.safe_load((tmp_path / "b.yml").read_text())
        assert ("repository" in config) == (url == known) == config["html"]["use_repository_button"]


def test_numbers_link_to_their_code_only_where_told(monkeypatch) -> None:
    monkeypatch.setenv("CREWE_SOURCE_LINK", "https://ambient.example")
    assert "](https://code.example/x/blob/a/crewe_lib/x.py#L3-L9)" in pages.format_numbers(
        [ITEM], {"x.n"}, "https://code.example/x/blob/a"
    )
    assert "http" not in pages.format_numbers([ITEM], {"x.n"})


def test_our_own_output_is_no_change_to_the_code(tmp_path, monkeypatch) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=tmp_path, check=True)

    (tmp_path / "requirements.txt").write_text("")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "x")
    monkeypatch.setattr(pages, "REPOSITORY", tmp_path.resolve())
    out = tmp_path.resolve() / "books" / "a [b]"
    out.mkdir(parents=True)
    (out / "evidence.json").write_text("")
    assert not pages.find_code(out).changed and pages.find_code(out).commit
    assert pages.find_code(tmp_path / "elsewhere").changed
    (out.parent / "mine.txt").write_text("")
    assert pages.find_code(out).changed


def test_the_panel_names_data_parameters_and_code() -> None:
    found = pages.Code("a" * 40, True, "b" * 64)
    data = [{"path": "data/x.csv", "kind": "official", "dates": "2010 to 2025", "sha256": "c" * 64}]
    text = pages.format_panel(found, {"alpha": 0.05}, data)
    for words in (
        "`data/x.csv` (official, 2010 to 2025), SHA-256 `cccccccccccc`",
        "`alpha` = 0.05",
        "not yet committed",
    ):
        assert words in text
