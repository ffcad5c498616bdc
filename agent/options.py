"""Which of a plan's names a word may stand for, seen from the metrics that are asked: only what their rows reach to-one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeVar

from answerable.agent.draft import Bound, Filter, Missing, Split
from answerable.agent.ground import Segment
from answerable.agent.plan import NOT_JOINABLE, NOT_SUPPORTED, Gap, Lacking
from answerable.agent.senses import Sense
from answerable.context.catalog import Catalog
from answerable.context.model import Dimension, Metric, Model
from answerable.context.paths import Path, fan_out, paths
from answerable.context.words import fold, key


@dataclass(frozen=True)
class Ref:
    """A dimension by the name that a plan gives it, and the definition behind it."""

    name: str
    model: str
    dimension: Dimension = field(compare=False)

    @property
    def words(self) -> str:
        """How people tell it from others: `region of the clinic`."""
        *path, _ = self.name.split(".")
        if not path:
            return self.dimension.words
        way = " of the ".join(step.replace("_", " ") for step in reversed(path))
        return f"{self.dimension.words} of the {way}"


class Options:
    """Names for one choice of metrics; `bases` are the models of their rows."""

    def __init__(self, catalog: Catalog, bases: list[Model], unique: frozenset[tuple[str, str]]) -> None:
        self.catalog, self.bases, self.unique = catalog, bases, unique

    def refs(self, model: str, name: str, through: Segment | None = None) -> list[Ref]:
        """Every way in which the plan can name a model's dimension."""
        dimension = self.catalog.models[model].dimensions.get(name) if model in self.catalog.models else None
        if dimension is None or dimension.hidden:
            return []
        if len(self.bases) == 1:
            ways = [way for way in self._ways(self.bases[0], model) if self._passes(self.bases[0], way, through)]
            return [*dict.fromkeys(self._own_key(way, name) or Ref(".".join((*way, name)), model, dimension) for way in ways)]
        if all(len(self._ways(base, model)) == 1 for base in self.bases) and through is None:
            return [Ref(f"{model}.{name}", model, dimension)]
        return []

    def _own_key(self, way: Path, name: str) -> Ref | None:
        """The rows' own key, where a joined model's says the same and would lose the rows that have no partner."""
        base = self.bases[0]
        own = base.dimensions.get(name)
        if len(way) != 1 or own is None or own.hidden:
            return None
        on = base.joins[way[0]].on
        target = self.catalog.models[base.joins[way[0]].model].dimensions[name]
        pairs = on.items() if isinstance(on, dict) else ()
        same = any((own.expr or own.name, target.expr or target.name) == pair for pair in pairs)
        return Ref(name, base.name, own) if same else None

    def _ways(self, base: Model, model: str) -> list[Path]:
        return [()] if base.name == model else paths(self.catalog, base, model)

    def _passes(self, base: Model, way: Path, through: Segment | None) -> bool:
        """Whether a way takes the join that the words name."""
        if through is None:
            return True
        here, taken = base, set[tuple[str, str]]()
        for step in way:
            taken.add((here.name, step))
            here = self.catalog.models[here.joins[step].model]
        return any((s.model, s.name) in taken for s in through.senses if s.kind == "join")

    def split(self, split: Split) -> list[tuple[Ref, ...]]:
        """The dimensions that a word after "by" may mean; each option is one or more columns."""
        exact = self._split(split, [s for s in split.segment.senses if s.how != "part"])
        return exact or self._split(split, [s for s in split.segment.senses if s.how == "part"])

    def _split(self, split: Split, senses: list[Sense]) -> list[tuple[Ref, ...]]:
        found: list[tuple[Ref, ...]] = []
        for sense in senses:
            match sense.kind:
                case "dimension":
                    self._tell_apart(sense.model, sense.name, split.segment)
                    found += [(ref,) for ref in self.refs(sense.model, sense.name, split.within) if ref.dimension.group]
                case "entity":
                    found += [(ref,) for ref in self._titles(sense.name, None, split.segment)]
                case "join":
                    target = self.catalog.models[sense.model].joins[sense.name].model
                    found += [(ref,) for ref in self._titles(target, split.segment, split.segment)]
        return list(dict.fromkeys(found))

    def _tell_apart(self, model: str, name: str, segment: Segment) -> None:
        """Raise Lacking where a word for a thing would group by a name that several of them have."""
        owner = self.catalog.models.get(model)
        if owner is None or owner.title is None or owner.title.name != name or (model, name) in self.unique:
            return
        things = {fold(word) for word in (owner.name, owner.entity or "", owner.words, *owner.synonyms)}
        if fold(segment.text) in things:
            says = f"Several {owner.words} may have one name, and nothing else tells them apart."
            raise Lacking(Gap(NOT_SUPPORTED, segment.text, closes=f"a dimension of {owner.name} that tells its rows apart", says=says))

    def _titles(self, model: str, through: Segment | None, segment: Segment) -> list[Ref]:
        title = self.catalog.models[model].title if model in self.catalog.models else None
        if title:
            self._tell_apart(model, title.name, segment)
        return self.refs(model, title.name, through) if title else []

    def filter(self, said: Filter) -> list[tuple[Ref, tuple[object, ...]]]:
        """The dimensions that all the values share, each with the values as the data has them."""
        shared = set.intersection(*({(s.model, s.name) for s in segment.senses} for segment in said.values))
        found = []
        for model, name in sorted(shared):
            if said.owner is not None and not self._owned(said.owner, model, name):
                continue
            through = said.owner if said.owner is not None and said.owner.senses[0].kind == "join" else None
            members = tuple(_member(segment, model, name) for segment in said.values)
            found += [(ref, members) for ref in self.refs(model, name, through)]
        return found

    def bound(self, said: Bound) -> list[tuple[str, str]]:
        """The conditions that a comparison of each row's number may mean, each with its words."""
        operator, value = said.threshold.operator, f"{said.threshold.value:.12g}"
        found = [ref for s in said.dimension.senses if s.kind == "dimension" for ref in self.refs(s.model, s.name)]
        if said.others:
            listed = ", ".join(f"{number:.12g}" for number in (said.threshold.value, *said.others))
            return [(f"{ref.name} in ({listed})", f"{ref.words} is one of {listed}") for ref in dict.fromkeys(found)]
        return [(f"{ref.name} {operator} {value}", f"{ref.words} {operator} {value}") for ref in dict.fromkeys(found)]

    def _owned(self, owner: Segment, model: str, name: str) -> bool:
        for sense in owner.senses:
            if sense.kind == "dimension" and (sense.model, sense.name) == (model, name):
                return True
            if sense.kind == "entity" and sense.name == model:
                return True
            if sense.kind == "join" and self.catalog.models[sense.model].joins[sense.name].model == model:
                return True
        return False

    def why_not(self, senses: tuple[Sense, ...]) -> str:
        """Why none of the meanings of a word can be reached: the to-many path, or that nothing joins."""
        for sense in senses:
            model = sense.name if sense.kind == "entity" else sense.model
            if model in self.catalog.models and self.bases and model != self.bases[0].name:
                return fan_out(self.catalog, self.bases[0], self.catalog.models[model])
        return ""


