"""What narrows a question down: values, negation, thresholds, comparisons of each row, what is missing. One rule for each."""

from __future__ import annotations

from dataclasses import replace

from answerable.agent import grammar
from answerable.agent.draft import COMPARISONS, Bound, Filter, Missing, Split, Threshold, Unread
from answerable.agent.ground import Segment
from answerable.agent.looking import Looking
from answerable.agent.senses import Sense
from answerable.context.words import singular


def _is_plural(segment: Segment) -> bool:
    last = segment.text.lower().split()[-1]
    return singular(last) != last


class Narrowing(Looking):
    """The rules for what is kept and what is left out."""

    def _filter(self, negated: bool, owner: Segment | None = None, without: bool = False) -> None:
        """One or more values of one dimension: `Pearl`, `Pearl and Harbor`, `Pearl vs Harbor`, with the thing that they are values of."""
        values = [self.s[self.i]]
        if values[0].thing and owner is None and not self._kind(1) == "dimension":
            raise Unread(values[0])  # a word for a thing is that, and not a value of something else
        dates = values[0].dates if self._role(1) == "when" else ()
        if self._kind(-1) == "value" and not values[0].lead and owner is None and _is_plural(values[0]):
            raise Unread(values[0])  # heart specialists are no specialists with a heart: a head noun decides
        beside = self._kind(1) == "dimension" and self._owns(self.s[self.i + 1], values[0])
        if owner is None and values[0].text.isdigit() and not beside:
            raise Unread(values[0])  # a bare number is a value only beside its dimension
        self.i += 1
        if not negated and self._or_not(values[0]):
            return
        while self._role() in ("and", "or", "comma", "nor", "versus") and self._more(values[0]):
            if self._role() == "versus":
                self.d.asks["versus values"] = self._at()
            self.i += 1 if self._role(1) == "word" else 2
            values.append(self.s[self.i])
            self.i += 1
        if owner is None and self._kind() in ("dimension", "entity", "join") and self._owns(self.s[self.i], values[0]):
            owner = self.s[self.i]
            self.i += 1
            while self._role() in ("and", "or", "versus") and self._more(values[0]):  # "gold customers against silver customers"
                if self._role() == "versus":
                    self.d.asks["versus values"] = self._at()
                values.append(self.s[self.i + 1])
                self.i += (
                    3 if self._kind(2) == self._kind(-1) and self._at(2) is not None and self._owns(self.s[self.i + 2], values[0]) else 2
                )
        if negated and self._role() in ("and", "or", "comma", "nor") and self._kind(1) == "value":
            raise Unread(self.s[self.i + 1])  # whether it is left out too can't be told
        self.d.filters.append(Filter(tuple(values), negated, without, owner, dates))

    def _or_not(self, value: Segment) -> bool:
        """`instant or not`, `instant vs non-instant`: a split by what it is a value of."""
        if self._role() not in ("or", "versus") or self._role(1) != "not" or self._kind(2) not in ("", "value"):
            return False
        if grammar.PHRASES.get(tuple(value.text.lower().split()[:1])) == "not":
            raise Unread(self.s[self.i + 1])  # "without it or without it"
        named = [Sense("dimension", s.name, s.model) for s in value.senses if s.kind == "value"]
        self.d.splits.append(Split(replace(value, senses=tuple(dict.fromkeys(named)))))
        again = self._kind(2) == "value" and self.s[self.i + 2].senses == value.senses
        self.i += 3 if again else 2
        return True

    def _than_value(self) -> bool:
        """`did Pearl have more visits than Harbor`: both values, side by side."""
        last = self.d.filters[-1] if self.d.filters else None
        if last is None or last.negated or self._kind(1) != "value" or not {"more", "less"} & self.d.asks.keys():
            return False
        shared = {(s.model, s.name) for v in last.values for s in v.senses} & {(s.model, s.name) for s in self.s[self.i + 1].senses}
        if not shared:
            return False
        self.d.filters[-1] = replace(last, values=(*last.values, self.s[self.i + 1]))
        self.d.asks["versus values"] = self._at()
        for role in ("more", "less"):
            self.d.asks.pop(role, None)
        self.i += 2
        return True

    def _more(self, first: Segment) -> bool:
        """Whether another value of the same dimension follows the joining word."""
        step = 2 if self._role() == "comma" and self._role(1) in ("and", "or") else 1
        if self._kind(step) != "value":
            return False
        shared = {(s.model, s.name) for s in first.senses} & {(s.model, s.name) for s in self.s[self.i + step].senses}
        return bool(shared)

    def _not(self) -> None:
        """Negation reaches the values after it, or nothing is answered."""
        opener = self.s[self.i]
        self.i += 1
        if opener.text.lower() == "without" and self._kind() == "dimension" and self._kind(1) != "value":
            self._missing()
            return
        owner: Segment | None = None
        if self._kind() in ("dimension", "entity") and self._kind(1) == "value" and self._owns(self.s[self.i], self.s[self.i + 1]):
            owner = self.s[self.i]
            self.i += 1
        if self._kind() == "metric" and opener.text.lower() == "without":
            self._none_of()
            return
        if self._kind() != "value":
            raise Unread(opener)
        self._filter(negated=True, owner=owner, without=opener.text.lower().startswith("without"))
        named = {s.name for s in self.d.metrics[0].senses} if self.d.metrics else set()
        if self._kind() == "metric" and not self.s[self.i].lead and named == {s.name for s in self.s[self.i].senses}:
            self.i += 1  # "visits without video visits"

    def _missing(self) -> None:
        """`without a region`, `with no region`, `region unknown`: rows whose dimension has no value."""
        self.d.absent.append(Missing(self.s[self.i]))
        self.i += 1

    def _unknown(self) -> None:
        """`unknown region`, `region unknown`, `region is missing`."""
        if self._kind(1) == "dimension":
            self.i += 1
            self._missing()
        elif self._kind(-1) == "dimension" and (dropped := self._dropped(self.s[self.i - 1])):
            self.d.absent.append(Missing(dropped))
            self.i += 1
        else:
            raise self._fail()

    def _dropped(self, segment: Segment) -> Segment | None:
        """A split or a subject taken back, as what follows it makes it something else."""
        if self.d.splits and self.d.splits[-1].segment == segment:
            return self.d.splits.pop().segment
        if self.d.subject and self.d.subject.segment == segment:
            self.d.subject = None
            return segment
        return None

    def _none_of(self) -> None:
        """`stores without orders`: those of which the number is none."""
        if self.d.metrics or self.d.subject is None or "never" in self.d.asks:
            raise self._fail()
        self.d.metrics.append(self.s[self.i])
        self.d.asks["never"] = self.s[self.i]
        self.i += 1

    def _no(self) -> None:
        self.i += 1
        if self._kind() == "metric" and self._kind(1) != "value":
            self._none_of()
            return
        if self._kind() == "value" and self._role(-2) == "comma" and self.s[self.i - 1].text.lower() == "no" and self.d.metrics:
            self._filter(negated=True)  # "orders last month, no refunds"
            return
        if self._kind() != "dimension":
            raise Unread(self.s[self.i - 1])
        self._missing()

    def _leave(self) -> None:
        """`leaving telehealth aside`: the words around a value leave it out."""
        opener = self.s[self.i]
        self.i += 1
        if self._kind() != "value":
            raise Unread(opener)
        self._filter(negated=False)
        if self._role() != "aside":
            raise Unread(opener)
        last = self.d.filters[-1]
        self.d.filters[-1] = replace(last, negated=True)
        self.i += 1

    def _aside(self) -> None:
        """`telehealth excluded`: the value before it is left out."""
        last = self.d.filters[-1] if self.d.filters else None
        alone = self.s[self.i].text.lower() in ("out", "out of it", "out of the picture")
        if alone or last is None or last.negated or self._kind(-1) not in ("value", "dimension", "entity"):
            raise self._fail()
        self.d.filters[-1] = replace(last, negated=True)
        self.i += 1

    def _threshold(self, segment: Segment) -> None:
        following = self._at(1)
        if segment.text.lower() == "up to" and (following is None or following.role != "number"):
            raise self._fail()
        if following is None or following.role != "number":
            if segment.text.lower() == "over" and following is not None and following.text.lower().startswith(("the ", "last ", "past ")):
                self.i += 1  # "over the last year" is no comparison
                return
            raise self._fail()
        if following.value is None:
            raise Unread(following)
        self.i += 2
        operator = segment.role
        if self._role() in ("or more", "or less") and operator == "=":
            raise self._fail()
        self.d.thresholds.append(Threshold(operator, following.value, following))

    def _only(self) -> None:
        """`only telehealth`, `telehealth only`, `only the top 3`: it stands beside a filter, a time or a rank."""
        if (
            self._kind(1) == "value"
            or self._kind(-1) == "value"
            or self._role(1) in ("when", "top", "bottom", "best", "worst", "most", "least", "not", "number", *COMPARISONS)
            or self._role(-1) in ("when", "number", "or more", "or less")
        ):
            self.i += 1
            return
        raise self._fail()

    def _between(self) -> None:
        """`between 5 and 10`: two bounds, both inside."""
        low, high = self._at(1), self._at(3)
        if low is None or high is None or (low.role, self._role(2), high.role) != ("number", "and", "number"):
            raise self._fail()
        if low.value is None or high.value is None or low.value > high.value:
            raise Unread(high)
        self.d.thresholds += [Threshold(">=", low.value, low), Threshold("<=", high.value, high)]
        self.i += 4

    def _equal(self, segment: Segment) -> None:
        """`a score of 1 or 2`: each row's number is one of these."""
        self.i += 1
        numbers: list[Segment] = []
        while self._role() == "number":
            numbers.append(self.s[self.i])
            self.i += 2 if self._role(1) in ("or", "and", "comma") and self._role(2) == "number" else 1
            if numbers[-1] is not self.s[self.i - 2]:
                break
        if any(number.value is None or number.percent or number.money for number in numbers):
            raise Unread(numbers[0])
        self.d.bounds.append(Bound(segment, Threshold("=", numbers[0].value or 0, numbers[0]), tuple(n.value or 0 for n in numbers[1:])))

    def _is_number(self, segment: Segment) -> bool:
        named = [self.catalog.models[s.model].dimensions[s.name] for s in segment.senses if s.kind == "dimension"]
        return bool(named) and all(dimension.type == "number" for dimension in named)

    def _bound(self, segment: Segment) -> None:
        comparison, number = self.s[self.i + 1], self.s[self.i + 2]
        if number.value is None or number.percent or number.money:
            raise Unread(number)
        self.d.bounds.append(Bound(segment, Threshold(comparison.role, number.value, number)))
        self.i += 3
