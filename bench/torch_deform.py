#!/usr/bin/env python3
"""torchvision's deformable convolution on the deform lines of the peers' shapes, timed with device events; prints the table of torch_conv.py.

    python3 torch_deform.py --shapes shapes.txt [--batch 1,32] [--modes strict,bf16] [--budget-ms 60] [--total-s 100] > deform.tsv
"""
import argparse, re, statistics, time
import torch
import torchvision
from torchvision.ops import deform_conv2d


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--shapes", required=True)
    ap.add_argument("--batch", default="1,32")
    ap.add_argument("--modes", default="strict,bf16")
    ap.add_argument("--budget-ms", type=float, default=60)
    ap.add_argument("--total-s", type=float, default=100)
    ap.add_argument("--device", default="cuda")
    a = ap.parse_args()
    cuda = a.device == "cuda"
    print("# torchvision", torchvision.__version__, "torch", torch.__version__, torch.cuda.get_device_name(0) if cuda else "cpu", sep="\t")
    print("case\tdir\tbatch\tmode\tlayout\tms\tgflop\ttflops")
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    end = time.time() + a.total_s
    for line in open(a.shapes):
        w = line.split()
        if not w or not w[0].startswith("deform"):
            continue
        name = re.search(r'n"([^"]+)"', w[4]).group(1)
        v = {k: int(x) for k, x in re.findall(r"([a-z]+)(\d+)", w[4].split('n"')[0])}
        c, o, h, wd, k, s, p = v["ic"], v["oc"], v["ih"], v.get("iw", v["ih"]), v["kh"], v.get("sh", 1), v.get("ph", 0)
        oh, ow = (h + 2 * p - k) // s + 1, (wd + 2 * p - k) // s + 1
        for mb in (int(x) for x in a.batch.split(",")):
            for mode in a.modes.split(","):
                if time.time() > end:
                    print("# out of time")
                    return
                try:
                    dt = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(mode, torch.float32)
                    t = lambda *size: torch.randn(*size, device=a.device, dtype=dt)
                    x, wt, b, off = t(mb, c, h, wd), t(o, c, k, k), t(o), t(mb, 2 * k * k, oh, ow)
                    mask = t(mb, k * k, oh, ow).sigmoid() if w[0] == "deform2" else None
                    f = lambda: deform_conv2d(x, off, wt, b, s, p, 1, mask)
                    with torch.no_grad():
                        for _ in range(5):
                            f()
                        ms, t0 = [], time.time()
                        while len(ms) < 5 or (time.time() - t0) * 1e3 < a.budget_ms:
                            if cuda:
                                e0, e1 = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
                                torch.cuda.synchronize()
                                e0.record()
                                for _ in range(10):
                                    f()
                                e1.record()
                                torch.cuda.synchronize()
                                ms.append(e0.elapsed_time(e1) / 10)
                            else:
                                q = time.perf_counter()
                                f()
                                ms.append((time.perf_counter() - q) * 1e3)
                    m = statistics.median(ms)
                    g = 2e-9 * mb * o * oh * ow * c * k * k
                    print(f"{name}\tF\t{mb}\t{mode}\tnchw\t{m:.5f}\t{g:.4f}\t{g / m:.2f}", flush=True)
                except Exception as ex:  # one type that is unsupported must not end the run
                    print(f"# {name} mb{mb} {mode}: {type(ex).__name__}: {str(ex)[:120]}", flush=True)


main()
