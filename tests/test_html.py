"""Pages must open without a network; a page that would ask for one is an error."""

from pathlib import Path

import pytest

from crewe_lib.errors import BuildError
from crewe_lib.html import build_html, check_offline, check_paths, finish_html


def page(tmp_path, head: str = "", body: str = "") -> None:
    (tmp_path / "a.html").write_text(f"<html><head>{head}</head><body>{body}</body></html>")


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ('<script src="https://cdn.example/x.js"></script>', ""),
        ('<link rel="stylesheet" href="//cdn.example/x.css">', ""),
        ('<link rel="preconnect" href="https://fonts.example">', ""),
        ("", '<img src="http://example.org/a.png">'),
        ("", '<iframe src="https://example.org"></iframe>'),
    ],
)
def test_anything_fetched_is_found(tmp_path, head, body) -> None:
    page(tmp_path, head, body)
    with pytest.raises(BuildError, match=r"a\.html: .*example"):
        check_offline(tmp_path)


def test_a_style_sheet_that_fetches_is_found(tmp_path) -> None:
    (tmp_path / "x.css").write_text("@font-face { src: url('https://fonts.example/a.woff2') }")
    with pytest.raises(BuildError, match=r"x\.css"):
        check_offline(tmp_path)


def test_links_to_follow_are_no_requests(tmp_path) -> None:
    page(tmp_path, '<link rel="canonical" href="https://example.org">', '<a href="https://example.org">x</a>')
    (tmp_path / "x.css").write_text("a { background: url(local.svg) }")
    check_offline(tmp_path)


def test_pages_state_their_language_and_header_cells_their_scope(tmp_path) -> None:
    rows = "<tr><th>x</th><td>−21.3</td><td>1.4 to 2</td><td>text</td></tr>"
    rows += "<tr><th>y</th><td>£4</td><td>–</td><td>5</td></tr>"
    head = "<thead><tr><th>a</th><th>b</th><th>c</th><th>d</th></tr></thead>"
    page(tmp_path, body=f"<article><table>{head}<tbody>{rows}</tbody></table></article>")
    finish_html(tmp_path)
    text = (tmp_path / "a.html").read_text()
    assert '<html lang="en-GB">' in text and '<th scope="col">a</th>' in text and '<th scope="row">x</th>' in text
    assert '<td class="num">−21.3</td><td class="num">1.4 to 2</td><td>text</td>' in text


def test_a_second_title_and_links_around_pictures_go(tmp_path) -> None:
    figure = '<figure><a class="image-reference" href="x.svg"><img alt="A line." src="x.svg"></a></figure>'
    page(tmp_path, body=f'<div id="jb-print-docs-body"><h1>T</h1></div><article><h1>T</h1>{figure}</article>')
    finish_html(tmp_path)
    text = (tmp_path / "a.html").read_text()
    assert text.count("<h1>") == 1 and "image-reference" not in text and 'alt="A line."' in text


def small_book(tmp_path: Path, text: str, config: str = "") -> tuple[Path, Path]:
    source = tmp_path / "source"
    source.mkdir()
    (source / "_toc.yml").write_text("format: jb-book\nroot: index\n")
    (source / "_config.yml").write_text(f"title: T\nexecute: {{execute_notebooks: 'off'}}\n{config}")
    (source / "index.md").write_text(f"# T\n\n{text}\n")
    return source, tmp_path / "scratch"


@pytest.mark.parametrize(
    ("text", "strict", "message"),
    [
        ("See {numref}`no-such-table` and {doc}`nowhere`.", True, "undefined label"),
        ("See {numref}`no-such-table` and {doc}`nowhere`.", False, None),
        ("```{nonsense}\n```", False, "Unknown directive type"),
        ("```{figure} no-such.svg\n```", False, "image file not readable"),
    ],
)
def test_a_damaged_page_is_an_error_also_in_a_part_of_the_book(tmp_path, text, strict, message) -> None:
    source, scratch = small_book(tmp_path, text)
    if message is None:
        assert (build_html(source, scratch, strict=strict) / "index.html").is_file()
        return
    with pytest.raises(BuildError, match=message) as fault:
        build_html(source, scratch, strict=strict)
    assert str(source) not in str(fault.value)


def test_an_error_that_stops_sphinx_is_in_the_message_and_leaves_no_log_outside(tmp_path, monkeypatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    repository = 'repository: {url: "https://code.example/crewe/b"}\nhtml: {use_repository_button: true}\n'
    with pytest.raises(BuildError, match="Sphinx error:\nProvider not recognized"):
        build_html(*small_book(tmp_path, "Text.", repository), strict=True)
    assert not list((tmp_path / "tmp").iterdir())


def test_nothing_cuts_an_alternative_text(tmp_path) -> None:
    from bs4 import BeautifulSoup

    from crewe_lib import show

    said = []
    text = """'Quoted' "twice": note: a #hash, # and \\ [x] {y}: `z`\n  next: line | > - end #"""
    item = {"id": "a.b", "kind": "figure", "caption": "C.", "steps": [], "data": [], "kinds_of_data": []}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(show, "_write", lambda text, id: said.append(text))
        patch.setattr(show, "_publish", lambda *_: None)
        show.figure(item, Path("x.svg"), text, None)
    source, scratch = small_book(tmp_path, said[0])
    (source / "x.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"></svg>')
    page = build_html(source, scratch, strict=False) / "index.html"
    assert BeautifulSoup(page.read_text(), "lxml").select_one("figure img")["alt"] == " ".join(text.split())


@pytest.mark.parametrize("name", ["a.html", "evidence.json", "_sources/a.ipynb"])
def test_a_folder_of_this_machine_in_the_book_is_found(tmp_path, name) -> None:
    (tmp_path / "_sources").mkdir()
    (tmp_path / name).write_text("see https://x.org/stage/it and /stagecoach or at/stage")
    check_paths(tmp_path, [Path("/stage"), Path("/repository")])
    (tmp_path / name).write_text('UserWarning at "/stage/source/x.py"')
    with pytest.raises(BuildError, match=name):
        check_paths(tmp_path, [Path("/stage"), Path("/repository")])
