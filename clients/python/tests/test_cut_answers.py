"""Answers that have no room for the errors of all items: the client sends the rest again until it has every reason."""

import unittest
from typing import Any, List

from finance_ingest import Client

from .support.clocks import FakeClock
from .support.scripted_service import Reply, Request, ScriptedService, problem

MOST_NAMED = 3


def answer_batch(request: Request) -> Reply:
    """Accepts even users, and names the first three odd ones."""
    accepted = [{"index": index, "id": item["idempotency_key"]} for index, item in enumerate(request.json) if item["user_id"] % 2 == 0]
    wrong = [index for index, item in enumerate(request.json) if item["user_id"] % 2]
    return reply(accepted, wrong, 202 if accepted else 400, accepted=accepted)


def answer_stats(request: Request) -> Reply:
    """Takes even users, and names the first three odd ones."""
    right = [item for item in request.json if item["user_id"] % 2 == 0]
    wrong = [index for index, item in enumerate(request.json) if item["user_id"] % 2]
    return reply(right, wrong, 200 if right else 400, inserted=len(right), updated=0)


def reply(right: List[Any], wrong: List[int], status: int, **members: Any) -> Reply:
    body = {**members, "rejected": [{"index": index, "errors": {"amount": [f"is wrong {index}"]}} for index in wrong[:MOST_NAMED]]}
    if len(wrong) > MOST_NAMED:
        body["rejected_count"] = len(wrong)
    return Reply(status, body) if right else problem(400, **{name: value for name, value in body.items() if name.startswith("rejected")})


class CutAnswerTests(unittest.TestCase):
    def service(self, step: Any) -> Client:
        self.scripted = ScriptedService(step)
        self.addCleanup(self.scripted.close)
        self.clock = FakeClock()
        client = Client(self.scripted.url, clock=self.clock)
        self.addCleanup(client.close)
        return client

    def test_every_transaction_is_accepted_or_refused_with_its_reason_and_nothing_waits(self) -> None:
        client = self.service(answer_batch)
        report = client.submit_many([{"user_id": user, "category_id": 1, "amount": 1} for user in range(1, 21)])
        self.assertEqual([entry.index for entry in report.accepted], list(range(1, 20, 2)))
        self.assertEqual([entry.index for entry in report.rejected], list(range(0, 20, 2)))
        self.assertTrue(all(entry.errors["amount"][0].startswith("is wrong") for entry in report.rejected))
        self.assertEqual(([len(request.json) for request in self.scripted.requests], self.clock.slept), ([20, 7, 4, 1], []))

    def test_every_wrong_baseline_is_refused_with_its_reason_and_right_ones_are_counted_once(self) -> None:
        client = self.service(answer_stats)
        report = client.put_stats([{"user_id": user, "category_id": 1, "mean": 1, "std_dev": 1, "sample_count": 1} for user in range(1, 21)])
        self.assertEqual((report.inserted, report.updated), (10, 0))
        self.assertEqual([entry.index for entry in report.rejected], list(range(0, 20, 2)))

    def test_a_list_of_wrong_ones_alone(self) -> None:
        client = self.service(answer_batch)
        report = client.submit_many([{"user_id": 1, "category_id": 1, "amount": 1}] * 10)
        self.assertEqual((len(report.accepted), [entry.index for entry in report.rejected]), (0, list(range(10))))
        client = self.service(answer_stats)
        baseline = {"user_id": 1, "category_id": 1, "mean": 1, "std_dev": 1, "sample_count": 1}
        self.assertEqual([entry.index for entry in client.put_stats([baseline] * 10).rejected], list(range(10)))
