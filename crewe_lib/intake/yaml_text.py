"""YAML read as text, for files that people write by hand."""

from __future__ import annotations

from typing import Any

import yaml


class TextLoader(yaml.BaseLoader):
    """YAML with every scalar as text, as it is written; a name that is there twice is refused."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            name = getattr(key, "value", None)
            if isinstance(name, str) and name in seen:
                raise yaml.constructor.ConstructorError(None, None, "a name is there twice", key.start_mark)
            seen.add(name if isinstance(name, str) else None)
        made: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return made
