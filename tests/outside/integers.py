"""ConvInteger and QLinearConv in exact arithmetic, and ONNX's own node tests as cases."""

import pathlib

import numpy as np
import onnx
from onnx import numpy_helper

import dense
import reference as ref
from suite import stored

RANGE = {"u8": (0, 255), "s8": (-128, 127)}
NODE_TESTS = pathlib.Path("/usr/share/libonnx-testdata/data/node")


def fill(r, kind, shape):
    low, high = RANGE[kind]
    return r.integers(low, high + 1, shape).astype(np.float64)


def sums(g, op, x, w, xz, wz, bias):
    shape = [1, -1, *[1] * g.rank]
    zero = np.asarray(wz, np.float64)
    if zero.ndim and g.transposed:
        zero = zero.reshape(g.g, 1, g.o // g.g, *[1] * g.rank)
        zero = np.broadcast_to(zero, [g.g, g.c // g.g, g.o // g.g, *[1] * g.rank]).reshape(g.c, g.o // g.g, *[1] * g.rank)
    elif zero.ndim:
        zero = zero.reshape(-1, 1, *[1] * g.rank)
    y = ref.numpy(g.run(ref.tensor(x - xz), ref.tensor(w - zero), None, op))
    return y if bias is None else y + bias.reshape(shape)


def geometry(r, i, op):
    return dense.Geometry(r, 1 + i % 3, transposed=op == "transposed", groups=(1, 1, 2)[i % 3], depthwise=i % 8 == 7)


def integer_sums(s):
    r = s.random
    for i in range(48):
        op = ("correlation", "correlation", "convolution", "transposed")[i % 4]
        g = geometry(r, i // 4, op)
        xt, wt = ("u8", "s8")[i % 2], ("s8", "s8", "u8")[i % 3]
        x, w = fill(r, xt, g.x_shape), fill(r, wt, g.w_shape)
        case = {**g.case(op, r), "data_type": xt, "output_type": "s32"}
        if wt != "s8" or i % 5 == 0:
            case["weights_type"] = wt
        xz = wz = 0
        if i % 2:
            xz = case["x_zero_point"] = int(fill(r, xt, []))
        if i % 3 == 1:
            wz = case["w_zero_point"] = int(fill(r, wt, []))
        elif i % 6 == 2:
            wz = case["w_zero_point"] = [int(v) for v in fill(r, wt, [g.o])]
        if i % 7 == 0:
            case["x_zero_point"] = [xz]
        if i % 9 == 4:
            case["layout"] = "channels_last"
        if i % 4 == 1:
            del case["output_type"]
        y = sums(g, op, x, w, xz, np.asarray(wz), None)
        s.good(f"integer-{op}", case, {"input": stored(x, xt), "weights": stored(w, wt)}, y, exact=True, dtype="<i4")


def quantised(s):
    r = s.random
    for i in range(60):
        op = ("correlation", "correlation", "transposed", "convolution")[i % 4]
        g = geometry(r, i // 4, op)
        xt, wt, yt = ("u8", "s8")[i % 2], ("s8", "s8", "u8")[i % 3], ("u8", "s8")[(i // 2) % 2]
        x, w = fill(r, xt, g.x_shape), fill(r, wt, g.w_shape)
        bias = r.integers(-3000, 3000, [g.o]).astype(np.float64) if i % 2 else None
        xz, yz = int(fill(r, xt, [])), int(fill(r, yt, []))
        per_channel = i % 3 == 1
        wz = fill(r, wt, [g.o] if per_channel else [])
        dyadic = i % 4 == 0
        xs = 0.25 if dyadic else float(np.float32(r.uniform(0.01, 0.1)))
        ws = np.asarray(2.0 ** r.integers(-6, -2, [g.o] if i % 3 else []) if dyadic else r.uniform(0.001, 0.02, [g.o] if i % 3 else []).astype(np.float32), np.float64)
        exact = sums(g, op, x, w, xz, wz, bias)
        spread = max(1.0, float(np.abs(exact).max()))
        ys = 2.0 ** np.ceil(np.log2(xs * ws.max() * spread / 90)) if dyadic else float(np.float32(xs * ws.max() * spread / r.uniform(60, 200)))
        factor = xs * (ws.reshape([1, -1, *[1] * g.rank]) if ws.ndim else ws) / ys
        real = exact * factor
        low, high = RANGE[yt]
        y = np.clip(np.rint(real) + yz, low, high)
        # Scales that are not powers of two round in the last place: beside a tie both neighbours will do.
        near = np.abs(real - np.floor(real) - 0.5) < 1e-5 * (1 + np.abs(real))
        case = {**g.case(op, r), "data_type": xt, "output_type": yt, "x_scale": xs, "x_zero_point": xz, "w_scale": ws.tolist(), "w_zero_point": wz.astype(int).tolist(), "y_scale": float(ys), "y_zero_point": yz}
        if wt != "s8":
            case["weights_type"] = wt
        if yt == xt and i % 4 == 0:
            del case["output_type"]
        if i % 5 == 0:
            case.update(x_scale=[xs], x_zero_point=[xz], y_scale=[float(ys)], y_zero_point=[yz])
        tensors = {"input": stored(x, xt), "weights": stored(w, wt)}
        if bias is not None:
            tensors["bias"] = stored(bias, "s32")
        s.good(f"qlinear-{op}", case, tensors, y, exact=dyadic, bound=np.where(near, 1.0, 0.0), dtype=stored(y, yt).dtype.str)
    for i in range(9):
        op = ("correlation", "transposed", "convolution")[i % 3]
        g = geometry(r, i // 3, op)
        x, w = fill(r, "u8", g.x_shape), fill(r, "s8", g.w_shape)
        xs, xz, ws = 0.125, 7, np.asarray(2.0 ** r.integers(-4, 1, [g.o] if i % 2 else []))
        y = sums(g, op, x, w, xz, np.zeros([]), None) * xs * (ws.reshape([1, -1, *[1] * g.rank]) if ws.ndim else ws)
        s.good("integer-to-f32", {**g.case(op, r), "data_type": "u8", "output_type": "f32", "x_scale": xs, "x_zero_point": xz, "w_scale": ws.tolist()},
               {"input": stored(x, "u8"), "weights": stored(w, "s8")}, y, magnitude=np.abs(y), terms=2, dtype="<f4")


def halfway(s):
    """One tap, scales that are powers of two: every result lies on a tie or on the range's edge."""
    x = np.arange(-8, 8, dtype=np.float64).reshape(1, 1, 16)
    for yt, yz in (("s8", 0), ("s8", 3), ("u8", 5), ("u8", 0), ("s8", -128), ("u8", 255)):
        for w in (1.0, 3.0, 127.0):
            y = np.clip(np.rint(x * w / 2) + yz, *RANGE[yt])
            s.good("qlinear-ties", {"op": "correlation", "data_type": "s8", "output_type": yt, "x_scale": 0.5, "x_zero_point": 0, "w_scale": 1, "w_zero_point": 0, "y_scale": 1, "y_zero_point": yz},
                   {"input": stored(x, "s8"), "weights": stored(np.full([1, 1, 1], w), "s8")}, y, exact=True)


def onnx_node_tests(s):
    """Every node test of a convolution that the installed testdata has."""
    names = {np.dtype(np.uint8): "u8", np.dtype(np.int8): "s8", np.dtype(np.float32): "f32", np.dtype(np.int32): "s32"}
    for folder in sorted(NODE_TESTS.glob("test_*")) if NODE_TESTS.exists() else []:
        model = folder / "model.onnx"
        if not model.exists():
            continue
        graph = onnx.load(str(model)).graph
        if len(graph.node) != 1 or graph.node[0].op_type not in ("Conv", "ConvTranspose", "ConvInteger", "QLinearConv"):
            continue
        node = graph.node[0]
        values = {}
        for i, item in enumerate(graph.input):
            values[item.name] = load(folder / f"test_data_set_0/input_{i}.pb")
        given = [values.get(name) for name in node.input]
        y = load(folder / "test_data_set_0/output_0.pb")
        at = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        case = {"op": "transposed" if node.op_type == "ConvTranspose" else "correlation"}
        for ours, theirs in (("strides", "strides"), ("dilations", "dilations"), ("groups", "group"), ("output_padding", "output_padding"), ("output_shape", "output_shape"), ("kernel", "kernel_shape")):
            if theirs in at:
                case[ours] = list(at[theirs]) if isinstance(at[theirs], list) or hasattr(at[theirs], "__len__") else int(at[theirs])
        if "pads" in at:
            half = len(at["pads"]) // 2
            case["pads_begin"], case["pads_end"] = list(at["pads"][:half]), list(at["pads"][half:])
        if "auto_pad" in at and at["auto_pad"] != b"NOTSET":
            case["auto_pad"] = at["auto_pad"].decode().lower()
        if node.op_type == "QLinearConv":
            x, xs, xz, w, ws, wz, ys, yz, *bias = given
            case.update(data_type=names[x.dtype], weights_type=names[w.dtype], output_type=names[y.dtype], x_scale=xs.tolist(), x_zero_point=xz.tolist(), w_scale=ws.tolist(), w_zero_point=wz.tolist(), y_scale=ys.tolist(), y_zero_point=yz.tolist())
        elif node.op_type == "ConvInteger":
            x, w, *zeros = given
            bias = []
            case.update(data_type=names[x.dtype], weights_type=names[w.dtype], output_type="s32", **{k: z.tolist() for k, z in zip(("x_zero_point", "w_zero_point"), zeros) if z is not None})
        else:
            x, w, *bias = given
        tensors = {"input": x, "weights": w}
        if bias and bias[0] is not None:
            tensors["bias"] = bias[0]
        exact = y.dtype != np.float32
        s.good("onnx-node", case, tensors, y, exact=exact, bound=None if exact else 1e-5 * (1 + np.abs(y)))


def load(path):
    value = onnx.TensorProto()
    value.ParseFromString(path.read_bytes())
    return numpy_helper.to_array(value)
