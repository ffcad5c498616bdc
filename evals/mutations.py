"""Deletes, swaps, inserts and turns single words of answered questions: a changed question with the same answer must show the change.

`python -m answerable.evals.mutations` plays them all and prints each silent loss. Knows no right answers: only that words must matter.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import answerable
from answerable.agent import embedded, grammar
from answerable.agent.answer import Answer
from answerable.agent.ask import Project
from answerable.agent.draft import COMPARISONS
from answerable.agent.lexicon import Lexicon
from answerable.agent.plan import Plan, Reading, Span
from answerable.agent.thread import Turn
from answerable.agent.time_words import LEADS
from answerable.agent.when import Reader
from answerable.agent.words import Token, tokens
from answerable.context.importers.dbt import read_manifest
from answerable.context.importers.project import write_project
from answerable.context.model import CumulativeMetric
from answerable.context.query import as_query
from answerable.evals import asking

QUESTIONS = Path(__file__).with_name("questions")
METRICFLOW = Path("../shared/data/metricflow")
OPS = ("delete", "swap", "insert", "turn")
UNKNOWN = ("flurb", "premium", "recurring")
"""Words that are put in; those that a catalogue knows are left out. The first is also put in a word's place."""
TURNS = ("not", "never", "average", "cumulative", "fewest")
"""Words of grammar that are put before a word: they turn the question, or it's not answered."""
TIMES = ("in March 2024", "yesterday", "in 2023", "last week")
TURNING = frozenset({
    "by", "not", "nor", "no", "leave", "aside", "unknown", "only", "never", "once", "twice", "top", "bottom", "most", "least", "best",
    "worst", "versus", "compare", "than", "share", "as share", "in percent", "cumulative", "grow", "rose", "fell", "distinct", "average",
    "descending", "ascending", "between", "conversion", "rate", "times", "long", "or", *COMPARISONS,
})  # fmt: skip
"""Roles of grammar without which the answer would be another one."""
ALIKE = (
    {"versus", "compare", "than", "grow", "rose", "fell", "over", "in percent"},
    {"top", "most", "best", "descending"},
    {"bottom", "least", "worst", "ascending"},
)
"""Roles of which one in a question says what another says: "by what percent did it rise"."""
AGREED = {
    ("alder-230", "change"): "how did it change month by month: its course, by month, is what is asked for",
    ("alder-743", "changed"): "the same, from month to month",
    ("alder-766", "no"): "a correction: what corrects says the whole by itself",
    ("alder-770", "by"): "what is replaced needs no word of its own",
}
"""Words of a line that say nothing new, each with the reason."""
LENGTHS = ("seconds", "minutes", "hours", "days", "weeks", "months", "years")


@dataclass(frozen=True)
class Mutation:
    """A question with one word deleted, swapped or put in: `word` took the place of `gone`, at a character of the new question."""

    op: str
    question: str
    gone: str
    word: str
    at: int
    span: Span
    """The span of the whole question in which it happened."""
    known: bool = False
    """Whether the word put in is one of the catalogue."""


@dataclass(frozen=True)
class Loss:
    """A change of a question that left its answer as it was, or an unknown word that was passed over; and why it counts."""

    id: str
    question: str
    mutation: Mutation
    why: str


@dataclass(frozen=True)
class Asked:
    """An answered question with all that it takes to plan its mutations."""

    line: dict[str, Any]
    answer: Answer
    reading: Reading
    lexicon: Lexicon
    reader: Reader
    earlier: tuple[Turn, ...]


# -- mutations ------------------------------------------------------------------------------------------------------------------------


