"""The data dictionary: `DICTIONARY.md`, written from the declarations.

python -m warehouse.dictionary            writes it
python -m warehouse.dictionary --check    exits 1 when the page is not current
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from warehouse.models import MODELS
from warehouse.schema import SCHEMA_VERSION, TABLES, Field

PAGE = Path(__file__).with_name("DICTIONARY.md")

_INTRODUCTION = f"""# Data dictionary

Schema version {SCHEMA_VERSION}. Made by `python -m warehouse.dictionary` from `warehouse/schema/` and
`warehouse/models/`; a test compares it with them, so change those instead.

Instants are TIMESTAMPTZ in UTC and mark the beginning of a half-open interval; `local_date` is the site's calendar day.
Tables are in W, Wh, % and s; models in kWh. NULL is "not measured", never zero. Q-numbers name observed behaviours of
the API.
"""


def render() -> str:
    """The whole page as Markdown."""
    return "\n".join([_INTRODUCTION, *_tables(), *_models()])


def _tables() -> Iterator[str]:
    yield "## Tables\n"
    for table in TABLES.values():
        stored = "one file per site and month" if table.partition == "site_month" else "one file for the account"
        yield f"### {table.name}\n"
        yield f"{table.grain} Key: {', '.join(f'`{name}`' for name in table.primary_key)}. In the lake: {stored}.\n"
        yield from _columns(table.fields)


def _models() -> Iterator[str]:
    yield "## Models\n"
    for model in MODELS.values():
        purpose = model.purpose[0].upper() + model.purpose[1:]
        yield f"### analytics.{model.name}\n"
        yield f"{purpose}. Grain: {model.grain}. From {model.statement.header['sources']}.\n"
        yield from _columns(model.fields)


def _columns(fields: Sequence[Field]) -> Iterator[str]:
    yield "| column | type | unit | meaning | range | source |"
    yield "|---|---|---|---|---|---|"
    for field in fields:
        required = "" if field.nullable else " not null"
        bounds = "" if field.bounds is None else f"{_number(field.bounds[0])} … {_number(field.bounds[1])}"
        cells = (
            f"`{field.name}`",
            f"{field.type}{required}",
            field.unit.symbol if field.unit else "",
            field.description,
            bounds,
            field.source,
        )
        escaped = [cell.replace("|", "\\|") for cell in cells]
        yield f"| {' | '.join(escaped)} |"
    yield ""


def _number(value: float) -> str:
    if value == 2**63 - 1:
        return "2⁶³ − 1"
    return f"{value:,.0f}" if abs(value) < 1e9 else f"{value:.0e}".replace("e+0", "e").replace("e+", "e")


def main(arguments: Sequence[str]) -> int:
    """Write the page, or with `--check` compare it with the declarations; returns the exit code."""
    page = render()
    if "--check" not in arguments:
        PAGE.write_text(page, "utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text("utf-8") == page:
        return 0
    sys.stderr.write("warehouse/DICTIONARY.md is not current: run `python -m warehouse.dictionary`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
