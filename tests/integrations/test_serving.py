"""`answerable serve` as processes: killed, told to stop, and two behind one store."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from answerable.agent.journal import Journal
from language_model import linked
from postgres_server import Server

FINN = "finn@alder.example"


class Process:
    """A server, and somebody's key for it."""

    def __init__(self, folder: Path, state: Path) -> None:
        self.where = ["--project", str(folder), "--state", str(state)]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.key = self._run("keys", "create", "--user", FINN).strip()
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "answerable", "serve", "--port", str(self.port), *self.where], stderr=subprocess.PIPE, text=True
        )
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=1).close()
                return
            except OSError:
                assert self.popen.poll() is None, self.popen.stderr and self.popen.stderr.read()
                threading.Event().wait(0.05)

    def _run(self, *words: str) -> str:
        return subprocess.run([sys.executable, "-m", "answerable", *words, *self.where], capture_output=True, text=True, check=True).stdout

    def ask(self, question: str, key: str | None = None, **more: str) -> Any:
        body = json.dumps({"question": question, **more}).encode()
        headers = {"content-type": "application/json", "authorization": f"Bearer {key or self.key}"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/ask", body, headers)
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)


@contextmanager
def process(folder: Path, state: Path) -> Iterator[Process]:
    found = Process(folder, state)
    try:
        yield found
    finally:
        found.popen.kill()
        found.popen.communicate()


def given(server: Process, most: int, stop: threading.Event) -> list[str]:
    """The ids of answers that were given, of several clients at once, until the server is gone."""
    ids: list[str] = []

    def ask(n: int) -> None:
        for i in range(most):
            try:
                ids.append(server.ask(f"revenue of the last {n * most + i + 1} days")["id"])
            except (OSError, urllib.error.URLError, ValueError):
                return
            if len(ids) > most:
                stop.set()

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    stop.wait(60)
    server.popen.send_signal(signal.SIGKILL if most == KILLED else signal.SIGTERM)
    for thread in threads:
        thread.join()
    return ids


KILLED, STOPPED = 20, 15


def test_a_killed_server_has_recorded_each_answer_that_it_gave(demo: Path, tmp_path: Path) -> None:
    with process(demo, tmp_path) as server:
        ids = given(server, KILLED, threading.Event())
    journal = Journal(tmp_path / "journal.db")
    assert len(ids) > KILLED
    assert [id for id in ids if journal.get(id) is None] == []
    journal.close()


def test_a_server_that_is_told_to_stop_ends_what_runs(demo: Path, tmp_path: Path) -> None:
    with process(demo, tmp_path) as server:
        ids = given(server, STOPPED, threading.Event())
        assert server.popen.wait(30) in (0, -signal.SIGTERM)
        said = server.popen.stderr.read() if server.popen.stderr else ""
    journal = Journal(tmp_path / "journal.db")
    assert [id for id in ids if journal.get(id) is None] == []
    journal.close()
    assert "Traceback" not in said


def test_two_processes_are_one_door(demo: Path, tmp_path: Path, postgres: Server) -> None:
    postgres.execute("CREATE DATABASE doors")
    url = postgres.of("doors").replace("'", "''")
    with ExitStack() as stack:
        folders = [linked(demo, tmp_path / name, [f"journal: '{url}'"]) for name in "ab"]
        one, other = (stack.enter_context(process(folder, tmp_path / f"state {n}")) for n, folder in enumerate(folders))
        first = one.ask("revenue of gold customers last month", thread="t")
        second = other.ask("by region", key=one.key, thread="t")
        assert second["plan"]["by"] == ["customer.region"] and second["plan"]["where"] == first["plan"]["where"]
        both = re.findall(r"a_\w+", str([first["id"], second["id"]]))
        rows = postgres.execute("SELECT id FROM records ORDER BY seq", "doors")
        assert [row[0] for row in rows] == both
