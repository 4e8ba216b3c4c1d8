"""Computes baselines from the project's own transactions."""

from __future__ import annotations

import math
from typing import Any, Dict, Iterator, Type

from django.db import router
from django.db.models import Avg, Count, StdDev

from .models import AnomalyFields


def baselines_of(model: Type[AnomalyFields], *, population: bool = False, anomalies: bool = False) -> Iterator[Dict[str, Any]]:
    """
    Yields the baseline of each user and category, by one query.

    The standard deviation is that of a sample (n − 1) unless ``population`` is given (n). The rows are a sample of the user's spending, and the
    deviation is compared with transactions that are not among them. The population's formula is too small for that, by 29 % for two rows
    and by 1 % for forty, and so reports anomalies that are none.

    Rows that were found anomalous are left out unless ``anomalies`` is given, because one of them can widen the deviation so far that a similar
    transaction passes for normal.
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
        # Django's STDDEV_SAMP for SQLite fails on a group of one row, so the sample's deviation is derived from the population's.
        yield {
            "user_id": row[user],
            "category_id": row[category],
            "mean": float(row["ingest_mean"]),
            "std_dev": deviation if population or count == 1 else deviation * math.sqrt(count / (count - 1)),
            "sample_count": count,
        }
