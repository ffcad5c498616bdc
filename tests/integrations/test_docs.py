"""The docs are kept true: every setting, command and metric kind has its line, and the README's answer is a real one."""

import re
from pathlib import Path

from answerable.context.model import METRIC_KINDS, Dimension
from answerable.context.settings import LanguageModel, ProjectSettings
from answerable.integrations.cli import main
from click.testing import CliRunner

ROOT = Path(__file__).parents[2]


def test_every_setting_is_in_the_docs() -> None:
    text = (ROOT / "docs" / "definitions.md").read_text()
    assert all(f"| `{name}` |" in text for name in ProjectSettings.model_fields)


def test_every_setting_of_a_language_model_is_in_the_docs() -> None:
    text = (ROOT / "docs" / "language-model.md").read_text()
    assert all(f"`{name}`" in text for name in LanguageModel.model_fields)


def test_every_key_of_a_dimension_is_in_the_docs() -> None:
    text = (ROOT / "docs" / "definitions.md").read_text()
    assert all(f"`{name}`" in text for name in Dimension.model_fields if name not in {"name", "where", "source_name", "endorsed"})


def test_every_metric_kind_is_in_the_docs() -> None:
    text = (ROOT / "docs" / "definitions.md").read_text()
    assert all(f"| {kind} |" in text for kind in ("simple", *METRIC_KINDS))


def test_every_command_is_in_the_docs() -> None:
    text = (ROOT / "docs" / "operating.md").read_text()
    assert all(f"`{name}`" in text for name in main.commands)


def test_the_answer_in_the_readme_is_the_answer(demo: Path, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    words = ["ask", "revenue by region last month", "--project", str(demo), "--state", str(tmp_path)]
    given = CliRunner().invoke(main, words).output
    rows = re.findall(r"^    (\S.*\d{2},\d{3}  ▇+)$", readme, re.MULTILINE)
    assert len(rows) == 5
    assert all(row in given for row in rows)
    gloss = readme[: readme.index("Revenue by region in")].split("--project demo\n\n")[1]
    assert all(line.strip() in given for line in gloss.splitlines())


def test_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_version_is_in_the_changelog() -> None:
    import answerable

    assert f"## {answerable.__version__}" in (ROOT / "CHANGELOG.md").read_text()
    assert f'version = "{answerable.__version__}"' in (ROOT / "pyproject.toml").read_text()
