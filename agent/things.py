"""Things that a question names without a "by": what is listed or ranked, whose a value is, who does what is counted."""

from __future__ import annotations

from dataclasses import replace

from answerable.agent.draft import COMPARISONS, Drop, Filter, Split, Unread
from answerable.agent.grammar import PERSONS
from answerable.agent.ground import Segment
from answerable.agent.narrowing import Narrowing
from answerable.agent.senses import Sense
from answerable.context.words import singular

_SAID = frozenset("were was are is them those these of at".split())
"""Small words by which a value is said of something: "how many were paid"."""
_ASKED = {"list", "which", "asker", "count", "top", "most", "least"}


class Things(Narrowing):
    """The rules for dimensions, entities and joins that no "by" introduces."""

    def _thing(self, segment: Segment) -> None:
        if self._bounded(segment) or self._owning(segment) or self._says_whose(segment) or self._narrows_subject(segment):
            return
        if self._is_doer(segment):
            self.d.notes.append(f"Counted is how often it's done, by whichever {segment.text.lower()}.")
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

    def _subject_of_filter(self) -> None:
        """In "how many gold customers" and "list the stores in Germany" the thing that owns the value is what is asked for."""
        if self.d.metrics or self.d.subject or len(self.d.filters) != 1:
            return
        owner = self.d.filters[0].owner
        models = {s.model for v in self.d.filters[0].values for s in v.senses}
        if owner is not None and owner.senses[0].kind == "entity":
            self.d.subject = Split(owner)
        elif owner is None and "count" in self.d.asks and len(models) == 1 and not any(_SAID & set(s.lead.split()) for s in self.s):
            segment = self.d.filters[0].values[0]  # "how many newsletter subscribers"
            self.d.subject = Split(replace(segment, senses=(Sense("entity", models.pop()),)))

    def _either(self) -> None:
        """`which brought in more revenue, web or app`: both values, side by side."""
        d = self.d
        asked = {"more", "less"} & d.asks.keys()
        pairs = [f for f in d.filters if len(f.values) == 2 and not f.negated]
        if not asked or "than" in d.asks or len(pairs) != 1 or not self._or(pairs[0]):
            return
        d.asks["versus values"] = d.asks[next(iter(asked))]
        for role in asked:
            d.asks.pop(role)
        if d.subject is not None and self._owns(d.subject.segment, pairs[0].values[0]):
            d.subject = None  # "which channel had more orders, web or app"

    def _or(self, said: Filter) -> bool:
        first, last = said.values
        return any(s.role == "or" and first.end <= s.start < last.start for s in self.s)

    def _instead(self) -> None:
        """`by month instead of by clinic`: what a follow-up replaces is named once more."""
        at = 2 if self._role(1) == "by" else 1
        alike = self._kind(at) and self._kind(at) == self._kind(-1)
        splits = {self._kind(at) or self._role(at).partition(":")[0], self._kind(-1) or self._role(-1).partition(":")[0]}
        if not self.follows or not (alike or splits <= {"dimension", "entity", "join", "grain", "part"} or splits == {"when"}):
            raise self._fail()
        if self._kind(at) in ("dimension", "entity", "join"):
            self.d.drops.append(Drop("", self.s[self.i + at]))  # it has to be there
        self.i += at + 1

    def _over_all(self, opener: Segment) -> bool:
        """Whether `across all stores` says what a total is of; without a word for a total it may be a line for each."""
        over = opener.text.lower() in ("across", "over") and self._kind() in ("entity", "dimension", "join")
        if not over or "all" not in self.s[self.i].lead.split():
            return False
        if "total" not in self.d.asks:
            raise Unread(opener)
        return True
