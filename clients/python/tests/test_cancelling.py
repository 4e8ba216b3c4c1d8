"""A cancelled call of the asynchronous client stops at once, wherever it is, and leaves nothing behind that a later call could trip over."""

import asyncio
import random
import socket
import subprocess
import sys
import threading
import unittest
from typing import Any, Awaitable, Callable, List

from finance_ingest import AsyncClient, BatchReport, ConnectionFailed

from .support.scripted_service import Reply, Request, ScriptedService, problem

FOR_EVER = 600.0
"""Seconds for which a call would wait if nobody stopped it."""

GUARD = 60.0
"""Seconds after which a test gives up. A call that is stopped takes milliseconds."""


class SilentService:
    """Accepts connections, reads what comes and never answers."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.received = threading.Event()
        self.cut = threading.Event()
        self.connections = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection: socket.socket) -> None:
        with connection:
            try:
                while connection.recv(65_536):
                    self.received.set()
            except OSError:
                pass
        self.cut.set()

    def close(self) -> None:
        self._listener.close()


def run(work: Callable[[], Awaitable[Any]]) -> Any:
    async def guarded() -> Any:
        return await asyncio.wait_for(work(), GUARD)

    return asyncio.run(guarded())


async def until(event: threading.Event) -> None:
    while not event.is_set():
        await asyncio.sleep(0.001)


class CancellingTests(unittest.TestCase):
    def silent(self) -> SilentService:
        service = SilentService()
        self.addCleanup(service.close)
        return service

    def scripted(self, *script: Any) -> ScriptedService:
        service = ScriptedService(*script)
        self.addCleanup(service.close)
        return service

    def test_while_it_waits_for_the_answer(self) -> None:
        service = self.silent()

        async def work() -> None:
            async with AsyncClient(f"http://{service.address}", timeout=FOR_EVER) as client:
                task = asyncio.ensure_future(client.submit(1, 2, 3, wait=30))
                await until(service.received)
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task

        run(work)
        self.assertTrue(service.cut.wait(GUARD))
        self.assertEqual(service.connections, 1)

    def test_while_tls_is_agreed_on(self) -> None:
        service = self.silent()

        async def work() -> None:
            async with AsyncClient(f"https://{service.address}", timeout=FOR_EVER) as client:
                task = asyncio.ensure_future(client.check())
                await until(service.received)
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task

        run(work)
        self.assertTrue(service.cut.wait(GUARD))

    def test_in_the_pause_before_a_repeat(self) -> None:
        service = self.scripted(problem(503, "queue", {"Retry-After": "200"}))

        async def work() -> None:
            async with AsyncClient(service.url) as client:
                task = asyncio.ensure_future(client.submit(1, 2, 3))
                while not service.requests:
                    await asyncio.sleep(0.001)
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task

        run(work)
        self.assertEqual(len(service.requests), 1)

    def test_by_a_time_out(self) -> None:
        service = self.silent()

        async def work() -> None:
            async with AsyncClient(f"http://{service.address}", timeout=FOR_EVER) as client:
                with self.assertRaises(asyncio.TimeoutError):
                    await asyncio.wait_for(client.get("a", wait=30), 0.01)

        run(work)

    @unittest.skipUnless(hasattr(asyncio, "TaskGroup"), "asyncio has TaskGroup and timeout since Python 3.11")
    def test_by_a_task_group_and_by_asyncio_timeout(self) -> None:
        service = self.silent()

        async def fail() -> None:
            await until(service.received)
            raise LookupError

        async def work() -> None:
            async with AsyncClient(f"http://{service.address}", timeout=FOR_EVER) as client:
                try:
                    async with asyncio.TaskGroup() as group:
                        calls = [group.create_task(client.submit(1, 2, 3, wait=30)) for _ in range(3)]
                        group.create_task(fail())
                except Exception as error:
                    self.assertIsInstance(error.exceptions[0], LookupError)
                self.assertTrue(all(call.cancelled() for call in calls))

        async def timed() -> None:
            async with AsyncClient(f"http://{service.address}", timeout=FOR_EVER) as client:
                with self.assertRaises(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await client.submit_many([{"user_id": 1, "category_id": 2, "amount": 3}])

        # Each has a loop of its own: in Python 3.11.2 a task that saw a group fail can't have a time-out any more.
        run(work)
        run(timed)

    def test_before_it_has_a_thread(self) -> None:
        service = self.silent()

        async def work() -> None:
            async with AsyncClient(f"http://{service.address}", timeout=FOR_EVER, concurrency=1) as client:
                first, second = (asyncio.ensure_future(client.get(one)) for one in ("a", "b"))
                await until(service.received)
                second.cancel()
                first.cancel()
                await asyncio.wait([first, second])

        run(work)
        self.assertEqual(service.connections, 1)

    def test_an_exception_that_leaves_the_block_stops_the_other_calls(self) -> None:
        service = self.silent()
        others: List["asyncio.Future[Any]"] = []

        async def work() -> None:
            async with AsyncClient(f"http://{service.address}", timeout=FOR_EVER) as client:
                others.extend(asyncio.ensure_future(client.get(one)) for one in "abc")
                await until(service.received)
                raise LookupError

        async def both() -> None:
            with self.assertRaises(LookupError):
                await work()
            for other in others:
                with self.assertRaises(ConnectionFailed):
                    await other

        run(both)

    def test_a_close_that_is_cancelled_stops_the_calls_for_which_it_waits(self) -> None:
        service = self.silent()

        async def work() -> None:
            client = AsyncClient(f"http://{service.address}", timeout=FOR_EVER)
            call = asyncio.ensure_future(client.get("a"))
            await until(service.received)
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(client.close(), 0.01)
            with self.assertRaises(ConnectionFailed):
                await call
            with self.assertRaises(RuntimeError):
                await client.get("a")

        run(work)

    def test_a_close_waits_for_calls_that_nobody_cancelled(self) -> None:
        go_on = threading.Event()

        def slow(_: Request) -> Reply:
            go_on.wait(GUARD)
            return Reply(200, {"id": "a", "status": "scored"})

        service = self.scripted(slow)

        async def work() -> None:
            async with AsyncClient(service.url) as client:
                call = asyncio.ensure_future(client.get("a"))
                while not service.requests:
                    await asyncio.sleep(0.001)
                asyncio.get_running_loop().call_later(0.01, go_on.set)
            self.assertEqual((await call).status, "scored")

        run(work)

    def test_a_submission_that_is_cancelled_has_its_report(self) -> None:
        hang = threading.Event()
        self.addCleanup(hang.set)

        def first_chunk(request: Request) -> Reply:
            if len(service.requests) > 1:
                hang.wait(GUARD)
            return Reply(202, {"accepted": [{"index": index, "id": "x"} for index in range(len(request.json))], "rejected": []})

        service = self.scripted(first_chunk)

        mine = BatchReport()

        async def submit(client: AsyncClient) -> None:
            rows = [{"user_id": 1, "category_id": 2, "amount": amount} for amount in range(15_000)]
            try:
                await client.submit_many(rows, report=mine)
            except asyncio.CancelledError as error:
                self.assertIs(error.report, mine)
                self.assertTrue(error.idempotency_prefix)
                raise

        async def work() -> None:
            async with AsyncClient(service.url) as client:
                task = asyncio.ensure_future(submit(client))
                while len(service.requests) < 2:
                    await asyncio.sleep(0.001)
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task

        run(work)
        self.assertEqual(len(mine.accepted), 10_000)

    def test_answers_are_never_mixed_up_whenever_calls_are_cancelled(self) -> None:
        def echo(request: Request) -> Reply:
            return Reply(200, {"id": request.path.rsplit("/", 1)[-1], "status": "scored"})

        service = self.scripted(echo)
        draw = random.Random(13)
        answered: List[str] = []

        async def one(client: AsyncClient, name: str, seconds: float) -> None:
            try:
                result = await asyncio.wait_for(client.get(name), seconds)
            except asyncio.TimeoutError:
                return
            self.assertEqual(result.id, name)
            answered.append(name)

        async def work() -> None:
            async with AsyncClient(service.url, concurrency=8, retries=0) as client:
                for begin in range(0, 800, 40):
                    await asyncio.gather(*(one(client, str(number), draw.uniform(0, 0.02)) for number in range(begin, begin + 40)))
                self.assertEqual((await client.get("last")).id, "last")

        run(work)
        self.assertTrue(answered)

    def test_a_thread_that_hangs_keeps_no_interpreter_from_ending(self) -> None:
        program = (
            "import asyncio, socket, threading\n"
            "from finance_ingest import AsyncClient\n"
            "asked = threading.Event()\n"
            "socket.getaddrinfo = lambda *_, **__: (asked.set(), threading.Event().wait())\n"
            "async def main():\n"
            "    async with AsyncClient('http://nowhere.invalid') as client:\n"
            "        task = asyncio.ensure_future(client.check())\n"
            "        await asyncio.get_running_loop().run_in_executor(None, asked.wait)\n"
            "        raise SystemExit('left')\n"
            "asyncio.run(main())\n"
        )
        ended = subprocess.run([sys.executable, "-c", program], timeout=GUARD, capture_output=True, text=True)
        self.assertEqual((ended.returncode, ended.stderr.strip()), (1, "left"))
