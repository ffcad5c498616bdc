"""The loop in which a language model plans: a step at a time, each checked, what is wrong told back, under one deadline and one budget.

Whatever comes of it, the embedded planner's own plan is what an answer falls back to.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from answerable.agent.answer import Answer
from answerable.agent.asked import Asked
from answerable.agent.ground import spans_of
from answerable.agent.model.accounted import Account, account
from answerable.agent.model.briefing import Brief, brief, fenced, field_data, metric_data, veiled
from answerable.agent.model.exchange import Call, Reply, Request, Send, Unavailable
from answerable.agent.model.prose import prose
from answerable.agent.model.sketched import Shape, placed
from answerable.agent.model.spending import Spending, Usage
from answerable.agent.model.sql import accounts_for, assumed
from answerable.agent.model.steps import METHODS, Ask, Malformed, Missing, Propose, Sketch, Sql, Step, Values, form, read
from answerable.agent.model.steps import Search as SearchStep
from answerable.agent.plan import NOT_ENDORSED, UNKNOWN_TERM, Gap, Plan, Reading
from answerable.agent.sight import Beyond, Sight
from answerable.agent.thread import Turn
from answerable.agent.when import Reader
from answerable.context.documents import restricted
from answerable.context.query import SemanticQuery, as_query
from answerable.context.search import Index, Search
from answerable.context.settings import LanguageModel

PLANNED = "A language model planned this; the program checked each word against the definitions, and computed it."
Connect = Callable[[str], Send]
"""What sends the requests of one question."""
Vet = Callable[[str, Asked], str]
"""What is against SQL for whoever asks; empty where nothing is."""


@dataclass
class Planner:
    """One project's model. Remembers which way to keep a reply to its form its endpoint takes."""

    model: LanguageModel
    values: bool
    """Whether values of the data may leave: `privacy: results`."""
    connect: Connect
    spending: Spending
    index: Callable[[], Index | None] = lambda: None
    """The vectors beside the words, where they were built; opened when something is searched."""
    method: str = ""
    searches: dict[str, Search] = field(default_factory=dict)

    def plan(self, asked: Asked, plan: Plan, sight: Sight, beyond: Beyond, reader: Reader, earlier: tuple[Turn, ...], vet: Vet) -> Plan:
        """What the model and the program come to together.

        `plan` is the embedded planner's, which is returned where nothing better holds; `vet` is the gate's word on SQL.
        """
        if says := self.spending.over(asked.asker.id):
            asked.touched.note(f"No language model was asked: {says}.")
            return plan
        started = time.monotonic()
        usage = Usage(self.model.name)
        turns: list[_Turns] = []
        try:
            send = self.connect(asked.question)
            for _ in range(self.model.samples):
                turns.append(self._turns(asked, plan, sight, beyond, reader, earlier, send, started + self.model.seconds, usage, vet))
                turns[-1].run()
                usage = turns[-1].usage
        except Unavailable as error:
            usage = turns[-1].usage if turns else usage
            asked.touched.note(f"The language model was of no help: {error.says}. This is what the program reads by itself.")
            return plan
        finally:
            asked.touched.usage = usage
        found = [turn.outcome for turn in turns if turn.outcome]
        if not found:
            asked.touched.note("The language model gave no plan that holds. This is what the program reads by itself.")
        return together(plan, found)

    def worded(self, answer: Answer, asked: Asked) -> Answer:
        """The answer with a sentence by the model, where the project wants one and each of its numbers is known."""
        if not (self.model.prose and self.values) or answer.status != "answered" or self.spending.over(asked.asker.id):
            return answer
        try:
            text, reply = prose(answer, self.connect(f"sentence {asked.question}"), time.monotonic() + self.model.seconds)
        except Unavailable:
            return answer
        asked.touched.usage = (asked.touched.usage or Usage(self.model.name)).more(reply.read, reply.written, self.model)
        if not text:
            return answer
        return answer.model_copy(update={"text": text, "numbers": tuple(n for n in answer.numbers if str(n["text"]) in text)})

    def _turns(
        self, asked: Asked, plan: Plan, sight: Sight, beyond: Beyond, reader: Reader, earlier: tuple[Turn, ...], send: Send, until: float,
        usage: Usage, vet: Vet,
    ) -> _Turns:  # fmt: skip
        if sight.signature not in self.searches:
            self.searches[sight.signature] = Search(sight.catalog, self.index())
        search = self.searches[sight.signature]
        before = next((turn.plan for turn in reversed(earlier) if turn.plan), None)
        veil = veiled(asked.question, sight.lexicon, reader, beyond, self.values)
        sql = bool(asked.principal.all_groups & {*self.model.endorsed_sql}) and not asked.audience
        told = brief(plan, sight.lexicon, reader, veil, search, before, sql, self.values)
        return _Turns(self, asked, sight, reader, search, told, send, until, usage, as_query(dict(before)) if before else None, vet)


