"""A Chroma server on loopback, for tests."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def running(folder: Path) -> Iterator[str]:
    """The URL of a `chroma run` whose data lies in `folder`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("chroma")
    command = [str(program), "run", "--path", str(folder / "server"), "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "server.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log, cwd=folder) as server:
        try:
            url = f"http://127.0.0.1:{port}"
            _until_it_answers(f"{url}/api/v2/heartbeat", server)
            yield url
        finally:
            server.terminate()


def _until_it_answers(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as reply:
            if reply.status == 200:
                return
        assert server.poll() is None, "the server has ended"
        time.sleep(0.05)
    raise AssertionError("the server did not answer")
