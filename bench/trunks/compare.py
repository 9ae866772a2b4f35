#!/usr/bin/env python3
"""Whole networks: ours against PyTorch and ONNX Runtime, taking turns in one run. Prints and writes a table of medians.

  compare.py --ours 'dotnet ConvNative.Cli.dll' --peer 'chroot /tmp/peers/trixie python3 /peers/peer.py' --shared /tmp/peers/src=/peers \\
             --threads 2 --rounds 5 --budget 400 --out FILE.tsv resnet-50 mobilenet-v2 shufflenet

--peer runs peer.py beside this file, wherever PyTorch and ONNX Runtime are; --shared HOST=PEER is a folder that both see, by both names.
"""
import argparse
import os
import shlex
import statistics
import subprocess


class Server:
    def __init__(self, command, env=None):
        self.p = subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=env)
        assert self.p.stdout.readline().strip() == "ready", command

    def ask(self, line):
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()
        return self.p.stdout.readline().strip()


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--ours", required=True)
    a.add_argument("--backends", default="onednn")
    a.add_argument("--peer", required=True)
    a.add_argument("--shared", required=True)
    a.add_argument("--threads", type=int, default=2)
    a.add_argument("--rounds", type=int, default=5)
    a.add_argument("--budget", type=float, default=400)
    a.add_argument("--out")
    a.add_argument("networks", nargs="+")
    o = a.parse_args()
    host, inside = o.shared.split("=")
    env = dict(os.environ, OMP_NUM_THREADS=str(o.threads))
    peer = Server(o.peer, env)
    ours = {b: Server(f"{o.ours} bench --serve --backend {b} --layout abx --threads {o.threads}") for b in o.backends.split(",")}
    rows = []
    for name in o.networks:
        text = subprocess.run(shlex.split(o.ours) + ["explain", "--block", name, "--json"], capture_output=True, text=True, check=True).stdout
        with open(os.path.join(host, "graph.json"), "w") as f:
            f.write(text)
        agree = peer.ask(f"load {inside}/graph.json {o.threads}")
        print(name, "largest difference between the peers:", agree, flush=True)
        if not agree.startswith("ok"):
            continue
        times = {}
        for _ in range(o.rounds):
            for b, s in ours.items():
                times.setdefault(b, []).append(s.ask(f"graph {name} budget={o.budget}"))
            for p in ("ort", "torch", "torch_last"):
                times.setdefault(p, []).append(peer.ask(f"{p} {o.budget}"))
        for who, answers in times.items():
            good = [float(x.split()[1]) for x in answers if x.startswith("ok")]
            row = (name, o.threads, who, f"{statistics.median(good):.4f}" if good else "-", f"{min(good):.4f}" if good else answers[0])
            rows.append(row)
            print("  %-12s median %s ms, best round %s" % row[2:], flush=True)
    if o.out:
        with open(o.out, "w") as f:
            f.write("network\tthreads\twho\tmedian_ms\tbest_round_ms\n")
            for r in rows:
                f.write("\t".join(map(str, r)) + "\n")


main()
