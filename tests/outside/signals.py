"""Signal-processing modes against SciPy; their gradients by autograd of the definition."""

import numpy as np
import scipy.signal
import torch

import reference as ref
from suite import rounded, stored

BOUNDARIES = {"constant": "fill", "circular": "wrap", "symmetric": "symm"}


def sizes(r, rank):
    a = [int(v) for v in r.integers(1, (24, 11, 7)[rank - 1], rank)]
    b = [int(v) for v in r.integers(1, (9, 6, 4)[rank - 1], rank)]
    return a, b


def modes(s):
    r = s.random
    for i in range(108):
        rank, mode, op = 1 + i % 3, ("full", "same", "valid")[(i // 3) % 3], ("correlation", "convolution")[(i // 9) % 2]
        a, b = sizes(r, rank)
        if mode == "valid":
            a = [max(p, q) for p, q in zip(a, b)]
        if i % 4 == 3:
            a, b = b, a
        kind = "f64" if i % 9 == 8 else "f32"
        x, w = rounded(s.normal(a), kind), rounded(s.normal(b), kind)
        run = scipy.signal.convolve if op == "convolution" else scipy.signal.correlate
        y, sums = run(x, w, mode, method="direct"), run(np.abs(x), np.abs(w), mode, method="direct")
        case = {"op": op, "mode": mode, **({"data_type": kind} if kind != "f32" else {})}
        s.good(f"scipy-{op}-{mode}" + ("" if kind == "f32" else "-f64"), case, {"input": stored(x, kind), "weights": stored(w, kind)}, y, magnitude=sums, terms=min(x.size, w.size), kind=kind)


def boundaries(s):
    r = s.random
    for i in range(60):
        mode, pad, op = ("full", "same")[i % 2], list(BOUNDARIES)[(i // 2) % 3], ("correlation", "convolution")[(i // 6) % 2]
        a, b = sizes(r, 2)
        if i % 5 == 4:
            b = [v + 3 for v in a]
        x, w = s.small(a), s.small(b)
        value = float(r.choice([0.5, -2.0])) if pad == "constant" else 0.0
        # correlate2d starts `same` of an even kernel elsewhere than correlate does; the flipped kernel keeps to one rule.
        kernel = w[::-1, ::-1] if op == "correlation" else w
        y = scipy.signal.convolve2d(x, kernel, mode, BOUNDARIES[pad], value)
        s.good(f"scipy-boundary-{pad}", {"op": op, "mode": mode, "padding_mode": pad, **({"pad_value": value} if pad == "constant" else {})},
               {"input": stored(x, "f32"), "weights": stored(w, "f32")}, y, exact=True)
    # The other modes are NumPy's; rank 1 and 3 too.
    for i in range(24):
        rank, mode, op = 1 + i % 3, ("full", "same")[i % 2], ("correlation", "convolution")[(i // 6) % 2]
        pad = ("reflect", "replicate", "circular", "symmetric")[i % 4]
        a, b = sizes(r, rank)
        a = [p + q for p, q in zip(a, b)]
        x, w = s.small(a), s.small(b)
        y = extended(x, w, op, mode, pad)
        s.good(f"numpy-boundary-{pad}", {"op": op, "mode": mode, "padding_mode": pad}, {"input": stored(x, "f32"), "weights": stored(w, "f32")}, y, exact=True)


def extended(x, w, op, mode, pad):
    """Extends the signal, then takes the part where both overlap wholly."""
    before = [(k - 1) if mode == "full" else k - 1 - (k - 1) // 2 for k in w.shape]
    after = [(k - 1) if mode == "full" else (k - 1) // 2 for k in w.shape]
    wide = np.pad(x, list(zip(before, after)), mode={"reflect": "reflect", "replicate": "edge", "circular": "wrap", "symmetric": "symmetric"}[pad])
    return (scipy.signal.convolve if op == "convolution" else scipy.signal.correlate)(wide, w, "valid", method="direct")


def gradients(s):
    """<dy, y(x, w)> is linear in x and in w: its gradients, by autograd of a definition that SciPy confirms."""
    r = s.random
    for i in range(36):
        rank, mode, op = 1 + i % 3, ("full", "same", "valid")[(i // 3) % 3], ("correlation", "convolution")[(i // 9) % 2]
        direction = ("backward_data", "backward_weights")[i % 2]
        a, b = sizes(r, rank)
        if mode == "valid":
            a = [max(p, q) for p, q in zip(a, b)]
            if i % 4 >= 2:
                a, b = b, a
        x, w = ref.tensor(s.small(a), True), ref.tensor(s.small(b), True)
        y = signal(x, w, op, mode)
        run = scipy.signal.convolve if op == "convolution" else scipy.signal.correlate
        assert np.array_equal(ref.numpy(y), np.rint(run(ref.numpy(x), ref.numpy(w), mode, method="direct")))
        dy = s.small(y.shape)
        back = torch.autograd.grad((y * ref.tensor(dy)).sum(), x if direction == "backward_data" else w)[0]
        tensors = {"output_grad": stored(dy, "f32")}
        case = {"op": op, "mode": mode, "direction": direction}
        if direction == "backward_data":
            tensors["weights"], case["input_shape"] = stored(ref.numpy(w), "f32"), a
        else:
            tensors["input"], case["weight_shape"] = stored(ref.numpy(x), "f32"), b
        s.good("scipy-gradient", case, tensors, ref.numpy(back), exact=True)


def signal(x, w, op, mode):
    rank = x.dim()
    axes = tuple(range(rank))
    swapped = mode == "valid" and any(p < q for p, q in zip(x.shape, w.shape))
    if swapped:
        x, w = w, x
    begin = [0 if mode == "valid" else k - 1 if mode == "full" else k - 1 - (k - 1) // 2 for k in w.shape]
    end = [0 if mode == "valid" else k - 1 if mode == "full" else (k - 1) // 2 for k in w.shape]
    y = ref.correlate(x[None, None], w[None, None], None, [1] * rank, [1] * rank, begin, end, 1, flip=op == "convolution")[0, 0]
    return torch.flip(y, axes) if swapped and op == "correlation" else y
