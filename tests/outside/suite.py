"""Writes cases and what must come of them.

A suite is a folder: cases.jsonl (what `convnative run --cases` reads), expected.jsonl (one line a case: its family, the status
that it must have, where the expected result lies, how far a result may be from it), t/ (tensors) and e/ (expected results).
"""

import json
import pathlib

import numpy as np

UNIT = {"f32": 2.0**-24, "f64": 2.0**-53, "bf16": 2.0**-8, "f16": 2.0**-11}


def bf16(values):
    """Rounds float32 to the nearest bfloat16 (ties to even), as float32."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32).astype(np.uint64)
    bits = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16 << 16
    return bits.astype(np.uint32).view(np.float32)


def bf16_bits(values):
    """The upper half of each bfloat16-valued float32."""
    return (np.ascontiguousarray(values, np.float32).view(np.uint32) >> 16).astype(np.uint16)


def rounded(values, kind):
    """Values that the type can hold, as float64 (integers stay integers)."""
    if kind == "f32":
        return np.asarray(values, np.float32).astype(np.float64)
    if kind == "f16":
        return np.asarray(values, np.float16).astype(np.float64)
    if kind == "bf16":
        return bf16(np.asarray(values, np.float32)).astype(np.float64)
    return np.asarray(values)


def stored(values, kind, bf16_as="f4"):
    """Values as an array that goes into a .npy file."""
    if kind == "bf16":
        singles = bf16(np.asarray(values, np.float32))
        return singles if bf16_as == "f4" else bf16_bits(singles)
    return np.asarray(values).astype({"f32": "<f4", "f64": "<f8", "f16": "<f2", "u8": "u1", "s8": "i1", "s32": "<i4"}[kind])


class Suite:
    """Collects cases; every random number comes from `random`, so that a seed gives a suite."""

    def __init__(self, folder, seed=1):
        self.folder = pathlib.Path(folder)
        for name in ("t", "e"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.cases = open(self.folder / "cases.jsonl", "w", encoding="utf-8")
        self.expected = open(self.folder / "expected.jsonl", "w", encoding="utf-8")
        self.random = np.random.default_rng(seed)
        self.count = {}

    def next_id(self, family):
        self.count[family] = self.count.get(family, 0) + 1
        return f"{family}-{self.count[family]:03d}"

    def normal(self, shape):
        return self.random.standard_normal(shape)

    def small(self, shape, least=-3, most=3):
        return self.random.integers(least, most + 1, shape).astype(np.float64)

    def good(self, family, case, tensors, expected, *, magnitude=None, terms=1, exact=False, slack=0.0, kind="f32", accumulate=None, dtype=None, bound=None):
        """A case that must be computed.

        magnitude: the sum of |products| of every element, for the bound terms*unit*magnitude; exact: must be equal, NaN for NaN;
        bound: the bound itself; kind: the type of the result; accumulate: unit roundoff of the sums where it is another; slack: absolute, for activations.
        """
        name = self.next_id(family)
        files = {}
        for key, array in tensors.items():
            files[key] = f"t/{name}.{key}.npy"
            np.save(self.folder / files[key], array)
        line = {"id": name, **case, "tensors": files, "outputs": {"output": f"out/{name}.npy"}}
        self.cases.write(json.dumps(line) + "\n")
        expected = np.asarray(expected)
        np.save(self.folder / f"e/{name}.npy", expected)
        record = {"id": name, "family": family, "status": "ok", "data_type": case.get("data_type", "f32"), "dtype": dtype, "exact": exact}
        if not exact:
            with np.errstate(all="ignore"):
                sums = (8 + min(terms, 200)) * (accumulate or UNIT.get(kind, 0)) * (np.abs(expected) if magnitude is None else np.asarray(magnitude))
                last = UNIT.get(kind, 0) * np.abs(expected)
            np.save(self.folder / f"e/{name}.bound.npy", sums + last + slack + 1e-37 if bound is None else bound)
        self.expected.write(json.dumps(record) + "\n")
        return name

    def bad(self, family, text, mentions=(), status="invalid", known=None):
        """A line (a string, or a dictionary without id) that must have a status whose message mentions every given word."""
        name = self.next_id(family) if known is None else known
        if not isinstance(text, str):
            line = json.dumps({"id": name, **text})
        else:
            line = text.replace("@ID@", name)
        self.cases.write(line + "\n")
        self.expected.write(json.dumps({"id": name if line.startswith(f'{{"id": "{name}"') else None, "family": family, "status": status, "mentions": list(mentions)}) + "\n")
        return name

    def tensor(self, name, array):
        """A tensor file that several error cases share."""
        path = f"t/{name}.npy"
        np.save(self.folder / path, array)
        return path

    def close(self):
        self.cases.close()
        self.expected.close()
