"""The dictionary beside the SQL editor: every table and model with its columns, and the example queries."""

from functools import cache
from typing import Any

from warehouse.models import MODELS
from warehouse.schema import TABLES, Field
from warehouse.statements import load


@cache
def dictionary() -> dict[str, Any]:
    """Relations with their grain and columns, from the declarations, and the examples that ship."""
    return {
        "relations": [
            *(
                {"name": f"analytics.{model.name}", "grain": model.grain, "columns": _columns(model.fields)}
                for model in MODELS.values()
            ),
            *(
                {"name": f"main.{table.name}", "grain": table.grain, "columns": _columns(table.fields)}
                for table in TABLES.values()
            ),
        ],
        "examples": [
            {"name": example.name, "purpose": example.header["question"], "sql": example.sql}
            for example in load("examples").values()
        ],
    }


def _columns(fields: tuple[Field, ...]) -> list[dict[str, str | None]]:
    return [{"name": field.name, "type": str(field.type), "description": field.description} for field in fields]
