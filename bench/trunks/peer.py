"""Whole graphs in PyTorch and ONNX Runtime, built from what `convnative explain --block NAME --json` prints.

Reads one request a line: `load FILE threads`, then `torch MS`, `torch_last MS`, `ort MS`; answers `ok median min samples` or `skip reason`.
Weights are random with the variance that keeps a relu network's activations; nothing is timed on zeros.
"""
import json
import sys
import time

import numpy as np


def ready(make):
    state = {}

    def get():
        if "f" not in state:
            state["f"] = make()
        return state["f"]
    return get


class Weights:
    def __init__(self, graph):
        rng = np.random.default_rng(1)
        self.w, self.b = {}, {}
        for n in graph["nodes"]:
            if not n.get("weight_shape"):
                continue
            shape = n["weight_shape"]
            terms = max(1.0, n["multiply_adds"] / np.prod(n["output_shape"]))
            self.w[n["name"]] = rng.normal(0, np.sqrt(2 / terms), shape).astype(np.float32)
            channels = n["output_shape"][1]
            self.b[n["name"]] = rng.normal(0, 0.1, channels).astype(np.float32) if n["bias"] else None
        self.x = rng.normal(0, 1, graph["nodes"][0]["output_shape"]).astype(np.float32)


def torch_runner(graph, weights, last, threads):
    import torch
    import torch.nn.functional as F
    torch.set_num_threads(threads)
    fmt = torch.channels_last if last else torch.contiguous_format
    t = lambda a: torch.from_numpy(a).contiguous(memory_format=fmt) if a.ndim == 4 else torch.from_numpy(a)
    w = {k: t(v) for k, v in weights.w.items()}
    b = {k: None if v is None else torch.from_numpy(v) for k, v in weights.b.items()}
    x = t(weights.x)
    acts = {"relu": F.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu6": F.relu6}

    def pad(v, n, value):
        a, e = n["pads_begin"], n["pads_end"]
        if a == e:
            return v, a
        return F.pad(v, [p for i in reversed(range(len(a))) for p in (a[i], e[i])], value=value), [0] * len(a)

    def node(n, v):
        k, name = n["kind"], n["name"]
        if k == "correlation":
            y, p = pad(v[0], n, 0.0)
            return F.conv2d(y, w[name], b[name], n["strides"], p, n["dilations"], n["groups"])
        if k == "transposed":
            assert n["pads_begin"] == n["pads_end"]
            return F.conv_transpose2d(v[0], w[name], b[name], n["strides"], n["pads_begin"], n["output_padding"], n["groups"], n["dilations"])
        if k == "channel_shuffle":
            return F.channel_shuffle(v[0], n["groups"])
        if k == "add":
            return v[0] + v[1]
        if k == "concat":
            return torch.cat(v, 1)
        if k == "channel_scale":
            return v[0] * v[1]
        if k == "activation":
            return acts[n["activation"]](v[0])
        if k == "max_pool":
            y, p = pad(v[0], n, float("-inf"))
            return F.max_pool2d(y, n["kernel"], n["strides"], p)
        if k == "average_pool":
            if list(v[0].shape[2:]) == n["kernel"]:
                return F.adaptive_avg_pool2d(v[0], 1)
            assert n["pads_begin"] == n["pads_end"]
            return F.avg_pool2d(v[0], n["kernel"], n["strides"], n["pads_begin"], count_include_pad=False)
        raise NotImplementedError(k)

    last_use = {}
    for i, n in enumerate(graph["nodes"]):
        for s in n["inputs"]:
            last_use[s] = i

    def run():
        with torch.inference_mode():
            v = {}
            for i, n in enumerate(graph["nodes"]):
                v[n["name"]] = x if n["kind"] == "input" else node(n, [v[s] for s in n["inputs"]])
                for s in n["inputs"]:
                    if last_use[s] == i:
                        v.pop(s, None)
            return v[graph["nodes"][-1]["name"]]
    return run


def ort_runner(graph, weights, threads):
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
    nodes, init = [], []
    const = lambda name, a: init.append(numpy_helper.from_array(a, name))
    acts = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh"}
    for n in graph["nodes"]:
        k, name, ins = n["kind"], n["name"], list(n["inputs"])
        if k == "input":
            continue
        if k in ("correlation", "transposed"):
            const(name + "_w", weights.w[name])
            ins.append(name + "_w")
            if weights.b[name] is not None:
                const(name + "_b", weights.b[name])
                ins.append(name + "_b")
            a = dict(strides=n["strides"], dilations=n["dilations"], pads=n["pads_begin"] + n["pads_end"], group=n["groups"])
            if k == "transposed":
                a["output_padding"] = n["output_padding"]
            nodes.append(helper.make_node("Conv" if k == "correlation" else "ConvTranspose", ins, [name], **a))
        elif k == "channel_shuffle":
            s, g = n["output_shape"], n["groups"]
            const(name + "_s", np.array([s[0], g, s[1] // g, s[2], s[3]], np.int64))
            const(name + "_t", np.array(s, np.int64))
            nodes.append(helper.make_node("Reshape", [ins[0], name + "_s"], [name + "_0"]))
            nodes.append(helper.make_node("Transpose", [name + "_0"], [name + "_1"], perm=[0, 2, 1, 3, 4]))
            nodes.append(helper.make_node("Reshape", [name + "_1", name + "_t"], [name]))
        elif k == "activation" and n["activation"] == "relu6":
            const(name + "_l", np.array(0, np.float32))
            const(name + "_h", np.array(6, np.float32))
            nodes.append(helper.make_node("Clip", [ins[0], name + "_l", name + "_h"], [name]))
        elif k == "activation":
            nodes.append(helper.make_node(acts[n["activation"]], ins, [name]))
        elif k in ("max_pool", "average_pool"):
            whole = k == "average_pool" and [o for o in n["output_shape"][2:]] == [1, 1]
            if whole:
                nodes.append(helper.make_node("GlobalAveragePool", ins, [name]))
            else:
                nodes.append(helper.make_node("MaxPool" if k == "max_pool" else "AveragePool", ins, [name], kernel_shape=n["kernel"], strides=n["strides"], pads=n["pads_begin"] + n["pads_end"]))
        else:
            op, a = {"add": ("Add", {}), "concat": ("Concat", {"axis": 1}), "channel_scale": ("Mul", {})}[k]
            nodes.append(helper.make_node(op, ins, [name], **a))
    first, last = graph["nodes"][0], graph["nodes"][-1]
    g = helper.make_graph(nodes, "g", [helper.make_tensor_value_info(first["name"], TensorProto.FLOAT, first["output_shape"])],
                          [helper.make_tensor_value_info(last["name"], TensorProto.FLOAT, last["output_shape"])], init)
    model = helper.make_model(g, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    o = onnxruntime.SessionOptions()
    o.intra_op_num_threads, o.inter_op_num_threads = threads, 1
    s = onnxruntime.InferenceSession(model.SerializeToString(), o, providers=["CPUExecutionProvider"])
    x = onnxruntime.OrtValue.ortvalue_from_numpy(weights.x)
    binding = s.io_binding()
    binding.bind_ortvalue_input(first["name"], x)
    y = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(last["output_shape"], np.float32))
    binding.bind_ortvalue_output(last["name"], y)

    def run():
        s.run_with_iobinding(binding)
        return y.numpy()
    run.once = lambda: s.run_with_iobinding(binding)
    return run


def time_loop(f, budget):
    clk = time.perf_counter
    begin, n = clk(), 0
    while n < 3 or clk() - begin < budget * 0.25e-3:
        f()
        n += 1
    r = []
    begin = at = clk()
    while len(r) < 5 or at - begin < budget * 1e-3:
        f()
        now = clk()
        r.append((now - at) * 1e3)
        at = now
    r.sort()
    return r[len(r) // 2], r[0], len(r)


def main():
    peers = {}
    print("ready", flush=True)
    for line in sys.stdin:
        words = line.split()
        if words[0] == "quit":
            break
        try:
            if words[0] == "load":
                peers = {}
                graph, threads = json.load(open(words[1])), int(words[2])
                weights = Weights(graph)
                peers = {
                    "torch": ready(lambda: torch_runner(graph, weights, False, threads)),
                    "torch_last": ready(lambda: torch_runner(graph, weights, True, threads)),
                    "ort": ready(lambda: ort_runner(graph, weights, threads)),
                }
                # The same weights, so the libraries must agree: a graph that was built wrongly would be timed wrongly.
                a, b = np.asarray(peers["torch"]()()), np.asarray(peers["ort"]()())
                worst = float(np.abs(a - b).max() / max(1e-9, np.abs(a).max()))
                print(f"ok {worst:.2e}" if worst < 1e-3 else f"skip torch and ort differ by {worst:.2e}", flush=True)
                continue
            f = peers[words[0]]()
            print("ok %.6f %.6f %d" % time_loop(getattr(f, "once", f), float(words[1])), flush=True)
        except Exception as e:
            print("skip", type(e).__name__, " ".join(str(e).split())[:150], flush=True)


main()
