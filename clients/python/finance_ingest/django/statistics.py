"""Baselines out of the project's own transactions."""

from __future__ import annotations

import math
from typing import Any, Dict, Iterator, Type

from django.db import router
from django.db.models import Avg, Count, StdDev

from .models import AnomalyFields


def baselines_of(model: Type[AnomalyFields], *, population: bool = False, anomalies: bool = False) -> Iterator[Dict[str, Any]]:
    """
    What is normal for each user and category, by one query.

    The deviation is that of a sample (n − 1) unless ``population`` is asked for (n). A sample, because the rows at hand are drawn
    from what the user spends, and the deviation is held against transactions that are not among them; the population's
    formula comes out too small for that, by 29 % for two rows and 1 % for forty, and so finds anomalies that are none.

    Rows that were found anomalous are left out unless ``anomalies`` is given: one of them can widen the deviation so far that the next
    like it passes for normal.
    """
    user, category, amount = model.ingest_user_field, model.ingest_category_field, model.ingest_amount_field
    rows = (
        model._base_manager.using(router.db_for_read(model))
        .filter(**{f"{name}__isnull": False for name in (user, category, amount)})
        .filter(**({} if anomalies else {"is_anomaly": False}))
        .order_by(user, category)
        .values(user, category)
        .annotate(ingest_mean=Avg(amount), ingest_deviation=StdDev(amount), ingest_count=Count(amount))
    )
    for row in rows.iterator():
        count = row["ingest_count"]
        deviation = float(row["ingest_deviation"])
        # SQLite's STDDEV_SAMP in Django fails on a group of one row: the sample's deviation is derived from the population's.
        yield {
            "user_id": row[user],
            "category_id": row[category],
            "mean": float(row["ingest_mean"]),
            "std_dev": deviation if population or count == 1 else deviation * math.sqrt(count / (count - 1)),
            "sample_count": count,
        }
