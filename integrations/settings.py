"""The only file that reads the environment: fills `${NAME}` in answerable.yml, and says which language model to ask."""

from __future__ import annotations

import os
import re

from answerable.context.errors import UsageError
from answerable.context.settings import LanguageModel, ProjectSettings
from pydantic import ValidationError

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


def language_model(settings: ProjectSettings) -> LanguageModel | None:
    """The model that answerable.yml names, with what the environment says instead. Raises UsageError.

    ANSWERABLE_MODEL, ANSWERABLE_MODEL_URL and ANSWERABLE_MODEL_KEY go before `model:`; OPENAI_BASE_URL and OPENAI_API_KEY stand in where
    nothing else says them.
    """
    said = settings.model.model_dump() if settings.model else {}
    for key, name in (("name", "ANSWERABLE_MODEL"), ("base_url", "ANSWERABLE_MODEL_URL"), ("key", "ANSWERABLE_MODEL_KEY")):
        if value := os.environ.get(name):
            said[key] = value
    if not said.get("name"):
        return None
    said["base_url"] = said.get("base_url") or os.environ.get("OPENAI_BASE_URL") or None
    said["key"] = said.get("key") or os.environ.get("OPENAI_API_KEY") or None
    try:
        return LanguageModel.model_validate(said)
    except ValidationError:
        raise UsageError("The address of the language model has to begin with http:// or https://.") from None


def notebook_defaults() -> tuple[str | None, str | None]:
    """The project and the user of a notebook that names none."""
    return os.environ.get("ANSWERABLE_PROJECT"), os.environ.get("ANSWERABLE_USER")
