"""What the client does when things break: against a service that answers as it is told, on a clock that does not wait."""

import os
import unittest
from typing import Any

from finance_ingest import (
    AccessRefused,
    Client,
    ConfigurationError,
    ConnectionFailed,
    Gone,
    IncompleteSubmission,
    ServiceUnavailable,
    StillPending,
    TryLater,
    UnexpectedAnswer,
)

from finance_ingest.keys import item_key

from .support.clocks import FakeClock
from .support.scripted_service import HANG_UP, Reply, Request, ScriptedService, Step, problem
from .support.servers import free_port

PENDING = Reply(202, {"id": "a", "status": "pending"})
SCORED = Reply(200, {"id": "a", "status": "scored", "z_score": 1})


def accept_all(request: Request) -> Reply:
    return Reply(202, {"accepted": [{"index": index, "id": item["idempotency_key"]} for index, item in enumerate(request.json)], "rejected": []})


class FaultTests(unittest.TestCase):
    def service(self, *script: Step, **options: Any) -> Client:
        self.scripted = ScriptedService(*script)
        self.addCleanup(self.scripted.close)
        self.clock = FakeClock()
        client = Client(self.scripted.url, clock=self.clock, **options)
        self.addCleanup(client.close)
        return client

    def test_a_retry_is_a_repeat_under_the_same_key(self) -> None:
        client = self.service(problem(503, "queue"), HANG_UP, Reply(502, b"<html>", content_type="text/html"), PENDING)
        self.assertEqual(client.submit(1, 2, "3.40").id, "a")
        bodies = [request.body for request in self.scripted.requests]
        self.assertEqual((len(bodies), len(set(bodies))), (4, 1))
        self.assertEqual(self.scripted.requests[0].json["amount"], "3.40")
        self.assertTrue(self.scripted.requests[0].json["idempotency_key"])

    def test_pauses_grow_and_are_random(self) -> None:
        client = self.service(problem(500, "internal"), retries=4)
        with self.assertRaises(TryLater):
            client.get("a")
        self.assertEqual(len(self.scripted.requests), 5)
        for slept, ceiling in zip(self.clock.slept, (0.5, 1, 2, 4)):
            self.assertLessEqual(slept, ceiling)

    def test_retry_after_in_seconds_is_waited_for(self) -> None:
        client = self.service(problem(429, "rate-limit", {"Retry-After": "17"}), PENDING)
        client.submit(1, 1, 1)
        self.assertTrue(17 <= self.clock.slept[0] <= 17.5)

    def test_retry_after_as_a_date_is_measured_on_the_servers_clock(self) -> None:
        def reply(request: Request) -> Reply:
            return problem(503, "database", {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT", "X": "1"})

        client = self.service(reply, SCORED)
        client.get("a")
        # The scripted service's own Date is long after that: nothing to wait for but the own pause.
        self.assertLessEqual(self.clock.slept[0], 0.5)

    def test_a_longer_retry_after_than_anybody_waits_is_told_at_once(self) -> None:
        client = self.service(problem(429, "rate-limit", {"Retry-After": "86400"}))
        with self.assertRaises(TryLater) as caught:
            client.submit(1, 1, 1)
        self.assertEqual((caught.exception.retry_after, self.clock.slept), (86400.0, []))

    def test_what_can_not_succeed_is_not_repeated(self) -> None:
        for status, kind in ((401, AccessRefused), (403, AccessRefused), (410, Gone)):
            with self.subTest(status):
                client = self.service(problem(status))
                with self.assertRaises(kind):
                    client.results("old")
                self.assertEqual(len(self.scripted.requests), 1)

    def test_a_platforms_refusal_without_a_body_is_an_error_of_its_status(self) -> None:
        client = self.service(Reply(401, b"", content_type="text/plain"))
        with self.assertRaises(AccessRefused) as caught:
            client.get("a")
        self.assertEqual(str(caught.exception), "GET /api/transactions/a: 401 Unauthorized")

    def test_a_service_that_is_not_ready_is_unavailable(self) -> None:
        client = self.service(Reply(503, {"status": "unready", "dependencies": {}}), retries=0)
        with self.assertRaises(ServiceUnavailable):
            client.check()

    def test_something_else_at_the_address_is_told(self) -> None:
        for reply in (Reply(200, b"<html>", content_type="text/html"), Reply(200, []), Reply(200, {"a": 1}), Reply(302, b"", {"Location": "https://x/"})):
            client = self.service(reply)
            with self.assertRaises(UnexpectedAnswer) as caught:
                client.get("a")
            self.assertIn(self.scripted.url, str(caught.exception))

    def test_nobody_there_is_a_failed_connection(self) -> None:
        clock = FakeClock()
        client = Client(f"http://127.0.0.1:{free_port()}", clock=clock, retries=2)
        with self.assertRaises(ConnectionFailed) as caught:
            client.submit(1, 1, 1)
        self.assertIn("Connection refused", str(caught.exception))
        self.assertEqual(len(clock.slept), 2)

    def test_an_answer_that_is_cut_short_is_asked_for_again(self) -> None:
        client = self.service(Reply(200, {"id": "a", "status": "pending"}, cut=True), SCORED)
        self.assertEqual(client.get("a").status, "scored")

    def test_a_service_that_is_silent_fails_in_time(self) -> None:
        import socket

        with socket.create_server(("127.0.0.1", 0)) as listener:
            client = Client(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.05, retries=0, clock=FakeClock())
            with self.assertRaises(ConnectionFailed) as caught:
                client.get("a")
        self.assertIn("no answer in time", str(caught.exception))

    def test_a_connection_is_used_again(self) -> None:
        client = self.service(SCORED)
        for _ in range(5):
            client.get("a")
        self.assertEqual(self.scripted.connections, 1)

    def test_a_connection_that_the_server_closed_is_replaced_without_a_pause(self) -> None:
        client = self.service(SCORED, HANG_UP, SCORED, retries=0)
        client.get("a")
        self.assertEqual(client.get("a").status, "scored")
        self.assertEqual(self.clock.slept, [])

    def test_an_idle_connection_is_not_trusted_for_ever(self) -> None:
        client = self.service(SCORED)
        client.get("a")
        self.clock.seconds += 100
        client.get("a")
        self.assertEqual(len({request.headers["Host"] for request in self.scripted.requests}), 1)
        self.assertEqual(len(client._transport._idle), 1)
        self.assertGreaterEqual(client._transport._idle[0][1], 1100)

    def test_a_child_process_opens_its_own_connections(self) -> None:
        client = self.service(SCORED)
        client.get("a")
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if client.get("a").status == "scored" else 1)
            finally:
                os._exit(2)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
        client.get("a")
        self.assertEqual(len(self.scripted.requests), 3)

    def test_what_is_retryable_in_a_batch_is_sent_again_alone(self) -> None:
        rejected = [{"index": 1, "retryable": True}, {"index": 2, "errors": {"amount": ["is wrong"]}}]
        first = Reply(202, {"accepted": [{"index": 0, "id": "x"}], "rejected": rejected})
        client = self.service(first, accept_all)
        report = client.submit_many([{"user_id": 1, "category_id": 1, "amount": n} for n in range(3)], idempotency_prefix="p")
        self.assertEqual([(accepted.index, accepted.id) for accepted in report.accepted], [(0, "x"), (1, "p:1")])
        self.assertEqual([rejected.index for rejected in report.rejected], [2])
        self.assertEqual(len(self.scripted.requests[1].json), 1)

    def test_progress_makes_the_attempts_count_from_the_start(self) -> None:
        def accept_one(request: Request) -> Reply:
            rest = [{"index": index, "retryable": True} for index in range(1, len(request.json))]
            return Reply(202, {"accepted": [{"index": 0, "id": "x"}], "rejected": rest})

        client = self.service(accept_one, retries=1)
        report = client.submit_many({"user_id": 1, "category_id": 1, "amount": n} for n in range(6))
        self.assertEqual(len(report.accepted), 6)

    def test_a_batch_that_a_proxy_finds_too_large_is_halved(self) -> None:
        def at_most_two(request: Request) -> Reply:
            return accept_all(request) if len(request.json) <= 2 else Reply(413, b"", content_type="text/html", close=True)

        client = self.service(at_most_two)
        report = client.submit_many({"user_id": 1, "category_id": 1, "amount": n} for n in range(7))
        self.assertEqual([accepted.index for accepted in report.accepted], list(range(7)))

    def test_a_submission_that_must_stop_says_how_to_go_on(self) -> None:
        client = self.service(accept_all, problem(401, "key"))
        with self.assertRaises(IncompleteSubmission) as caught:
            client.submit_many({"user_id": 1, "category_id": 1, "amount": n} for n in range(15_000))
        stopped = caught.exception
        self.assertEqual(len(stopped.report.accepted), 10_000)
        self.assertIsInstance(stopped.cause, AccessRefused)
        # The scripted service takes the key for the id. Its time is that of the prefix.
        self.assertEqual(stopped.report.accepted[7].id, item_key(stopped.idempotency_prefix, 7))
        self.assertEqual(stopped.report.accepted[7].id[:13], stopped.idempotency_prefix[:13])
        self.assertIn(stopped.idempotency_prefix, str(stopped))

    def test_requests_stay_under_the_services_size(self) -> None:
        client = self.service(accept_all)
        client.submit_many({"user_id": 1, "category_id": 1, "amount": 1, "idempotency_key": f"{n}" * 100} for n in range(100_000, 110_000))
        client.submit_many({"user_id": 1, "category_id": 1, "amount": "0" * 4_000, "idempotency_key": str(n)} for n in range(5_000))
        self.assertTrue(all(len(request.body) <= 16 * 1024 * 1024 for request in self.scripted.requests))
        self.assertEqual(len(self.scripted.requests), 3)

    def test_waiting_for_a_service_that_does_not_hold_the_answer_is_no_busy_loop(self) -> None:
        client = self.service(Reply(200, {"id": "a", "status": "pending"}, {"Retry-After": "4"}))
        with self.assertRaises(StillPending):
            client.wait_for("a", timeout=10)
        self.assertEqual(self.clock.slept, [4, 4, 2])

    def test_the_key_is_sent_and_not_shown(self) -> None:
        client = self.service(SCORED)
        keyed = Client(self.scripted.url, "s3cret")
        keyed.get("a")
        self.assertEqual(self.scripted.requests[-1].headers["x-functions-key"], "s3cret")
        self.assertNotIn("s3cret", repr(keyed))
        client.close()

    def test_wrong_configuration_is_refused_with_the_reason(self) -> None:
        for url, word in (
            ("127.0.0.1:7071", "no scheme"),
            ("ftp://x", "not an http address"),
            ("http://x:99999", "not an address"),
            ("https://x/?code=KEY", "key is an argument"),
        ):
            with self.assertRaises(ConfigurationError) as caught:
                Client(url)
            self.assertIn(word, str(caught.exception))
            self.assertNotIn("KEY", str(caught.exception))
        for options in ({"key": ""}, {"key": "a b"}, {"timeout": 0}, {"retries": -1}):
            with self.assertRaises(ConfigurationError):
                Client("http://x", **options)
