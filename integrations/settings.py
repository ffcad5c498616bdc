"""The only file that reads the environment: fills `${NAME}` in answerable.yml."""

from __future__ import annotations

import os
import re

from answerable.context.errors import UsageError

_ENV = re.compile(r"\$\{([A-Za-z_]\w*)\}")
# A line up to its comment, which in YAML begins at a # after a blank, outside quotes.
_BEFORE_COMMENT = re.compile(r"^(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|(?<=\S)#|[^#\"']|[\"'])*")


def fill(text: str) -> str:
    """Replace each `${NAME}` outside comments by its environment variable. Raises UsageError that names one which is not set."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise UsageError(f"answerable.yml needs the environment variable {match[1]}, which is not set.")
        return os.environ[match[1]]

    return "\n".join(_BEFORE_COMMENT.sub(lambda said: _ENV.sub(value, said[0]), line, count=1) for line in text.split("\n"))
