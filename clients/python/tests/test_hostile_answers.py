"""What a broken or hostile server may answer: it fills no memory, takes no time, and is told as what it is."""

import copy
import json
import pickle
import socket
import threading
import traceback
import tracemalloc
import unittest
from typing import Any, Callable, List

from finance_ingest import Client, ConnectionFailed, FinanceIngestError, InvalidTransaction, StillPending, TryLater, UnexpectedAnswer
from finance_ingest.batches import Accepted, BatchReport, Rejected
from finance_ingest.errors import IncompleteSubmission, Problem, UntrustedCertificate, api_error
from finance_ingest.results import Result
from finance_ingest.transport import MOST_ANSWER_BYTES

from .support.clocks import FakeClock
from .support.scripted_service import HANG_UP, Reply, ScriptedService, problem

ONE = {"user_id": 1, "category_id": 2, "amount": 3}


class RawService:
    """Answers each request with what a function writes to the socket."""

    def __init__(self, write: Callable[[socket.socket], None]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._write = write
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.recv(65_536)
                    self._write(connection)
                    # The client has seen the end before the connection is gone, so that nothing is reset.
                    connection.shutdown(socket.SHUT_WR)
                    connection.recv(1)
                except OSError:
                    pass

    def close(self) -> None:
        self._listener.close()


class SizeTests(unittest.TestCase):
    def told(self, write: Callable[[socket.socket], None]) -> FinanceIngestError:
        service = RawService(write)
        self.addCleanup(service.close)
        tracemalloc.start()
        try:
            with self.assertRaises(FinanceIngestError) as caught:
                Client(service.url, retries=0, clock=FakeClock()).results()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        self.assertLess(peak, 3 * MOST_ANSWER_BYTES)
        return caught.exception

    def test_an_answer_without_end_is_left(self) -> None:
        def without_length(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
            while True:
                connection.sendall(b"[" * 65_536)

        def in_chunks(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                connection.sendall(b"10000\r\n" + b"[" * 65_536 + b"\r\n")

        def one_chunk(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffff\r\n")
            while True:
                connection.sendall(b"[" * 65_536)

        for write in (without_length, in_chunks, one_chunk):
            self.assertIn("more than 16,777,216 bytes", str(self.told(write)))

    def test_an_announced_length_that_is_too_large_is_not_read_at_all(self) -> None:
        def announce(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 500 Oops\r\nContent-Length: 99999999999\r\n\r\n")

        self.assertIn("more than 16,777,216 bytes", str(self.told(announce)))

    def test_headers_without_end_are_a_failed_connection(self) -> None:
        def long_line(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while True:
                connection.sendall(b"x" * 65_536)

        def many_lines(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while True:
                connection.sendall(b"X: x\r\n" * 1_000)

        for write in (long_line, many_lines):
            self.assertIsInstance(self.told(write), ConnectionFailed)

    def test_something_that_is_not_http_is_a_failed_connection(self) -> None:
        for content in (b"SSH-2.0-OpenSSH_9.2\r\n", b"\x00" * 100, b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n[]", b""):
            self.assertIsInstance(self.told(lambda connection: connection.sendall(content)), ConnectionFailed)

    def test_a_chunked_answer_is_read_to_its_end_and_its_connection_used_again(self) -> None:
        content = json.dumps({"results": [], "next": "c" * 200_000}).encode()
        requests: List[int] = []

        def answer_two(connection: socket.socket) -> None:
            for number in range(2):
                requests.append(number)
                pieces = b"".join(b"%x\r\n%s\r\n" % (len(content[i : i + 70_000]), content[i : i + 70_000]) for i in range(0, len(content), 70_000))
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\n\r\n")
                if number == 0:
                    connection.recv(65_536)

        service = RawService(answer_two)
        self.addCleanup(service.close)
        client = Client(service.url, retries=0)
        self.assertEqual([len(client.results().next) for _ in range(2)], [200_000, 200_000])
        self.assertEqual(requests, [0, 1])


class ContentTests(unittest.TestCase):
    def client(self, *script: Any, **options: Any) -> Client:
        service = ScriptedService(*script)
        self.addCleanup(service.close)
        return Client(service.url, clock=FakeClock(), **options)

    def test_json_of_another_kind_is_told(self) -> None:
        scored = {"id": "a", "status": "scored"}
        for value in (
            b"[" * 1_000_000, b"9" * 1_000_000, b'{"id":"a","status":"scored","amount":1E+999999999}', b'{"id":"a","status":"scored","amount":"NaN"}',
            b"\xff", b"",
            {**scored, "baseline": 5}, {**scored, "occurred_at": "soon"}, {**scored, "occurred_at": 5}, {**scored, "z_score": "x"},
            {**scored, "error": 5}, {"id": "a"}, None, 5, "x",
        ):
            with self.assertRaises(UnexpectedAnswer, msg=repr(value)[:60]):
                self.client(Reply(200, value if isinstance(value, bytes) else json.dumps(value).encode())).get("a")

    def test_another_number_of_results_than_of_ids_is_told(self) -> None:
        for results in ([], [{"id": "a", "status": "scored"}] * 3, {"a": 1}):
            with self.assertRaises(UnexpectedAnswer):
                self.client(Reply(200, {"results": results})).get_many(["a", "b"])

    def test_an_answer_to_a_batch_can_not_name_items_that_were_not_sent(self) -> None:
        for accepted, rejected in (
            ([{"index": -1, "id": "x"}], []), ([{"index": 2, "id": "x"}], []), ([{"index": "0", "id": "x"}], []), ([{"index": 0}], []), ([5], []), (5, []),
            ([{"index": 0, "id": "x"}, {"index": 0, "id": "y"}], []), ([{"index": 0, "id": "x"}], [{"index": 0, "errors": {}}]),
            ([], [{"index": 0, "errors": 5}]),
        ):
            with self.assertRaises(IncompleteSubmission) as caught:
                self.client(Reply(202, {"accepted": accepted, "rejected": rejected}), retries=0).submit_many([ONE, ONE])
            self.assertIsInstance(caught.exception.cause, UnexpectedAnswer)
            self.assertEqual(caught.exception.report.accepted, [])

    def test_a_problem_of_another_kind_is_an_error_of_its_status(self) -> None:
        for body in (b"[" * 100_000, b'{"status":"x"}', b'{"errors":5}', b'{"rejected":5}', b"5", b"", b"\xff"):
            with self.assertRaises(TryLater):
                self.client(Reply(503, body, content_type="application/problem+json"), retries=0).get("a")

    def test_a_problem_holds_nothing_that_a_terminal_obeys(self) -> None:
        with self.assertRaises(TryLater) as caught:
            self.client(problem(503, "queue", detail="\x1b]0;title\x07\nline " + "y" * 5_000), retries=0).get("a")
        self.assertTrue(str(caught.exception).isprintable())
        self.assertLess(len(str(caught.exception)), 1_100)
        self.assertEqual(len(caught.exception.problem.detail), 5_016)

    def test_a_single_item_that_is_too_large_for_a_proxy_is_refused_and_the_others_go(self) -> None:
        def small_only(request: Any) -> Reply:
            if any(item["amount"] == "2" for item in request.json):
                return Reply(413, b"", content_type="text/html")
            return Reply(202, {"accepted": [{"index": index, "id": "x"} for index in range(len(request.json))], "rejected": []})

        report = self.client(small_only).submit_many({**ONE, "amount": amount} for amount in range(5))
        self.assertEqual([accepted.index for accepted in report.accepted], [0, 1, 3, 4])
        self.assertEqual([(rejected.index, list(rejected.errors)) for rejected in report.rejected], [(2, ["$"])])


class ArgumentTests(unittest.TestCase):
    """Arguments that would ask for something else than what was meant are refused before anything is sent."""

    def setUp(self) -> None:
        self.service = ScriptedService(Reply(200, {"anomalies": [], "results": [], "next": None}))
        self.addCleanup(self.service.close)
        self.client = Client(self.service.url, clock=FakeClock())

    def test_a_filter_that_does_not_filter_is_refused(self) -> None:
        for name in ("user_id", "category_id"):
            for value in (None, "", True, 1.5, "x", [1]):
                with self.assertRaises(ValueError) as caught:
                    self.client.anomalies(**{name: value})
                self.assertIn(name, str(caught.exception))
        with self.assertRaises(ValueError):
            from datetime import datetime

            self.client.anomalies(since=datetime(2026, 1, 1))
        self.assertEqual(self.service.requests, [])
        self.assertEqual(list(self.client.anomalies(user_id="7")), [])
        self.assertEqual([request.path for request in self.service.requests], ["/api/anomalies?user_id=7&limit=1000"])

    def test_an_empty_cursor_is_the_beginning(self) -> None:
        self.service.script[:] = [Reply(200, {"results": [], "next": "c"})]
        self.client.results("")
        self.assertEqual(self.service.requests[0].path, "/api/results?limit=1000")

    def test_the_state_of_the_installation_is_asked_with_known_parameters_only(self) -> None:
        self.service.script[:] = [Reply(200, {"inbound": {"length": 3}, "unsent_alerts": None})]
        self.assertEqual(self.client.status()["inbound"], {"length": 3})
        self.client.status(fresh=True)
        self.assertEqual([request.path for request in self.service.requests], ["/api/status", "/api/status?fresh=true"])
        self.service.script[:] = [Reply(200, 5)]
        with self.assertRaises(UnexpectedAnswer):
            self.client.status()

    def test_one_id_is_not_taken_for_many(self) -> None:
        with self.assertRaises(ValueError):
            self.client.get_many("0199")

    def test_waiting_is_in_whole_seconds_up_to_thirty(self) -> None:
        self.service.script[:] = [Reply(200, {"id": "a", "status": "scored"})]
        for wait, header in ((0.2, "wait=1"), (7, "wait=7"), (600, "wait=30"), (0, None)):
            self.client.submit(1, 2, 3, wait=wait)
            self.assertEqual(self.service.requests[-1].headers["Prefer"], header)
        for wait in (-1, float("nan"), True, "5", None):
            with self.assertRaises(ValueError):
                self.client.submit(1, 2, 3, wait=wait)

    def test_options_of_the_client(self) -> None:
        for name, values in (("timeout", (float("nan"), float("inf"), "5", True)), ("retries", (1.5, True)), ("key", (b"k", "ké", " "))):
            for value in values:
                with self.assertRaises(ValueError):
                    Client("http://x", **{name: value})
        keyed = Client(self.service.url, "s3cret\n")
        list(keyed.anomalies())
        self.assertEqual(self.service.requests[-1].headers["x-functions-key"], "s3cret")


class CopyTests(unittest.TestCase):
    def test_every_exception_can_be_pickled_and_copied(self) -> None:
        problem_503 = Problem("t", "T", 503, "d", {"f": ["m"]}, [{"index": 1}])
        report = BatchReport([Accepted(0, "x")], [Rejected(1, {"amount": ["is wrong"]})])
        noted = InvalidTransaction({"amount": ["is wrong"]})
        noted.mine = "kept"
        for error in (
            noted, api_error(problem_503, "GET /x", 5.0), StillPending(Result("a", "pending"), 9.5),
            IncompleteSubmission(report, ConnectionFailed("down"), "p"),
            IncompleteSubmission(report, ValueError("x"), "p"), UnexpectedAnswer("odd"), UntrustedCertificate("odd"),
        ):
            for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
                self.assertEqual((type(twin), str(twin), twin.args), (type(error), str(error), error.args))
                self.assertEqual(set(vars(twin)), set(vars(error)))
        self.assertEqual(pickle.loads(pickle.dumps(api_error(problem_503, "GET /x", 5.0))).problem, problem_503)

    def test_results_and_reports_too(self) -> None:
        baseline = {"mean": 1, "std_dev": 2, "sample_count": 3}
        result = Result.from_json({"id": "a", "status": "scored", "amount": "5.10", "occurred_at": "2026-01-01T00:00:00Z", "baseline": baseline})
        for twin in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
            self.assertEqual(twin, result)

    def test_a_client_is_shared_by_copies_and_never_pickled_with_its_key(self) -> None:
        client = Client("http://127.0.0.1:1", "s3cret")
        self.assertIs(copy.deepcopy({"client": client})["client"], client)
        self.assertIs(copy.copy(client), client)
        with self.assertRaises(TypeError) as caught:
            pickle.dumps(client)
        self.assertIn("make one in each process", str(caught.exception))
        self.assertNotIn("s3cret", repr(client))

    def test_a_scored_result_always_has_its_z_score_and_baseline(self) -> None:
        for nothing in ({}, {"z_score": None, "baseline": None}):
            written = Result.from_json({"id": "a", "status": "scored", "reason": "no_baseline", **nothing}).to_json()
            self.assertEqual((written["z_score"], written["baseline"], written["is_anomaly"]), (None, None, False))
        self.assertEqual(Result.from_json({"id": "a", "status": "pending"}).to_json(), {"id": "a", "status": "pending"})


class RestartTests(unittest.TestCase):
    def test_idle_connections_of_a_server_that_was_started_again_cost_no_call(self) -> None:
        first = ScriptedService(Reply(200, {"id": "a", "status": "scored"}))
        client = Client(first.url, retries=0)
        threads = [threading.Thread(target=client.get, args=("a",)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        port = int(first.url.rsplit(":", 1)[1])
        first.close()
        first.hang_up()
        second = ScriptedService(Reply(200, {"id": "b", "status": "scored"}), port=port)
        self.addCleanup(second.close)
        self.assertEqual([client.get("a").id for _ in range(8)], ["b"] * 8)

    def test_no_error_shows_the_key(self) -> None:
        redirect = Reply(302, b"", {"Location": "https://u:s3cret@h/login?code=s3cret#s3cret"})
        for step in (problem(401, "key"), problem(503, "queue"), Reply(200, b"<html>"), redirect, HANG_UP):
            service = ScriptedService(step)
            self.addCleanup(service.close)
            with self.assertRaises(FinanceIngestError) as caught:
                Client(service.url, "s3cret", retries=0).get("a")
            self.assertNotIn("s3cret", "".join(traceback.format_exception(type(caught.exception), caught.exception, caught.exception.__traceback__)))
