"""YAML as most tools read it (1.1, several documents a file, anchors), where every mapping knows its file and line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from answerable.context.importers.project import ImportProblem, Source

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEEPEST = 50
_PLAIN = {f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float")}


class Lined(dict[str, Any]):
    """A mapping, and where it stands: `models/orders.yml:12`."""

    def __init__(self, data: Mapping[str, Any], place: str) -> None:
        super().__init__(data)
        self.place = place

    def but(self, **changed: Any) -> Lined:
        """The same mapping in the same place with some keys changed; `None` takes a key away."""
        return Lined({key: value for key, value in {**self, **changed}.items() if value is not None}, self.place)


@dataclass(frozen=True)
class LinedSource(Source):
    """A `Source` whose complaints begin with file and line."""

    trail: str = ""

    @classmethod
    def of(cls, value: object, where: str) -> LinedSource:
        return cls(Source.of(value, where).data, where)

    @classmethod
    def at(cls, data: Lined, kind: str) -> LinedSource:
        """A definition of a file: `models/orders.yml:12, metric 'revenue'`."""
        name = data.get("name")
        trail = f"{kind} {name!r}" if isinstance(name, str) else kind
        return cls(data, f"{data.place}, {trail}", trail)

    def child(self, key: str) -> LinedSource | None:
        found = super().child(key)
        return self._step(found.data, key) if found else None

    def need(self, key: str) -> LinedSource:
        return self._step(super().need(key).data, key)

    def children(self, key: str) -> list[LinedSource]:  # type: ignore[override]
        items = super().children(key)
        return [self._step(item.data, f"{key} {self._label(item.data, position)}") for position, item in enumerate(items, 1)]

    @property
    def lined(self) -> Lined:
        return self.data if isinstance(self.data, Lined) else Lined(self.data, self.where)

    def _step(self, data: Mapping[str, Any], step: str) -> LinedSource:
        trail = f"{self.trail}, {step}" if self.trail else step
        place = data.place if isinstance(data, Lined) else self.where.removesuffix(f", {self.trail}")
        return LinedSource(data, f"{place}, {trail}", trail)


def read_documents(path: Path) -> list[Any]:
    """The documents of one file; what can't be read is refused with its line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ImportProblem(f"{path} can't be read ({error.strerror}): name a file or folder that is there.") from error
    except UnicodeDecodeError as error:
        raise ImportProblem(f"{path} isn't UTF-8: save it anew in that encoding.") from error
    reader = _Reader(str(path))
    try:
        nodes = list(yaml.compose_all(text, Loader=Loader))  # all at once: the reader knows a node by its identity
        return [reader.value(node) for node in nodes if node is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        mend = "indent with spaces, and quote texts that hold a colon, a brace or a template"
        raise ImportProblem(f"{place} isn't YAML ({error.problem or error.context}): {mend}.") from error
    except yaml.YAMLError as error:
        raise ImportProblem(f"{path} holds a character that YAML does not allow: save it as plain UTF-8.") from error


@dataclass
class _Reader:
    file: str
    constructor: Any = field(default_factory=yaml.constructor.SafeConstructor)
    done: dict[int, Any] = field(default_factory=dict)  # what an anchor names is built once
    opened: list[yaml.Node] = field(default_factory=list)

    def value(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return self.constructor.construct_object(node) if node.tag in _PLAIN else node.value
        if id(node) not in self.done:
            if node in self.opened or len(self.opened) > DEEPEST:
                raise ImportProblem(f"{self._place(node)} holds itself, or lies too deep: write the parts out, without & and *.")
            self.opened.append(node)
            self.done[id(node)] = self._collection(node)
            self.opened.pop()
        return self.done[id(node)]

    def _collection(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.MappingNode):
            self._refuse_twins(node)
            self.constructor.flatten_mapping(node)  # `<<: *shared`; what is merged comes first, so that the mapping's own keys win
            return Lined({str(key.value): self.value(value) for key, value in node.value}, self._place(node))
        return [self.value(item) for item in node.value]

    def _refuse_twins(self, node: yaml.MappingNode) -> None:
        seen: set[str] = set()
        for key in self._keys(node):
            if key.value in seen and key.value != "<<":
                raise ImportProblem(f"{self._place(key)}: {key.value!r} is said twice: keep one.")
            seen.add(key.value)

    def _keys(self, node: yaml.MappingNode) -> Iterator[yaml.ScalarNode]:
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise ImportProblem(f"{self._place(key)} has a list or mapping for a key: quote what holds a template in braces.")
            yield key

    def _place(self, node: yaml.Node) -> str:
        return f"{self.file}:{node.start_mark.line + 1}"