def mutations(asked: Asked) -> Iterator[Mutation]:
    """Every mutation of an answered question, always the same ones."""
    question, lexicon = asked.answer.question, asked.lexicon
    said = tokens(question)
    places = dict[int, Span]()
    for span in asked.answer.grounding:
        inside = [t for t in said if span.start <= t.start < span.end]
        whole = is_turning(span)
        content = [t for t in inside if whole or is_content(span, t)]
        if not content:
            continue
        spots = [(span.start, span.end)] if whole else [(t.start, t.end) for t in content if not t.hyphen]
        if not whole and len(content) > 1:
            spots.append((span.start, span.end))
        for start, end in dict.fromkeys(spots):
            yield edited("delete", question, start, end, "", span)
            yield edited("swap", question, start, end, UNKNOWN[0], span)
        for word in () if whole else cousins(span, lexicon, asked.answer.question):
            yield replace(edited("swap", question, span.start, span.end, word, span), known=True)
        for token in content:
            if not token.hyphen:
                places.setdefault(token.start, span)
            if not any(t.hyphen and t.start == token.end + 1 for t in said):
                places.setdefault(token.end, span)
    words = [word for word in UNKNOWN if not lexicon.knows(word)]
    ends = {t.end for t in said}
    for place, span in sorted(places.items()):
        for word in words if question[place : place + 1] != "'" else ():
            yield edited("insert", question, place, place, f" {word}" if place in ends else f"{word} ", span)
        for word in TURNS if place not in ends and not is_turning(span) else ():
            turn = Span(word, place, place + len(word), "grammar", grammar.PHRASES[(word,)])
            yield edited("turn", question, place, place, f"{word} ", turn)


def is_turning(span: Span) -> bool:
    return span.kind == "grammar" and _role(span) in TURNING


def is_content(span: Span, token: Token) -> bool:
    """Whether a word says what is asked: it's no grammar, no occasion, and no small word of a phrase of time."""
    small = token.word in grammar.FILLER or (span.kind == "time" and token.word in LEADS)
    return span.kind not in ("grammar", "frame") and token.kind != "sign" and not small


def edited(op: str, question: str, start: int, end: int, word: str, span: Span) -> Mutation:
    """A question with a piece of it replaced."""
    before, after = question[:start], question[end:]
    if not word:
        before, after = before.rstrip(), f" {after.lstrip()}" if after[:1] not in "?!,.;:" else after
    text = f"{before}{word}{after}"
    at = len(before) + len(word) - len(word.lstrip())
    return Mutation(op, text, question[start:end], word.strip(), at, span)


def cousins(span: Span, lexicon: Lexicon, seed: str) -> Iterator[str]:
    """Another word of the same kind, drawn by the question itself; of a value also another one of its own dimension."""
    if span.kind == "time":
        yield from [phrase for phrase in TIMES if phrase != span.text.lower()][:2]
        return
    if span.kind == "number" and span.text.isdigit():
        yield str(int(span.text) + 3)
        return
    targets = {*span.target.split(" | ")}
    others = sorted(
        " ".join(key)
        for key, senses in lexicon.senses.items()
        if senses and {s.kind for s in senses} == {span.kind} and not targets & {s.target for s in senses}
    )
    dimensions = {*map(_dimension, targets)} if span.kind == "value" else set()
    own = [o for o in others if dimensions & {_dimension(s.target) for s in lexicon.senses[(*o.split(),)]}]
    drawn = zlib.crc32(f"{seed}{span.start}".encode())
    yield from dict.fromkeys(choice[drawn % len(choice)] for choice in (others, own) if choice)


def _dimension(target: str) -> str:
    return target.partition(" = ")[0]


# -- judgement ------------------------------------------------------------------------------------------------------------------------


def lost(asked: Asked, mutation: Mutation, after: Reading) -> str:
    """Why an answered mutation is a silent loss; "" where it is none."""
    before = asked.reading
    same = (after.query.hash, after.check) == (before.query.hash, before.check)
    taken = next((span for span in after.spans if span.start <= mutation.at < span.end), None) if mutation.word else None
    if mutation.op == "turn":
        said = (
            not same or after.assumptions != before.assumptions or _said_twice(mutation, before.spans, after) or _implied(mutation, asked)
        )
        return "" if said else f"“{mutation.word}” changes nothing"
    if mutation.word and not mutation.known:
        shown = taken is not None and (taken.kind == "frame" or (not same and mutation.word in " ".join(after.assumptions)))
        return "" if shown else f"“{mutation.word}” is passed over as {f'{taken.kind} {taken.target}' if taken else 'nothing'}"
    if not same or after.assumptions != before.assumptions:
        return ""
    if mutation.word:
        return "" if taken and taken.target == mutation.span.target else f"“{mutation.word}” for “{mutation.gone}” changes nothing"
    retaken = Counter(_targets(after.spans)) - Counter(_targets(before.spans))
    said = bool(retaken) or _said_twice(mutation, before.spans, after) or _implied(mutation, asked)
    return "" if said or (asked.line["id"], mutation.gone.lower()) in AGREED else f"“{mutation.gone}” says nothing"


