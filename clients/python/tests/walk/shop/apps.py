from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate

OUTSIDE = """
CREATE TABLE IF NOT EXISTS ledger_lines (
    id integer PRIMARY KEY, user_id integer, category_id integer, amount decimal,
    is_anomaly bool NOT NULL DEFAULT 0, z_score real, anomaly_status varchar(9) NOT NULL DEFAULT '',
    ingest_id char(32) UNIQUE, ingest_key char(32) UNIQUE
)
"""


def make_table_of_another_program(using: str, **_: Any) -> None:
    if using == "default":
        with connections[using].cursor() as cursor:
            cursor.execute(OUTSIDE)


class ShopConfig(AppConfig):
    """The app of the five models."""

    name = "tests.walk.shop"

    def ready(self) -> None:
        post_migrate.connect(make_table_of_another_program, sender=self)