def split_options(options: Options, split: Split, metrics: list[Metric]) -> list[tuple[Ref, ...]]:
    """What a word after "by" may mean. Raises Lacking where nothing that it names is reached."""
    return _some(options.split(split), split.segment, options, metrics)


def filter_options(options: Options, said: Filter, metrics: list[Metric]) -> list[tuple[Ref, tuple[object, ...], bool]]:
    """What values may be those of, and whether they are left out. Raises Lacking."""
    found = options.filter(said)
    if not found and said.owner is not None and metrics and {*key(said.owner.text)} <= {*key(metrics[0].words)}:
        found = options.filter(replace(said, owner=None))  # "average order value for app orders": the orders are the metric's own
    return [(ref, members, said.negated) for ref, members in _some(found, said.values[0], options, metrics)]


def bound_options(options: Options, said: Bound, metrics: list[Metric]) -> list[tuple[str, str]]:
    """The conditions that a comparison of each row's number may mean. Raises Lacking."""
    return _some(options.bound(said), said.dimension, options, metrics)


def absent_conditions(options: Options, said: Missing, metrics: list[Metric]) -> list[tuple[str, str]]:
    """The conditions for rows whose dimension has no value, each with its words. Raises Lacking."""
    named = [ref for s in said.dimension.senses if s.kind == "dimension" for ref in options.refs(s.model, s.name)]
    refs = _some([*dict.fromkeys(named)], said.dimension, options, metrics)
    there = "is not null" if said.present else "is null"
    return [(f"{ref.name} {there}", f"{'with a' if said.present else 'without a'} {ref.words}") for ref in refs]


T = TypeVar("T")


def _some(found: list[T], segment: Segment, options: Options, metrics: list[Metric]) -> list[T]:
    if not found:
        raise Lacking(join_gap(segment, options, metrics))
    return found


def _member(segment: Segment, model: str, name: str) -> object:
    return next(s.value for s in segment.senses if (s.model, s.name) == (model, name))


def join_gap(segment: Segment, options: Options, metrics: list[Metric]) -> Gap:
    why = options.why_not(segment.senses)
    measured = metrics[0].words if metrics else "it"
    return Gap(
        NOT_JOINABLE,
        segment.text,
        closes=f"a to-one join from {options.bases[0].name if options.bases else 'it'}",
        says=f"{measured} can not be split or filtered by {segment.text}. {why}".strip(),
    )
