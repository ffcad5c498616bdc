"""A project folder becomes a `Catalog`, or a list of everything that is wrong with it: file, line, what, and the mend."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from answerable.context import yaml12
from answerable.context.catalog import Catalog, VerifiedQuestion
from answerable.context.checks import check
from answerable.context.errors import Complaint, DefinitionError, PlanError, UsageError, Where, nearest
from answerable.context.model import METRIC_KINDS, Dimension, Exposure, Join, Metric, Model, Rule, SimpleMetric, Source
from answerable.context.policy import GroupRule, Policy, Principal
from answerable.context.policy_checks import check_policies
from answerable.context.query import as_query
from answerable.context.settings import ProjectSettings
from pydantic import BaseModel, ValidationError

SETTINGS = "answerable.yml"
FOLDERS = {"models": ".yml", "metrics": ".yml", "policies": ".yml", "verified": ".yml", "rules": ".md"}
"""Where definitions lie, and how their files end."""
ENDINGS = (".yml", ".yaml", ".md")
Fill = Callable[[str], str]


def load(folder: Path, fill: Fill = lambda text: text) -> Catalog:
    """Read the project in `folder`; `fill` replaces `${ENV}` in answerable.yml.

    Raises UsageError where the folder is no project, DefinitionError with every complaint at once.
    """
    if not (folder / SETTINGS).is_file():
        raise UsageError(f"{folder} is not a project: it holds no {SETTINGS}. `answerable init --warehouse URL` starts one.")
    reader = _Reader(folder, fill)
    catalog = reader.catalog()
    errors = [c for c in reader.complaints if not c.warning]
    if errors or catalog is None:
        raise DefinitionError(sorted(errors, key=lambda c: (c.where.file, c.where.line)))
    return catalog


def settings_of(folder: Path, fill: Fill) -> tuple[ProjectSettings | None, str]:
    """The project's settings, if they can be read by themselves, and their text as filled."""
    if not (folder / SETTINGS).is_file():
        return None, ""
    text = fill((folder / SETTINGS).read_text(encoding="utf-8-sig", errors="replace"))
    document = yaml12.read(text, SETTINGS)
    try:
        return (ProjectSettings.model_validate(document.data) if not document.complaints else None), text
    except ValidationError:
        return None, text


