"""An answer by its id: as it was recorded, with its rows computed again under the rights that its asker has now. Not a new question."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from answerable.agent.answer import Answer
from answerable.agent.plan import Gap, Span
from answerable.context.errors import UsageError
from answerable.context.policy import Principal

if TYPE_CHECKING:
    from answerable.agent.ask import Project

MOVED = "The rows were computed again, and are other rows than when it was asked."


def again(project: Project, id: str, asker: Principal) -> Answer | None:
    """The answer, where it is this asker's own; None for all else. Raises as running its plan does."""
    record = project.journal.get(id)
    if record is None or asker.id is None or record["principal"] != asker.id:
        return None
    audience = tuple(record["audience"]) if record["audience"] is not None else None
    if record["status"] != "answered" or record["kind"] != "data":
        return _told(record)
    text = (record["certificate"] or {}).get("question", "")
    try:
        found = project.rerun(record["plan"], text, asker, audience)
    except UsageError:
        return None
    said = (record["certificate"] or {}).get("result")
    moved = found.certificate is not None and found.certificate["result"] != said
    grounding = tuple(Span(**span) for span in record["grounding"])
    more: dict[str, Any] = {
        "id": id,
        "question": record["question"],
        "thread": record["thread"],
        "audience": audience,
        "grounding": grounding,
    }
    if found.status == "answered":
        more |= {"certificate": record["certificate"], "assumptions": (*((MOVED,) if moved else ()), *found.assumptions)}
    return found.model_copy(update=more)


def _told(record: dict[str, Any]) -> Answer:
    """An answer without rows, as it was."""
    gaps = tuple(replace(Gap(**{**gap, "nearest": tuple(gap["nearest"])})) for gap in record["gaps"])
    return Answer(
        status=record["status"], kind=record["kind"], question=record["question"], text=record["text"] or "", gaps=gaps,
        grounding=tuple(Span(**span) for span in record["grounding"]), options=tuple(record["options"] or ()), id=record["id"],
        thread=record["thread"], timings=record["timings"], usage=record["usage"],
    )  # fmt: skip
