"""`make bench`: which measures there are, its exit code, and that each runs; at small sizes, where its value says nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.__main__ import MEASURES, main
from tests.bench.result import Limit, Result

ROOT = Path(__file__).parents[2]


def test_there_are_fifteen_measures() -> None:
    assert list(MEASURES) == list(range(1, 16))


def test_a_benchmark_that_there_is_not_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["16"])
    assert ended.value.code == 2
    assert "no benchmark is called '16'" in capsys.readouterr().err


@pytest.mark.parametrize(("value", "code"), [(3.0, 0), (3.1, 1)])
def test_a_limit_that_is_missed_is_exit_code_1(
    value: float, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(MEASURES, 9, lambda _: iter([Result(9, "anything", value, "×", Limit(3.0))]))
    assert main(["9", "--json", str(tmp_path / "bench.json")]) == code
    assert ("NOT REACHED" in capsys.readouterr().out) is bool(code)


@pytest.mark.slow
def test_the_table_has_every_measure_and_both_curves(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "table", "--quick", "--json", str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    lines = done.stdout.splitlines()
    assert {int(line[:2]) for line in lines[1:] if line[:2].strip().isdecimal()} == set(range(1, 16)), done.stderr
    assert {line.split(",")[0] for line in lines if line.startswith("cost of")} == {
        "cost of a rebuild",
        "cost of a night",
    }
    written = json.loads(path.read_text(encoding="utf-8"))
    assert {row["number"] for row in written["measures"]} == set(range(1, 16))
    assert all(row["value"] > 0 for row in written["measures"] if row["number"] != 11)
