"""Tests as somebody writes them who uses pytest."""

import pytest
from django.core.management import call_command
from django.test import TestCase
from finance_ingest.django import testing

from .shop.models import Payment


def spend(amount):
    return Payment.objects.create(user_id=1, category_id=2, amount=amount)


@pytest.mark.django_db(databases=["default", "second"])
@testing.override(score=8.0)
def test_a_transaction_that_never_commits_is_delivered_on_demand():
    row = spend(6000)
    assert testing.outbox() == []
    assert testing.deliver().updated == 1
    row.refresh_from_db()
    assert (row.anomaly_status, [sent.amount for sent in testing.outbox()]) == ("anomalous", [6000])


@pytest.mark.django_db(databases=["default", "second"])
def test_the_next_test_finds_nothing_of_it():
    assert testing.outbox() == []
    assert Payment.objects.count() == 0
    spend(1)
    call_command("sync_anomalies")
    assert [(row.anomaly_status, row.z_score) for row in Payment.objects.all()] == [("unscored", None)]


@pytest.mark.django_db(transaction=True, databases=["default", "second"])
def test_a_commit_submits_to_memory():
    spend(1)
    assert [sent.amount for sent in testing.outbox()] == [1]


class CapturingTests(TestCase):
    databases = "__all__"

    def test_captured_callbacks_submit_to_memory(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            spend(7)
        self.assertEqual([sent.amount for sent in testing.outbox()], [7])
