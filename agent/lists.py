"""Lists of things without a number: `list the stores in Ohio`, `which payment methods are there`, `stores without an area`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from answerable.agent.choosing import has_names
from answerable.agent.conditions import condition, in_words, targets
from answerable.agent.draft import Draft, Unread
from answerable.agent.lexicon import Lexicon
from answerable.agent.options import Options, Ref, absent_conditions, filter_options, split_options
from answerable.agent.planned import Candidate, compiled
from answerable.context.model import Model
from answerable.context.query import SemanticQuery, TimeWindow
from answerable.context.words import singular

_LISTING = {"list", "which", "asker", "yes or no", "total", "much", "again", "distinct"}
"""Words of asking that a list has a use for."""


def lists(draft: Draft, lexicon: Lexicon) -> Iterator[Candidate]:
    """The plans of a draft that names no metric. Raises Unread where it asks for no list."""
    d = draft
    if "moment" in d.asks:
        yield from _moments(d, lexicon)
        return
    asked = {"list", "which", "asker"} & d.asks.keys() or d.absent or d.also or _named_things(d, lexicon)
    other = d.rank or d.thresholds or d.bounds or d.splits or d.lengths or d.units or d.measure or d.asks.keys() - _LISTING
    if not d.subject or d.subject.grain or not asked or other:
        raise Unread(d.asks.get("superlative") or (d.subject.segment if d.subject else None))
    models = dict.fromkeys(s.name if s.kind == "entity" else s.model for s in d.subject.segment.senses if s.kind != "join")
    for name in models:
        yield from _of_model(draft, lexicon, lexicon.catalog.models[name])


def _moments(d: Draft, lexicon: Lexicon) -> Iterator[Candidate]:
    """`when did the Orchard clinic open`: a thing by its name, with the date that the verb picks."""
    if d.date is None or len(d.filters) != 1 or d.filters[0].negated or d.asks.keys() - {"moment"} or d.whens or d.splits or d.rank:
        raise Unread(d.asks["moment"])
    for sense in d.date.senses:
        model = lexicon.catalog.models[sense.model]
        options = Options(lexicon.catalog, [model], lexicon.values.unique)
        named = [(ref, members) for ref, members in options.filter(d.filters[0]) if model.title and ref.name == model.title.name]
        for ref, members in named:
            query = SemanticQuery(by=(f"{model.name}.{ref.name}", f"{model.name}.{sense.name}"), where=(condition(ref, members, False),))
            scope = (in_words(ref, members, False),)
            meant = frozenset([model.name, sense.target, *targets([ref], [(ref, members, False)])])
            words = model.dimensions[sense.name].words
            yield Candidate(query, compiled(query, lexicon.catalog), (words, *scope), scope, meant)


def _named_things(d: Draft, lexicon: Lexicon) -> bool:
    """Whether "clinics in the north" is all that is asked: things, and what they have."""
    if (
        d.subject is not None
        and not (d.asks or d.filters or d.whens or d.also)
        and {s.kind for s in d.subject.segment.senses} == {"dimension"}
    ):
        last = d.subject.segment.text.lower().split()[-1]
        return singular(last) != last  # "company names"
    things = d.subject is not None and all(sense.kind == "entity" for sense in d.subject.segment.senses)
    named = things and d.subject and all(has_names(lexicon.catalog.models[sense.name]) for sense in d.subject.segment.senses)
    there = d.asks.keys() <= {"yes or no"} and not d.whens  # "is there a store in Paris" is told by which there are
    return bool(named and d.filters) and there and not any(f.negated for f in d.filters)


def _of_model(d: Draft, lexicon: Lexicon, model: Model) -> Iterator[Candidate]:
    assert d.subject is not None
    options = Options(lexicon.catalog, [model], lexicon.values.unique)
    own = [refs for refs in options.split(d.subject) if refs[0].model == model.name]
    also = [split_options(options, split, []) for split in d.also]
    kept_options = [filter_options(options, said, []) for said in d.filters]
    absent = tuple(absent_conditions(options, said, [])[0] for said in d.absent)
    window = _window(d, model)
    for chosen in itertools.product(own, *also):
        for kept in itertools.product(*kept_options):
            refs: list[Ref] = [ref for part in chosen for ref in part]
            by = tuple(dict.fromkeys(f"{model.name}.{ref.name}" if "." not in ref.name else ref.name for ref in refs))
            where = (*(condition(*k) for k in kept), *(text for text, _ in absent))
            query = SemanticQuery(by=by, where=where, window=window)
            scope = (*(in_words(*k) for k in kept), *(words for _, words in absent))
            meant = frozenset([model.name, *targets(refs, kept)])
            yield Candidate(query, compiled(query, lexicon.catalog), (f"{refs[0].words} of {model.words}", *scope), scope, meant)


def _window(d: Draft, model: Model) -> TimeWindow | None:
    whens = [when for _, when in d.whens]
    if d.date is not None and not any((s.model, s.name) == (model.name, model.time) for s in d.date.senses):
        raise Unread(d.date)
    if len(whens) > 1 or any(when.weekdays or when.as_of for when in whens) or (whens and not model.time):
        raise Unread(d.whens[0][0])
    return TimeWindow(start=whens[0].start, end=whens[0].end) if whens else None
