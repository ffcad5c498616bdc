"""Four floors: each imports what is below it and nothing above, and no file needs itself."""

from __future__ import annotations

import ast
import graphlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
FLOORS = ("context", "agent", "evals", "integrations")
FILES = {
    ".".join(("answerable", *path.relative_to(REPOSITORY).with_suffix("").parts)).removesuffix(".__init__"): path
    for floor in FLOORS
    for path in sorted((REPOSITORY / floor).rglob("*.py"))
}


def typing_only(tree: ast.Module) -> set[ast.AST]:
    """The nodes under `if TYPE_CHECKING`: names for the type checker, never run."""
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")]
    return {inner for block in blocks for part in block.body for inner in ast.walk(part)}


def imports(module: str, path: Path) -> Iterator[str]:
    """The modules of the four floors that a file imports, also within functions."""
    tree = ast.parse(path.read_text())
    package = module if path.stem == "__init__" else module.rpartition(".")[0]
    skipped = typing_only(tree)
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] if node.level else ""
            base = ".".join(filter(None, (above, node.module)))
            named = [found if (found := f"{base}.{alias.name}") in FILES else base for alias in node.names]
        else:
            continue
        yield from (name for name in named if name in FILES and name != module)


IMPORTS = {module: set(imports(module, path)) for module, path in FILES.items()}


def floor(module: str) -> int:
    return FLOORS.index(module.split(".")[1])


def test_there_are_four_floors_and_something_is_read_of_each() -> None:
    assert {floor(module) for module in FILES} == {0, 1, 2, 3}
    assert "answerable.context.guard" in IMPORTS["answerable.context.values"]


@pytest.mark.parametrize("module", FILES)
def test_imports_go_down_only(module: str) -> None:
    assert [name for name in sorted(IMPORTS[module]) if floor(name) > floor(module)] == []


def test_no_file_needs_itself() -> None:
    graphlib.TopologicalSorter(IMPORTS).prepare()


def test_the_gate_shares_no_helper_with_the_compiler() -> None:
    gate = {"answerable.context.guard", "answerable.context.governed", "answerable.context.allowed"}
    assert not [name for module in gate for name in IMPORTS[module] if ".compiler" in name]
    assert not [name for module, found in IMPORTS.items() if ".compiler" in module for name in found if name in gate]


def test_heavy_friends_have_a_room_each() -> None:
    rooms = {
        "langchain_openai": {"agent/llm.py"},
        "chromadb": {"context/index.py"},
        "slack_bolt": {"integrations/slack.py"},
        "mcp": {"integrations/mcp.py"},
        "IPython": {"integrations/notebook.py"},
    }
    for path in FILES.values():
        found = set(re.findall(r"^\s*(?:import|from) (\w+)", path.read_text(), re.MULTILINE)) & rooms.keys()
        assert all(path.relative_to(REPOSITORY).as_posix() in rooms[friend] for friend in found), path
