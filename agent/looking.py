"""Where a walk over a question's segments stands, what lies around it, and whose dimension a value is."""

from __future__ import annotations

from dataclasses import replace

from answerable.agent.draft import Draft, Unread
from answerable.agent.ground import Segment
from answerable.context.catalog import Catalog


class Looking:
    """A place in the segments; the draft so far."""

    def __init__(self, segments: list[Segment], catalog: Catalog, follows: bool) -> None:
        self.s, self.catalog, self.follows, self.i = segments, catalog, follows, 0
        self.d = Draft()

    def _at(self, n: int = 0) -> Segment | None:
        return self.s[self.i + n] if 0 <= self.i + n < len(self.s) else None

    def _role(self, n: int = 0) -> str:
        segment = self._at(n)
        return segment.role if segment else ""

    def _kind(self, n: int = 0) -> str:
        segment = self._at(n)
        return segment.senses[0].kind if segment and segment.role == "word" and segment.senses else ""

    def _fail(self, says: str = "") -> Unread:
        return Unread(self._at(), says)

    def _narrowed(self, dimension: Segment, owner: Segment) -> Segment:
        models = self._models(owner)
        return replace(dimension, senses=tuple(s for s in dimension.senses if s.model in models))

    def _models(self, owner: Segment) -> set[str]:
        """The models that an entity or a join stands for."""
        found = set[str]()
        for sense in owner.senses:
            if sense.kind == "entity":
                found.add(sense.name)
            elif sense.kind == "join":
                found.add(self.catalog.models[sense.model].joins[sense.name].model)
        return found

    def _joins_to(self, dimension: Segment, owner: Segment | None) -> bool:
        """Whether a join or an entity after a dimension says whose it is: "country of the shipping address"."""
        return owner is not None and bool(self._narrowed(dimension, owner).senses)

    def _owns(self, owner: Segment, value: Segment) -> bool:
        """Whether a dimension or entity is that of a value beside it."""
        if owner.senses[0].kind == "dimension":
            own = {(s.model, s.name) for s in owner.senses}
            return any((s.model, s.name) in own for s in value.senses)
        return any(s.model in self._models(owner) for s in value.senses)
