"""Questions about the catalogue itself: what can be asked, what a metric can be split by, who owns it, how fresh it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from answerable.agent import wording
from answerable.agent.lexicon import Lexicon
from answerable.agent.options import Options
from answerable.agent.plan import UNKNOWN_TERM, About, Gap, Plan, Span
from answerable.agent.senses import Sense
from answerable.agent.words import Token, lemma
from answerable.context.catalog import Catalog
from answerable.context.model import Metric

_ALL = "(?:metrics?|kpis?|measures?|numbers?|figures?|data|things?|questions?|topics?|definitions?|anything|something|what)"
_ON = "(?:about|on|for|around|regarding|concerning|related to|of|with)"
_SPLIT = (
    "(?:split|break down|broken down|group|grouped|slice|sliced|filter|filtered|cut|break out|divide|divided|segment|segmented|look at)"
)
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple((topic, re.compile(f"^{pattern}$")) for topic, pattern in (
    ("splits", rf"(?:what|which|how)(?: (?:dimensions?|fields?|attributes?|columns?|ways?|breakdowns?))? (?:can|could|may|do) (?:i|we|you) "
               rf"{_SPLIT}(?: up)? (?P<x>.+?)(?: up)? by"),
    ("splits", rf"(?:by what|by which(?: \w+)?|how) (?:can|could) (?:i|we|you) {_SPLIT} (?P<x>.+)"),
    ("splits", rf"(?:what|which)(?: \w+)? can (?P<x>.+?) be {_SPLIT} by"),
    ("splits", r"(?:what|which) (?:dimensions?|breakdowns?|attributes?) (?:are there|exist|do you have|do we have|are available|"
               r"are there available) for (?P<x>.+)"),
    ("owner", r"who (?:owns|maintains|defined|defines|is responsible for|looks after|is the owner of|is in charge of) (?P<x>.+)"),
    ("owner", r"(?:who is the |the )?(?:owner|contact|responsible person) (?:of|for|behind) (?P<x>.+)"),
    ("owner", r"whom? (?:can|do|should) (?:i|we) (?:ask|contact|talk to) about (?P<x>.+)"),
    ("used", r"(?:which|what) (?:dashboards?|reports?|jobs?|sheets?|exposures?|things)(?: \w+)?? (?:use|uses|show|shows|depend on|"
    "depends on|"
             r"are built on|contain|contains|display) (?P<x>.+)"),
    ("used", r"where is (?P<x>.+?) used"),
    ("fresh", r"how (?:fresh|recent|current|old|new|up to date) (?:is|are) (?P<x>.+?)(?: data| numbers?| figures?)?"),
    ("fresh", r"when (?:was|were|is|are|did) (?P<x>.+?)(?: data)? (?:last |lastly )?(?:updated|loaded|refreshed|load|refresh|"
    "update)(?: last)?"),
    ("fresh", r"(?:is|are) (?P<x>.+?)(?: data)? up to date"),
    ("fresh", r"(?:when was the )?last (?:update|load|refresh) of (?P<x>.+)"),
    ("ask", rf"(?:what|which {_ALL}|what {_ALL}) (?:can|could|may) (?:i|we) ask(?: you)? {_ON} (?P<x>.+)"),
    ("ask", rf"(?:what|which|which {_ALL}|what {_ALL}) (?:do|can|could) (?:you|we) (?:know|have|answer|tell me|offer|say|"
    rf"got)(?: \w+)?? {_ON} "
            r"(?P<x>.+)"),
    ("ask", rf"(?:do|can) (?:you|we) (?:have|know|answer) {_ALL} {_ON} (?P<x>.+)"),
    ("ask", rf"(?:which|what) {_ALL} (?:are there|exist|are available|are defined|is there|is available) {_ON} (?P<x>.+)"),
    ("ask", rf"(?:list|show|show me)?(?: all| the| all the)? ?(?:metrics|kpis|measures|definitions) {_ON} (?P<x>.+)"),
    ("ask", rf"is there {_ALL} {_ON} (?P<x>.+)"),
))  # fmt: skip
_TAILS = re.compile(r" (?:metric|kpi|figure|figures|number|numbers|data|definition)$")
_DETERMINERS = re.compile(r"^(?:the|our|my|a|an|all|metric|kpi|definition of|model|number|figure) ")


def about(said: Sequence[Token], lexicon: Lexicon) -> Plan | None:
    """A catalogue question as a plan without rows; a gap where nothing visible is called as it says. None where it's another question."""
    words = [token for token in said if token.kind != "sign"]
    line = " ".join(token.word for token in words)
    for topic, pattern in _PATTERNS:
        if not (match := pattern.match(line)):
            continue
        start, end = match.span("x")
        while cut := _DETERMINERS.match(line[start:end]):
            start += cut.end()
        if cut := _TAILS.search(line[start:end]):
            end = start + cut.start()
        first, last = line[:start].count(" "), line[:end].count(" ")
        named = words[first : last + 1]
        if not named:
            continue
        return _found(topic, named, lexicon)
    return None