def _targets(spans: Iterable[Span]) -> list[tuple[str, str]]:
    return [(span.kind, span.target) for span in spans if span.kind not in ("grammar", "frame")]


def _said_twice(mutation: Mutation, spans: Sequence[Span], after: Reading) -> bool:
    """Whether another word of the question says what the deleted one said, or is a name of it by itself."""
    gone = mutation.span
    if gone.kind != "grammar":
        return any((span.kind, span.target) == (gone.kind, gone.target) for span in after.spans)
    others = {_role(span) for span in spans if span.kind == "grammar" and span != gone}
    if _role(gone) == "compare" and len(after.query.metrics) > 1:
        return "and" in others  # two metrics "side by side" are so anyway
    return any(_role(gone) in alike and alike & others for alike in ALIKE)


def _implied(mutation: Mutation, asked: Asked) -> bool:
    """Whether the rest of the question means what the deleted word said: "gold customers" are gold, and a basket size is an average."""
    gone, query, catalog = mutation.span, asked.reading.query, asked.lexicon.catalog
    metrics = [metric for name in query.metrics if (metric := catalog.metric(name))]
    leaves = [leaf for metric in metrics for leaf in catalog.leaves(metric)]
    match gone.kind if gone.kind != "grammar" else _role(gone):
        case "unit":
            return bool(metrics) and all(metric.unit == gone.target for metric in metrics)
        case "time":
            return gone.target == "…/…" and query.window is None  # balances and states are those of now
        case "date":
            times = {f"{leaf.model}.{leaf.time or catalog.models[leaf.model or ''].time}" for leaf in leaves}
            counted = {f"{name}.{model.time}" for name, model in catalog.models.items() if f"{name}.count" in query.metrics}
            return bool((times | counted) & {*gone.target.split(" | ")})  # the answer says by which date it is anyway
        case "only":
            return bool(query.where or query.window or query.limit)  # they let nothing else in
        case "average":
            return bool(metrics) and all(
                "average" in metric.words.lower() or "avg(" in getattr(metric, "expr", "").lower() for metric in metrics
            )
        case "cumulative":
            return bool(metrics) and all(isinstance(metric, CumulativeMetric) for metric in metrics)
        case "long":
            return bool(metrics) and all(metric.unit in LENGTHS for metric in metrics)
        case "times":
            return any(span.kind == "unit" for span in asked.reading.spans)  # "how often was it sold, in pieces"
        case "by":
            return _joins(gone, asked.reading.spans) or isinstance(query.limit, int)
        case "dimension" | "entity" | "join" | "metric":
            written = [*query.where, *query.by, *query.having, query.each or "", *(name for m in metrics for name in catalog.inputs(m))]
            written += [leaf.model or "" for leaf in leaves]
            names = {word for text in written for word in re.findall(r"\w+", text)}
            return any(target.rpartition(".")[2] in names for target in gone.target.split(" | "))
    return False


def _joins(by: Span, spans: Sequence[Span]) -> bool:
    """Whether a "by" stands before a measure or a value, as in "top 3 stores by revenue": then it splits nothing."""
    after = next((span for span in spans if span.start >= by.end and span.target != "filler"), None)
    return after is not None and after.kind in ("metric", "value")


def _role(span: Span) -> str:
    return span.target.partition(":")[0].removesuffix(" of")


# -- playing --------------------------------------------------------------------------------------------------------------------------


def answered(project: Project, lines: Iterable[dict[str, Any]]) -> Iterator[Asked]:
    """The lines that are answered with rows, each with what its mutations need."""
    for line in lines:
        user, today = line.get("as"), dt.date.fromisoformat(line["today"]) if line.get("today") else None
        thread, earlier = f"mutations-{line['id']}", list[Turn]()
        for question in line.get("history") or ():
            turn = project.ask(question, user=user, thread=thread, today=today)
            earlier.append(Turn(question, turn.plan, turn.status, project.catalog.version, turn.options))
        answer = project.ask(line["question"], user=user, thread=thread if earlier else None, today=today)
        if answer.status == "answered" and answer.kind == "data" and answer.plan and answer.grounding:
            lexicon = project.sights.of(project.principal(user)).lexicon
            reader = Reader(today or project.today(), project.catalog.settings)
            plan = embedded.plan(line["question"], lexicon, reader, tuple(earlier))
            reading = plan.readings[0] if len(plan.readings) == 1 else _as_reading(answer)
            yield Asked(line, answer, reading, lexicon, reader, tuple(earlier))


