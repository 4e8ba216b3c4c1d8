"""
``python3 -m tests.measure_sync [N]`` from clients/python: how long the outbox and sync_anomalies take for N (default 100,000) transactions,
on SQLite, against a real server.
"""

from __future__ import annotations

import sys
import time
from typing import Any, Callable

from .support import servers
from .support.django_site import prepare_django


def measured(what: str, count: int, work: Callable[[], Any]) -> None:
    start = time.monotonic()
    work()
    seconds = time.monotonic() - start
    print(f"{what}: {seconds:.1f} s, {count / seconds:,.0f} a second", flush=True)


def main(count: int) -> None:
    django = prepare_django()
    try:
        from django.contrib.auth.models import User
        from django.core.management import call_command
        from django.db import transaction
        from django.test import override_settings
        from finance_ingest import Client
        from finance_ingest.django.outbox import submit_on_commit
        from finance_ingest.django.settings import HTTP

        from .site.purchases.models import Purchase

        server = servers.shared_server()
        user = User.objects.create(pk=399, username="u")
        with override_settings(FINANCE_INGEST={"URL": server.url, "BACKEND": HTTP, "SUBMIT_ON_COMMIT": False}), Client(server.url) as client:
            Purchase.objects.bulk_create([Purchase(user=user, category_id=2310, amount=6000 if number % 100 == 0 else 2500) for number in range(count)])

            def write_outbox() -> None:
                with transaction.atomic():
                    submit_on_commit(Purchase.objects.all())

            measured(f"submit_on_commit of {count:,} rows", count, write_outbox)
            measured(f"submit_outbox of {count:,} entries", count, lambda: call_command("submit_outbox"))
            newest = Purchase.objects.order_by("-id").values_list("ingest_id", flat=True)[0]
            client.wait_for(str(newest), timeout=600)
            measured(f"sync_anomalies of {count:,} results", count, lambda: call_command("sync_anomalies"))
            measured(f"export_anomaly_stats of {count:,} rows", count, lambda: call_command("export_anomaly_stats", "-", model="purchases.Purchase"))
            measured(f"submit_missing of {count:,} rows", count, lambda: call_command("submit_missing", model="purchases.Purchase"))
            pending, anomalous = (Purchase.objects.filter(anomaly_status=status).count() for status in ("pending", "anomalous"))
            print(f"{pending:,} rows are pending, {anomalous:,} anomalous.")
    finally:
        servers.stop_shared()
        django.tear_down()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
