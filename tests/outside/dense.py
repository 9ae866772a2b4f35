"""Correlation, true convolution and transposed convolution, forward and backward, against PyTorch in double."""

import numpy as np
import torch
import torch.nn.functional as F

import reference as ref
from suite import UNIT, rounded, stored

MODES = ["constant", "reflect", "replicate", "circular", "symmetric"]
ACTIVATIONS = {
    "relu": F.relu,
    "leaky_relu": lambda v: F.leaky_relu(v, 0.01),
    "leaky_relu:0.2": lambda v: F.leaky_relu(v, 0.2),
    "relu6": F.relu6,
    "clip:-0.5:0.75": lambda v: torch.clamp(v, -0.5, 0.75),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "gelu": F.gelu,
    "gelu_erf": F.gelu,
    "gelu_tanh": lambda v: F.gelu(v, approximate="tanh"),
    "silu": F.silu,
    "hard_swish": F.hardswish,
}


class Geometry:
    """A random problem whose sizes differ from axis to axis."""

    def __init__(self, r, rank, *, groups=None, depthwise=False, transposed=False, mode="zeros", stride=3, dilation=3, batch=None):
        self.rank, self.mode, self.transposed, self.value = rank, mode, transposed, 0.0
        if mode == "constant":
            self.value = float(np.float32(r.choice([-1.5, 0.25, 2.0])))
        self.n = int(batch if batch is not None else r.integers(1, 4))
        self.g = int(groups or r.choice([1, 1, 2, 3]))
        per_in, per_out = int(r.integers(1, 5)), int(r.integers(1, 5))
        if depthwise:
            self.g, per_in = int(r.integers(2, 8)), 1
        self.c, self.o = self.g * per_in, self.g * per_out
        self.kernel = [int(r.integers(1, 5 if rank < 3 else 4)) for _ in range(rank)]
        self.stride = [int(r.integers(1, stride + 1)) for _ in range(rank)]
        self.dilation = [int(r.integers(1, dilation + 1)) for _ in range(rank)]
        reach = [d * (k - 1) for k, d in zip(self.kernel, self.dilation)]
        if transposed:
            self.size = [int(r.integers(1, 7)) for _ in range(rank)]
            self.op = [int(r.integers(0, max(s, d))) for s, d in zip(self.stride, self.dilation)]
            self.begin, self.end, self.out = [], [], []
            for i in range(rank):
                whole = ref.transposed_size(self.size[i], self.kernel[i], self.stride[i], self.dilation[i], 0, 0, self.op[i])
                begin = int(r.integers(0, min(4, whole)))
                end = int(r.integers(0, min(4, whole - begin)))
                self.begin.append(begin)
                self.end.append(end)
                self.out.append(whole - begin - end)
        else:
            self.op = [0] * rank
            self.begin = [int(r.integers(0, 4)) for _ in range(rank)]
            self.end = [int(r.integers(0, 4)) for _ in range(rank)]
            least = [max(1, q + 1 - b - e) for q, b, e in zip(reach, self.begin, self.end)]
            if mode in ("reflect", "circular", "symmetric"):
                least = [max(v, b + 1, e + 1) for v, b, e in zip(least, self.begin, self.end)]
            self.size = [v + int(r.integers(0, 9 if rank < 3 else 5)) for v in least]
            self.out = [(i + b + e - q - 1) // s + 1 for i, b, e, q, s in zip(self.size, self.begin, self.end, reach, self.stride)]

    @property
    def x_shape(self):
        return [self.n, self.c, *self.size]

    @property
    def w_shape(self):
        return [self.c, self.o // self.g, *self.kernel] if self.transposed else [self.o, self.c // self.g, *self.kernel]

    @property
    def y_shape(self):
        return [self.n, self.o, *self.out]

    @property
    def terms(self):
        return int(np.prod(self.kernel)) * self.c // self.g

    def run(self, x, w, b, op, value=None):
        if self.transposed:
            return ref.transpose(x, w, b, self.stride, self.dilation, self.begin, self.out, self.g)
        return ref.correlate(x, w, b, self.stride, self.dilation, self.begin, self.end, self.g, self.mode, self.value if value is None else value, op == "convolution")

    def case(self, op, r=None):
        """The fields; with random numbers, defaults are left out now and then."""
        line = {"op": op}
        fields = [("strides", self.stride, 1), ("dilations", self.dilation, 1), ("pads_begin", self.begin, 0), ("pads_end", self.end, 0), ("output_padding", self.op, 0)]
        for key, value, default in fields:
            if key == "output_padding" and not self.transposed:
                continue
            if all(v == default for v in value) and (r is None or r.random() < 0.5):
                continue
            line[key] = value
        if self.g != 1 or r is None or r.random() < 0.3:
            line["groups"] = self.g
        if self.mode != "zeros":
            line["padding_mode"] = self.mode
        if self.mode == "constant":
            line["pad_value"] = self.value
        return line


def forward(s, family, op, g, *, bias=False, kind="f32", layout=None, activation=None, residual=False, integers=False, extra=None, bf16_as="f4"):
    fill = s.small if integers else s.normal
    x, w = rounded(fill(g.x_shape), kind), rounded(fill(g.w_shape), kind)
    # A half-precision problem's bias is f32 for some and the half type for others: values that both can hold.
    b = rounded(fill([g.o]), kind) if bias else None
    tx, tw, tb = ref.tensor(x), ref.tensor(w), None if b is None else ref.tensor(b)
    y = g.run(tx, tw, tb, op)
    sums = g.run(tx.abs(), tw.abs(), None if tb is None else tb.abs(), op, abs(g.value))
    tensors = {"input": stored(x, kind, bf16_as), "weights": stored(w, kind, bf16_as)}
    if bias:
        tensors["bias"] = stored(b, kind, bf16_as)
    if residual:
        r = rounded(fill(g.y_shape), kind)
        y, sums = y + ref.tensor(r), sums + ref.tensor(r).abs()
        tensors["residual"] = stored(r, kind, bf16_as)
    case = g.case(op, s.random)
    slack = 0.0
    if activation:
        y = ACTIVATIONS[activation](y)
        case["activation"] = activation
        sums, slack = sums * 1.5, 2e-6 if kind != "f64" else 1e-14
    if kind != "f32" or s.random.random() < 0.2:
        case["data_type"] = kind
    if layout:
        case["layout"] = layout
    case.update(extra or {})
    dtype = {"f32": "<f4", "f64": "<f8", "f16": "<f2", "bf16": "<f4" if bf16_as == "f4" else "<u2"}[kind]
    s.good(family, case, tensors, ref.numpy(y), magnitude=ref.numpy(sums), terms=g.terms + 2, kind=kind, exact=integers and not activation,
           slack=slack, accumulate=UNIT["f32"] if kind in ("bf16", "f16") else None, dtype=dtype)


def backward(s, family, op, g, direction, *, kind="f32", layout=None, name_shapes=True, extra_tensors=False, integers=False):
    fill = s.small if integers else s.normal
    x, w, dy = rounded(fill(g.x_shape), kind), rounded(fill(g.w_shape), kind), rounded(fill(g.y_shape), kind)

    def gradient(take):
        tx, tw, tb = ref.tensor(take(x), True), ref.tensor(take(w), True), ref.tensor(np.zeros(g.o), True)
        y = g.run(tx, tw, tb, op)
        assert list(y.shape) == g.y_shape
        of = {"backward_data": tx, "backward_weights": tw, "backward_bias": tb}[direction]
        return ref.numpy(torch.autograd.grad((y * ref.tensor(take(dy))).sum(), of)[0])

    case = {**g.case(op, s.random), "direction": direction}
    if kind != "f32":
        case["data_type"] = kind
    if layout:
        case["layout"] = layout
    tensors = {"output_grad": stored(dy, kind)}
    if direction == "backward_data" or extra_tensors:
        tensors["weights"] = stored(w, kind)
    if direction == "backward_weights" or extra_tensors:
        tensors["input"] = stored(x, kind)
    if name_shapes:
        if direction == "backward_data":
            case["input_shape"] = g.x_shape
        if direction == "backward_weights":
            case["weight_shape"] = g.w_shape
        if direction == "backward_bias":
            case["input_shape"], case["weight_shape"] = g.x_shape, g.w_shape
    mode, g.value = g.value, abs(g.value)
    sums = gradient(np.abs)
    g.value = mode
    terms = {"backward_data": g.terms * g.o // max(g.c, 1), "backward_weights": g.n * int(np.prod(g.out)), "backward_bias": g.n * int(np.prod(g.out))}[direction]
    s.good(family, case, tensors, gradient(lambda v: v), magnitude=np.abs(sums), terms=terms + 2, kind=kind, exact=integers,
           accumulate=UNIT["f32"] if kind in ("bf16", "f16") else None)


def layers(s):
    r = s.random
    for op in ("correlation", "convolution", "transposed"):
        t = op == "transposed"
        for i in range(60 if not t else 75):
            g = Geometry(r, 1 + i % 3, transposed=t, depthwise=i % 7 == 3)
            forward(s, f"torch-{op}", op, g, bias=i % 2 == 0, integers=i % 4 == 1, layout=[None, None, "channels_last", "channels_first", "any"][i % 5])
        for i in range(9):
            forward(s, f"torch-{op}-f64", op, Geometry(r, 1 + i % 3, transposed=t), bias=i % 2 == 0, kind="f64", layout=["channels_last", None][i % 2])
        for direction in ("backward_data", "backward_weights", "backward_bias"):
            for i in range(18):
                g = Geometry(r, 1 + i % 3, transposed=t, depthwise=i % 6 == 5)
                backward(s, f"torch-{op}-{direction}", op, g, direction, layout=[None, None, "channels_last"][i % 3] if i % 2 else None, extra_tensors=i % 4 == 1, integers=i % 3 == 2)
            for i in range(3):
                backward(s, f"torch-{op}-{direction}-f64", op, Geometry(r, 1 + i % 3, transposed=t), direction, kind="f64")


def inferred(s):
    """Backward cases that name no shape because only one is possible."""
    for op in ("correlation", "convolution", "transposed"):
        for direction in ("backward_data", "backward_weights", "backward_bias"):
            for i in range(4):
                g = Geometry(s.random, 1 + i % 3, transposed=op == "transposed", stride=1, dilation=1)
                backward(s, "torch-inferred", op, g, direction, name_shapes=False)


def padding_modes(s):
    r = s.random
    for mode in MODES:
        for i in range(12):
            for op in ("correlation", "convolution")[: 1 + i % 2]:
                forward(s, f"torch-pad-{mode}", op, Geometry(r, 1 + i % 3, mode=mode), bias=i % 3 == 0, integers=i % 4 == 0, layout=[None, None, "channels_last"][i % 3])
        for direction in ("backward_data", "backward_weights", "backward_bias"):
            for i in range(4):
                backward(s, f"torch-pad-{mode}-backward", ("correlation", "convolution")[i % 2], Geometry(r, 1 + i % 3, mode=mode), direction)
        forward(s, f"torch-pad-{mode}-f64", "correlation", Geometry(r, 2, mode=mode), kind="f64")
    # At the limits: reflect size-1, circular size, symmetric size; replicate and constant beyond the size.
    for mode, excess in (("reflect", -1), ("circular", 0), ("symmetric", 0), ("replicate", 3), ("constant", 3)):
        for rank in (1, 2, 3):
            g = Geometry(r, rank, mode=mode, stride=2, dilation=1)
            g.begin = [v + excess for v in g.size]
            g.end = [max(0, v + excess - 1) for v in g.size]
            g.out = [(i + b + e - d * (k - 1) - 1) // st + 1 for i, b, e, d, k, st in zip(g.size, g.begin, g.end, g.dilation, g.kernel, g.stride)]
            forward(s, "torch-pad-limits", "correlation", g, integers=True)


def activations(s):
    r = s.random
    for i, name in enumerate(ACTIVATIONS):
        for residual in (False, True):
            g = Geometry(r, 1 + i % 3, transposed=False)
            forward(s, "torch-activation", ("correlation", "convolution")[i % 2], g, bias=not residual or i % 2 == 0, activation=name, residual=residual, layout=[None, "channels_last"][i % 2])
        forward(s, "torch-activation", "transposed", Geometry(r, 1 + (i + 1) % 3, transposed=True), bias=True, activation=name, residual=i % 2 == 0)
    for i in range(6):
        forward(s, "torch-residual", ("correlation", "transposed")[i % 2], Geometry(r, 1 + i % 3, transposed=i % 2 == 1), residual=True, bias=i % 3 == 0, integers=True)
    forward(s, "torch-activation-f64", "correlation", Geometry(r, 2), activation="gelu", residual=True, bias=True, kind="f64")


def halves(s):
    r = s.random
    for kind in ("bf16", "f16"):
        for i in range(15):
            op = ("correlation", "convolution", "transposed")[i % 3]
            g = Geometry(r, 1 + (i // 3) % 3, transposed=op == "transposed", groups=1 + i % 2)
            forward(s, f"torch-{kind}", op, g, bias=i % 2 == 0, kind=kind, layout=[None, "channels_last"][(i // 3) % 2], bf16_as=["f4", "u2"][i % 2] if kind == "bf16" else "f4")
        for i, direction in enumerate(["backward_data", "backward_weights", "backward_bias"] * 4):
            op = ("correlation", "convolution", "transposed", "correlation")[i // 3]
            backward(s, f"torch-{kind}-backward", op, Geometry(r, 1 + i % 3, transposed=op == "transposed"), direction, kind=kind)
        for mode in ("reflect", "constant"):
            forward(s, f"torch-{kind}", "correlation", Geometry(r, 2, mode=mode), kind=kind)
        forward(s, f"torch-{kind}", "correlation", Geometry(r, 2), bias=True, kind=kind, activation="relu", residual=True)
        # The sum is f32 and may be kept so.
        g = Geometry(r, 2)
        x, w = rounded(s.normal(g.x_shape), kind), rounded(s.normal(g.w_shape), kind)
        y, a = g.run(ref.tensor(x), ref.tensor(w), None, "correlation"), g.run(ref.tensor(x).abs(), ref.tensor(w).abs(), None, "correlation")
        s.good(f"torch-{kind}-to-f32", {**g.case("correlation"), "data_type": kind, "output_type": "f32"}, {"input": stored(x, kind), "weights": stored(w, kind)},
               ref.numpy(y), magnitude=ref.numpy(a), terms=g.terms, kind="f32", dtype="<f4")


def empty_batch(s):
    r = s.random
    for i, op in enumerate(["correlation", "convolution", "transposed"] * 3):
        g = Geometry(r, 1 + i // 3, transposed=op == "transposed", batch=0)
        forward(s, "empty-batch", op, g, bias=True)
        for direction in ("backward_data", "backward_weights", "backward_bias"):
            backward(s, "empty-batch", op, g, direction)


def special_values(s):
    """NaN, infinities, -0 and denormals travel on the taps that exist, and padding adds nothing."""
    values = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf, "-0": -0.0, "denormal": 1e-41, "huge": 3e38}
    for name, v in values.items():
        for op in ("correlation", "convolution", "transposed"):
            for where in ("input", "weights"):
                g = Geometry(s.random, 2, groups=1, transposed=op == "transposed", stride=2, dilation=2)
                x, w = s.small(g.x_shape, 1, 3), s.small(g.w_shape, 1, 2)
                target = x if where == "input" else w
                target.reshape(-1)[s.random.integers(0, target.size)] = v
                if name == "-0":
                    target[...] = -0.0
                x, w = x.astype(np.float32), w.astype(np.float32)
                y = taps(g, x.astype(np.float64), w.astype(np.float64), op)
                with np.errstate(over="ignore"):
                    y = y.astype(np.float32)
                s.good("special-values", g.case(op), {"input": x, "weights": w}, y, exact=True)


def taps(g, x, w, op):
    """Tap by tap in NumPy: only products that exist are made, so that nothing is multiplied by padding."""
    y = np.zeros(g.y_shape)
    for o in range(g.o):
        group = o // (g.o // g.g)
        for k in np.ndindex(*g.kernel):
            kk = tuple(n - 1 - i for n, i in zip(g.kernel, k)) if op == "convolution" else k
            for p in np.ndindex(*(g.size if g.transposed else g.out)):
                if g.transposed:
                    q = [i * st + kd * d - b for i, st, kd, d, b in zip(p, g.stride, k, g.dilation, g.begin)]
                    if any(v < 0 or v >= n for v, n in zip(q, g.out)):
                        continue
                else:
                    q = [i * st + kd * d - b for i, st, kd, d, b in zip(p, g.stride, k, g.dilation, g.begin)]
                    if any(v < 0 or v >= n for v, n in zip(q, g.size)):
                        continue
                for c in range(g.c // g.g):
                    ic = group * (g.c // g.g) + c
                    with np.errstate(invalid="ignore"):
                        if g.transposed:
                            y[(slice(None), o, *q)] += x[(slice(None), ic, *p)] * w[(ic, o % (g.o // g.g), *k)]
                        else:
                            y[(slice(None), o, *p)] += x[(slice(None), ic, *q)] * w[(o, c, *kk)]
    return y