def _found(topic: str, named: list[Token], lexicon: Lexicon) -> Plan | None:
    text = " ".join(token.text for token in named)
    senses = [s for s in lexicon.of(named) if s.kind in ("metric", "entity", "dimension")]
    if topic == "splits" and not any(s.kind == "metric" for s in senses):
        return None if senses else _lacking(text, named)
    if topic == "ask":
        senses = senses + [s for s in _mentioning(named, lexicon) if s not in senses]
    if not senses:
        return _lacking(text, named)
    span = Span(text, named[0].start, named[-1].end, senses[0].kind, senses[0].target, senses[0].how)
    return Plan(kind="catalogue", spans=(span,), about=About(topic, tuple(dict.fromkeys(s.target for s in senses))))


def _lacking(text: str, named: list[Token]) -> Plan:
    gap = Gap(UNKNOWN_TERM, text, named[0].start, named[-1].end, closes="a metric, a dimension or a synonym of this name")
    return Plan(gaps=(gap,), spans=(Span(text, gap.start, gap.end, "gap", "", "none"),))


def _mentioning(named: list[Token], lexicon: Lexicon) -> list[Sense]:
    """What has all the words in its names or its description."""
    wanted = {lemma(token.word) for token in named}
    found = []
    for key, senses in lexicon.senses.items():
        for sense in senses:
            if sense.kind not in ("metric", "dimension", "entity"):
                continue
            metric = lexicon.catalog.metric(sense.name) if sense.kind == "metric" else None
            described = (metric.description or "") if metric else ""
            if wanted <= {lemma(word) for word in (*key, *re.findall(r"[a-z]+", described.lower()))}:
                found.append(sense)
    return found


# -- in words ---------------------------------------------------------------------------------------------------------------------


def told(about: About, catalog: Catalog, freshness: Sequence[dict[str, Any]]) -> str:
    """The answer to a catalogue question, in words; `freshness` is that of the models behind what it names."""
    match about.topic:
        case "owner":
            return " ".join(_owner(name, catalog) for name in about.items)
        case "used":
            return " ".join(_used(name, catalog) for name in about.items)
        case "fresh":
            return _fresh(about, catalog, freshness)
        case "splits":
            return " ".join(_splits(metric, catalog) for name in about.items if (metric := catalog.metric(name)))
    return _asked(about, catalog)


def models_of(about: About, catalog: Catalog) -> tuple[str, ...]:
    """The models that what is named stands on."""
    found: dict[str, None] = {}
    for name in about.items:
        if metric := catalog.metric(name):
            found.update(dict.fromkeys(leaf.model for leaf in catalog.leaves(metric) if leaf.model))
        else:
            found[name.partition(".")[0]] = None
    return tuple(name for name in found if name in catalog.models)


def _owner(name: str, catalog: Catalog) -> str:
    metric = catalog.metric(name)
    model = catalog.models.get((metric.model if metric else name.partition(".")[0]) or "")
    owner = (metric.owner if metric else None) or (model.owner if model else None)
    words = metric.words if metric else model.words if model else name
    return f"{wording.capital(words)} is owned by {owner}." if owner else f"Nobody is named as the owner of {words}."


def _used(name: str, catalog: Catalog) -> str:
    users = [e for e in catalog.exposures if name in e.metrics]
    metric = catalog.metric(name)
    words = metric.words if metric else name
    named = wording.listed([f"{e.name}{f' ({e.kind})' if e.kind else ''}" for e in users])
    return f"{wording.capital(words)} is used by {named}." if users else f"Nothing is known to use {words}."


def _fresh(about: About, catalog: Catalog, freshness: Sequence[dict[str, Any]]) -> str:
    said = []
    known = {fact["model"]: fact for fact in freshness}
    for name in models_of(about, catalog):
        words, fact = wording.capital(catalog.models[name].words), known.get(name)
        if fact is None or not fact["newest"]:
            said.append(f"{words}: nothing says how fresh the data has to be.")
        else:
            late = {True: ", which is later than agreed", False: "", None: ""}[fact["late"]]
            said.append(f"{words}: data up to {fact['newest']}{late}; agreed is within {fact['within']}.")
    return " ".join(said) or "Nothing says how fresh this is."


def _splits(metric: Metric, catalog: Catalog) -> str:
    bases = [*dict.fromkeys(leaf.model for leaf in catalog.leaves(metric) if leaf.model)]
    options = Options(catalog, [catalog.models[name] for name in bases if name in catalog.models], frozenset())
    refs = {
        ref.name: ref
        for model in catalog.models.values()
        for name in model.dimensions
        for ref in options.refs(model.name, name)
        if ref.dimension.group and not ref.dimension.private
    }
    names = list(dict.fromkeys(ref.words for ref in refs.values()))
    return (
        f"{wording.capital(metric.words)} can be split and filtered by {wording.listed(names)}."
        if names
        else f"{metric.words} stands alone."
    )


def _asked(about: About, catalog: Catalog) -> str:
    metrics = [metric for name in about.items if (metric := catalog.metric(name)) and not metric.hidden]
    for name in about.items:
        metrics += [m for m in catalog.metrics.values() if m.model == name and not m.hidden and m not in metrics]
    named = [f"{m.words}{f' ({m.description.rstrip(chr(46))})' if m.description else ''}" for m in metrics]
    splits = [catalog.models[owner].dimensions[d].words for owner, _, d in (name.partition(".") for name in about.items) if d]
    said = [f"You can ask about {wording.listed(named)}."] if named else []
    said += [f"Numbers can be split by {wording.listed(list(dict.fromkeys(splits)))}."] if splits else []
    return " ".join(said) or "It is defined, and no metric of it is endorsed."