class _Reader:
    """One pass over the files. Complaints gather; whatever could be read goes on to the next check."""

    def __init__(self, folder: Path, fill: Fill) -> None:
        self.folder, self.fill = folder, fill
        self.complaints: list[Complaint] = []
        self.digest = hashlib.sha256()
        self.models: dict[str, Model] = {}
        self.metrics: dict[str, Metric] = {}
        self.lost = set[str]()  # names whose own definition could not be read,
        self.lost_file = False  # or a whole file of names: both come with a complaint

    def catalog(self) -> Catalog | None:
        settings = self._settings()
        for path in self._files("models/*.yml"):
            self._model(self._read(path))
        for path in self._files("metrics/*.yml"):
            self._metrics_file(self._read(path))
        policies, users = self._policies()
        rules = tuple(rule for path in self._files("rules/*.md") if (rule := self._rule(path)))
        verified = tuple(q for path in self._files("verified/*.yml") for q in self._verified(self._read(path)))
        exposures = tuple(e for path in self._files("exposures.yml") for e in self._exposures(self._read(path)))
        self._strays()
        if settings is None:
            return None
        self.models = {name: self._with_keys(model) for name, model in self.models.items()}
        catalog = Catalog(settings, self.models, self.metrics, policies, users, rules, verified, exposures, self.digest.hexdigest()[:16])
        self.complaints += [
            c for c in (*check(catalog), *check_policies(catalog)) if not (c.missing and (self.lost_file or c.missing in self.lost))
        ]
        return replace(catalog, warnings=tuple(c for c in self.complaints if c.warning))

    # -- files ------------------------------------------------------------------------------------------------------

    def _files(self, pattern: str) -> list[Path]:
        return sorted(self.folder.glob(pattern))

    def _strays(self) -> None:
        """A definition that is not read is worse than a wrong one: a policy in such a file would leave all open."""
        for path in sorted(self.folder.iterdir()):
            self._called_otherwise(path)
        for folder, ending in FOLDERS.items():
            for path in sorted((self.folder / folder).glob("**/*")):
                unread = path.suffix.lower() in ENDINGS and (path.suffix != ending or path.parent.name != folder)
                if unread and not path.is_dir():
                    where = Where(path.relative_to(self.folder).as_posix())
                    self._complain("stray file", where, "it is not read", f"put it right into {folder}/ as a {ending} file, or remove it")

    def _called_otherwise(self, path: Path) -> None:
        """`policy/`, or `policies.yml`, where `policies/` is meant."""
        meant = nearest(path.stem.lower(), [*FOLDERS, "exposures", "users"], 1, 0.7)
        if not meant or path.name in (*FOLDERS, SETTINGS, "exposures.yml"):
            return
        if path.is_dir() and meant[0] in FOLDERS and any(file.suffix.lower() in ENDINGS for file in path.glob("**/*")):
            self._complain("stray folder", Where(path.name), "it is not read", f"call it {meant[0]}/, or something else")
        elif path.is_file() and path.suffix.lower() in ENDINGS:
            mend = {"exposures": "call it exposures.yml", "users": "call it policies/users.yml"}.get(meant[0], f"put it into {meant[0]}/")
            self._complain("stray file", Where(path.name), "it is not read", f"{mend}, or call it something else")

    def _text(self, path: Path) -> str:
        name = path.relative_to(self.folder).as_posix()
        try:
            raw = path.read_bytes()
        except OSError as error:
            self._complain("file", Where(name), f"it can not be read: {(error.strerror or '').lower()}", "make it a readable file")
            return ""
        self.digest.update(name.encode() + b"\0" + raw + b"\0")
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            self._complain("encoding", Where(name), "it is not UTF-8", "save it as UTF-8")
            return ""

    def _read(self, path: Path) -> yaml12.Document:
        document = yaml12.read(self._text(path), path.relative_to(self.folder).as_posix())
        self.complaints += document.complaints
        self.lost_file |= document.data is None and bool(document.complaints)
        return document

    def _complain(self, kind: str, where: Where, what: str, mend: str, warning: bool = False) -> None:
        self.complaints.append(Complaint(kind, where, what, mend, warning))

    def _make(self, cls: type[BaseModel], data: Any, document: yaml12.Document, path: yaml12.Path, **more: Any) -> Any:
        """An instance, or None with a complaint for each thing wrong with its data."""
        if data is None:
            data = {}
        if not isinstance(data, dict):
            self._complain("form", document.where(path), f"{_name(path)} is not a mapping", "write it as keys with values")
            return None
        try:
            return cls.model_validate({**data, **more})
        except ValidationError as error:
            for problem in error.errors(include_url=False):
                self._problem(problem, cls, document, path)
            self.lost.add(str(more.get("name") or _name(path)))
            return None

    def _problem(self, problem: Mapping[str, Any], cls: type[BaseModel], document: yaml12.Document, path: yaml12.Path) -> None:
        here = (*path, *problem["loc"])
        around = _name(path or problem["loc"][:-1])
        where, key = document.where(here), str(problem["loc"][-1]) if problem["loc"] else _name(path)
        match problem["type"]:
            case "extra_forbidden" if here in document.valueless:
                self._complain("unknown key", where, f"the comma made {key!r} a key of its own", "quote the text that holds the comma")
            case "extra_forbidden":
                known = [field.alias or name for name, field in cls.model_fields.items() if name not in ("where", "lines")]
                near = nearest(key, known, 1) if len(problem["loc"]) == 1 else ()
                mend = (
                    f"did you mean {near[0]}?"
                    if near
                    else f"the keys here are {', '.join(known)}"
                    if len(problem["loc"]) == 1
                    else "remove it"
                )
                self._complain("unknown key", where, f"unknown key {key} in {around}", mend)
            case "missing":
                self._complain("missing key", document.where(path), f"{_name(path)} needs the key {key}", f"add {key}: …")
            case _:
                said = problem["msg"].removeprefix("Value error, ")
                guide = "docs/access.md" if cls in (Policy, GroupRule) else "docs/definitions.md"
                self._complain("form", where, f"{key} of {around}: {said[:1].lower()}{said[1:]}", f"see {guide} for its form")

    # -- each kind of file --------------------------------------------------------------------------------------------

    def _settings(self) -> ProjectSettings | None:
        document = yaml12.read(self.fill(self._text(self.folder / SETTINGS)), SETTINGS)
        self.complaints += document.complaints
        if document.complaints:
            return None
        settings: ProjectSettings | None = self._make(ProjectSettings, document.data, document, ())
        return settings

    def _model(self, document: yaml12.Document) -> None:
        data = document.data
        if not isinstance(data, dict) or not data.get("model"):
            self.lost_file = True
            if not document.complaints:
                self._complain("form", Where(document.file), "it defines no model", "begin with model: NAME and table: SCHEMA.TABLE")
            return
        name, where = str(data["model"]), document.where(("model",))
        if earlier := self.models.get(name):
            self._complain("twice", where, f"the model {name} is defined in {earlier.where} too", "rename one")
            return
        if not data.get("table") and not data.get("sql"):
            self._complain("missing key", where, f"model {name} needs a table or a sql", "add table: SCHEMA.TABLE")
        if data.get("table") and data.get("sql"):
            self._complain("form", where, f"model {name} has a table and a sql", "keep one")
        dimensions = self._items(document, data, "dimensions", self._dimension)
        joins = self._items(document, data, "joins", self._join)
        rest = {key: value for key, value in data.items() if key not in ("model", "dimensions", "joins", "metrics")}
        model = self._make(Model, rest, document, (), name=name, where=where, dimensions=dimensions, joins=joins)
        if model is not None:
            self.models[name] = model
        for metric_name, spec in (data.get("metrics") or {}).items() if isinstance(data.get("metrics"), dict) else ():
            self._metric(document, ("metrics", metric_name), spec, model=name, endorsed_by_model=True)

    def _items(self, document: yaml12.Document, data: dict[str, Any], key: str, make: Callable[..., Any]) -> dict[str, Any]:
        found = data.get(key) or {}
        if not isinstance(found, dict):
            self._complain("form", document.where((key,)), f"{key} is not a mapping", "write each as NAME: {…}")
            return {}
        made = {name: make(document, (key, name), spec) for name, spec in found.items()}
        return {name: item for name, item in made.items() if item is not None}

    def _dimension(self, document: yaml12.Document, path: yaml12.Path, spec: Any) -> Dimension | None:
        made: Dimension | None = self._make(Dimension, spec, document, path, name=path[-1], where=document.where(path))
        return made

    def _join(self, document: yaml12.Document, path: yaml12.Path, spec: Any) -> Join | None:
        if isinstance(spec, dict):
            on = spec.get("on")
            if on is None:
                self._complain("join", document.where(path), f"the join {path[-1]} has no key", "add on: COLUMN")
                self.lost.add(str(path[-1]))
                return None
            columns = [on] if isinstance(on, str) else on
            spec = {**spec, "on": {str(c): "" for c in columns} if isinstance(columns, list) else columns}
        made: Join | None = self._make(Join, spec, document, path, name=path[-1], where=document.where(path))
        return made

    def _with_keys(self, model: Model) -> Model:
        """`on: customer_id` goes to the other model's primary key, whatever that is called."""

        def remote(join: Join, ours: str) -> str:
            other = self.models.get(join.model)
            return other.primary_key[0] if other and len(join.on) == 1 and len(other.primary_key) == 1 else ours

        joins = {
            name: join.model_copy(update={"on": {ours: theirs or remote(join, ours) for ours, theirs in join.on.items()}})
            for name, join in model.joins.items()
        }
        return model.model_copy(update={"joins": joins})

    def _metrics_file(self, document: yaml12.Document) -> None:
        data = document.data
        if not isinstance(data, dict) or set(data) != {"metrics"} or not isinstance(data["metrics"], dict):
            if not document.complaints:
                self._complain(
                    "form", Where(document.file), "a file of metrics has one key, metrics", "begin with metrics: and indent the rest"
                )
            return
        for name, spec in data["metrics"].items():
            self._metric(document, ("metrics", name), spec, model=None)

    def _metric(self, document: yaml12.Document, path: yaml12.Path, spec: Any, model: str | None, endorsed_by_model: bool = False) -> None:
        name, where = str(path[-1]), document.where(path)
        if earlier := self.metrics.get(name):
            self._complain("twice", where, f"the metric {name} is defined in {earlier.where} too", "rename one")
            return
        kind = spec.get("type") if isinstance(spec, dict) else None
        cls: type[BaseModel] = METRIC_KINDS.get(str(kind), SimpleMetric)
        if cls is SimpleMetric and model is None:
            self._complain(
                "form", where, f"{name} is a simple metric, and metrics/ holds those across models", "move it into its model's file"
            )
            return
        if cls is SimpleMetric and isinstance(spec, dict) and isinstance(spec.get("over_time"), str):
            spec = {**spec, "over_time": {"pick": spec["over_time"]}}
        made = self._make(cls, spec, document, path, name=name, model=model, where=where)
        if made is not None:
            self.metrics[name] = made

    def _policies(self) -> tuple[dict[str, Policy], dict[str, Principal]]:
        policies, users = dict[str, Policy](), dict[str, Principal]()
        for path in self._files("policies/*.yml"):
            document = self._read(path)
            if path.name == "users.yml":
                users = self._users(document)
            elif policy := self._policy(document):
                if policy.model in policies:
                    self._complain(
                        "twice", policy.where, f"{policy.model} has a policy in {policies[policy.model].where} too", "merge them"
                    )
                policies.setdefault(policy.model, policy)
        return policies, users

    def _policy(self, document: yaml12.Document) -> Policy | None:
        data = document.data
        if not isinstance(data, dict) or not data.get("model"):
            if not document.complaints:
                self._complain("policy", Where(document.file), "a policy without a model", "write model: and groups:, or delete the file")
            return None
        groups = self._items(document, data, "groups", self._group)
        if not data.get("groups"):
            self._complain(
                "policy", document.where(("groups",)), f"the policy of {data['model']} names no group", "name one, or delete the file"
            )
        lines = dict(_lines(document, groups))
        rest = {k: v for k, v in data.items() if k != "groups"}
        made: Policy | None = self._make(Policy, rest, document, (), groups=groups, where=document.where(("model",)), lines=lines)
        return made

    def _group(self, document: yaml12.Document, path: yaml12.Path, spec: Any) -> GroupRule | None:
        if spec is None:
            mend = f"write {path[-1]}: {{}} if the group may see everything"
            self._complain("policy", document.where(path), f"nothing is said of the group {path[-1]}", mend)
            return None
        made: GroupRule | None = self._make(GroupRule, spec, document, path)
        return made

    def _users(self, document: yaml12.Document) -> dict[str, Principal]:
        data = document.data
        if not isinstance(data, dict) or set(data) != {"users"} or not isinstance(data["users"], dict):
            self._complain("form", Where(document.file), "a file of users has one key, users", "begin with users:")
            return {}
        found = {}
        for name, spec in data["users"].items():
            spec = spec or {}
            if not isinstance(spec, dict) or set(spec) - {"groups", "attributes"}:
                what = f"{name} has more than groups and attributes"
                self._complain("unknown key", document.where(("users", name)), what, "keep these two")
                continue
            groups, attributes = spec.get("groups") or [], spec.get("attributes") or {}
            if not isinstance(groups, list) or not isinstance(attributes, dict):
                what = f"the groups of {name} are a list and the attributes a mapping"
                self._complain("form", document.where(("users", name)), what, "write groups: [sales] and attributes: {region: EU}")
                continue
            for attribute, value in attributes.items():
                self._attribute(document, ("users", name, "attributes", attribute), value)
            found[name] = Principal(name, frozenset(map(str, groups)), attributes)
        return found

    def _attribute(self, document: yaml12.Document, path: yaml12.Path, value: Any) -> None:
        """An attribute is bound into a condition: one value or a list of them, under a name that is free."""
        user, name = path[1], path[-1]
        if name in ("id", "groups"):
            what = f"{user} has the attribute {name}, which is always the asker's own"
            self._complain("form", document.where(path), what, "call it otherwise")
        if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, dict | list) or v is None for v in value)):
            what = f"the attribute {name} of {user} is neither a value nor a list of values"
            self._complain("form", document.where(path), what, f"write {name}: VALUE or {name}: [VALUE, VALUE]")

    def _rule(self, path: Path) -> Rule | None:
        text, file = self._text(path), path.relative_to(self.folder).as_posix()
        front, body = "", text
        if match := re.match(r"---\r?\n(.*?)\r?\n---\r?\n?", text, re.DOTALL):
            front, body = match[1], text[match.end() :]
        document = yaml12.read("\n" + front, file)
        self.complaints += document.complaints
        data = dict(document.data or {}) if isinstance(document.data, dict | None) else {}
        groups = data.pop("for", ())
        made: Rule | None = self._make(Rule, data, document, (), name=path.stem, text=body.strip(), groups=groups, where=Where(file))
        return made

    def _exposures(self, document: yaml12.Document) -> list[Exposure]:
        if not isinstance(document.data, list):
            return []
        made = [self._make(Exposure, spec, document, (i,), where=document.where((i,))) for i, spec in enumerate(document.data)]
        return [e for e in made if e is not None]

    def _verified(self, document: yaml12.Document) -> list[VerifiedQuestion]:
        if document.data is None:
            return []
        if not isinstance(document.data, list):
            self._complain("form", Where(document.file), "verified questions are a list", "begin each with - question: …")
            return []
        return [q for i, spec in enumerate(document.data) if (q := self._verified_one(document, i, spec))]

    def _verified_one(self, document: yaml12.Document, i: int, spec: Any) -> VerifiedQuestion | None:
        where, known = document.where((i,)), {"question", "plan", "today", "value", "rows", "tolerance", "source", "of"}
        if not isinstance(spec, dict) or not spec.get("question"):
            self._complain("missing key", where, "a verified question needs a question", "add question: …")
            return None
        for key in set(spec) - known:
            near = nearest(key, known, 1)
            self._complain(
                "unknown key", document.where((i, key)), f"unknown key {key}", f"did you mean {near[0]}?" if near else "remove it"
            )
        source = self._make(Source, spec.get("source"), document, (i, "source"))
        try:
            plan = as_query(spec["plan"]) if spec.get("plan") else None
            today = ProjectSettings.model_validate({"name": "", "warehouse": "", "today": spec.get("today")}).today
        except (PlanError, ValidationError) as error:
            text = str(error) if isinstance(error, PlanError) else "today is not a date"
            self._complain("plan", document.where((i, "plan")), text.rstrip("."), "see docs/plans.md")
            return None
        rows = tuple(tuple(row) for row in spec["rows"]) if isinstance(spec.get("rows"), list) else None
        tolerance = float(spec.get("tolerance") or 0)
        return VerifiedQuestion(
            spec["question"], plan, today, spec.get("value"), rows, tolerance, source or Source(), spec.get("of"), where
        )


def _lines(document: yaml12.Document, groups: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], int]]:
    """The line of each group of a policy, of its keys, and of the names in them."""
    for path, line in document.lines.items():
        if path[:1] == ("groups",) and len(path) in (2, 3, 4) and path[1] in groups:
            here: Any = document.data
            for step in path[:-1]:
                here = here[step]
            last = here[path[-1]] if isinstance(path[-1], int) else path[-1]
            yield (*map(str, path[1:-1]), str(last)), line


def _name(path: yaml12.Path) -> str:
    if not path:
        return "this file"
    return f"entry {path[-1] + 1}" if isinstance(path[-1], int) else path[-1]