@dataclass
class _Turns:
    """One try at one question: what was said so far, and what came of it."""

    planner: Planner
    asked: Asked
    sight: Sight
    reader: Reader
    search: Search
    brief: Brief
    send: Send
    until: float
    usage: Usage
    before: SemanticQuery | None
    vet: Vet
    said: list[tuple[Reply, str]] = field(default_factory=list)
    outcome: Plan | None = None

    def run(self) -> None:
        """Play rounds until a step ends them. Raises Unavailable."""
        self.names = {kind: [*names] for kind, names in self.brief.names.items()}
        for _ in range(self.planner.model.rounds):
            reply = self._asked()
            try:
                step = read(reply)
            except Malformed as error:
                back: dict[str, Any] | None = {"error": error.says}
                self._next_method(reply)
            else:
                back = self._tried(step)
            if back is None or (self.said and self.said[-1] == (reply, fenced(back))):
                return  # whoever says the same again will not say better
            self.said.append((reply, fenced(back)))
            if says := self.planner.spending.over_on_one(self.usage):
                raise Unavailable(says)

    # -- sending --------------------------------------------------------------------------------------------------------------

    @property
    def method(self) -> str:
        return self.planner.method or (METHODS[0] if self.planner.model.method == "auto" else self.planner.model.method)

    def _asked(self) -> Reply:
        """The next reply. A form that the endpoint refuses is changed for the next one."""
        while True:
            request = Request(tuple(self._messages()), form(self.method, self.brief.steps, self.names))
            try:
                reply = self.send(request, self.until)
            except Unavailable as error:
                if not (error.form and self._moved_on()):
                    raise
                continue
            self.usage = self.usage.more(reply.read, reply.written, self.planner.model)
            if reply.refusal:
                raise Unavailable("it refused the question")
            self.asked.saw("model", f"round {self.usage.requests}")
            return reply

    def _moved_on(self) -> bool:
        """Whether there is another way to keep replies to their form; from now on it is that."""
        if self.planner.model.method != "auto" or self.method == METHODS[-1]:
            return False
        self.planner.method = METHODS[METHODS.index(self.method) + 1]
        return True

    def _next_method(self, reply: Reply) -> None:
        """A first reply that breaks its form tells that the endpoint does not keep to it."""
        if not self.said and reply.finish != "length":
            self._moved_on()

    def _messages(self) -> list[dict[str, Any]]:
        messages = self.brief.messages(self.method)
        for n, (reply, back) in enumerate(self.said):
            if self.method == "tools" and reply.calls:
                calls = [_call(call, call.id or f"call_{n}_{i}") for i, call in enumerate(reply.calls)]
                messages.append({"role": "assistant", "content": None, "tool_calls": calls})
                messages += [{"role": "tool", "tool_call_id": call["id"], "content": back} for call in calls]
            else:
                messages += [{"role": "assistant", "content": reply.text or "{}"}, {"role": "user", "content": back}]
        return messages

    # -- steps ----------------------------------------------------------------------------------------------------------------

    def _tried(self, step: Step) -> dict[str, Any] | None:
        try:
            return self._taken(step)
        except Malformed as error:
            return {"error": error.says}

    def _taken(self, step: Step) -> dict[str, Any] | None:
        """What is told back; None where the step is the last. Raises Malformed with what is wrong with it."""
        match step:
            case SearchStep():
                return self._found(step.text)
            case Values():
                return self._values(step)
            case Propose():
                self.outcome = self._planned(step)
            case Ask():
                self.outcome = self._choice(step)
            case Missing():
                self.outcome = self._missing(step)
            case Sql():
                self.outcome = self._sql(step)
        return None

    def _found(self, text: str) -> dict[str, Any]:
        """The definitions that a text is about, whose names may be used from now on."""
        catalog = self.sight.catalog
        metrics, fields = list[Any](), list[Any]()
        for hit in self.search.find(text, 20, frozenset({"metric", "dimension"})).hits:
            document = hit.document
            if document.kind == "metric" and (metric := catalog.metric(document.name)) and not metric.hidden:
                metrics.append(metric_data(metric, catalog))
                self.names["metric"] = [*dict.fromkeys((*self.names["metric"], metric.name))]
            elif document.kind == "dimension":
                model = catalog.models[document.model]
                dimension = model.dimensions[document.name.rpartition(".")[2]]
                if not dimension.hidden:
                    fields.append(field_data(document.name, dimension, model, catalog))
                    self.names["field"] = [*dict.fromkeys((*self.names["field"], document.name))]
        return {"metrics": metrics, "fields": fields}

    def _values(self, step: Values) -> dict[str, Any]:
        """The values that a field's definition writes down; those of the data only where they may leave."""
        catalog = self.sight.catalog
        *path, last = step.field.split(".")
        named = [model for model in catalog.models.values() if last in model.dimensions]
        owners = [m for m in named if not path or m.name == path[-1] or any(path[-1] in o.joins for o in catalog.models.values())]
        found: list[str] = []
        for model in owners:
            dimension = model.dimensions[last]
            if not restricted(catalog, model, dimension):
                found += [str(value) for value in dimension.values]
                columns = self.sight.lexicon.values.columns if self.planner.values else ()
                found += [str(v) for c in columns if (c.model, c.dimension) == (model.name, last) for v in c.values]
        like = step.like.lower()
        return {"values": [value for value in dict.fromkeys(found) if like in value.lower()][:50]}

    def _shape(self, sketch: Sketch) -> Shape:
        """A sketch in names of the catalogue, with the values that its placeholders stand for."""
        shape = placed(sketch, self.sight.catalog)
        conditions = [
            said.model_copy(update={"values": tuple(self.brief.veil.value(v, at.model, at.dimension) for v in said.values)})
            for at, said in shape.where
        ]
        return placed(sketch.model_copy(update={"where": tuple(conditions)}), self.sight.catalog)

    def _account(self, shape: Shape, step: Propose | None) -> Account:
        words = step.words if step else ()
        return account(self.asked.question, shape, words, self.sight.lexicon, self.reader, self.before)

    def _planned(self, step: Propose) -> Plan:
        shape = self._shape(step.plan)
        found = self._account(shape, step)
        if not found.holds:
            raise Malformed(found.says)
        reading = self._reading(shape, found)
        gaps = tuple(_claimed(self.asked.question, segment, item, reading) for segment, item in found.claims)
        sure = not gaps and self.before is None  # what a follow-up keeps of the question before is the asker's to say
        return Plan(readings=(reading,), gaps=gaps, spans=reading.spans, kind="data" if sure else "guess")

    def _choice(self, step: Ask) -> Plan:
        """Readings to pick from: each holds but for the words that may mean several."""
        readings = []
        for sketch in step.plans:
            shape = self._shape(sketch)
            found = replace(self._account(shape, None), open=())
            if not found.holds or found.claims:
                raise Malformed(found.says or "A plan to pick takes words that have no definition: declare a gap.")
            readings.append(self._reading(shape, found))
        return Plan(readings=tuple({r.query.hash: r for r in readings}.values()), spans=readings[0].spans)

    def _reading(self, shape: Shape, found: Account) -> Reading:
        shape = shape.timed(found.timing)
        compiled = shape.compiled(self.sight.catalog)
        spans = spans_of(self.asked.question, found.cover)
        return Reading(shape.query, spans, compiled, shape.words, assumptions=(PLANNED,))

    def _missing(self, step: Missing) -> Plan | None:
        """Words without a definition: the program's own gaps say what is missing; what the model names near it is added if it is there."""
        if step.words.strip().lower() not in self.brief.veil.text.lower():
            raise Malformed("The words of a gap are words of the question, as they stand there.")
        near = tuple(name for name in step.nearest if self.sight.catalog.metric(name) or name in self.names["field"])
        at = self.asked.question.lower().find(step.words.strip().lower())
        place = (at, at + len(step.words.strip())) if at >= 0 else (0, 0)
        return Plan(gaps=(Gap(step.type, self.asked.question[slice(*place)] or step.words.strip(), *place, nearest=near[:3]),))

    def _sql(self, step: Sql) -> Plan:
        if Sql not in self.brief.steps:
            raise Malformed("SQL is not allowed for this asker.")
        sql = step.sql
        for name, senses in self.brief.veil.placeholders.items():
            sql = sql.replace(name, str(senses[0].value).replace("'", "''"))
        if says := accounts_for(self.asked.question, sql, step.words, self.sight.lexicon, self.reader):
            raise Malformed(says)
        if says := self.vet(sql, self.asked):
            raise Malformed(f"The gate does not let this SQL through. {says}")
        gap = Gap(NOT_ENDORSED, self.asked.question, 0, len(self.asked.question), closes="a metric of it", says="No metric says this yet.")
        return Plan(gaps=(gap,), kind="sql", sql=sql, assumes=assumed(step.assumes, self.asked.question))


