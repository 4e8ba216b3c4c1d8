"""``manage.py seed``"""

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from ledger.models import Category, Transaction

USUAL = {"Groceries": (3200, 600), "Eating out": (850, 250), "Transport": (220, 60)}


class Command(BaseCommand):
    """A user, categories, and half a year of ordinary spending."""

    help = "Makes the user demo (password demo) with a history to take baselines from. Does nothing when he is there."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        users = get_user_model().objects
        if users.filter(username="demo").exists():
            return
        demo = users.create_superuser("demo", "demo@example.com", "demo")
        chance = random.Random(399)
        history = []
        for name, (mean, deviation) in USUAL.items():
            category, _ = Category.objects.get_or_create(name=name)
            history += [
                Transaction(
                    user=demo,
                    category=category,
                    amount=Decimal(max(10, round(chance.gauss(mean, deviation)))),
                    occurred_at=timezone.now() - timedelta(days=3 + 4 * visit, hours=chance.randrange(24)),
                )
                for visit in range(40)
            ]
        Transaction.objects.bulk_create(history)
        self.stdout.write(f"User demo, password demo, with {len(history)} transactions.")
