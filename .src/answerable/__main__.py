"""The door of the command line. No garbage is collected while modules load: nothing of theirs is garbage, and it takes a quarter of the start."""

import gc
import os
import sys
from types import TracebackType


def unforeseen(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What nobody foresaw, in a sentence; whoever mends it sets ANSWERABLE_TRACE=1."""
    if os.environ.get("ANSWERABLE_TRACE"):
        sys.__excepthook__(kind, error, trace)
    elif not issubclass(kind, KeyboardInterrupt):
        print(f"A fault of answerable itself ({kind.__name__}). ANSWERABLE_TRACE=1 shows where.", file=sys.stderr)


sys.excepthook = unforeseen
for stream in (sys.stdout, sys.stderr):
    stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # where a terminal has fewer letters
gc.disable()

from answerable.integrations.cli import main  # noqa: E402

gc.freeze()
gc.enable()

if __name__ == "__main__":
    main()
