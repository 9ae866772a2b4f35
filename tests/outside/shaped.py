"""Automatic padding, wanted output shapes, deformable convolution, rearrangements: against ONNX's formulas, torchvision and PyTorch."""

import numpy as np
import torch
import torch.nn.functional as F
from torchvision.ops import deform_conv2d

import dense
import reference as ref
from suite import rounded, stored


def onnx_same(size, kernel, stride, dilation, upper):
    """ONNX Conv: the output is ceil(size / stride)."""
    out = -(-size // stride)
    total = max(0, (out - 1) * stride + dilation * (kernel - 1) + 1 - size)
    small = total // 2
    return (small, total - small) if upper else (total - small, small)


def onnx_transposed(size, kernel, stride, dilation, op, wanted, upper):
    """ONNX ConvTranspose: total padding from the wanted size; a negative one leaves the end without padding."""
    total = max(0, stride * (size - 1) + op + (kernel - 1) * dilation + 1 - wanted)
    half = total // 2
    return half if upper else total - half


def auto_pad(s):
    r = s.random
    for i in range(45):
        name = ("same_upper", "same_lower", "valid")[i % 3]
        g = dense.Geometry(r, 1 + (i // 3) % 3)
        for a in range(g.rank):
            g.begin[a], g.end[a] = (0, 0) if name == "valid" else onnx_same(g.size[a], g.kernel[a], g.stride[a], g.dilation[a], name == "same_upper")
            reach = g.dilation[a] * (g.kernel[a] - 1)
            if name == "valid" and g.size[a] <= reach:
                g.size[a] = reach + 1 + int(r.integers(0, 5))
            g.out[a] = (g.size[a] + g.begin[a] + g.end[a] - reach - 1) // g.stride[a] + 1
        op = ("correlation", "convolution")[i % 2]
        direction = ("forward", "forward", "backward_data", "backward_weights", "backward_bias")[i % 5]
        emit(s, "onnx-auto-pad", op, g, direction, {"auto_pad": name})
    for i in range(6):
        g = dense.Geometry(r, 1 + i % 3, stride=1)
        for a in range(g.rank):
            g.begin[a], g.end[a] = onnx_same(g.size[a], g.kernel[a], 1, g.dilation[a], True)
            g.out[a] = g.size[a]
        emit(s, "torch-auto-pad-same", "correlation", g, "forward", {"auto_pad": "same"})
    for i in range(36):
        name = ("same_upper", "same_lower", "valid")[i % 3]
        g = dense.Geometry(r, 1 + (i // 3) % 3, transposed=True)
        for a in range(g.rank):
            if name == "valid":
                g.begin[a] = 0
                g.out[a] = ref.transposed_size(g.size[a], g.kernel[a], g.stride[a], g.dilation[a], 0, 0, g.op[a])
            else:
                g.op[a] = 0
                g.out[a] = g.size[a] * g.stride[a]
                g.begin[a] = onnx_transposed(g.size[a], g.kernel[a], g.stride[a], g.dilation[a], 0, g.out[a], name == "same_upper")
        emit(s, "onnx-auto-pad-transposed", "transposed", g, ("forward", "forward", "backward_data", "backward_weights")[i % 4], {"auto_pad": name})
    for i in range(24):
        g = dense.Geometry(r, 1 + i % 3, transposed=True)
        g.op = [0] * g.rank
        for a in range(g.rank):
            whole = ref.transposed_size(g.size[a], g.kernel[a], g.stride[a], g.dilation[a], 0, 0, 0)
            g.out[a] = max(1, whole - int(r.integers(-1 if g.stride[a] > 1 else 0, 4)))
            g.begin[a] = onnx_transposed(g.size[a], g.kernel[a], g.stride[a], g.dilation[a], 0, g.out[a], i % 2 == 1)
        extra = {"output_shape": g.out, **({"auto_pad": "same_upper"} if i % 2 else {})}
        emit(s, "onnx-output-shape", "transposed", g, ("forward", "backward_data", "backward_weights")[i % 3], extra)


def emit(s, family, op, g, direction, extra):
    """A dense case whose pads are stated by other fields."""
    class Stated:
        def __init__(self):
            self.__dict__.update(g.__dict__)

        def __getattr__(self, name):
            return getattr(g, name)

        def case(self, op, r=None):
            line = g.case(op, r)
            for key in ("pads_begin", "pads_end"):
                line.pop(key, None)
            return {**line, **extra}

    if direction == "forward":
        dense.forward(s, family, op, Stated(), bias=True)
    else:
        dense.backward(s, family, op, Stated(), direction)


def deformable(s):
    r = s.random
    for i in range(84):
        og, groups = (1, 1, 2, 3)[i % 4], (1, 2, 1, 3)[(i // 4) % 4]
        masked = i % 3 != 0
        unit = int(np.lcm(og, groups))
        n, c, o = int(r.integers(1, 3)), unit * int(r.integers(1, 3)), groups * int(r.integers(1, 4))
        kernel = [int(r.integers(1, 4)), int(r.integers(1, 4))]
        stride, dilation, pads = ([int(v) for v in r.integers(1, 3, 2)] for _ in range(2)), None, None
        stride, dilation = stride
        pads = [int(v) for v in r.integers(0, 3, 2)]
        size = [max(1, d * (k - 1) + 1 - 2 * p) + int(r.integers(0, 6)) for d, k, p in zip(dilation, kernel, pads)]
        out = [(v + 2 * p - d * (k - 1) - 1) // st + 1 for v, p, d, k, st in zip(size, pads, dilation, kernel, stride)]
        kind = "f64" if i % 12 == 11 else "f32"
        taps = kernel[0] * kernel[1]
        x, w = rounded(s.normal([n, c, *size]), kind), rounded(s.normal([o, c // groups, *kernel]), kind)
        reach = 3.0 if i % 5 else 40.0
        offset = rounded(s.normal([n, 2 * og * taps, *out]) * reach, kind)
        mask = rounded(s.normal([n, og * taps, *out]), kind) if masked else None
        b, dy = rounded(s.normal([o]), kind), rounded(s.normal([n, o, *out]), kind)
        directions = ["forward", "backward_data", "backward_weights", "backward_bias", "backward_offset"] + (["backward_mask"] if masked else [])
        direction = "forward" if i % 2 == 0 else directions[1 + (i // 2) % (len(directions) - 1)]
        bias = i % 4 == 0

        def run(take):
            parts = {"input": ref.tensor(take(x), True), "offset": ref.tensor(offset, True), "weights": ref.tensor(take(w), True), "bias": ref.tensor(take(b), True)}
            if masked:
                parts["mask"] = ref.tensor(take(mask), True)
            y = deform_conv2d(parts["input"], parts["offset"], parts["weights"], parts["bias"] if bias or direction == "backward_bias" else None,
                              stride=tuple(stride), padding=tuple(pads), dilation=tuple(dilation), mask=parts.get("mask"))
            if direction == "forward":
                return ref.numpy(y)
            of = {"backward_data": "input"}.get(direction, direction.removeprefix("backward_"))
            return ref.numpy(torch.autograd.grad((y * ref.tensor(take(dy))).sum(), parts[of])[0])

        case = {"op": "deformable", "strides": stride, "dilations": dilation, "pads_begin": pads, "pads_end": pads, "groups": groups, "offset_groups": og}
        if kind != "f32":
            case["data_type"] = kind
        if i % 7 == 3:
            case["layout"] = "channels_last"
        tensors = {"input": x, "offset": offset, "weights": w}
        if masked:
            tensors["mask"] = mask
        if direction == "forward":
            if bias:
                tensors["bias"] = b
        else:
            case["direction"], tensors["output_grad"] = direction, dy
            if direction == "backward_data":
                del tensors["input"]
                case["input_shape"] = [n, c, *size]
            if direction == "backward_weights":
                del tensors["weights"]
                case["weight_shape"] = [o, c // groups, *kernel]
        # Sampling has its own rounding: positions are f32 sums, so a neighbour's weight may be off by |position| units.
        magnitude = np.abs(run(np.abs))
        if direction == "backward_offset":
            magnitude = np.full(offset.shape, np.abs(x).max() * np.abs(w).max() * np.abs(dy).max() * 4 * c * o / groups * (np.abs(mask).max() if masked else 1))
        slack = (max(size) + 2) * 2 * float(np.abs(x).max() * np.abs(w).max() * (np.abs(mask).max() if masked else 1)) * {"f32": 2.0**-24, "f64": 2.0**-53}[kind] * taps * c * (
            float(np.abs(dy).max()) * max(o, n * out[0] * out[1]) if direction != "forward" else 1.0)
        s.good("torchvision-deformable" + ("" if kind == "f32" else "-f64"), case, {k: stored(v, kind) for k, v in tensors.items()}, run(lambda v: v),
               magnitude=magnitude, terms=taps * c, slack=slack, kind=kind)
    # No offset is the plain convolution; an offset of whole pixels shifts it.
    for i in range(4):
        x, w, b = s.small([2, 4, 7, 9]), s.small([6, 2, 3, 2]), s.small([6])
        offset = np.zeros([2, 12, 7, 8])
        if i % 2:
            offset[:, 0::2] = 1
            offset[:, 1::2] = -2
        y = torch.tensor(dense_shift(x, w, b)) if i % 2 else F.conv2d(ref.tensor(x), ref.tensor(w), ref.tensor(b), padding=(1, 0), groups=2)
        s.good("deformable-whole-pixels", {"op": "deformable", "pads_begin": [1, 0], "pads_end": [1, 0], "groups": 2},
               {k: stored(v, "f32") for k, v in (("input", x), ("weights", w), ("bias", b), ("offset", offset))}, ref.numpy(y), exact=True)


def dense_shift(x, w, b):
    """Correlation, groups 2, rows padded by 1, that reads one row below and two columns to the left, zero outside."""
    y = np.zeros([2, 6, 7, 8])
    for o in range(6):
        for p, q, k, l, c in np.ndindex(7, 8, 3, 2, 2):
            i, j = p - 1 + k + 1, q + l - 2
            if 0 <= i < 7 and 0 <= j < 9:
                y[:, o, p, q] += x[:, o // 3 * 2 + c, i, j] * w[o, c, k, l]
        y[:, o] += b[o]
    return y


def rearrangements(s):
    r = s.random
    for i in range(14):
        rank, g, per, n = 1 + i % 3, int(r.integers(1, 5)), int(r.integers(1, 5)), int(r.integers(0 if i == 13 else 1, 3))
        size = [int(v) for v in r.integers(1, 6, rank)]
        kind = ("f32", "f64", "f32", "f32")[i % 4]
        x = rounded(s.normal([n, g * per, *size]), kind)
        case = {"op": "channel_shuffle", "groups": g, **({"data_type": kind} if kind != "f32" else {}), **({"layout": "channels_last"} if i % 3 == 1 else {})}
        y = x.reshape(n, g, per, *size).swapaxes(1, 2).reshape(x.shape)
        if rank == 2 and n > 0:
            assert np.array_equal(y, ref.numpy(F.channel_shuffle(ref.tensor(x), g)))
        s.good("channel-shuffle", case, {"input": stored(x, kind)}, y, exact=True, dtype=stored(x, kind).dtype.str)
        back = x.reshape(n, per, g, *size).swapaxes(1, 2).reshape(x.shape)
        tensors = {"output_grad": stored(x, kind)}
        s.good("channel-shuffle-backward", {**case, "direction": "backward_data", **({"input_shape": list(x.shape)} if i % 2 else {})}, tensors, back, exact=True)
    for i in range(24):
        rank = 1 + i % 3
        g = dense.Geometry(r, rank, groups=1, mode=("zeros", "zeros", "reflect", "circular", "replicate", "constant")[i % 6] if i >= 12 else "zeros")
        x = s.small(g.x_shape)
        case = {"op": "im2col", "kernel": g.kernel, "strides": g.stride, "dilations": g.dilation, "pads_begin": g.begin, "pads_end": g.end}
        if g.mode != "zeros":
            case["padding_mode"] = g.mode
        if g.mode == "constant":
            case["pad_value"] = g.value
        tx = ref.tensor(x, True)
        y = ref.im2col(tx, g.kernel, g.stride, g.dilation, g.begin, g.end, g.mode, g.value)
        if rank == 2 and g.mode == "zeros" and g.begin == g.end:
            assert torch.equal(y, F.unfold(tx, g.kernel, g.dilation, g.begin, g.stride))
        dy = s.small(y.shape)
        if i % 3 == 2:
            back = torch.autograd.grad(y, tx, ref.tensor(dy))[0]
            s.good("im2col-backward", {**case, "direction": "backward_data", "input_shape": g.x_shape}, {"output_grad": stored(dy, "f32")}, ref.numpy(back), exact=True)
        else:
            s.good("im2col", case, {"input": stored(x, "f32")}, ref.numpy(y), exact=True)
        if g.mode != "zeros":
            continue
        case["op"], case["image_shape"] = "col2im", g.size
        columns = ref.tensor(s.small(y.shape), True)
        image = ref.col2im(columns, g.size, g.kernel, g.stride, g.dilation, g.begin, g.end)
        if i % 3 == 1:
            dx = s.small(g.x_shape)
            back = torch.autograd.grad(image, columns, ref.tensor(dx))[0]
            s.good("col2im-backward", {**case, "direction": "backward_data", "input_shape": list(columns.shape)}, {"output_grad": stored(dx, "f32")}, ref.numpy(back), exact=True)
        else:
            s.good("col2im", case, {"input": stored(ref.numpy(columns), "f32")}, ref.numpy(image), exact=True)
    for kind in ("u8", "s8", "bf16", "f16"):
        x = s.small([2, 6, 4, 3], 0, 9)
        shuffled = x.reshape(2, 3, 2, 4, 3).swapaxes(1, 2).reshape(x.shape)
        s.good("rearrange-types", {"op": "channel_shuffle", "groups": 3, "data_type": kind}, {"input": stored(x, kind)}, shuffled, exact=True)
        y = ref.numpy(ref.im2col(ref.tensor(x), [2, 2], [1, 1], [1, 1], [0, 0], [0, 0]))
        s.good("rearrange-types", {"op": "im2col", "kernel": [2, 2], "data_type": kind}, {"input": stored(x, kind)}, y, exact=True)
