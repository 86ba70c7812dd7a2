"""The data dictionary says what the declarations say."""

from pathlib import Path

import pytest

from warehouse import dictionary
from warehouse.models import MODELS
from warehouse.schema import TABLES


def test_page_is_current() -> None:
    """The committed page is the rendered one; `python -m warehouse.dictionary` makes it so."""
    assert dictionary.PAGE.read_text("utf-8") == dictionary.render()


def test_page_has_every_table_model_and_column() -> None:
    """Nothing declared is left out."""
    page = dictionary.render()
    for table in TABLES.values():
        section = page.split(f"\n### {table.name}\n")[1].split("\n### ")[0]
        assert [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")] == list(table.columns)
        assert table.grain in section
    for model in MODELS.values():
        section = page.split(f"\n### analytics.{model.name}\n")[1].split("\n### ")[0]
        assert [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")] == [
            field.name for field in model.fields
        ]


def test_check_fails_on_a_stale_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Absent and stale pages are found, and the message names the command; writing repairs them."""
    monkeypatch.setattr(dictionary, "PAGE", tmp_path / "DICTIONARY.md")
    assert dictionary.main(["--check"]) == 1
    assert dictionary.main([]) == 0
    assert dictionary.main(["--check"]) == 0
    dictionary.PAGE.write_text(dictionary.PAGE.read_text("utf-8") + "\nmine\n", "utf-8")
    assert dictionary.main(["--check"]) == 1
    assert "run `python -m warehouse.dictionary`" in capsys.readouterr().err
