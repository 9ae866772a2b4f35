#!/usr/bin/python3
"""Runs a suite through the tool and compares: compare.py FOLDER [--backend oracle,managed,...] [--tool 'dotnet .../convnative.dll'].

Exit code 0: nothing failed; 1: something did. `unsupported` is counted, and is a failure of the Oracle and of f32.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import time

import numpy as np

import descriptors

TOOL = "dotnet " + str(pathlib.Path(__file__).resolve().parents[2] / "artifacts/bin/ConvNative.Cli/release/ConvNative.Cli.dll")
STATUSES = ("ok", "unsupported", "invalid", "unavailable", "error")
VECTORS = re.compile(r":(avx512|avx2|sse|advsimd|vector128|scalar)\b")
FIELDS = {"id", "status", "backend", "implementation", "message"}


def values(path):
    a = np.load(path)
    if a.dtype == np.uint16:
        return (a.astype(np.uint32) << 16).view(np.float32).astype(np.float64), a
    return a.astype(np.float64), a


def check_result(folder, record):
    """Why the file is not what it should be, or None."""
    path = folder / f"out/{record['id']}.npy"
    if not path.exists():
        return "status ok, and no output file"
    want = np.load(folder / f"e/{record['id']}.npy")
    got, raw = values(path)
    if record.get("dtype") and raw.dtype.str.replace("|", "<") != record["dtype"].replace("|", "<"):
        return f"file of {raw.dtype.str}, not {record['dtype']}"
    if got.shape != want.shape:
        return f"shape {list(got.shape)}, not {list(want.shape)}"
    want = want.astype(np.float64)
    if record["exact"]:
        wrong = ~((got == want) | (np.isnan(got) & np.isnan(want)))
        # The sign of a zero counts where the case is about it.
        if record["family"] == "special-values":
            wrong |= (want == 0) & (got == 0) & (np.signbit(want) != np.signbit(got)) & np.isfinite(got)
    else:
        with np.errstate(invalid="ignore"):
            wrong = ~(np.abs(got - want) <= np.load(folder / f"e/{record['id']}.bound.npy"))
    if not wrong.any():
        return None
    at = tuple(int(v) for v in np.argwhere(wrong)[0])
    return f"{int(wrong.sum())} of {wrong.size} elements differ, first at {list(at)}: {got[at]!r}, not {want[at]!r}"


def check_line(folder, record, line):
    """(what happened, why it is wrong or None) for one case."""
    try:
        answer = json.loads(line)
    except json.JSONDecodeError:
        return "nothing", f"not a JSON line: {line[:200]}"
    status = answer.get("status")
    if set(answer) != FIELDS or status not in STATUSES:
        return "nothing", f"fields or status of the line: {line[:200]}"
    if record["id"] is not None and answer["id"] != record["id"]:
        return status, f"id {answer['id']!r}, not {record['id']!r}"
    message = answer["message"]
    if record["status"] == "ok":
        if status == "ok":
            return status, check_result(folder, record)
        if status == "unsupported" and message and answer["backend"] != "oracle" and record["data_type"] != "f32":
            return status, None
        return status, message or "no message"
    if status != record["status"]:
        return status, f"{status}, not {record['status']}: {message}"
    missing = [w for w in record["mentions"] if w and w.lower() not in message.lower()]
    if missing:
        return status, f"the message does not mention {missing}: {message}"
    if len(message) > 500 or "\n" in message:
        return status, f"a message of {len(message)} characters: {message[:100]}"
    return status, None


def run(folder, tool, backend, records, vectors=None):
    shutil.rmtree(folder / "out", ignore_errors=True)
    start = time.monotonic()
    done = subprocess.run([*tool, "run", "--cases", str(folder / "cases.jsonl"), "--backend", backend], capture_output=True, text=True, timeout=3600, check=False)
    seconds = time.monotonic() - start
    lines = done.stdout.splitlines()
    failures, table = [], collections.defaultdict(collections.Counter)
    for record, line in zip(records, lines):
        status, wrong = check_line(folder, record, line)
        if vectors and not wrong and set(VECTORS.findall(line)) - {vectors}:
            wrong = f"computed with other vectors than {vectors}: {line[:200]}"
        table[record["family"]]["FAILED" if wrong else status] += 1
        if wrong:
            failures.append((record["family"], record["id"], wrong))
    if len(lines) != len(records):
        failures.append(("all", None, f"{len(lines)} lines for {len(records)} cases; standard error: {done.stderr[-2000:]}"))
    if done.stderr:
        failures.append(("all", None, f"standard error: {done.stderr[-2000:]}"))
    return table, failures, seconds, done.returncode


def show(backend, table, failures, seconds, code, limit):
    print(f"\n{backend}: exit code {code}, {seconds:.0f} s")
    names = ["ok", "invalid", "unsupported", "FAILED"]
    print(f"  {'family':34}" + "".join(f"{n:>12}" for n in names))
    total = collections.Counter()
    for family, counts in table.items():
        total.update(counts)
        print(f"  {family:34}" + "".join(f"{counts[n] or '-':>12}" for n in names))
    print(f"  {'all':34}" + "".join(f"{total[n] or '-':>12}" for n in names))
    for family, name, wrong in failures[:limit]:
        print(f"  FAILED {name or family}: {wrong[:300]}")
    if len(failures) > limit:
        print(f"  ... and {len(failures) - limit} more (--limit)")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("--backend", default="oracle,managed,onednn,auto")
    arguments.add_argument("--tool", default=os.environ.get("CONVNATIVE", TOOL))
    arguments.add_argument("--vectors", help="the vectors that implementations of the managed engine must name: avx512, avx2, sse, advsimd, scalar")
    arguments.add_argument("--limit", type=int, default=40)
    given = arguments.parse_args()
    tool = shlex.split(given.tool)
    records = [json.loads(line) for line in open(given.folder / "expected.jsonl", encoding="utf-8")]
    failed = 0
    for backend in given.backend.split(","):
        result = run(given.folder, tool, backend, records, given.vectors)
        show(backend, *result, given.limit)
        failed += len(result[1])
    failed += descriptors.compare(given.folder, tool, given.limit)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
