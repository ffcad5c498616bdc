"""Finding the right context in large catalogues: how often, how fast, and how long the index takes to build."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from answerable.context.catalog import Catalog, visible
from answerable.context.documents import documents_of
from answerable.context.model import Dimension, Model, SimpleMetric
from answerable.context.policy import Principal
from answerable.context.search import Index, Search
from answerable.context.settings import IndexSettings, ProjectSettings
from answerable.context.stems import STOP
from answerable.evals import retrieval
from answerable.evals.bench.figures import Figure, once_ms

FOLDER = Path("build/index")
OUTSIDE = Path("../shared/data/retrieval")
MANY = 10_000
SUBJECTS = """order invoice refund shipment subscription ticket visit campaign employee supplier product contract claim booking payment
lead session delivery course patient loan account vehicle meter""".split()
MEASURES = {
    "amt": ("total amount of {}", "how much money did {} bring in", "worth in euros"),
    "cnt": ("number of {}", "how many {} were there", "volume"),
    "avg_dur": ("average duration of {}", "how long do {} take", "mean length of time"),
    "cancel_rate": ("share of {} that were cancelled", "what part of {} was called off", "cancelled over all"),
    "overdue_cnt": ("{} past their due date", "how many {} are late", "overdue"),
    "cost_per": ("cost of one {}", "what does each of the {} cost us", "unit cost"),
    "growth_pct": ("growth of {} over the year before", "how fast do {} grow", "increase in percent"),
}  # fmt: skip
"""For each measure, its description, a question about it, and a synonym."""
PARTS = {
    "": "", "online": "placed online", "store": "from a store", "new_cust": "of first-time customers", "intl": "from abroad",
    "b2b": "of business customers", "mobile": "made on a phone",
}  # fmt: skip


def index() -> dict[str, Figure]:
    return {**_outside(), **_metrics(), **_speed()}


# -- how often ------------------------------------------------------------------------------------------------------------------------


def _outside() -> dict[str, Figure]:
    """Tables found beside SQLite's full-text search on the same tables; none where the set is not there."""
    if not OUTSIDE.is_dir():
        return {}
    found = retrieval.means(list(retrieval.play(OUTSIDE)))
    plain = _full_text(retrieval.read(OUTSIDE, "catalogue"), retrieval.read(OUTSIDE, "questions"))
    said = {key: Figure(found[key], "%", limit, "higher", f"SQLite FTS5 {plain[key]:.1f} %") for key, limit in LIMITS.items()}
    return {f"index: right {key.replace('@', ' in ')}": figure for key, figure in said.items()}


LIMITS = {"tables@5": 94.0, "tables@10": 98.0}


