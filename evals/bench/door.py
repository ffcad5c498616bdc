"""The chat API beside a bare FastAPI route that runs the same SQL, both served by processes of their own, asked in one run."""

from __future__ import annotations

import http.client
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import answerable
from answerable.evals.bench.demo import DEMO
from answerable.evals.bench.figures import Figure

CLIENTS, ROUNDS = 8, 3
FINN = "finn@alder.example"
SPLITS = ("", " by region", " by channel", " by tier", " by month", " by region and channel")
MEASURES = ("revenue", "orders", "net revenue", "units sold", "average order value")
EACH = len(MEASURES) * len(SPLITS) * 2


def questions(round: int) -> list[str]:
    """Questions that were not asked in another round: no plan of them is known."""
    windows = [100 + 2 * round, 101 + 2 * round]
    return [f"{measure}{split} in the last {days} days" for measure in MEASURES for split in SPLITS for days in windows]


def door() -> dict[str, Figure]:
    with tempfile.TemporaryDirectory() as state, answerable.open(DEMO, state=Path(state) / "plain", run="bench") as project:
        sqls = [[str(project.ask(question, user=FINN).sql) for question in questions(n)] for n in range(ROUNDS + 1)]
        with _served(Path(state)) as (port, key), _bare(project) as bare_port:
            found: dict[str, list[tuple[float, float, float]]] = {"bare": [], "asked": [], "same": [], "bare same": []}
            for n in range(ROUNDS):
                bare = [("/sql", {"sql": sql}) for sql in sqls[n]]
                asked = [("/v1/ask", {"question": question}) for question in questions(n)]
                found["bare"].append(_load(bare_port, bare, ""))
                found["asked"].append(_load(port, asked, key))
                found["bare same"].append(_load(bare_port, bare[:1] * EACH, ""))
                found["same"].append(_load(port, asked[:1] * EACH, key))
            last = [("/v1/ask", {"question": question}) for question in questions(ROUNDS)]
            alone = statistics.median(_one(port, each, key) for each in last)
            alone -= statistics.median(_one(bare_port, ("/sql", {"sql": sql}), "") for sql in sqls[ROUNDS])
            first = statistics.median(_first_byte(port, question, key) for question in questions(ROUNDS + 1)[:20])
    return _figures(found, alone, first)


def _figures(found: dict[str, list[tuple[float, float, float]]], alone: float, first: float) -> dict[str, Figure]:
    def middle(name: str, n: int) -> float:
        return statistics.median(each[n] for each in found[name])

    rate, bare_rate = middle("asked", 0), middle("bare", 0)
    said = f"{rate:.0f} of {bare_rate:.0f} a second, p95 {middle('asked', 2):.0f} ms of {middle('bare', 2):.0f}"
    same = f"{middle('same', 0):.0f} of {middle('bare same', 0):.0f} a second"
    return {
        "door: distinct questions a second": Figure(rate / bare_rate, "x", 1 / 6, "higher", f"a bare route with the same SQL: {said}"),
        "door: the same question a second": Figure(middle("same", 0) / middle("bare same", 0), "x", 0.5, "higher", f"a bare route: {same}"),
        "door: a question over the bare query, median": Figure(alone * 1000, "ms", 30, "lower", "one client"),
        "door: first byte of a stream, median": Figure(first * 1000, "ms", 50, "lower", "one client"),
    }


# -- servers ----------------------------------------------------------------------------------------------------------------------------


@contextmanager
def _served(state: Path) -> Iterator[tuple[int, str]]:
    port = _free()
    where = ["--project", str(DEMO), "--state", str(state / "served")]
    command = [sys.executable, "-m", "answerable"]
    key = subprocess.run([*command, "keys", "create", "--user", FINN, *where], capture_output=True, text=True, check=True).stdout.strip()
    with _running([*command, "serve", "--port", str(port), *where], port):
        yield port, key


@contextmanager
def _bare(project: Any) -> Iterator[int]:
    port = _free()
    with _running([sys.executable, "-m", "answerable.evals.bench.bare", str(project.engine.file), str(port)], port):
        yield port


@contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    with subprocess.Popen(command) as process:
        try:
            while not _is_open(port):
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# -- clients ----------------------------------------------------------------------------------------------------------------------------

Asked = tuple[str, dict[str, Any]]


def _load(port: int, requests: list[Asked], key: str) -> tuple[float, float, float]:
    """Requests a second of several clients at once; the median and the 95th percentile of one, in milliseconds."""
    times: list[float] = []
    left = iter(requests)
    lock = threading.Lock()

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        while True:
            with lock:
                request = next(left, None)
            if request is None:
                return
            times.append(_timed(partial(_sent, connection, request, key)))

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = time.perf_counter() - started
    times.sort()
    return len(times) / whole, times[len(times) // 2] * 1000, times[int(len(times) * 0.95)] * 1000


def _one(port: int, request: Asked, key: str) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    return _timed(lambda: _sent(connection, request, key))


def _sent(connection: http.client.HTTPConnection, request: Asked, key: str, **more: str) -> None:
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}", **more}
    connection.request("POST", request[0], json.dumps(request[1]), headers)
    reply = connection.getresponse()
    assert reply.status == 200, reply.read()
    reply.read()


def _first_byte(port: int, question: str, key: str) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}", "accept": "text/event-stream"}

    def first() -> None:
        connection.request("POST", "/v1/ask", json.dumps({"question": question}), headers)
        connection.getresponse().read(1)

    return _timed(first)


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
