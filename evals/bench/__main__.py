"""`python -m answerable.evals.bench [PART…]` measures the parts, prints a table and writes build/bench.json."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from answerable.evals.bench.figures import Figure
from answerable.evals.bench.parts import ASKED_FOR, PARTS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    default = [name for name in PARTS if name not in ASKED_FOR]
    parser.add_argument("parts", nargs="*", help=f"parts to measure: {', '.join(PARTS)} (default: {', '.join(default)})")
    parser.add_argument("--out", default="build/bench.json", type=Path)
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; the parts are {', '.join(PARTS)}")
    found: dict[str, Figure] = {}
    for part in options.parts or default:
        found |= PARTS[part]()
    kept = json.loads(options.out.read_text()) if options.out.is_file() and options.parts else {}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({**kept, **{name: figure.data() for name, figure in found.items()}}, indent=1))
    for name, figure in found.items():
        print(line(name, figure))


def line(name: str, figure: Figure) -> str:
    """A figure as the table shows it."""
    mark = "   " if figure.limit is None else "ok " if figure.holds else "NOT"
    limit = "" if figure.limit is None else f"limit {figure.limit:g}"
    return f"{mark} {name:<52} {figure.value:>9.3f} {figure.unit:<3} {limit:<11} ({figure.against})"


if __name__ == "__main__":
    main()