def _call(call: Call, id: str) -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}


def _claimed(question: str, segment: Any, item: str, reading: Reading) -> Gap:
    """A word that only the model accounts for, as a gap for the data team."""
    at = question.find(segment.text)
    near = () if item == "aside" else (item,)
    return Gap(UNKNOWN_TERM, segment.text, at, at + len(segment.text), nearest=near, closes=f"a synonym of {item}" if near else "")


def together(plan: Plan, outcomes: list[Plan]) -> Plan:
    """One plan out of the program's own and what the model's tries came to. Those that disagree are readings to pick from."""
    if guesses := [found for found in outcomes if found.kind == "guess" and not plan.readings]:
        readings = {r.query.hash: r for found in outcomes for r in found.readings}
        gaps = {gap.text: gap for found in guesses for gap in found.gaps}
        return replace(guesses[0], readings=tuple(readings.values()), gaps=tuple(gaps.values()))
    if written := [found for found in outcomes if found.kind == "sql" and not plan.readings]:
        return written[0]
    readings = {r.query.hash + r.check: r for found in outcomes for r in found.readings}
    for reading in plan.readings if plan.kind == "data" else ():
        readings[reading.query.hash + reading.check] = reading
    if readings:
        kept = tuple(readings.values())
        return Plan(readings=kept, spans=kept[0].spans)
    return replace(plan, gaps=tuple(replace(gap, nearest=gap.nearest or _near(gap, outcomes)) for gap in plan.gaps))


def _near(gap: Gap, outcomes: list[Plan]) -> tuple[str, ...]:
    """What a model names near a word that the program found no definition of."""
    said = gap.text.lower()
    return next((other.nearest for found in outcomes for other in found.gaps if other.text.lower() in said and other.nearest), ())
