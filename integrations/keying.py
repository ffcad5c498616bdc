"""`answerable keys`: API keys are made, listed and revoked. A key is printed alone, once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from answerable.context.errors import UsageError
from answerable.integrations.app import STATE, definitions
from answerable.integrations.command import told
from answerable.integrations.printing import printable, say, say_json

if TYPE_CHECKING:
    from answerable.integrations.doors import Doors


@click.group()
def keys() -> None:
    """Keys for the chat API: shown once, kept as hashes."""


where = click.option("--project", "folder", default=".", type=click.Path(path_type=Path), help="The project folder (default: this one).")
kept = click.option("--state", type=click.Path(path_type=Path), help="Where journal and caches live (default: PROJECT/.answerable).")


@keys.command()
@click.option("--user", required=True, help="Whose rights the key has: somebody in policies/users.yml, or a service of its own there.")
@click.option("--days", type=click.IntRange(1, 3650), default=90, show_default=True, help="How long it holds.")
@click.option("--delegates", is_flag=True, help="It may say for whom it asks: for a chat screen that many people use.")
@where
@kept
@told
def create(user: str, days: int, delegates: bool, folder: Path, state: Path | None) -> None:
    """Make a key and print it, alone, on standard output."""
    with opened(folder, state) as (doors, known):
        if user not in known:
            raise UsageError(f"There is no user {user} in policies/users.yml: a key asks with somebody's rights.")
        say(doors.create_key(user, _now(), days, delegates))


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="One key a line, as JSON.")
@where
@kept
@told
def list_(as_json: bool, folder: Path, state: Path | None) -> None:
    """Each key by its id, with whose it is and until when it holds."""
    with opened(folder, state) as (doors, _):
        for key in doors.all_keys():
            if as_json:
                say_json(asdict(key))
                continue
            ends = "revoked" if key.revoked else f"until {key.expires[:10]}" if key.expires else "for good"
            used = f"used {key.used}" if key.used else "never used"
            say(f"{key.id}  {printable(key.user)}  {ends}  {used}" + ("  delegates" if key.delegates else ""))


@keys.command()
@click.argument("id")
@where
@kept
@told
def revoke(id: str, folder: Path, state: Path | None) -> None:
    """Make a key hold no more."""
    with opened(folder, state) as (doors, _):
        if not doors.revoke_key(id, _now()):
            raise UsageError(f"There is no key {id}. `answerable keys list` shows those that there are.")
        say(f"{id} is revoked.")


@contextmanager
def opened(folder: Path, state: Path | None) -> Iterator[tuple[Doors, frozenset[str]]]:
    """The doors' store of a project, and the users that the project knows."""
    from answerable.integrations.doors import Doors

    catalog = definitions(folder, state or folder / STATE)
    doors = Doors(catalog.settings.journal or (state or folder / STATE) / "doors.db")
    try:
        yield doors, frozenset(catalog.users)
    finally:
        doors.close()


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
