"""The demo with a scripted language model behind it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from answerable.agent.answer import Answer
from answerable.agent.ask import Project
from answerable.evals import fake_model
from answerable.evals.fake_model import FakeModel, Script, Step
from answerable.integrations.app import Modelled, open_project

TODAY = dt.date(2026, 3, 31)
FEBRUARY = {"start": "2026-02-01", "end": "2026-03-01"}
Ask = Callable[..., Answer]


@contextmanager
def scripted(folder: Path, state: Path, script: Script, planner: Any = "auto", **settings: Any) -> Iterator[tuple[Ask, FakeModel, Project]]:
    """`ask` over a project whose model follows a script; `settings` are keys of `model:`, and `privacy`."""
    with fake_model.running(script) as server:
        privacy = settings.pop("privacy", None)
        lines = [f"model: {{name: scripted, base_url: '{server.url}', key: k, {', '.join(f'{k}: {v}' for k, v in settings.items())}}}"]
        lines += [f"privacy: {privacy}"] if privacy else []
        with project_with(folder, state, lines, planner) as project:

            def ask(question: str, user: str | None = "finn@alder.example", **more: Any) -> Answer:
                return project.ask(question, user=user, **{"today": TODAY, **more})

            yield ask, server, project


def linked(folder: Path, state: Path, lines: list[str]) -> Path:
    """A folder of links to a project's files, with more lines in its answerable.yml."""
    made = state / "project"
    made.mkdir(parents=True)
    for path in folder.iterdir():
        if path.name not in ("answerable.yml", ".answerable"):
            (made / path.name).symlink_to(path)
    said = [
        line for line in (folder / "answerable.yml").read_text().splitlines() if not line.startswith(("planner:", "privacy:", "model:"))
    ]
    (made / "answerable.yml").write_text("\n".join([*said, *lines]) + "\n")
    return made


@contextmanager
def project_with(folder: Path, state: Path, lines: list[str], planner: Any) -> Iterator[Project]:
    """The project with more lines in its answerable.yml, in a folder of links."""
    linked = state / "project"
    linked.mkdir(parents=True)
    for path in folder.iterdir():
        if path.name not in ("answerable.yml", ".answerable"):
            (linked / path.name).symlink_to(path)
    said = [
        line for line in (folder / "answerable.yml").read_text().splitlines() if not line.startswith(("planner:", "privacy:", "model:"))
    ]
    (linked / "answerable.yml").write_text("\n".join([*said, *lines]) + "\n")
    with open_project(linked, state / "state", run="test", modelled=Modelled(planner=planner)) as project:
        yield project


def plan(words: dict[str, str] | None = None, **keys: Any) -> Step:
    """The step that proposes a plan; `words` are its claims."""
    claims = [{"words": said, "item": item} for said, item in (words or {}).items()]
    return Step({"do": "plan", "plan": keys, "words": claims})


def gap(words: str, type: str = "unknown term", *nearest: str) -> Step:
    return Step({"do": "gap", "words": words, "type": type, "nearest": list(nearest)})
