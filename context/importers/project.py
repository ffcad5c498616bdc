"""A project folder as plain data, and its writer: what every importer hands over. Knows no foreign format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

WIDTH = 120
SETTINGS = "answerable.yml"

Verdict = Literal["changed", "left_out"]


class ImportProblem(ValueError):
    """An import that can't go on. The sentence names the file and the mend."""


@dataclass(frozen=True)
class Note:
    """One thing that isn't in the project as it was in its source."""

    kind: str  # model | dimension | join | metric | saved_query | calendar | …
    name: str
    reason: str
    instead: str  # what was done about it
    verdict: Verdict = "changed"

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {self.reason}; {self.instead}"


@dataclass(frozen=True)
class ImportedProject:
    """The files of a project, by path within its folder, and what could not be carried over."""

    files: Mapping[str, dict[str, Any]]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Source:
    """A mapping of a foreign file that knows where it stands, so that a complaint can say it."""

    data: Mapping[str, Any]
    where: str

    @classmethod
    def of(cls, value: object, where: str) -> Source:
        if not isinstance(value, Mapping):
            raise ImportProblem(f"{where} should be a mapping of names to values, not {spoken(value)}.")
        return cls(value, where)

    def text(self, key: str) -> str:
        value = self.data.get(key)
        if not isinstance(value, str) or not value.strip():
            raise ImportProblem(f"{self.where} lacks {key!r}, a text: write the file anew with the tool that made it, or add the key.")
        return value.strip()

    def maybe(self, key: str) -> str | None:
        return None if self.data.get(key) in (None, "") else self.text(key)

    def child(self, key: str) -> Source | None:
        value = self.data.get(key)
        return None if value is None else Source.of(value, f"{self.where}, {key}")

    def need(self, key: str) -> Source:
        found = self.child(key)
        if found is None:
            raise ImportProblem(f"{self.where} lacks {key!r}: write the file anew with the tool that made it.")
        return found

    def children(self, key: str) -> list[Source]:
        value = self.data.get(key) or []
        if not isinstance(value, list):
            raise ImportProblem(f"{self.where}: {key!r} should be a list, not {spoken(value)}.")
        return [Source.of(item, f"{self.where}, {key} {self._label(item, position)}") for position, item in enumerate(value, 1)]

    @staticmethod
    def _label(item: object, position: int) -> str:
        name = item.get("name") if isinstance(item, Mapping) else None
        return repr(name) if isinstance(name, str) else f"number {position}"


def spoken(value: object) -> str:
    """What kind of thing a value of a file is."""
    kinds = [(Mapping, "a mapping"), (str, "a text"), (bool, "true or false"), ((int, float), "a number"), (list, "a list")]
    return next((words for kind, words in kinds if isinstance(value, kind)), "what it is")  # type: ignore[arg-type]


def write_project(project: ImportedProject, out: Path, name: str, warehouse: str) -> list[Path]:
    """Write the files and `answerable.yml` into an empty (or new) folder; give their paths."""
    _refuse_used(out)
    settings = {"name": name, "warehouse": warehouse, **project.files.get(SETTINGS, {})}
    documents = {SETTINGS: settings, **{path: data for path, data in project.files.items() if path != SETTINGS}}
    targets = {_inside(out, path): data for path, data in documents.items()}
    for target, data in targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(to_yaml(data), encoding="utf-8")
    return list(targets)


def _refuse_used(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise ImportProblem(f"{out} is a file: name a folder to write the project into.")
    if out.is_dir() and any(out.iterdir()):
        raise ImportProblem(f"{out} is not empty: name a new folder, or empty this one; an import never writes over files.")


def _inside(out: Path, path: str) -> Path:
    target = out / path
    if not target.resolve().is_relative_to(out.resolve()):
        raise ImportProblem(f"{path!r} leads out of {out}: rename what it was made from.")
    return target


def to_yaml(data: Mapping[str, Any]) -> str:
    """YAML that reads alike in 1.1 and 1.2 (but for the key `on`, a word in 1.2), with short mappings on one line."""
    return yaml.dump(dict(data), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode and value == "on":
            return "tag:yaml.org,2002:str"  # our own key: the form writes it bare
        return str(super().resolve(kind, value, implicit))  # type: ignore[no-untyped-call]

    def serialize(self, node: yaml.Node) -> None:
        _lay_out(node, 0, 0)
        super().serialize(node)

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


# Numbers of YAML 1.2 that are words in 1.1 (09, 1e3, 0o17): a text that looks like one needs quotes too.
_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+)$"),
    list("-+.0123456789"),
)


def _lay_out(node: yaml.Node, depth: int, column: int, flow: bool = False) -> None:
    """Flow style for what is short and lies deep, block style for the document and its tables of mappings."""
    if isinstance(node, yaml.ScalarNode):
        _fold(node, column, flow)
    elif isinstance(node, yaml.CollectionNode):
        table = isinstance(node, yaml.MappingNode) and any(isinstance(value, yaml.MappingNode) for _, value in node.value)
        node.flow_style = not (depth == 0 or (depth == 1 and table)) and column + _length(node) <= WIDTH - 2
        for value, key_width in _values(node):
            indent = 2 * depth
            _lay_out(value, depth + 1, column if node.flow_style else indent + key_width, bool(node.flow_style))


def _values(node: yaml.CollectionNode) -> Iterable[tuple[yaml.Node, int]]:
    if isinstance(node, yaml.MappingNode):
        return [(value, len(key.value) + 2) for key, value in node.value]
    return [(value, 2) for value in node.value]


def _fold(node: yaml.ScalarNode, column: int, flow: bool) -> None:
    if "\n" in node.value:
        node.style = "|"
    elif flow and "'" in node.value and re.search(r"[,\[\]{}]", node.value):
        node.style = '"'  # it needs quotes there, and SQL's own would have to be doubled
    elif column + len(node.value) > WIDTH and " " in node.value:
        node.style = ">"


def _length(node: yaml.Node) -> float:
    """How long the node is on one line; what can't stand on one is infinitely long."""
    if isinstance(node, yaml.ScalarNode):
        return float("inf") if "\n" in node.value else len(node.value) + (2 if _may_be_quoted(node.value) else 0)
    if isinstance(node, yaml.MappingNode):
        return 2 + sum(_length(key) + 2 + _length(value) + 2 for key, value in node.value)
    return 2 + sum(_length(item) + 2 for item in node.value)


def _may_be_quoted(text: str) -> bool:
    return not text.replace("_", "").isalnum()
