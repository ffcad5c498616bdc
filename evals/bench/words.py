"""A question to its plan: on the demo, with 200 words, and on a generated project with 1,000 metrics and 1,000,000 values."""

from __future__ import annotations

import itertools
import json
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import answerable
import duckdb
from answerable.agent import embedded
from answerable.agent.lexicon import Lexicon, sayable
from answerable.agent.sight import Sight
from answerable.agent.spelling import is_english
from answerable.agent.when import Reader
from answerable.agent.words import lemma
from answerable.context import values
from answerable.context.policy import Principal
from answerable.evals.bench.demo import DEMO, EVERYTHING
from answerable.evals.bench.figures import Figure, median_ms, once_ms

ASKED = Path("evals/questions/alder.jsonl")
FOLDER = Path("build/words")
MODELS, METRICS, VALUES = 40, 1000, 1_000_000
COLUMNS = ("customer", "product", "site", "agent")
"""The columns with values of each model, with as many each."""
NOBODY = Principal()
LONG = (
    "for the quarterly report that goes to the board on friday i would like to know what our net revenue was in the last quarter by region "
    "and by month and please leave out the cancelled orders and the test customers but keep the gold customers in germany and in france "
    "and also show the number of orders and the average order value by product category for those who bought chairs or lamps or rugs "
    "between the first of january and the end of march and compare that with the same period last year so that we can see whether the "
    "campaign in february did anything for the stores in the north and for the online shop because the last time that we looked the "
    "numbers of finance and those of marketing did not agree and nobody could tell which of the two was right "
)


def words() -> dict[str, Figure]:
    return {**_on_the_demo(), **_large()}


# -- the demo ---------------------------------------------------------------------------------------------------------------------------


def _on_the_demo() -> dict[str, Figure]:
    with tempfile.TemporaryDirectory() as state, answerable.open(DEMO, state=Path(state)) as project:
        sight, reader = project.sights.of(EVERYTHING), Reader(project.today(), project.catalog.settings)
        asked = [json.loads(line)["question"] for line in ASKED.read_text().splitlines()]
        asked = [*(v.question for v in project.catalog.verified), *(q if isinstance(q, str) else q[-1] for q in asked)]
        times = _planned(asked, sight.lexicon, reader)
        long = [_long(asked, n) for n in range(30)]
        longest = _planned([" ".join(LONG.split()[:200]), *long], sight.lexicon, reader, 4)
    against = f"{len(asked)} questions, warm; worst {max(times):.0f} ms"
    said = f"median {statistics.median(longest):.1f} ms, worst {max(longest):.1f} ms"
    return {
        "question to plan, median": Figure(statistics.median(times), "ms", 5, "lower", against),
        "question to plan, p99": Figure(_p99(times), "ms", 50, "lower", against),
        "question to plan with 200 words, p99": Figure(_p99(longest), "ms", 50, "lower", said),
        "question to plan, 200 words / median": Figure(_p99(longest) / statistics.median(times), "×", None, "lower", "both above"),
    }


def _long(asked: Sequence[str], seed: int) -> str:
    """Questions on end, to 200 words."""
    drawn = random.Random(seed)
    return " ".join(itertools.islice((word for q in drawn.choices(asked, k=200) for word in q.split()), 200))


def _planned(asked: Sequence[str], lexicon: Lexicon, reader: Reader, times: int = 1) -> list[float]:
    """Milliseconds for each plan, after a round to warm up."""

    def one(question: str) -> float:
        return once_ms(lambda: embedded.plan(question, lexicon, reader))

    return [statistics.median(one(question) for _ in range(times)) for _ in range(2) for question in asked][len(asked) :]


