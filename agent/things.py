"""Things that a question names without a "by": what is listed or ranked, whose a value is, who does what is counted."""

from __future__ import annotations

from dataclasses import replace

from answerable.agent.draft import COMPARISONS, Split
from answerable.agent.grammar import PERSONS
from answerable.agent.ground import Segment
from answerable.agent.narrowing import Narrowing
from answerable.context.words import singular

_ASKED = {"list", "which", "asker", "count", "top", "most", "least"}


class Things(Narrowing):
    """The rules for dimensions, entities and joins that no "by" introduces."""

    def _thing(self, segment: Segment) -> None:
        if self._bounded(segment) or self._owning(segment) or self._says_whose(segment) or self._narrows_subject(segment):
            return
        if self._is_doer(segment):
            self.i += 1
            return
        split, used = self._split_at(self.i)
        asked = _ASKED & self.d.asks.keys() or self.d.rank or self._role(-1) in _ASKED
        if self.d.subject is None and (asked or self.i == 0 or not self.d.metrics):
            self.d.subject = split
        elif self._role(-1) in ("with", "and", "comma") and not self.d.metrics and self.d.subject:
            self.d.also.append(split)
        else:
            raise self._fail()
        self.i += used

    def _bounded(self, segment: Segment) -> bool:
        """`amount over 500`, `a score of 1 or 2`: a number of each row."""
        if not self._is_number(segment):
            return False
        if self._role(1) in COMPARISONS and self._role(2) == "number":
            self._bound(segment)
        elif self._role(1) == "number":
            self._equal(segment)
        else:
            return False
        return True

    def _owning(self, segment: Segment) -> bool:
        """`region EU`, `customers not in the EU`, `customers whose tier is gold`: the value after it is its own."""
        if self._kind(1) == "value" and self._owns(segment, self.s[self.i + 1]):
            self.i += 1
            self._filter(negated=False, owner=segment)
            return True
        if self._role(1) == "not" and self._kind(2) == "value" and self._owns(segment, self.s[self.i + 2]):
            self.i += 2
            self._filter(negated=True, owner=segment)
            return True
        whose = self._kind() in ("entity", "join") and self._role(1) == "with" and self._kind(2) == "dimension"
        if whose and self._kind(3) == "value" and all(self._owns(s, self.s[self.i + 3]) for s in (segment, self.s[self.i + 2])):
            self.i += 3
            self._filter(negated=False, owner=segment)
            return True
        return False

    def _says_whose(self, segment: Segment) -> bool:
        """`customers who found us through search`, `customers without a region`: whose search, whose region it is."""
        without = self._role(1) == "no" or (self._role(1) == "not" and self.s[self.i + 1].text.lower() == "without")
        n = 2 if without else 1
        if self._kind(n) != "dimension" or not self._joins_to(self.s[self.i + n], segment) or not (without or self._kind(2) == "value"):
            return False
        self.s[self.i + n] = self._narrowed(self.s[self.i + n], segment)
        self.i += 1
        return True

    def _narrows_subject(self, segment: Segment) -> bool:
        """`email addresses of the customers`: the thing after a subject says whose dimension it is."""
        named = self.d.subject.segment if self.d.subject else None
        if self._kind() != "entity" or self.d.metrics or named is None or not named.senses or named.senses[0].kind != "dimension":
            return False
        narrowed = self._narrowed(named, segment)
        if self.d.subject is None or not narrowed.senses:
            return False
        self.d.subject = replace(self.d.subject, segment=narrowed)
        self.i += 1
        return True

    def _is_doer(self, segment: Segment) -> bool:
        """Whether people are named who do what is counted by how often it's done: "where do patients most often not show up"."""
        if self._kind() != "entity" or singular(segment.text.lower().split()[-1]) not in PERSONS:
            return False
        often = "times" in self.d.asks and self._kind(1) == "metric"
        most = self._at(1) is not None and self.s[self.i + 1].text.lower() in ("most often", "least often") and self._kind(2) == "metric"
        return often or most

    def _split_at(self, i: int) -> tuple[Split, int]:
        """`region`, `clinic region`, `referring provider`, `referring provider specialty`, `region of the clinic`."""
        segment = self.s[i]
        kind = segment.senses[0].kind
        nxt = self.s[i + 1] if i + 1 < len(self.s) else None
        if kind in ("entity", "join") and nxt and not nxt.lead and nxt.role == "word" and nxt.senses and nxt.senses[0].kind == "dimension":
            narrowed = self._narrowed(nxt, segment)
            if narrowed.senses:
                return Split(narrowed, within=segment if kind == "join" else None), 2
        of = nxt is not None and ("of" in nxt.lead.split() or any(s.how == "role" for s in nxt.senses))
        if kind == "dimension" and of and nxt and self._kind(i + 1 - self.i) in ("join", "entity") and self._joins_to(segment, nxt):
            return Split(self._narrowed(segment, nxt), within=nxt if nxt.senses[0].kind == "join" else None), 2
        return Split(segment), 1
