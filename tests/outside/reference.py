"""Convolutions in double by PyTorch (and NumPy for what it lacks), with autograd for the gradients."""

import numpy as np
import torch
import torch.nn.functional as F

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
CONV_T = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def tensor(a, grad=False):
    return torch.tensor(np.asarray(a, np.float64), requires_grad=grad)


def pad(x, begin, end, mode="zeros", value=0.0):
    """Extends the spatial axes; everything but symmetric is PyTorch's own."""
    if not any(begin) and not any(end):
        return x
    pads = [p for pair in zip(reversed(begin), reversed(end)) for p in pair]
    if mode in ("zeros", "constant"):
        return F.pad(x, pads, value=value if mode == "constant" else 0.0)
    if mode != "symmetric":
        return F.pad(x, pads, mode=mode)
    for axis, (b, e) in enumerate(zip(begin, end)):
        index = np.pad(np.arange(x.shape[axis + 2]), (b, e), mode="symmetric")
        x = torch.index_select(x, axis + 2, torch.tensor(index))
    return x


def correlate(x, w, b, stride, dilation, begin, end, groups, mode="zeros", value=0.0, flip=False):
    rank = x.dim() - 2
    if flip:
        w = torch.flip(w, tuple(range(2, rank + 2)))
    return CONV[rank](pad(x, begin, end, mode, value), w, b, stride=tuple(stride), dilation=tuple(dilation), groups=groups)


def transposed_size(size, kernel, s, d, pb, pe, op):
    return (size - 1) * s - pb - pe + d * (kernel - 1) + op + 1


def transpose(x, w, b, stride, dilation, begin, size, groups):
    """The part of the whole adjoint that starts at `begin` and has `size` elements; what the kernel does not reach is zero."""
    rank = x.dim() - 2
    y = CONV_T[rank](x, w, None, stride=tuple(stride), dilation=tuple(dilation), groups=groups)
    for axis in range(rank):
        beyond = begin[axis] + size[axis] - y.shape[axis + 2]
        if beyond > 0:
            pads = [0] * (2 * rank)
            pads[2 * (rank - 1 - axis) + 1] = beyond
            y = F.pad(y, pads)
        y = y.narrow(axis + 2, begin[axis], size[axis])
    return y if b is None else y + b.reshape(1, -1, *([1] * rank))


def one_hot_kernel(channels, kernel):
    """Weights of the correlation that is im2col: output channel c*K + k is tap k of channel c (groups = channels)."""
    taps = int(np.prod(kernel))
    return torch.eye(taps, dtype=torch.float64).reshape(taps, 1, *kernel).repeat(channels, *([1] * (len(kernel) + 1)))


def im2col(x, kernel, stride, dilation, begin, end, mode="zeros", value=0.0):
    channels = x.shape[1]
    y = correlate(x, one_hot_kernel(channels, kernel), None, stride, dilation, begin, end, channels, mode, value)
    return y.reshape(x.shape[0], y.shape[1], -1)


def col2im(columns, image, kernel, stride, dilation, begin, end):
    """The adjoint of im2col, by autograd."""
    channels = columns.shape[1] // int(np.prod(kernel))
    probe = torch.zeros((columns.shape[0], channels, *image), dtype=torch.float64, requires_grad=True)
    y = im2col(probe, kernel, stride, dilation, begin, end)
    return torch.autograd.grad(y, probe, columns, create_graph=True)[0]


def numpy(t):
    return t.detach().numpy()
