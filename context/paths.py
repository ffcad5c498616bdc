"""From a plan's name to a dimension: which to-one joins lead there from a metric's model. Knows no SQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from answerable.context.catalog import Catalog
from answerable.context.errors import AmbiguousPath, UnknownName, Unreachable, WrongType, nearest
from answerable.context.model import GRAINS, PARTS, Dimension, Model

HOPS = 6
"""Longer ways than this are not looked for."""
NEEDED = {
    "hour_of_day": "hour",
    "day_of_week": "day",
    "day_of_month": "day",
    "week_of_year": "week",
    "month_of_year": "month",
    "quarter_of_year": "quarter",
}
"""The grain that a time must be known by to have a part."""

Path = tuple[str, ...]


@dataclass(frozen=True)
class Field:
    """A dimension as one model's plan reads it. `ref` is the plan's own name, `grain` a grain or a part of a time."""

    ref: str
    path: Path
    model: Model
    dimension: Dimension
    grain: str | None = None

    @property
    def is_time(self) -> bool:
        return self.dimension.type == "time"

    @property
    def is_part(self) -> bool:
        return self.grain in PARTS


def paths(catalog: Catalog, base: Model, target: str) -> list[Path]:
    """Every way over to-one joins from `base` to the model `target` that passes no model twice, shortest first."""
    found = sorted(_walk(catalog, base, target, (), frozenset({base.name})), key=len)
    marked = [path for path in found if _default(catalog, base, path)]
    nearest_marked = [path for path in marked if len(path) == len(marked[0])]
    return nearest_marked if len(nearest_marked) == 1 else found


def _walk(catalog: Catalog, here: Model, target: str, path: Path, seen: frozenset[str]) -> Iterator[Path]:
    if here.name == target and path:
        yield path
    elif len(path) < HOPS:
        for name, join in here.joins.items():
            if join.model not in seen and join.model in catalog.models:
                yield from _walk(catalog, catalog.models[join.model], target, (*path, name), seen | {join.model})


def _default(catalog: Catalog, base: Model, path: Path) -> bool:
    for step in path:
        if base.joins[step].default:
            return True
        base = catalog.models[base.joins[step].model]
    return False


def follow(catalog: Catalog, base: Model, path: Path) -> Model | None:
    """The model at the end of a chain of joins, or None where a step is no join."""
    for step in path:
        join = base.joins.get(step)
        if join is None or join.model not in catalog.models:
            return None
        base = catalog.models[join.model]
    return base


def resolve(catalog: Catalog, base: Model, ref: str) -> Field:
    """The dimension that `ref` names for metrics of `base`.

    Raises UnknownName, Unreachable (naming the to-many path) or AmbiguousPath (listing the ways).
    """
    name, _, grain = ref.partition(":")
    if name == "time":
        if not base.time:
            raise Unreachable(f"{base.words} has no time dimension.", ref)
        name = base.time
    *head, last = name.split(".")
    path = _path(catalog, base, tuple(head), ref) if head else ()
    model = follow(catalog, base, path)
    assert model is not None
    dimension = model.dimensions.get(last)
    if dimension is None:
        raise UnknownName(f"{model.words} has no dimension {last}.", ref, _nearest(catalog, base, model, path, last))
    _check_grain(dimension, grain, ref, catalog.settings.grains)
    return Field(ref, path, model, dimension, grain or None)


def _path(catalog: Catalog, base: Model, head: Path, ref: str) -> Path:
    if follow(catalog, base, head) is not None:
        return head
    first, rest = head[0], head[1:]
    target = catalog.models.get(first)
    if target is None:
        raise UnknownName(
            f"{base.words} has no join {first}, and no model is called so.", ref, nearest(first, {**base.joins, **catalog.models})
        )
    if first == base.name:
        return _path(catalog, base, rest, ref) if rest else ()
    ways = paths(catalog, base, first)
    if not ways:
        raise Unreachable(fan_out(catalog, base, target), ref)
    if len(ways) > 1:
        tail = ref.split(".")[-1]
        raise AmbiguousPath(
            f"{len(ways)} ways lead from {base.words} to {target.words}.", ref, tuple(".".join((*way, *rest, tail)) for way in ways)
        )
    if follow(catalog, target, rest) is None:
        raise UnknownName(f"{target.words} has no join {rest[0]}.", ref, nearest(rest[0], target.joins))
    return ways[0] + rest


def fan_out(catalog: Catalog, base: Model, target: Model) -> str:
    """Why `target` can't split a metric of `base`: the to-many path, or that nothing joins them."""
    back = paths(catalog, target, base.name)
    if back:
        way = " → ".join((target.name, *back[0]))
        return f"One row of {base.words} has many of {target.words} ({way}), so its numbers would be counted more than once."
    return f"Nothing says how {base.words} and {target.words} belong together."


def _nearest(catalog: Catalog, base: Model, model: Model, path: Path, last: str) -> tuple[str, ...]:
    own = nearest(last, model.dimensions)
    if own or path:
        return tuple(".".join((*path, name)) for name in own)
    reachable = [
        f"{join}.{last}" for join, j in base.joins.items() if j.model in catalog.models and last in catalog.models[j.model].dimensions
    ]
    return tuple(reachable)


def _check_grain(dimension: Dimension, grain: str, ref: str, custom: tuple[str, ...]) -> None:
    if not grain:
        return
    if dimension.type != "time":
        raise WrongType(f"{dimension.words} is no time, so it has no {grain}.", ref)
    if grain not in GRAINS and grain not in PARTS and grain not in custom:
        raise UnknownName(f"There is no grain {grain}.", ref, nearest(grain, (*GRAINS, *PARTS, *custom)))
    own, needed = dimension.grain, "day" if grain in custom else NEEDED.get(grain, grain)
    if own and GRAINS.index(needed) < GRAINS.index(own) and needed not in ("fiscal_quarter", "fiscal_year"):
        raise WrongType(f"{dimension.words} is known by the {own}, which is coarser than {grain}.", ref, (ref.split(":")[0] + ":" + own,))
