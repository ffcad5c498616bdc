"""Answers beside what a right system must do: right, wrong, asked or declined, rightly or not. Plans are run for their rows."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from answerable.agent.answer import Answer
from answerable.agent.ask import Project

VERDICTS = ("right", "wrong", "asked rightly", "asked needlessly", "declined rightly", "declined though answerable", "denied", "error")
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Scored:
    """One line with its verdict; `named` says whether a gap that had to be named was."""

    line: dict[str, Any]
    answer: Answer
    verdict: str
    named: bool = True

    @property
    def good(self) -> bool:
        return self.verdict in ("right", "asked rightly", "declined rightly", "denied")


def score(project: Project, line: dict[str, Any], answer: Answer) -> Scored:
    """The verdict on one answer. A line is not to be answered where `answered` is not among its statuses."""
    expect = line.get("expect") or {}
    status = expect.get("status") or ["answered"]
    allowed = [status] if isinstance(status, str) else status
    match answer.status:
        case "answered":
            right = "answered" in allowed and _fits(project, line, answer)
            return Scored(line, answer, "right" if right else "wrong")
        case "clarify":
            return Scored(line, answer, "asked rightly" if "clarify" in allowed else "asked needlessly")
        case "declined":
            rightly = "declined" in allowed
            return Scored(
                line, answer, "declined rightly" if rightly else "declined though answerable", not rightly or _named(line, answer)
            )
        case "denied":
            return Scored(line, answer, "denied" if "denied" in allowed else "declined though answerable")
    return Scored(line, answer, "error")


def _named(line: dict[str, Any], answer: Answer) -> bool:
    """Whether one of the spans that lack a definition is among the gaps."""
    wanted = (line.get("expect") or {}).get("gap") or ()
    wanted = [wanted] if isinstance(wanted, str) else wanted
    said = [gap.text.lower() for gap in answer.gaps]
    return not wanted or any(w.lower() in text or (text and text in w.lower()) for w in wanted for text in said)


def _fits(project: Project, line: dict[str, Any], answer: Answer) -> bool:
    expect = line["expect"]
    if expect.get("kind"):
        return bool(answer.kind == expect["kind"])
    plans = [plan for plan in (expect.get("plan"), *(expect.get("alternatives") or ())) if plan]
    if not plans:
        return True
    today = dt.date.fromisoformat(line["today"]) if line.get("today") else None
    wanted = (project.query(plan, user=line.get("as"), today=today) for plan in plans)
    return any(same(rows.rows, answer.rows, expect.get("match", "exact")) for rows in wanted if rows.status == "answered")


def same(wanted: Sequence[Row], given: Sequence[Row], match: str = "exact") -> bool:
    """Whether two results are one: `exact` (columns in any order), `prefix`, `contains`, `cells` (all numbers) or `value`."""
    if match in ("cells", "value"):
        numbers = _numbers(given)
        return all(any(_alike(number, other) for other in numbers) for number in _numbers(wanted))
    rows, others = [_key(row) for row in wanted], [_key(row) for row in given]
    if match == "prefix":
        return others[: len(rows)] == rows or rows[: len(others)] == others != []
    if match == "contains":
        return all(any(not Counter(row) - Counter(other) for other in others) for row in rows)
    return Counter(rows) == Counter(others)


def _key(row: Row) -> tuple[str, ...]:
    return tuple(sorted(_cell(cell) for cell in row))


def _cell(cell: Any) -> str:
    return f"{cell:.6g}" if isinstance(cell, (int, float)) and not isinstance(cell, bool) else str(cell)


def _numbers(rows: Sequence[Row]) -> list[float]:
    return [float(cell) for row in rows for cell in row if isinstance(cell, (int, float)) and not isinstance(cell, bool)]


def _alike(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-6 * max(1.0, abs(one))


def table(scored: Iterable[Scored]) -> str:
    """Verdicts by kind, a line each, and of all."""
    found = list(scored)
    kinds = sorted({s.line.get("kind", "") for s in found})
    heads = ("right", "wrong", "asked", "asked!", "declined", "declined!", "denied", "error")
    lines = [f"{'':<20}{'n':>6}" + "".join(f"{head:>11}" for head in heads)]
    for kind in [*kinds, "all"]:
        of = [s for s in found if kind in ("all", s.line.get("kind", ""))]
        counts = Counter(s.verdict for s in of)
        lines.append(f"{kind:<20}{len(of):>6}" + "".join(f"{counts[v] or '·':>11}" for v in VERDICTS))
    missed = sum(not s.named for s in found)
    declined = sum(s.verdict == "declined rightly" for s in found)
    lines.append(f"gap named in {declined - missed} of {declined} declined rightly")
    return "\n".join(lines)


def spent(answers: Sequence[Answer]) -> str:
    """What a language model used for some answers, and how long each took; empty where none was asked."""
    used = [answer.usage for answer in answers if answer.usage]
    if not used:
        return ""
    read, written, requests = (sum(usage[key] for usage in used) for key in ("read", "written", "requests"))
    times = sorted(answer.timings["plan"] for answer in answers if answer.usage)
    return (
        f"language model: {len(used)} of {len(answers)} questions, {requests} requests, {read:,} tokens read, {written:,} written, "
        f"cost {sum(usage['cost'] for usage in used):.4f}, planned in {times[len(times) // 2]:.0f} ms median, {times[-1]:.0f} ms at most"
    )
