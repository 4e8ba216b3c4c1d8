"""Updates many rows in few statements."""

from __future__ import annotations

from typing import Any, Iterator, List, Mapping, Sequence, Tuple, TypeVar

from django.db import models
from django.db.models.expressions import Expression

ROWS_PER_STATEMENT = 300
"""Rows in a statement. Three parameters for each row stay below the limit of 999 in older SQLite."""

_PARAMETERS = 900

T = TypeVar("T")


def pieces(items: Sequence[T], size: int = ROWS_PER_STATEMENT) -> Iterator[Sequence[T]]:
    """Divides a list into chunks."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def rows_together(columns: int) -> int:
    """Returns how many rows one statement may give values in so many columns, each by ``value_by_key``: a row has two parameters for each, and its own key."""
    return _PARAMETERS // (1 + 2 * columns)


class ValueByKey(Expression):
    """``CASE column WHEN key THEN value … END``: what ``QuerySet.bulk_update`` does, a tenth of its work, and conditional on any column."""

    def __init__(self, key_field: models.Field, values: Mapping[Any, Any], output_field: models.Field) -> None:
        super().__init__(output_field=output_field)
        self._key_field = key_field
        self._values = values

    def as_sql(self, compiler: Any, connection: Any) -> Tuple[str, List[Any]]:
        when = " WHEN %s THEN %s"
        column = connection.ops.quote_name(self._key_field.column)
        parameters: List[Any] = []
        for key, value in self._values.items():
            parameters.append(self._key_field.get_db_prep_value(key, connection, prepared=False))
            parameters.append(self.output_field.get_db_prep_value(value, connection, prepared=False))
        sql = f"CASE {column}{when * len(self._values)} END"
        if connection.features.requires_casted_case_in_updates:
            sql = f"CAST({sql} AS {self.output_field.db_type(connection)})"
        return sql, parameters


def value_by_key(model: Any, key: str, column: str, values: Mapping[Any, Any]) -> ValueByKey:
    """For ``update(column=…)``: the value of each row's ``key``."""
    return ValueByKey(model._meta.get_field(key), values, model._meta.get_field(column))
