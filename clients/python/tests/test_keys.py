"""Idempotency keys that are UUIDs of version 7."""

import os
import threading
import unittest
import uuid
from typing import List

from finance_ingest.keys import KeyMaker, item_key, new_key, uuid7

MILLISECONDS = 1_795_000_000_123


class KeyTests(unittest.TestCase):
    def test_a_key_is_a_uuid_of_version_7_with_the_time_in_front(self) -> None:
        key = KeyMaker(lambda: MILLISECONDS).make()
        self.assertEqual((key.version, key.variant, key.int >> 80), (7, uuid.RFC_4122, MILLISECONDS))
        self.assertEqual(uuid.UUID(new_key()).version, 7)
        self.assertIsInstance(uuid7(), uuid.UUID)

    def test_all_bits_but_the_fixed_ones_are_used(self) -> None:
        ones, zeros = (KeyMaker(lambda: MILLISECONDS, lambda count, byte=byte: bytes([byte]) * count).make().int for byte in (255, 0))
        # The counter's highest bit, which is the first one behind the version, begins as 0.
        self.assertEqual(hex(ones & (1 << 80) - 1), "0x77ffbfffffffffffffff")
        self.assertEqual(hex(zeros & (1 << 80) - 1), "0x70008000000000000000")

    def test_keys_grow_while_the_clock_stands_still_goes_back_or_the_counter_is_full(self) -> None:
        times = iter([MILLISECONDS, MILLISECONDS, MILLISECONDS, MILLISECONDS - 60_000, MILLISECONDS + 1])
        maker = KeyMaker(lambda: next(times))
        keys = [maker.make() for _ in range(3)]
        maker._counter = (1 << 42) - 1
        keys += [maker.make() for _ in range(2)]
        self.assertEqual(keys, sorted(set(keys)))
        self.assertEqual(keys[3].int >> 80, MILLISECONDS + 1)

    def test_threads_never_get_the_same_key_and_each_sees_its_keys_grow(self) -> None:
        made: List[List[str]] = [[] for _ in range(8)]
        threads = [threading.Thread(target=lambda mine=mine: mine.extend(new_key() for _ in range(5_000))) for mine in made]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len({key for mine in made for key in mine}), 40_000)
        for mine in made:
            self.assertEqual(mine, sorted(mine))

    @unittest.skipUnless(hasattr(os, "fork"), "this system has no fork")
    def test_a_forked_process_makes_its_own_keys_even_if_another_thread_was_making_one(self) -> None:
        from finance_ingest import keys

        readable, writable = os.pipe()
        held, go_on = threading.Event(), threading.Event()

        def hold() -> None:
            with keys._maker._lock:
                held.set()
                go_on.wait(30)

        holder = threading.Thread(target=hold)
        holder.start()
        held.wait(30)
        child = os.fork()
        if child == 0:
            try:
                os.write(writable, "\n".join(new_key() for _ in range(500)).encode())
                os._exit(0)
            finally:
                os._exit(2)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
        go_on.set()
        holder.join()
        os.close(writable)
        with os.fdopen(readable) as theirs:
            self.assertEqual(len({*theirs.read().split("\n"), *(new_key() for _ in range(500))}), 1_000)

    def test_items_of_a_list_have_the_same_keys_each_time_and_the_time_of_their_prefix(self) -> None:
        prefix = str(KeyMaker(lambda: MILLISECONDS).make())
        keys = [item_key(prefix, index) for index in range(1_000)]
        self.assertEqual(len(set(keys)), 1_000)
        self.assertEqual(keys, [item_key(prefix, index) for index in range(1_000)])
        self.assertEqual({(uuid.UUID(key).version, uuid.UUID(key).int >> 80) for key in keys}, {(7, MILLISECONDS)})

    def test_another_prefix_stands_before_the_index_as_it_is(self) -> None:
        for prefix in ("ledger-2026-11", "käse", "", str(uuid.uuid4()), new_key().upper(), "{" + new_key() + "}"):
            self.assertEqual(item_key(prefix, 7), f"{prefix}:7")
