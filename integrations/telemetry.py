"""What an operator sees of answers: counters and times for Prometheus, spans for OpenTelemetry. Reads the answer, and no words of it."""

from __future__ import annotations

import time

from answerable.agent.answer import Answer
from answerable.agent.asked import Asked
from opentelemetry import trace
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

TIMES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class Telemetry:
    """The figures of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.answers = Counter("answerable_answers", "Answers by outcome.", ("surface", "status", "trust"), registry=self.registry)
        self.seconds = Histogram("answerable_seconds", "Seconds of a step.", ("step",), buckets=TIMES, registry=self.registry)
        self.tokens = Counter("answerable_model_tokens", "Tokens of a language model.", ("model", "kind"), registry=self.registry)
        self.refused = Counter("answerable_refused_requests", "Requests without an answer.", ("status",), registry=self.registry)
        self.tracer = trace.get_tracer("answerable")

    def told(self, answer: Answer, asked: Asked) -> None:
        """Count an answer, and lay its steps out as spans that have already ended."""
        self.answers.labels(asked.surface, answer.status, answer.trust or "").inc()
        for step, milliseconds in answer.timings.items():
            self.seconds.labels(step).observe(milliseconds / 1000)
        if answer.usage:
            self.tokens.labels(answer.usage["model"], "read").inc(answer.usage["read"])
            self.tokens.labels(answer.usage["model"], "written").inc(answer.usage["written"])
        self._traced(answer, asked)

    def _traced(self, answer: Answer, asked: Asked) -> None:
        end = time.time_ns()
        start = end - int(answer.timings.get("total", 0) * 1e6)
        said = {
            "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "answerable", "gen_ai.response.id": answer.id,
            "answerable.surface": asked.surface, "answerable.status": answer.status, "answerable.trust": answer.trust or "",
        }  # fmt: skip
        if asked.thread:
            said["gen_ai.conversation.id"] = asked.thread
        span = self.tracer.start_span("invoke_agent answerable", start_time=start, attributes=said)
        within = trace.set_span_in_context(span)
        if answer.usage:
            used = {
                "gen_ai.operation.name": "chat", "gen_ai.request.model": answer.usage["model"],
                "gen_ai.usage.input_tokens": answer.usage["read"], "gen_ai.usage.output_tokens": answer.usage["written"],
            }  # fmt: skip
            planned = int(answer.timings.get("plan", 0) * 1e6)
            self.tracer.start_span("chat", within, start_time=start, attributes=used).end(start + planned)
        if ran := answer.timings.get("run"):
            query = {"db.operation.name": "SELECT", "db.query.summary": "SELECT " + " ".join(c["name"] for c in answer.columns[:5])}
            self.tracer.start_span("SELECT", within, start_time=end - int(ran * 1e6), attributes=query).end(end)
        span.end(end)

    def page(self) -> bytes:
        """The figures as Prometheus reads them."""
        return generate_latest(self.registry)
