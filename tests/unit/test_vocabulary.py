"""One word for one thing: what is retired stays retired, and the glossary defines what is used instead."""

import re
from functools import cache

import pytest

from tests.documents import files, name, text_of
from warehouse.models import MODELS
from warehouse.schema import TABLES

RETIRED: dict[str, tuple[str, str]] = {
    "telling": (r"tellings?", "reported value, source values, interval variants"),
    "told": (r"told", "reported, given"),
    "tells": (r"tells?", "gives, says, names"),
    "_Words": (r"_Words", "SourceValues"),
    "parts ways": (r"parts? ways|parted ways|parts_at|part at", "diverge, diverges_at"),
    "ought": (r"(?:left|right)_ought", "expect_left, expect_right"),
    "in doubt": (r"in[ _]doubt|InDoubt|doubts?|doubted", "suspect day"),
    "witness": (r"witness(?:es)?", "cross-check request"),
    "beside (intervals)": (r"(?<=\.)beside|beside(?=: )|beside(?==)", "superseded intervals"),
    "gave way": (r"(?:give|gives|gave|given|giving) way", "superseded"),
    "settled rows": (r"settled rows", "rows in Wh"),
    "set aside": (r"(?:set|sets|setting)[ _]aside", "quarantined (rows), skipped (sites), corrupt tail (bytes)"),
    "finding": (r"findings?", "difference"),
    "contradiction": (r"contradictions?", "difference"),
    "disagreement": (r"disagreements?", "difference"),
    "Exchange": (r"Exchange", "Response"),
    "body_of": (r"body_of", "duplicate_of"),
    "Hole": (r"Holes?", "CorruptRange"),
    "Extent": (r"Extents?", "ByteRange"),
    "Pace": (r"(?:Common|Shared)?Pace", "RateLimiter, ProcessSharedLimiter, PrefectLimiter"),
    "Allowance": (r"Allowance", "RequestBudget"),
    "SharedBudget": (r"SharedBudget", "RequestBudget"),
    "held": (r"held", "locked (data directory), stored (rows)"),
    "Workspace": (r"[Ww]orkspace", "RunContext"),
    "Selection": (r"Selection", "BackfillRequest"),
    "Wanted": (r"Wanted", "FetchScope"),
    "engine": (r"(?<!--)engines?|Engine", "executor"),
    "runner": (r"(?<!--)(?<!task )runners?", "executor"),
    "neighbours": (r"neighbours?", "adjacent months"),
    "outlets": (r"outlets?", "export"),
    "carry_out": (r"carry_out|carries_out", "run_command"),
    "opened": (r"opened(?=\()", "open_data_dir"),
    "refusals": (r"refusals", "errors"),
    "mend": (r"mend|mends|mended|mending", "recover, repair"),
    "Keeper": (r"(?<!Lease)Keeper", "LeaseKeeper"),
    "Unmoved": (r"Unmoved", "IgnoreSigint"),
    "SentWhole": (r"SentWhole", "PicklableSettings"),
    "say_no_more": (r"say_no_more", "silence_stderr"),
    "_obey": (r"_obey", "a plain verb"),
    "words (module)": (r"words(?=\.py)|(?<=import )words|(?<=\.)words(?= import)", "text"),
    "vocabulary (module)": (r"(?<!test_)vocabulary(?=\.py)|(?<=\.)vocabulary(?= import)", "enums"),
    "growing (module)": (r"growing(?=\.py)|(?<=\.)growing(?= import)|growing_files", "append_only"),
    "cars took": (r"cars_took_what_sessions_gave|(?<=what_the_)car_took", "ev_energy_equals_sessions"),
    "somebody": (r"(?:[Nn]o|[Ss]ome|[Aa]ny|[Ee]very)body(?:'s)?", "the thing that is meant"),
    "whoever": (r"[Ww]ho(?:ever|soever)", "the thing that is meant"),
    "each other's": (r"each other's", "the thing that is meant"),
    "knows": (r"knows", "has, holds, contains"),
    "for each in": (r"for each in", "a name for what the variable holds"),
}
"""Word → (pattern, what to write). The pattern is matched as a word, also within snake_case and file names."""

LAST_PAST_RECORD = 60
"""Records of DECISIONS.md up to this one are history, in the words of their time."""

PUBLIC_NAMES = re.compile(
    r"parts_at|(?:analytics\.)?disagreements|held_rows|held_s\b|days_held|\"body_of\"|\"findings\"|`findings`|--runner|--engine"
    r"|task_runners?|RUNNER|RunnerDeployment|prefect\.deployments\.runner|ACTIVE = \"held\""
)
"""Names that users, files on disk and Prefect have: columns, models, keys, options and classes."""

DEPRECATED_OPTIONS = {
    *(f"flows/cli/{name}.py" for name in ("backfill", "sync", "rebuild", "reconcile", "executor_options")),
    "tests/unit/flows/cli/test_executor_options.py",
}
"""Where the options `--engine` and `--runner` are still accepted, for one version."""

EXEMPT = {"CHANGELOG.md", "DECISIONS.md", "tests/unit/test_vocabulary.py"}


@cache
def texts() -> dict[str, str]:
    """Path → path and text of all that is written in the project's own words."""
    pages = {
        name(path): PUBLIC_NAMES.sub("", f"{name(path)}\n{path.read_text(encoding='utf-8')}")
        for path in files(".py", ".sql", ".md", ".js", ".toml", ".yaml", ".yml")
        if name(path) not in EXEMPT
    }
    records = re.split(r"^(?=## \d)", text_of("DECISIONS.md"), flags=re.MULTILINE)
    is_new = (
        record for record in records if (number := re.match(r"## (\d+)", record)) and int(number[1]) > LAST_PAST_RECORD
    )
    return pages | {"DECISIONS.md": "\n".join(is_new)}


def places(word: str) -> list[str]:
    """Where a retired word occurs, as `path: line`."""
    pattern = re.compile(rf"(?<![A-Za-z])(?:{RETIRED[word][0]})(?![a-z])")
    return [
        f"{path}: {line.strip()[:100]}"
        for path, text in texts().items()
        if pattern.search(text) and not (word in {"engine", "runner"} and path in DEPRECATED_OPTIONS)
        for line in text.splitlines()
        if pattern.search(line)
    ]


@pytest.mark.parametrize("word", sorted(RETIRED))
def test_a_retired_word_is_not_written(word: str) -> None:
    assert not places(word), f"write: {RETIRED[word][1]}"


def terms() -> list[tuple[str, str, str]]:
    """Term, meaning, and place of each row of the glossary."""
    rows = [line.strip("|").split("|") for line in text_of("docs/GLOSSARY.md").splitlines() if line.startswith("| ")]
    return [(term.strip(), meaning.strip(), place.strip()) for term, meaning, _unit, place in rows[1:]]


def test_the_glossary_is_in_order_and_complete() -> None:
    names = [term for term, _, _ in terms()]
    assert names == sorted(set(names), key=str.casefold)
    assert all(meaning.endswith(".") and place for _, meaning, place in terms())


def test_relations_and_columns_that_the_glossary_names_exist() -> None:
    for term, _, place in terms():
        for relation, column in re.findall(r"`(\w+)\.(\w+)`", place):
            if relation == "analytics":
                assert column in MODELS, (term, column)
            elif column not in {"duckdb", "md"}:
                assert column in TABLES[relation].columns, (term, column)