def _full_text(tables: Sequence[Mapping[str, Any]], questions: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The same by SQLite's bm25 over names, columns and descriptions, weighed 3, 2 and 1, of the words that are no stop words."""
    base = sqlite3.connect(":memory:")
    base.execute("create virtual table t using fts5(id unindexed, name, columns, said, tokenize = 'porter')")
    for row in tables:
        columns = " ".join(f"{c['name']} {c['title']}" for c in row["columns"])
        said = " ".join(c["desc"] or "" for c in row["columns"])
        base.execute("insert into t values (?, ?, ?, ?)", (row["id"], f"{row['table']} {row['title']}".replace("_", " "), columns, said))
    parts: list[tuple[float, ...]] = []
    for question in questions:
        words = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", question["question"]) if word.lower() not in STOP)
        ids = [id for (id,) in base.execute("select id from t where t match ? order by bm25(t, 0, 3, 2, 1) limit 20", (words,))]
        parts.append(retrieval.recalls(ids, question["gold_tables"], retrieval.TABLES))
    base.close()
    return {f"tables@{n}": 100 * sum(each[place] for each in parts) / len(parts) for place, n in enumerate(retrieval.TABLES)}


def _metrics() -> dict[str, Figure]:
    """Metrics that differ by one word each, asked for in other words; alone, and among as many unendorsed ones as make 85 %."""
    catalog = _company()
    asked = _questions(catalog)
    found, of = _hits(Search(visible(catalog, Principal())), asked), len(catalog.metrics)
    crowded = Search(visible(_with_drafts(catalog), Principal()))
    drafts = _hits(crowded, asked)
    said = f"{of:,} metrics, {len(asked)} questions"
    return {
        "index: right metric in 10": Figure(found, "%", 95, "higher", said),
        "index: lost among 85 % unendorsed": Figure(found - drafts, "pt", 1, "lower", f"{drafts:.1f} % found of {said}"),
    }


def _hits(search: Search, asked: Sequence[tuple[str, str]]) -> float:
    found = sum(name in {hit.document.name for hit in search.find(text, 10, frozenset({"metric"})).hits} for text, name in asked)
    return 100 * found / len(asked)


def _company() -> Catalog:
    """A model for each subject, with a metric for each measure of each part of it."""
    models, metrics = dict[str, Model](), dict[str, SimpleMetric]()
    for subject in SUBJECTS:
        kept = {name: Dimension(name=name, description=f"{name} of the {subject}") for name in ("status", "region_cd", "created_dt")}
        models[f"{subject}s"] = Model(name=f"{subject}s", table=f"main.{subject}s", endorsed=True, dimensions=kept)
        for measure, (description, _, synonym) in MEASURES.items():
            for part, of in PARTS.items():
                name = "_".join(filter(None, (subject, measure, part)))
                told = f"{description.format(subject + 's')} {of}".strip()
                metrics[name] = SimpleMetric(
                    name=name, model=f"{subject}s", expr="count(*)", description=told[0].upper() + told[1:] + ".",
                    synonyms=(f"{subject} {synonym} {of}".strip(),) if len(name) % 3 == 0 else (),
                )  # fmt: skip
    return Catalog(ProjectSettings(name="Bench", warehouse="duckdb:none.duckdb"), models, metrics, version="bench")  # type: ignore[arg-type]


def _questions(catalog: Catalog, count: int = 300) -> list[tuple[str, str]]:
    """Questions in other words than the definitions', each with the metric that it asks for."""
    made = []
    for subject in SUBJECTS:
        for measure, (_, question, _) in MEASURES.items():
            for part, of in PARTS.items():
                text = " ".join(filter(None, (question.format(f"{subject}s"), of, "by region last quarter?")))
                made.append((text, "_".join(filter(None, (subject, measure, part)))))
    assert {name for _, name in made} == set(catalog.metrics)
    return random.Random(7).sample(made, count)


def _with_drafts(catalog: Catalog) -> Catalog:
    """The same catalogue among unendorsed copies of it, nearly six for each endorsed thing."""
    models, metrics = dict(catalog.models), dict(catalog.metrics)
    for n in range(6):
        for name, model in catalog.models.items():
            models[f"{name}_{n}"] = model.model_copy(update={"name": f"{name}_{n}", "endorsed": False})
        for name, metric in catalog.metrics.items():
            metrics[f"{name}_{n}"] = metric.model_copy(update={"name": f"{name}_{n}", "model": f"{metric.model}_{n}"})
    return replace(catalog, models=models, metrics=metrics, version="drafts")


# -- how fast -------------------------------------------------------------------------------------------------------------------------


def _speed() -> dict[str, Figure]:
    catalog = _large()
    search = Search(catalog)
    texts = [text for text, _ in _questions(_company(), 200)]
    words = _p95(search, texts)
    said = f"{len(search.documents):,} documents, median {sorted(words)[len(words) // 2]:.1f} ms"
    figures = {"index: words, p95": Figure(_95(words), "ms", 10, "lower", said)}
    try:
        return {**figures, **_chroma(catalog, texts)}
    except ImportError:
        return figures  # answerable[index] is not installed


def _chroma(catalog: Catalog, texts: Sequence[str]) -> dict[str, Figure]:
    from answerable.context.embedders import LexicalEmbedder
    from answerable.context.vectors import Store

    shutil.rmtree(FOLDER, ignore_errors=True)
    store = Store(FOLDER, LexicalEmbedder(), IndexSettings(exact_up_to=0), "bench")
    built = once_ms(lambda: store.build(documents_of(catalog), "bench")) / 1000
    unchanged = once_ms(lambda: store.build(documents_of(catalog), "bench")) / 1000
    reader, exact = store.open("bench"), store.open("bench")
    assert reader and exact
    exact.exact = True
    through = _p95(Search(catalog, reader), texts)
    memory = _p95(Search(catalog, exact), texts)
    assert not reader.exact, "Chroma failed"
    beside = f"one by one {_95(memory):.1f} ms; the same nearest ten: {_agreed(reader, exact, catalog, texts):.0f} %"
    reader.close()
    return {
        "index: words and Chroma, p95": Figure(_95(through), "ms", 50, "lower", beside),
        "index: build": Figure(built, "s", 20, "lower", f"{len(reader.rows.ids):,} documents in Chroma, vectors included"),
        "index: build, unchanged": Figure(unchanged, "s", 1, "lower", "documents made anew, none embedded"),
    }


def _agreed(one: Index, other: Index, catalog: Catalog, texts: Sequence[str]) -> float:
    """How many of the exact nearest ten Chroma has, in percent."""
    among = {d.id: d.hash for d in documents_of(catalog)}
    pairs = [(set(one.near(text, 10, among)), set(other.near(text, 10, among))) for text in texts[:50]]
    return 100 * sum(len(a & b) for a, b in pairs) / sum(len(b) for _, b in pairs)


def _p95(search: Search, texts: Sequence[str]) -> list[float]:
    """The milliseconds of each search, after some to warm up; each is searched for once only."""
    for text in texts[:10]:
        search.find(text)
    return [once_ms(lambda text=text: search.find(text)) for text in texts[10:]]  # type: ignore[misc]


def _95(times: Sequence[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]


def _large() -> Catalog:
    """Ten thousand documents: the company, and models of other departments with dimensions in words of their own and shared ones."""
    catalog = _company()
    models = dict(catalog.models)
    left = MANY - len(documents_of(catalog))
    names = _names()
    while left > 0:
        name = f"{next(names)}_{len(models)}"
        count = min(30, left - 1)
        dimensions = {d.name: d for d in (Dimension(name=next(names), description=f"{next(names)} of {name}") for _ in range(count))}
        models[name] = Model(name=name, table=f"dept_{len(models) % 40}.{name}", endorsed=True, dimensions=dimensions)
        left -= len(dimensions) + 1
    return replace(catalog, models=models, version="large")


def _names() -> Iterator[str]:
    chance = random.Random(3)
    ends = "status code date amount name region type total count owner grade rate level flag note source".split()
    while True:
        yield f"{chance.choice(SUBJECTS)}_{''.join(chance.choices('bcdfgklmnprst', k=2))}{chance.choice('aeiou')}n_{chance.choice(ends)}"
