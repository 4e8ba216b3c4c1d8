"""Makes the .pkl files beside it. Run with a Python 3 that has numpy 1.x; see README.md.

Tests never run this: the files are kept as they came out.
"""

import io
import os
import pickle
from collections import OrderedDict, defaultdict

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))

# The same three baselines in nearly every file: user, category, mean, std, count.
ROWS = [
    (399, 2310, 2000.0, 500.0, 40),
    (399, 2311, 0.1, 5e-324, 2),
    (9223372036854775807, 70000, -123456789.125, 0.0, 3000000000),
]


def nested(outer, inner, stats, key=int, real=float, count=int):
    users = outer()
    for user, category, mean, std, n in ROWS:
        user = key(user)
        if user not in users:
            users[user] = inner()
        entry = stats()
        entry["mean"] = real(mean)
        entry["std"] = real(std)
        entry["count"] = count(n)
        users[user][key(category)] = entry
    return users


def save(name, data):
    with open(os.path.join(HERE, name + ".pkl"), "wb") as file:
        file.write(data)


class RenamingPickler(pickle._Pickler):
    """Writes numpy 1's module name as numpy 2 has it; nothing else differs between their scalars."""

    def save_global(self, obj, name=None):
        if getattr(obj, "__module__", None) != "numpy.core.multiarray":
            return super().save_global(obj, name)
        if self.proto >= 4:
            self.save("numpy._core.multiarray")
            self.save(obj.__name__)
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(b"cnumpy._core.multiarray\n" + obj.__name__.encode() + b"\n")
        self.memoize(obj)

    dispatch = dict(pickle._Pickler.dispatch)
    dispatch[type(nested)] = save_global


def dumps_as_numpy2(value, protocol):
    out = io.BytesIO()
    pickler = RenamingPickler(out, protocol)
    pickler.dump(value)
    return out.getvalue()


class Scalar:
    """A numpy scalar of a byte order that this machine does not have."""

    def __init__(self, dtype, value):
        self.dtype = np.dtype(dtype)
        self.bytes = np.array(value, self.dtype).tobytes()

    def __reduce__(self):
        return np.core.multiarray.scalar, (self.dtype, self.bytes)


def every_type():
    """User 1, one category for each type; the mean has the type and is category + 0.5 for floats."""
    users = {1: {}}
    category = 0
    for order in "<>":
        for code in ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]:
            category += 1
            value = category + 0.5 if code[0] == "f" else category
            users[1][category] = {"mean": Scalar(order + code, value), "std": 1.0, "count": 1}
    return users


def shared():
    """Two users with one and the same dict of categories, which has one and the same statistics twice."""
    stats = {"mean": 1.5, "std": 0.5, "count": 7}
    categories = {10: stats, 11: stats}
    return {1: categories, 2: categories}


def python2_scalar(dtype, data):
    body = b"".join(b"\\x%02x" % b for b in data)
    return (
        b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'" + dtype + b"'\nI0\nI1\ntR"
        b"(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbS'" + body + b"'\ntR"
    )


def main():
    for protocol in range(6):
        save(f"plain-p{protocol}", pickle.dumps(nested(dict, dict, dict), protocol))
        save(f"default-p{protocol}", pickle.dumps(
            nested(lambda: defaultdict(defaultdict), lambda: defaultdict(dict), lambda: defaultdict(float)), protocol))
        save(f"ordered-p{protocol}", pickle.dumps(nested(OrderedDict, OrderedDict, OrderedDict), protocol))
        numbers = nested(dict, dict, dict, np.int64, np.float64, np.int64)
        save(f"numpy-p{protocol}", pickle.dumps(numbers, protocol))
        save(f"numpy2-p{protocol}", dumps_as_numpy2(numbers, protocol))
    for protocol in (2, 5):
        save(f"types-p{protocol}", pickle.dumps(every_type(), protocol))
        save(f"shared-p{protocol}", pickle.dumps(shared(), protocol))
    save("refused-p4", pickle.dumps({
        1: {10: {"mean": float("nan"), "std": 1.0, "count": 1}, 11: {"mean": 1.0, "std": -1.0, "count": 1}},
        2: {10: {"mean": 1.0, "std": 1.0, "count": 1}, 12: {"mean": 1.0, "std": 1.0, "count": 2.5}, 13: 5},
        "x": {},
        None: {},
        3: [],
        4: {0: {"mean": 1.0, "std": 1.0, "count": 1}, (1, 2): {"mean": "1", "std": True, "count": None}},
    }, 4))
    # What Python 2 wrote, by hand: str is bytes, long has an L, numpy's bytes are a str with escapes.
    save("python2-p0", b"(dp0\nL399L\n(dp1\nI2310\n(dp2\nS'count'\np3\nI40\nsS'std'\np4\nF500.0\nsS\"mean\"\np5\nF2000\nsssL1L\n(dI2\n(dg5\n"
         + python2_scalar(b"f8", np.float64(0.1).tobytes()) + b"sg4\nF1e-05\nsg3\n" + python2_scalar(b"i8", np.int64(7).tobytes()) + b"sss.")
    save("python2-p2", b"\x80\x02}q\x00M\x8f\x01}q\x01M\x06\x09}q\x02(U\x05countq\x03K(U\x03stdq\x04G@\x7f@\x00\x00\x00\x00\x00"
         + b"U\x04meanq\x05G@\x9f@\x00\x00\x00\x00\x00uss.")


main()