def _p99(times: Sequence[float]) -> float:
    return sorted(times)[-1 - len(times) // 100]


# -- 1,000 metrics and 1,000,000 values -------------------------------------------------------------------------------------------------


def _large() -> dict[str, Figure]:
    folder = project()
    with tempfile.TemporaryDirectory() as name, answerable.open(folder, state=Path(name), run="eval") as opened:
        state, reader = Path(name), Reader(opened.today(), opened.catalog.settings)
        building = once_ms(lambda: opened.sights.of(NOBODY))
        size = sum(file.stat().st_size for file in (state / "values").iterdir())
        sight = opened.sights.of(NOBODY)
        asked = list(questions(sight, 200))
        first = _first(asked, sight.lexicon, reader)
        times = _planned(asked, sight.lexicon, reader, 3)
        fresh = json.loads(_fresh(folder, state, asked))
        found = sum(bool(embedded.plan(question, sight.lexicon, reader).readings) for question in asked)
    bare = _bare(folder)
    columns = sight.lexicon.values.columns
    built = f"{sum(len(column.values) for column in columns):,} values in {len(columns)} columns"
    said = f"{len(asked)} questions, {found} with a plan; median at first sight {statistics.median(first):.1f} ms"
    return {
        "words: question to plan, median": Figure(statistics.median(times), "ms", 15, "lower", said),
        "words: question to plan, p99": Figure(_p99(times), "ms", 50, "lower", f"worst {max(times):.0f} ms"),
        "words: build the index": Figure(building / 1000, "s", 60, "lower", built),
        "words: build the index / read the values": Figure(building / bare, "×", None, "lower", f"read alone: {bare / 1000:.1f} s"),
        "words: load the index": Figure(fresh["load"], "ms", 50, "lower", f"{size / 1e6:.0f} MB of files, mapped"),
        "words: memory after the questions": Figure(fresh["own"], "MB", 100, "lower", fresh["said"]),
    }


def _first(asked: Sequence[str], lexicon: Lexicon, reader: Reader) -> list[float]:
    """Milliseconds for each plan the first time that it is asked, when only another question has warmed up."""
    for question in ("what is our revnue by month", "how many orders"):
        embedded.plan(question, lexicon, reader)
    return [once_ms(lambda q=question: embedded.plan(q, lexicon, reader)) for question in asked]  # type: ignore[misc]


def _bare(folder: Path) -> float:
    """How long it takes to read the same values, without a gate and without keeping them."""
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:

        def read() -> None:
            for n in range(MODELS):
                for column in COLUMNS:
                    connection.execute(f"select distinct {column} from t_{n} order by 1").fetchall()

        return median_ms(read, 3)


def _fresh(folder: Path, state: Path, asked: Sequence[str]) -> str:
    """What a process finds that opens the project with its index built."""
    code = "import sys; from answerable.evals.bench.words import weighed; weighed(*sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), str(state)], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    return done.stdout


def weighed(folder: str, state: str) -> None:
    """Print the time to load an index and the memory that it takes, before and after the questions of standard input."""
    asked = json.loads(sys.stdin.read())
    assert (lemma("asked"), is_english("asked")) == ("ask", True)  # their dictionaries are the language's, and not the project's
    with answerable.open(folder, state=Path(state), run="eval") as opened:
        reader = Reader(opened.today(), opened.catalog.settings)
        before = _resident("RssAnon"), _resident("RssFile")
        load = once_ms(lambda: values.read(opened.catalog, NOBODY, opened.engine, Path(state), sayable))
        index = _resident("RssAnon") - before[0]
        sight = opened.sights.of(NOBODY)
        for question in asked:
            embedded.plan(question, sight.lexicon, reader)
        own, mapped = _resident("RssAnon") - before[0], _resident("RssFile") - before[1]
        said = f"loading {index:.1f} MB; of mapped files {mapped:.0f} MB, which can be let go; in all {_resident('VmRSS'):.0f} MB"
        print(json.dumps({"load": load, "own": own, "said": said}))


def _resident(what: str) -> float:
    """Megabytes of this process that are in memory: its own, those of files, or all. 0 where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith(what)), 0.0)


def questions(sight: Sight, count: int) -> Iterator[str]:
    """Questions of mixed shapes: with a value, two values, a misspelt one, a time, a ranking, several metrics, a word that is unknown."""
    drawn = random.Random(7)
    columns = {(column.model, column.dimension): column.values for column in sight.lexicon.values.columns}

    def value(model: int, column: str) -> str:
        texts = columns[f"m_{model}", column]
        return next(itertools.islice(texts, drawn.randrange(len(texts)), None))

    def slip(text: str) -> str:
        at = drawn.randrange(1, len(text) - 1)
        return drawn.choice([text[:at] + text[at + 1 :], text[:at] + text[at + 1] + text[at] + text[at + 2 :], text[:at] + "q" + text[at:]])

    for _ in range(count // len(SHAPES)):
        for shape in SHAPES:
            n = drawn.randrange(MODELS)
            metrics = [metric.label or "" for metric in sight.catalog.metrics.values() if metric.model == f"m_{n}"]
            yield shape.format(
                metric=drawn.choice(metrics).lower(), other=drawn.choice(metrics).lower(), customer=value(n, "customer"),
                second=value(n, "customer"), product=value(n, "product"), slip=slip(value(n, "customer")),
                far=slip(value(n, "product")), site=value(n, "site").lower(),
            )  # fmt: skip


SHAPES = (
    "{metric} last month",
    "{metric} for {customer} by month in 2025",
    "what was {metric} of {slip} last quarter",
    "{metric} and {other} by channel this year",
    "top 5 products by {metric} in 2025",
    "{metric} for {customer} and {second} last year",
    "show me {metric} of {far} at {site} by channel, please",
    "compare {metric} in january with february for {product}",
    "how did {metric} of wobblegrunt change since 2024",
    "{metric} by customer, without {customer}, where channel is web",
)


def project(folder: Path = FOLDER) -> Path:
    """A folder with the models and the warehouse, made once."""
    mark = folder / "made.txt"
    made = f"1 {MODELS} {METRICS} {VALUES}"
    if mark.is_file() and mark.read_text() == made:
        return folder
    (folder / "models").mkdir(parents=True, exist_ok=True)
    drawn, taken = random.Random(1), set[str]()
    (folder / "answerable.yml").write_text("name: Words\nwarehouse: duckdb:warehouse.duckdb\ntoday: 2026-03-31\n")
    for n in range(MODELS):
        (folder / "models" / f"m_{n}.yml").write_text(_model(n, drawn, taken))
    (folder / "warehouse.duckdb").unlink(missing_ok=True)
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute(_tables())
    mark.write_text(made)
    return folder


def _model(n: int, drawn: random.Random, taken: set[str]) -> str:
    names = [_name(drawn, taken) for _ in range(METRICS // MODELS)]
    metrics = [f"  {name.replace(' ', '_')}: {{label: {name.capitalize()}, expr: sum(amount), unit: EUR}}" for name in names]
    entity = _name(drawn, taken)
    return "\n".join(
        [
            f"model: m_{n}", f"table: main.t_{n}", "endorsed: true", f"entity: {entity}", "primary_key: id", "time: happened_on",
            "dimensions:", *(f"  {column}: {{synonyms: [{column} name]}}" for column in COLUMNS),
            "  channel: {values: {web: [online], shop: [store]}}", "  happened_on: {type: time, grain: day}",
            "metrics:", *metrics,
        ]
    ) + "\n"  # fmt: skip


SYLLABLES = [a + b for a in "b c d f g h k l m n p r s t v w z".split() for b in "a e i o u ar en il or un".split()]


def _name(drawn: random.Random, taken: set[str]) -> str:
    """Two words of syllables that no other name has."""
    while True:
        name = " ".join("".join(drawn.choices(SYLLABLES, k=3)) for _ in range(2))
        if name not in taken:
            taken.add(name)
            return name


def _tables() -> str:
    """Each column has values of its own: words of three to five syllables, one or two of them, told apart by the number in them."""
    each = VALUES // MODELS // len(COLUMNS)
    listed = ", ".join(f"'{syllable}'" for syllable in SYLLABLES)
    size = len(SYLLABLES)
    made = [f"create macro part(n, k) as ([{listed}])[1 + (n // {size} ** k)::bigint % {size}]"]
    for n in range(MODELS):
        columns = [
            # 7,919 and the modulus have no common factor: each number is another text
            f"{_text(f'(({(n * len(COLUMNS) + c) * each} + i) * 104729 + 7919) % {size**4}', two=c % 2 == 0)} as {column}"
            for c, column in enumerate(COLUMNS)
        ]
        made.append(
            f"create table t_{n} as select i as id, {', '.join(columns)}, ['web', 'shop'][1 + i % 2] as channel,"
            f" (i % 900) * 1.25 as amount, date '2024-01-01' + (i % 800)::int as happened_on from range({each}) r(i)"
        )
    return ";\n".join(made)


def _text(number: str, two: bool) -> str:
    said = f"part({number}, 0) || part({number}, 1) || {repr(' ') if two else repr('')} || part({number}, 2) || part({number}, 3)"
    return f"upper(left({said}, 1)) || substr({said}, 2)"
