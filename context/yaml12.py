"""YAML 1.2, where `on`, `no` and `off` are words, read with the line of every key. Knows nothing of definitions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from answerable.context.errors import Complaint, Where

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Path = tuple[str | int, ...]

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE, _FALSE = re.compile(r"true|True|TRUE"), re.compile(r"false|False|FALSE")
_INT, _BASED = re.compile(r"[-+]?[0-9]+"), re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


DEEPEST, LARGEST = 50, 500_000
"""Levels and nodes of one file, aliases unfolded."""


class _TooMuchError(Exception):
    """A document that unfolds without end."""


class Document:
    """One file: its `data`, the line of each path in it, and the keys that a flow mapping made without meaning to."""

    def __init__(self, file: str) -> None:
        self.file, self.complaints = file, list[Complaint]()
        self.lines: dict[Path, int] = {}
        self.valueless: set[Path] = set()
        self.data: Any = None

    def where(self, path: Path) -> Where:
        """The place of a path, or of the nearest thing around it that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return Where(self.file, self.lines.get(path, 1))


def read(text: str, file: str) -> Document:
    """Read one document; what is wrong with its form goes to `complaints`, never raised."""
    document = Document(file)
    try:
        node = yaml.compose(text, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        document.complaints.append(_malformed(text, file, (mark.line + 1) if mark else 1, error.problem or "it can not be read"))
        return document
    except yaml.YAMLError:
        document.complaints.append(
            Complaint("yaml", Where(file), "it holds a character that YAML does not allow", "save it as plain UTF-8")
        )
        return document
    try:
        document.data = _value(node, (), document) if node is not None else None
    except _TooMuchError:
        document.complaints.append(
            Complaint("yaml", Where(file), "it unfolds into more than it could mean", "write the parts out, without & and *")
        )
    return document


def _malformed(text: str, file: str, line: int, problem: str) -> Complaint:
    source = text.splitlines()[line - 1] if line <= len(text.splitlines()) else ""
    if "\t" in source:
        return Complaint("yaml", Where(file, line), "a tab where YAML wants spaces", "indent with spaces")
    return Complaint("yaml", Where(file, line), f"not YAML: {problem}", "quote texts that hold a colon, a comma, a brace or a quote")


def _value(node: yaml.Node, path: Path, document: Document) -> Any:
    if len(path) > DEEPEST or len(document.lines) > LARGEST:
        raise _TooMuchError
    document.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.ScalarNode):
        return node.value if node.style or (node.tag.endswith(":str") and node.value == "") else scalar(node.value)
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*path, i), document) for i, child in enumerate(node.value)]
    return dict(_pairs(node, path, document))


def _pairs(node: yaml.Node, path: Path, document: Document) -> Iterator[tuple[str, Any]]:
    seen = set[str]()
    for key_node, value_node in node.value:
        key = str(key_node.value)
        here = (*path, key)
        line = key_node.start_mark.line + 1
        if key in seen:
            what = f"{key} is said twice"
            document.complaints.append(Complaint("twice", Where(document.file, line), what, "keep one"))
            continue
        seen.add(key)
        document.lines[here] = line
        if isinstance(value_node, yaml.ScalarNode) and value_node.value == "" and getattr(node, "flow_style", False):
            document.valueless.add(here)
        yield key, _value(value_node, here, document)


def scalar(text: str) -> Any:
    """The value of a plain scalar by the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema)."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return text[0] in "tT"
    if _INT.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    return float(text) if _FLOAT.fullmatch(text) else text
