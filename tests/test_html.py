"""Pages must open without a network; a page that would ask for one is an error."""

import pytest

from crewe_lib.errors import BuildError
from crewe_lib.html import check_offline, finish_html


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
