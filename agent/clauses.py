"""The clause of a question that is read by itself, where what stands before it is not: offered, never taken for the whole."""

from __future__ import annotations

import re
from collections.abc import Callable

from answerable.agent.plan import MISSING, NOT_SUPPORTED, Plan, Reading

_CLAUSE = re.compile(r"[:;?!]\s|[.]\s+|\n|,\s|\s[–—-]\s")


def last_clause(question: str, plan: Plan, read: Callable[[str], Plan]) -> Reading | None:
    """The one reading of a question's last clause, where all that is not understood stands before it.

    Nothing that is known may stand before it: half of a question is not the question.
    """
    cuts = list(_CLAUSE.finditer(question.rstrip(" ?!.")))
    if not cuts or not _lead_in(plan, cuts[-1]):
        return None
    found = read(question[cuts[-1].end() :])
    return found.readings[0] if found.kind == "data" and not found.gaps and len(found.readings) == 1 else None


def _lead_in(plan: Plan, cut: re.Match[str]) -> bool:
    if plan.kind != "data":
        return plan.kind == "order" and cut[0][0] in ":;"
    unknown = [gap for gap in plan.gaps if gap.type in MISSING or (gap.type == NOT_SUPPORTED and gap.end)]
    if not unknown or len(unknown) < len(plan.gaps) or any(gap.end > cut.start() for gap in unknown):
        return False
    known = [span for span in plan.spans if span.kind not in ("grammar", "gap", "number") and span.start < cut.start()]
    return not known  # half of a question is not the question
