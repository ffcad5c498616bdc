"""Where the table of a dbt model is, as far as a dbt project says it without being run: YAML, `config(...)` in SQL, dbt_project.yml."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from answerable.context.importers.lined import Lined, LinedSource, read_documents
from answerable.context.importers.project import ImportProblem, Note

PROJECT = "dbt_project.yml"
SKIPPED = {"target", "dbt_packages", "dbt_modules", "node_modules"}  # besides what is hidden: written by tools, or other people's
SAID = ("schema", "alias", "database")

_CONFIG = re.compile(r"\{\{-?\s*config\s*\((.*?)\)\s*-?\}\}", re.DOTALL)
_OWN_SCHEMAS = re.compile(r"\bmacro\s+generate_schema_name\b")


def files_below(path: Path, *suffixes: str) -> list[Path]:
    """The file itself, or those below the folder, in the order of their names."""
    if not path.is_dir():
        return [path] if path.suffix in suffixes else []
    found: list[Path] = []
    for folder, below, names in os.walk(path):
        below[:] = [name for name in below if name not in SKIPPED and name[0] != "."]  # walked no further
        found += [Path(folder, name) for name in names if name[0] != "." and Path(name).suffix in suffixes]
    return sorted(found)


@dataclass(frozen=True)
class Ref:
    """`ref('orders', v=2)`."""

    name: str
    version: str | None = None

    @classmethod
    def read(cls, text: str, where: str) -> Ref:
        try:
            call = ast.parse(re.sub(r"^\s*\{\{|\}\}\s*$", "", text).strip(), mode="eval").body
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "ref":
                *_, name = (ast.literal_eval(arg) for arg in call.args)  # the first of two is the package
                options = {option.arg: ast.literal_eval(option.value) for option in call.keywords}
                version = options.get("v", options.get("version"))
                return cls(str(name), None if version is None else str(version))
        except (SyntaxError, ValueError):
            pass
        raise ImportProblem(f"{where}: {text!r} isn't ref('model'): name the dbt model so, or import target/semantic_manifest.json.")


@dataclass
class Tables:
    """The tables of a project, and what had to be assumed about them."""

    path: Path
    models: Mapping[str, Lined]  # the entries of `models:` by name
    schema: str
    assumed: list[str] = field(default_factory=list)
    joined: dict[str, str] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)

    def relation(self, ref: Ref) -> dict[str, Any]:
        """The table as a `node_relation`."""
        said = self._said(ref)
        alias, custom, database = said.get("alias") or self._default_alias(ref), said.get("schema"), said.get("database")
        relation = {"alias": alias, "schema_name": self._schema(ref.name, custom)}
        if database:
            relation |= {"database": database, "relation_name": f"{database}.{relation['schema_name']}.{alias}"}
        return relation

    def notes(self) -> Iterator[Note]:
        if self.assumed:
            names = ", ".join(dict.fromkeys(self.assumed))
            yield Note("table", names, "dbt's YAML doesn't say the schema", f"{self.schema} was taken (--schema names another)")
        for name, schema in self.joined.items():
            reason = "dbt puts the schema of the target before a model's own"
            yield Note("table", name, reason, f"{schema} was taken (--schema names the target's)")
        for name, what in self.unread.items():
            yield Note("table", name, f"its {what} is a template, which only dbt can fill in", "it was passed over")

    def _schema(self, name: str, custom: str | None) -> str:
        if custom is None:
            self.assumed.append(name)
            return self.schema
        if not self._joins_schemas:
            return custom
        self.joined[name] = f"{self.schema}_{custom}"
        return self.joined[name]

    def _default_alias(self, ref: Ref) -> str:
        version = ref.version or self._latest(ref.name)
        return f"{ref.name}_v{version}" if version else ref.name

    def _latest(self, name: str) -> str | None:
        entry = self.models.get(name, Lined({}, ""))
        numbers = [version.data.get("v") for version in LinedSource(entry, entry.place).children("versions")]
        latest = entry.get("latest_version") or max(numbers, key=_by_number, default=None)
        return None if latest is None else str(latest)

    # --- what a project says ---

    def _said(self, ref: Ref) -> dict[str, str]:
        """What is nearest to the model counts: its SQL, then its YAML, then dbt_project.yml."""
        found: dict[str, str] = {}
        file = self._sql.get(self._default_alias(ref)) or self._sql.get(ref.name)
        for source in (self._project_config(file), *self._yaml_configs(ref), self._sql_config(ref.name, file)):
            for key in SAID:
                value = source.get(key)
                if isinstance(value, str) and "{{" in value:
                    self.unread[ref.name] = key
                elif isinstance(value, str):
                    found[key] = value
        return found

    def _yaml_configs(self, ref: Ref) -> Iterator[Mapping[str, Any]]:
        entry = self.models.get(ref.name, Lined({}, ""))
        version = ref.version or self._latest(ref.name)
        versions = [each.data for each in LinedSource(entry, entry.place).children("versions") if str(each.data.get("v")) == version]
        yield from (config for each in (entry, *versions) if isinstance(config := each.get("config"), Mapping))

    def _sql_config(self, name: str, file: Path | None) -> Mapping[str, Any]:
        found = _CONFIG.search(file.read_text(encoding="utf-8", errors="replace")) if file else None
        if found is None:
            return {}
        try:
            call = ast.parse(f"config({found[1]})", mode="eval").body
        except SyntaxError:
            call = None
        if not isinstance(call, ast.Call):
            self.unread[name] = "config"
            return {}
        # What isn't a plain text is kept as a template, so that it is said.
        return {
            option.arg or "": option.value.value if isinstance(option.value, ast.Constant) else "{{ … }}"
            for option in call.keywords
            if option.arg in SAID
        }

    def _project_config(self, file: Path | None) -> Mapping[str, Any]:
        if file is None or self._project is None:
            return {}
        root = next(root for root in self._roots if file.is_relative_to(root))
        below = file.relative_to(root).with_suffix("").parts
        level, found = self._project.get("models"), dict[str, Any]()
        for step in (str(self._project.get("name")), *below, ""):
            if not isinstance(level, Mapping):
                break
            found |= {key: level.get(f"+{key}", level.get(key)) for key in SAID if f"+{key}" in level or isinstance(level.get(key), str)}
            level = level.get(step)
        return found

    @cached_property
    def _sql(self) -> dict[str, Path]:
        return {file.stem: file for root in self._roots for file in files_below(root, ".sql", ".py") if root.is_dir()}

    @cached_property
    def _roots(self) -> list[Path]:
        if self._project is None:
            return [self.path]
        said = self._project.get("model-paths")
        return [self.path / str(name) for name in (said if isinstance(said, list) else ["models"])]

    @cached_property
    def _project(self) -> Lined | None:
        file = self.path / PROJECT
        documents = read_documents(file) if file.is_file() else []
        return next((document for document in documents if isinstance(document, Lined)), None)

    @cached_property
    def _joins_schemas(self) -> bool:
        """dbt's own rule for `schema: marts` gives `<target>_marts`; a project can have another, and loose YAML says nothing of it."""
        if self._project is None:
            return False
        macros = (file.read_text(encoding="utf-8", errors="replace") for file in files_below(self.path, ".sql"))
        return not any(_OWN_SCHEMAS.search(text) for text in macros)

    def exists(self, name: str) -> bool:
        return name in self.models or name in self._sql


def _by_number(version: object) -> tuple[bool, float, str]:
    """Versions in dbt's order: numbers as numbers, then words."""
    text = str(version)
    number = re.fullmatch(r"\d+(\.\d+)?", text)
    return number is None, float(text) if number else 0.0, text
