"""`python -m answerable.evals.bench [PART…]` measures the parts, prints a table and writes build/bench.json."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from answerable.evals.bench import figures
from answerable.evals.bench.figures import Figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"parts to measure: {', '.join(figures.PARTS)} (default: all)")
    parser.add_argument("--out", default="build/bench.json", type=Path)
    options = parser.parse_args()
    if unknown := set(options.parts) - set(figures.PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; the parts are {', '.join(figures.PARTS)}")
    found: dict[str, Figure] = {}
    for part in options.parts or figures.PARTS:
        found |= figures.PARTS[part]()
    kept = json.loads(options.out.read_text()) if options.out.is_file() and options.parts else {}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({**kept, **{name: figure.data() for name, figure in found.items()}}, indent=1))
    for name, figure in found.items():
        mark = "ok " if figure.holds else "NOT"
        print(f"{mark} {name:<44} {figure.value:>9.3f} {figure.unit:<3} limit {figure.limit:<4g} ({figure.against})")


if __name__ == "__main__":
    main()