def losses(project: Project, lines: Iterable[dict[str, Any]], played: Counter[str] | None = None) -> list[Loss]:
    """The silent losses among the mutations of the lines that are answered; `played` counts the mutations."""
    played = Counter() if played is None else played
    found = []
    for asked in answered(project, lines):
        played["questions"] += 1
        for mutation in mutations(asked):
            played[mutation.op] += 1
            if why := _outcome(project, asked, mutation, played):
                found.append(Loss(asked.line["id"], asked.answer.question, mutation, why))
    return found


def _outcome(project: Project, asked: Asked, mutation: Mutation, played: Counter[str]) -> str:
    try:
        plan = embedded.plan(mutation.question, asked.lexicon, asked.reader, asked.earlier)
    except Exception as error:  # no question may break the planner, and one that does must not end the run
        return f"breaks: {type(error).__name__}: {error}"
    if plan.kind != "data" or plan.gaps:
        return ""
    reading = _taken(project, asked, mutation, plan)
    played["answered"] += reading is not None
    return lost(asked, mutation, reading) if reading else ""


def _taken(project: Project, asked: Asked, mutation: Mutation, plan: Plan) -> Reading | None:
    """The reading that is answered: of several, the first of them all where they agree on the number."""
    if len(plan.readings) == 1:
        return plan.readings[0]
    if asked.earlier:
        return None  # a thread is not played again: several readings are asked about
    answer = project.ask(mutation.question, user=asked.line.get("as"), today=asked.reader.today)
    return _as_reading(answer) if answer.status == "answered" else None


def _as_reading(answer: Answer) -> Reading:
    return Reading(as_query(answer.plan or {}), answer.grounding, assumptions=answer.assumptions)


def table(found: Sequence[Loss], played: Counter[str]) -> str:
    """The losses, and what was played."""
    lines = [f"{loss.id}  {loss.mutation.op:<6}  {loss.mutation.question}\n    {loss.why}   (of: {loss.question})" for loss in found]
    ops = ", ".join(f"{played[op]} {op}" for op in OPS)
    total = sum(played[op] for op in OPS)
    summary = f"{played['questions']} answered questions, {total} mutations ({ops}), {played['answered']} of them answered"
    return "\n".join([*lines, f"{summary}, {len(found)} silent losses"])


def play(work: Path) -> Iterator[tuple[list[Loss], Counter[str]]]:
    """The sets of questions that are there, with the losses and counts of each; the projects are built in `work`."""
    for name, folder in built(work):
        with answerable.open(folder, state=work / f"{name}-state", run="eval") as project:
            played = Counter[str]()
            yield losses(project, asking.read(QUESTIONS / f"{name}.jsonl"), played), played


def built(work: Path) -> Iterator[tuple[str, Path]]:
    """The projects that the sets of questions are about, each with its warehouse."""
    demo = Path(shutil.copytree("demo", work / "alder", ignore=shutil.ignore_patterns("*.duckdb*", ".answerable", "__pycache__")))
    subprocess.run([sys.executable, str(demo / "generate.py"), "--out", str(demo / "alder.duckdb")], check=True)
    yield "alder", demo
    if METRICFLOW.is_dir():
        yield "metricflow", imported(work)


def imported(work: Path) -> Path:
    """MetricFlow's project, imported into `work` with its tables."""
    warehouse = work / "metricflow.duckdb"
    subprocess.run([sys.executable, str(METRICFLOW / "load_tables.py"), str(warehouse)], check=True, capture_output=True)
    write_project(
        read_manifest(METRICFLOW / "manifests_json" / "simple_manifest.json"), work / "metricflow", "Listings", f"duckdb:{warehouse}"
    )
    return work / "metricflow"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for found, played in play(Path(folder)):
            print(table(found, played))


if __name__ == "__main__":
    main()
