#!/usr/bin/python3
"""The managed engine under every instruction set that this processor has: the whole correctness matrix and the outside suite.

Each run is a process of its own in which the runtime's wider vectors are switched off. It fails where a cell fails, and where the process or
any cell computed with other vectors than were asked for. Without vectors the large networks would take most of an hour, so that set leaves out
deeplab, jasper, r3d, unet, unet3d, vgg16, wavenet and trunks, whose kinds of layers the others have too; --whole runs them all the same.
"""

import argparse
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
TOOL = f"dotnet {ROOT}/artifacts/bin/ConvNative.Cli/release/ConvNative.Cli.dll"
# Widest first; what switches off the wider ones, and the name that the tool then gives to its vectors.
SWITCHES = {
    "x64": [("avx512", None), ("avx2", "DOTNET_EnableAVX512"), ("sse", "DOTNET_EnableAVX2"), ("scalar", "DOTNET_EnableHWIntrinsic")],
    "arm64": [("advsimd", None), ("scalar", "DOTNET_EnableHWIntrinsic")],
}
SCALAR = "smoke,edge,variants,alexnet,dcgan,densenet121,googlenet,mobilenet_v1,mobilenet_v2,resnet50,resnext50,shufflenet,shufflenet_v2,squeezenet,blocks"
NAMES = re.compile(r":(avx512|avx2|sse|advsimd|vector128|scalar)\b")


def environment(switch):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("DOTNET_Enable", "COMPlus_Enable"))}
    return clean | ({switch: "0"} if switch else {})


def devices(tool, switch):
    """(architecture, vectors) as a process with this switch tells them."""
    told = json.loads(subprocess.run([*tool, "devices", "--json"], env=environment(switch), stdout=subprocess.PIPE, check=True).stdout)
    managed = next(b for b in told["backends"] if b["name"] == "managed")
    return told["architecture"], managed["devices"][0]["properties"]["vectors"]


def matrix(tool, vectors, switch, folder, arguments):
    """What is wrong with the matrix, a line each."""
    code = subprocess.run([*tool, "matrix", "--backend", "managed", "--output", str(folder), *arguments], env=environment(switch), check=False).returncode
    path = folder / "results.json"
    if not path.exists():
        return [f"matrix: exit code {code}, no {path}"]
    report = json.loads(path.read_text(encoding="utf-8"))
    wrong = [] if code == 0 else [f"matrix: exit code {code}"]
    if not report["complete"]:
        wrong.append("matrix: the report is not complete")
    if not all(b["version"].endswith(f", {vectors}") for b in report["backends"]):
        wrong.append(f"matrix: the engine was {[b['version'] for b in report['backends']]}, not {vectors}")
    named = 0
    for cell in report["cells"]:
        used = set(NAMES.findall(cell["implementation"] or ""))
        named += used == {vectors}
        if used - {vectors}:
            wrong.append(f"matrix: {cell['implementation']} and not {vectors}: {cell['problem']}")
        if cell["status"] != "pass" and not (cell["status"] == "unsupported" and cell["data_type"] != "f32"):
            wrong.append(f"matrix: {cell['status']}: {cell['problem']}")
    return wrong if named else [*wrong, f"matrix: no cell says that it used {vectors}"]


def outside(tool, vectors, switch, folder):
    compare = [sys.executable, str(ROOT / "tests/outside/compare.py"), str(folder), "--backend", "managed", "--tool", shlex.join(tool), "--vectors", vectors]
    code = subprocess.run(compare, env=environment(switch), check=False).returncode
    return [f"outside suite: exit code {code}, see above"] if code else []


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--only", help="sets to run, comma-separated: avx512, avx2, sse, advsimd, scalar")
    arguments.add_argument("--output", type=pathlib.Path, default=pathlib.Path("convnative-results/instruction-sets"))
    arguments.add_argument("--tool", default=os.environ.get("CONVNATIVE", TOOL))
    arguments.add_argument("--suite", help="suites of the matrix, for a quick look; else all of them, but for the scalar set")
    arguments.add_argument("--whole", action="store_true", help="all suites without vectors too")
    given = arguments.parse_args()
    tool = shlex.split(given.tool)
    architecture, widest = devices(tool, None)
    sets = SWITCHES.get(architecture, [])
    known = [name for name, _ in sets]
    if widest not in known:
        sys.exit(f"{architecture} with {widest} vectors: known are {SWITCHES}")
    sets = [(name, switch) for name, switch in sets[known.index(widest):]]
    sets[0] = (widest, None)
    if given.only:
        lacking = [n for n in given.only.split(",") if n not in dict(sets)]
        if lacking:
            sys.exit(f"--only {','.join(lacking)}: this processor has {', '.join(n for n, _ in sets)}")
        sets = [s for s in sets if s[0] in given.only.split(",")]

    suite = given.output / "outside"
    subprocess.run([sys.executable, str(ROOT / "tests/outside/generate.py"), str(suite)], check=True, stdout=subprocess.DEVNULL)
    verdicts = []
    for vectors, switch in sets:
        print(f"\n== {vectors}: {f'{switch}=0' if switch else 'as it is'}", flush=True)
        start = time.monotonic()
        told = devices(tool, switch)[1]
        if told != vectors:
            wrong = [f"the process uses {told}, not {vectors}"]
        else:
            suites = given.suite or (SCALAR if vectors == "scalar" and not given.whole else None)
            wrong = matrix(tool, vectors, switch, given.output / vectors, ["--suite", suites] if suites else [])
            wrong += outside(tool, vectors, switch, suite)
        for line in wrong[:20]:
            print(f"  WRONG {line}")
        verdicts.append((vectors, len(wrong), time.monotonic() - start))
    print()
    for vectors, wrong, seconds in verdicts:
        print(f"{vectors:8} {'passed' if not wrong else f'{wrong} WRONG'}, {seconds:.0f} s")
    sys.exit(1 if any(wrong for _, wrong, _ in verdicts) else 0)


if __name__ == "__main__":
    main()
