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
    page(tmp_path, body="<table><thead><tr><th>a</th></tr></thead></table>")
    finish_html(tmp_path)
    text = (tmp_path / "a.html").read_text()
    assert '<html lang="en-GB">' in text and '<th scope="col">' in text
