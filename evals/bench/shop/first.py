"""`python -m answerable.evals.bench.shop.first FOLDER NUMBER`: the milliseconds of the first plan that a fresh process compiles."""

from __future__ import annotations

import sys
from pathlib import Path

from answerable.context import cache
from answerable.context.compiler import compile_query
from answerable.context.loader import settings_of
from answerable.evals.bench.figures import once_ms
from answerable.evals.bench.shop.eleven import KEPT, questions


def main(folder: Path, number: int) -> None:
    settings, text = settings_of(folder, str)
    assert settings
    catalog = cache.read(folder / KEPT, cache.key(folder, text), settings)
    assert catalog
    plan = questions(catalog)[number].plan
    print(once_ms(lambda: compile_query(plan, catalog)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
