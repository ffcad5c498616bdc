"""The one road: a question becomes grounded words, a plan, governed SQL, rows and an answer, and is recorded."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from answerable.agent import catalogue, describe
from answerable.agent.answer import Answer, cells, chart_of, column_data, legible, plain
from answerable.agent.asked import DIRECT, Asked, Door, Watch, new_id
from answerable.agent.certificate import Chain, Verdict, digest, verdict
from answerable.agent.clarifying import Clarifier, agreed
from answerable.agent.denials import Denials
from answerable.agent.journal import Journal, dumped
from answerable.agent.plan import NOT_SUPPORTED, UNKNOWN_TERM, UNKNOWN_VALUE, Plan, Reading, Result
from answerable.agent.planned import gap_of
from answerable.agent.planning import Planning
from answerable.agent.refusing import ALONE, Refusals
from answerable.agent.running import Runner, timed
from answerable.agent.sentence import sentence
from answerable.agent.sight import Sight, Sights
from answerable.agent.thread import Turn
from answerable.agent.when import Reader
from answerable.context.catalog import Catalog
from answerable.context.compiler import compile_query
from answerable.context.engines.base import Engine, Rows
from answerable.context.errors import AnswerableError, DeniedError, EngineError, GuardError, PlanError, UsageError
from answerable.context.guard import govern, govern_text
from answerable.context.policy import Principal
from answerable.context.query import GovernedSQL, SemanticQuery, as_query

if TYPE_CHECKING:  # a model planner is loaded where a project has one
    from answerable.agent.model.planner import Planner

User = str | Principal | None
Work = Callable[[Asked, dict[str, float]], Answer]


class Project:
    """A project folder with its warehouse, open for questions. Synchronous; safe to share between threads."""

    def __init__(
        self,
        catalog: Catalog,
        engine: Engine,
        journal: Journal,
        state: Path,
        clock: Callable[[], dt.datetime],
        surface: str = "python",
        run: str | None = None,
        model: Planner | None = None,
    ) -> None:
        self.catalog, self.engine, self.journal, self.clock = catalog, engine, journal, clock
        self.surface, self.run, self.model = surface, run, model
        self.sights = Sights(catalog, engine, state)
        self.denials = Denials(catalog, self.sights)
        self.runner = Runner(catalog, engine, self.sights)
        self.clarifier = Clarifier(self.runner)
        self.planning = Planning(catalog, journal)
        self.refusals = Refusals(self.sights, self.denials, self.clarifier, self.planning)
        self.chain = Chain()
        self.listeners: list[Callable[[Answer, Asked], None]] = []
        """Who is told of each answer when it's recorded."""

    # -- the contract -----------------------------------------------------------------------------------------------------------

    def ask(
        self,
        question: str,
        user: User = None,
        thread: str | None = None,
        today: dt.date | None = None,
        audience: tuple[str, ...] | None = None,
        watch: Watch | None = None,
        door: Door = DIRECT,
        or_alone: bool = False,
    ) -> Answer:
        """Answer a question in words; `watch` is told each step. Raises UsageError for an unknown user; all else is an Answer.

        With `or_alone`, what the audience may not see is answered for the asker alone: the answer's own `audience` tells which it is.
        """
        asked = self._asked(legible(question), user, thread, today, audience, watch, door)
        alone = replace(asked, principal=asked.asker, audience=None) if or_alone and audience is not None else None
        return self._recorded(asked, self._ask, alone)

    def query(self, plan: SemanticQuery | dict[str, Any], user: User = None, today: dt.date | None = None, door: Door = DIRECT) -> Answer:
        """Answer a plan."""
        asked = self._asked("", user, None, today, None, door=door)
        return self._recorded(asked, lambda asked, timings: self._query(as_query(legible(plan)), asked, timings))

    def sql(self, text: str, user: User = None, door: Door = DIRECT) -> Answer:
        """Answer SQL over models or their tables, through the same gate."""
        asked = self._asked(legible(text), user, None, None, None, door=door)
        return self._recorded(asked, lambda asked, timings: self._sql(asked.question, asked, timings))

    def rerun(self, plan: dict[str, Any] | None, text: str, user: User, audience: tuple[str, ...] | None) -> Answer:
        """A plan, or SQL without one, computed for whoever looks at an answer again: nothing is recorded."""
        asked = self._asked(text, user, None, None, audience)

        def work(asked: Asked, timings: dict[str, float]) -> Answer:
            return self._query(as_query(plan), asked, timings) if plan else self._sql(text, asked, timings)

        return self._outcome(asked, work, {})

    def compile(self, plan: SemanticQuery | dict[str, Any], user: User = None) -> str:
        """The governed SQL of a plan, not run. Raises PlanError, GuardError or DeniedError."""
        principal = self.principal(user)
        compiled = compile_query(as_query(plan), self.sights.of(principal).catalog)
        return govern(compiled.tree, self.catalog, principal, self.engine.site).text

    def forbidden(self, name: str, user: User = None) -> DeniedError | None:
        """Why a metric, a model or a dimension (`customers.email`) that is known to exist is not seen; None for all else."""
        principal = self.principal(user)
        return self.denials.of_names([name], self.sights.of(principal), principal)

    def verify(self, id: str, user: User = None) -> Verdict:
        """Run the certificate of an answer again, under the rights of whoever verifies."""
        record = self.journal.get(id)
        if record is None or "rights" not in (record["certificate"] or {}):
            return Verdict("gone", f"There is no answer {id} with a certificate in this journal.")
        principal = self.principal(user)
        if record["certificate"]["rights"] != self.sights.of(principal).signature:  # before anything could tell of the other's
            return verdict(record["certificate"], record["certificate"] | {"rights": ""})
        try:
            now = self._facts_now(record, principal)
        except PlanError as error:
            return Verdict("definition moved", f"The plan does not fit the definitions any more. {error.text}")
        except (GuardError, DeniedError) as error:
            return Verdict("rights differ", str(error))
        except EngineError as error:
            return Verdict("gone", str(error))
        return verdict(record["certificate"], now)

    def principal(self, user: User) -> Principal:
        """Who a user id is. Raises UsageError for one that the project does not know."""
        return user if isinstance(user, Principal) else self.catalog.principal(user)

    def today(self) -> dt.date:
        return self.catalog.settings.today or self.clock().date()

    def close(self) -> None:
        self.engine.close()
        self.journal.close()

    def __enter__(self) -> Project:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # -- the road -----------------------------------------------------------------------------------------------------------------

    def _ask(self, asked: Asked, timings: dict[str, float]) -> Answer:
        with timed(timings, "see"):
            sight = self.sights.of(asked.principal)
        with timed(timings, "ground"):
            reader = Reader(asked.today, self.catalog.settings)
            earlier = self.planning.earlier(asked)
            plan = self.planning.plan(asked, sight, reader, earlier)
        asked.saw("ground", ", ".join(f"{span.text} → {span.target}" for span in plan.spans if span.kind not in ("grammar", "gap")))
        with timed(timings, "plan"):
            plan = self._helped(plan, sight, asked, reader, earlier)
        if plan.kind == "why":
            return self.clarifier.why(plan, sight, asked, timings)
        if plan.kind == "guess":
            return self.clarifier.guessed(plan, sight, asked, timings)
        if plan.kind == "sql":
            return self._sql_of_model(plan, sight, asked, timings)
        if plan.kind not in ("data", "order"):
            return self._without_rows(plan, sight, asked)
        if plan.gaps or plan.kind == "order":
            return self.refusals.lacking(plan, sight, asked, reader, timings)
        if settled := self.planning.settled(asked, plan, sight):
            plan = replace(plan, readings=(settled,))
        if len(plan.readings) > 1:
            results = self.clarifier.computed(plan, sight, asked, timings)
            reading, result = agreed(plan, results), results[0]
            if reading is None:
                return self.clarifier.several(plan, results, sight, asked, timings)
        else:
            reading, result = plan.readings[0], self.runner.run(plan.readings[0], sight, asked, timings)
        if ahead := describe.has_not_happened(result, asked.today, plan.spans):
            return self.refusals.lacking(replace(plan, readings=(), gaps=(ahead,)), sight, asked, reader, timings)
        answer = self._answered(reading, result, sight, asked, timings)
        return self.model.worded(answer, asked) if self.model else answer

    def _helped(self, plan: Plan, sight: Sight, asked: Asked, reader: Reader, earlier: tuple[Turn, ...]) -> Plan:
        """The plan as a language model helps with it: what is read in one way, or is not this asker's to see, never goes to one."""
        always = self.catalog.settings.planner == "model"
        open_ = any(gap.type in (UNKNOWN_TERM, UNKNOWN_VALUE, NOT_SUPPORTED) for gap in plan.gaps)
        if plan.kind != "data" or not (open_ or (always and plan.readings)):
            return plan
        if self.model is None:
            if always:
                asked.touched.note("No language model can be asked here: this is what the program reads by itself.")
            return plan
        if plan.gaps and self.denials.of_question(asked.question, plan, sight, asked.principal, reader, earlier):
            return plan
        return self.model.plan(asked, plan, sight, self.sights.beyond(asked.principal), reader, earlier, self._vetted)

    def _vetted(self, sql: str, asked: Asked) -> str:
        """What the gate says against SQL; empty where it lets it through."""
        try:
            govern_text(sql, self.catalog, asked.principal, self.engine.site)
        except (GuardError, DeniedError) as error:
            return str(error)
        return ""

    def _sql_of_model(self, plan: Plan, sight: Sight, asked: Asked, timings: dict[str, float]) -> Answer:
        """The answer by SQL that a model wrote: like that of a person, with what it takes for granted and the gap that it stands in."""
        answer = self._sql(plan.sql, asked, timings)
        return answer.model_copy(update={"gaps": plan.gaps, "assumptions": (*answer.assumptions, *plan.assumes), "thread": asked.thread})

    def _query(self, query: SemanticQuery, asked: Asked, timings: dict[str, float]) -> Answer:
        sight = self.sights.of(asked.principal)
        try:
            result = self.runner.run(Reading(query), sight, asked, timings)
        except PlanError as error:
            return self.refusals.unplanned(query, error, asked)
        return self._answered(Reading(query), result, sight, asked, timings)

    def _sql(self, text: str, asked: Asked, timings: dict[str, float]) -> Answer:
        sight = self.sights.of(asked.principal)
        with timed(timings, "govern"):
            sql = self._let_through(text, sight, asked)
        with timed(timings, "run"):
            rows = describe.days_as_days(self.engine.run(sql))
        columns = describe.sql_columns(rows)
        made = sentence(SemanticQuery(), columns, rows.rows, rows.truncated, self.catalog.settings)
        facts = self._facts(asked.principal, text, None, sql, rows, sight)
        return Answer(
            status="answered", trust="endorsed_sql", question=asked.question, text=made.text, numbers=tuple(made.numbers),
            columns=tuple(map(column_data, columns)), rows=cells(rows.rows), truncated=rows.truncated, sql=sql.text,
            assumptions=("Nobody has endorsed this measure: it is SQL over endorsed models.",),
            freshness=self._freshness(sql.models, asked), policies=sql.decisions, certificate=self.chain.link(facts),
        )  # fmt: skip

    def _let_through(self, text: str, sight: Sight, asked: Asked) -> GovernedSQL:
        """Sent SQL as the gate has it. Raises DeniedError where only rights are in its way, GuardError for all else."""
        try:
            sql = govern_text(text, self.catalog, asked.principal, self.engine.site)
        except GuardError:
            asked.touched.decided(self.sights.beyond(asked.principal).decided(dict.fromkeys(re.findall(r"\w+", text[:10_000]))))
            if denied := self.denials.of_sql(text, sight, asked.principal, self.engine.site):
                raise denied from None
            raise
        asked.touched.ran(sql)
        return sql

    def _answered(self, reading: Reading, result: Result, sight: Sight, asked: Asked, timings: dict[str, float]) -> Answer:
        with timed(timings, "answer"):
            query, compiled, rows = result.query, result.compiled, result.rows
            scope = reading.scope if reading.compiled else query.where
            made = sentence(query, compiled.columns, rows.rows, rows.truncated, self.catalog.settings, result.days, scope)
            text = describe.yes_or_no(reading.check, compiled.columns, rows) + made.text
            facts = self._facts(asked.principal, asked.question, query, result.sql, rows, sight)
            return Answer(
                status="answered", trust=self._trust(query, result.sql), question=asked.question, text=text, numbers=tuple(made.numbers),
                columns=tuple(map(column_data, compiled.columns)), rows=cells(rows.rows), truncated=rows.truncated,
                sql=result.sql.text, plan=query.as_data(), grounding=reading.spans,
                assumptions=(*reading.assumptions, *describe.assumptions(result, sight.catalog, asked.today)),
                freshness=self._freshness(result.sql.models, asked), definitions=describe.definitions(query, compiled, sight.catalog),
                policies=result.sql.decisions, chart=chart_of(compiled.columns, rows.rows), thread=asked.thread,
                certificate=self.chain.link(facts),
            )  # fmt: skip

    # -- outcomes without rows -------------------------------------------------------------------------------------------------------

    def _without_rows(self, plan: Plan, sight: Sight, asked: Asked) -> Answer:
        if plan.kind == "definition":
            return Answer(
                status="answered", kind="definition", question=asked.question, text=describe.definition_text(plan, sight.catalog),
                definitions=describe.items(plan, sight.catalog), grounding=plan.spans, thread=asked.thread,
            )  # fmt: skip
        if plan.kind == "catalogue" and plan.about is not None:
            freshness = self._freshness(catalogue.models_of(plan.about, sight.catalog), asked)
            return Answer(
                status="answered", kind="catalogue", question=asked.question, text=catalogue.told(plan.about, sight.catalog, freshness),
                freshness=freshness, grounding=plan.spans, thread=asked.thread,
            )  # fmt: skip
        if plan.kind == "catalogue":
            return Answer(
                status="answered", kind="catalogue", question=asked.question, text=describe.catalogue_text(sight.catalog),
                definitions=describe.all_metrics(sight.catalog), thread=asked.thread,
            )  # fmt: skip
        return Answer(status="declined", question=asked.question, text=plan.says, thread=asked.thread)

    # -- provenance -----------------------------------------------------------------------------------------------------------------

    def _trust(self, query: SemanticQuery, sql: GovernedSQL) -> Any:
        """Verified where a confirmed question has this plan, its definitions are what they were, and the asker's rights are unfiltered."""
        if sql.filtered:
            return "governed"
        fingerprint = self.catalog.fingerprint(query)
        return "verified" if any(v.of == fingerprint for v in self.catalog.verified) else "governed"

    def _freshness(self, models: tuple[str, ...], asked: Asked) -> tuple[dict[str, Any], ...]:
        return tuple(
            describe.freshness(self.catalog.models[name], self.sights.newest(name, asked.principal), asked.today)
            for name in models
            if self.catalog.models[name].freshness
        )

    def _facts(
        self, principal: Principal, question: str, query: SemanticQuery | None, sql: GovernedSQL, rows: Rows, sight: Sight
    ) -> dict[str, Any]:
        watermark = {name: plain(self.sights.newest(name, principal)) for name in sql.models if self.catalog.models[name].freshness}
        return {
            "question": question, "plan": query.as_data() if query else None, "policies": list(sql.decisions), "sql": sql.text,
            "catalogue": self.catalog.version, "definitions": self.catalog.fingerprint(query) if query else self.catalog.version,
            "rights": sight.signature, "watermark": dumped(watermark or self.engine.stamp()),
            "result": digest(rows, ordered=query is not None),
        }  # fmt: skip

    def _facts_now(self, record: dict[str, Any], principal: Principal) -> dict[str, Any]:
        sight = self.sights.of(principal)
        if record["plan"] is None:
            text = record["certificate"]["question"]
            sql = govern_text(text, self.catalog, principal, self.engine.site)
            return self._facts(principal, text, None, sql, describe.days_as_days(self.engine.run(sql)), sight)
        query = as_query(record["plan"])
        sql = govern(compile_query(query, sight.catalog).tree, self.catalog, principal, self.engine.site)
        return self._facts(principal, record["question"], query, sql, self.engine.run(sql), sight)

    # -- recording --------------------------------------------------------------------------------------------------------------------

    def _asked(
        self,
        question: str,
        user: User,
        thread: str | None,
        today: dt.date | None,
        audience: tuple[str, ...] | None,
        watch: Watch | None = None,
        door: Door = DIRECT,
    ) -> Asked:
        asker = self.principal(user)
        if isinstance(audience, str):
            raise UsageError(f'An audience is a tuple of groups: write audience=("{audience}",).')
        principal = asker if audience is None else Principal(groups=frozenset(audience), audience=True)
        return Asked(
            question,
            principal,
            asker,
            today or self.today(),
            thread,
            door.surface or self.surface,
            self.run,
            audience,
            door,
            watch=watch,
        )

    def _recorded(self, asked: Asked, work: Work, alone: Asked | None = None) -> Answer:
        """Do the work, turn what is broken into an outcome, and record it before it is handed out. What comes to nothing before an
        audience is tried for the asker alone, and is that answer where it comes to something."""
        timings: dict[str, float] = {}
        started = time.perf_counter()
        answer = self._outcome(asked, work, timings)
        if alone is not None and answer.status in ("denied", "declined"):
            more = self._outcome(alone, work, timings)
            if more.status in ("answered", "clarify"):
                asked, answer = alone, more
            answer = answer.model_copy(update={"text": answer.text.removesuffix(ALONE)})
        timings["total"] = round((time.perf_counter() - started) * 1000, 3)
        added: dict[str, Any] = {
            "id": asked.door.id or new_id(), "timings": timings, "thread": asked.thread, "audience": asked.audience,
        }  # fmt: skip
        if asked.touched.notes:
            added["assumptions"] = (*asked.touched.notes, *answer.assumptions)
        if asked.touched.usage:
            added["usage"] = asdict(asked.touched.usage)
        answer = answer.model_copy(update=added)
        self.journal.write(self._record(asked, answer))
        for tell in self.listeners:
            tell(answer, asked)
        return answer

    def _outcome(self, asked: Asked, work: Work, timings: dict[str, float]) -> Answer:
        try:
            return work(asked, timings)
        except DeniedError as error:
            return self.refusals.denied(error, asked)
        except GuardError as error:
            return Answer(status="declined", question=asked.question, text=str(error))
        except PlanError as error:
            return Answer(
                status="declined",
                question=asked.question,
                text=str(error),
                gaps=(gap_of(error),),
            )
        except AnswerableError as error:
            at_fault = isinstance(error, EngineError) and error.kind in ("query", "size")
            return Answer(status="declined" if at_fault else "error", question=asked.question, text=str(error))

    def _record(self, asked: Asked, answer: Answer) -> dict[str, Any]:
        data = answer.model_dump(mode="json")
        return {
            "id": answer.id, "at": self.clock().isoformat(), "surface": asked.surface, "run": asked.run, "principal": asked.asker.id,
            "groups": sorted(asked.asker.groups), "audience": asked.audience, "thread": asked.thread, "question": asked.question,
            "status": answer.status, "kind": answer.kind, "trust": answer.trust,
            "text": None if self.catalog.settings.privacy == "none" else answer.text,
            "gaps": data["gaps"], "grounding": data["grounding"], "plan": answer.plan, "sql": answer.sql,
            "policies": list(dict.fromkeys((*data["policies"], *asked.touched.decisions))), "models": [*asked.touched.models],
            "options": [{"reading": o["reading"], "plan": o["plan"]} for o in data["options"]] or None,
            "usage": answer.usage, "timings": answer.timings, "catalogue": self.catalog.version, "certificate": answer.certificate,
        }  # fmt: skip


__all__ = ["Asked", "Project"]
