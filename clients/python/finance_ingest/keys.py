"""
Idempotency keys that are UUIDs of version 7 (RFC 9562, section 5.7), which Python's own ``uuid`` has only since 3.14.

From such a key the service takes the time into the transaction's id, so that the ids of rows that were submitted one after the other lie together
in its index.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
import uuid
from typing import Callable, Optional

_COUNTER_BITS = 42
_TAIL_BITS = 32
_VERSION_AND_VARIANT = 0x7 << 76 | 0b10 << 62


class KeyMaker:
    """
    Makes UUIDs of version 7: 48 bits of milliseconds since 1970, a counter of 42 bits that begins at a random place in each millisecond, and 32 random bits.

    Each UUID is greater than the one before it, also when the clock stands still or goes back. It may be used by many threads and in signal handlers.
    """

    def __init__(self, milliseconds: Callable[[], int] = lambda: time.time_ns() // 1_000_000, random: Callable[[int], bytes] = os.urandom) -> None:
        self._milliseconds = milliseconds
        self._random = random
        self.start_again()

    def start_again(self) -> None:
        """Forgets the state. A forked process must do this, because its copy of the lock may be held for ever, and its copy of the counter is its parent's."""
        # The lock is reentrant, so that a signal handler may make a key while its thread is making one. The two keys then differ in their random bits.
        self._lock = threading.RLock()
        self._time = -1
        self._counter = 0

    def make(self) -> uuid.UUID:
        """Returns a new UUID."""
        with self._lock:
            now = self._milliseconds()
            if now > self._time:
                # The highest bit is 0, so that the counter has room for more keys than a millisecond can hold.
                self._time, self._counter = now, int.from_bytes(self._random(6), "big") >> (48 - _COUNTER_BITS + 1)
            else:
                self._counter += 1
                if self._counter >> _COUNTER_BITS:
                    self._time, self._counter = self._time + 1, 0
            counted = self._counter << _TAIL_BITS | int.from_bytes(self._random(4), "big")
            return _version_7(self._time, counted)


def uuid7() -> uuid.UUID:
    """Returns a new UUID of version 7, greater than every one that this process made before. It may be used by many threads and after a fork."""
    return _maker.make()


def new_key() -> str:
    """Returns a new idempotency key: the text of ``uuid7()``."""
    return str(_maker.make())


def item_key(prefix: str, index: int) -> str:
    """
    Returns the idempotency key of an item in a list, which is always the same for the same prefix and index: ``PREFIX:INDEX``, and for a prefix
    that is a UUID of version 7 again such a UUID, with the prefix's time and bits of SHA-256 over ``PREFIX:INDEX``.
    """
    key = f"{prefix}:{index}"
    made_at = _milliseconds_of(prefix)
    if made_at is None:
        return key
    digest = hashlib.sha256(key.encode("ascii")).digest()
    return str(_version_7(made_at, int.from_bytes(digest, "big") >> (256 - _COUNTER_BITS - _TAIL_BITS)))


def _version_7(milliseconds: int, bits: int) -> uuid.UUID:
    """Returns the UUID with this time and these 74 bits, of which 12 stand before the variant and 62 behind it."""
    return uuid.UUID(int=milliseconds << 80 | bits >> 62 << 64 | bits & (1 << 62) - 1 | _VERSION_AND_VARIANT)


def _milliseconds_of(text: str) -> Optional[int]:
    """Returns the time of a UUID of version 7 in the form in which this module writes it; None for any other text."""
    try:
        value = uuid.UUID(text)
    except ValueError:
        return None
    is_version_7 = value.version == 7 and str(value) == text
    return value.int >> 80 if is_version_7 else None


_maker = KeyMaker()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_maker.start_again)
