"""A repository in small: the real settings and styles, and whatever chapters a test writes into it."""

from collections.abc import Sequence
from pathlib import Path

from crewe_lib.provenance import REPOSITORY

INDEX = "# A tiny book\n\n```{tableofcontents}\n```\n"


def make_repository(root: Path, names: Sequence[str], *, index: str = INDEX) -> Path:
    """Everything but the chapters themselves; each of them has the parameter alpha."""
    for name in ("chapters", "params"):
        (root / name).mkdir()
    for name in ("_config.yml", "references.bib"):
        (root / name).write_text((REPOSITORY / name).read_text(encoding="utf-8"), encoding="utf-8")
    (root / "_static").symlink_to(REPOSITORY / "_static")
    (root / "index.md").write_text(index, encoding="utf-8")
    listed = "".join(f"      - file: chapters/{name}\n" for name in names)
    (root / "_toc.yml").write_text(f"format: jb-book\nroot: index\nparts:\n  - caption: Part\n    chapters:\n{listed}")
    alpha = "{type: float, default: 0.05, above: 0, below: 1, help: error rate}"
    (root / "params" / "published.yml").write_text("".join(f"{name}:\n  alpha: {alpha}\n" for name in names))
    return root
