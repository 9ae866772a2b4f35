"""Cases that must be refused: status invalid, with the field, the value and the rule in the message, and nothing else stopped."""

import json

import numpy as np


def base(s, **changes):
    """A valid 2-D correlation, changed; None removes a field."""
    if not hasattr(s, "shared"):
        f = np.float32
        s.shared = {
            "x": s.tensor("err.x", np.ones([2, 4, 6, 5], f)), "w": s.tensor("err.w", np.ones([6, 4, 3, 2], f)), "b": s.tensor("err.b", np.ones([6], f)),
            "w2": s.tensor("err.w2", np.ones([6, 2, 3, 2], f)), "wt": s.tensor("err.wt", np.ones([4, 3, 3, 2], f)), "y": s.tensor("err.y", np.ones([2, 6, 4, 4], f)),
            "w5": s.tensor("err.w5", np.ones([5, 2, 3, 2], f)), "w1d": s.tensor("err.w1d", np.ones([6, 4, 3], f)), "b5": s.tensor("err.b5", np.ones([5], f)), "b7": s.tensor("err.b7", np.ones([7], f)),
            "b1": s.tensor("err.b1", np.ones([1], f)), "b26": s.tensor("err.b26", np.ones([1, 6], f)), "big": s.tensor("err.big", np.ones([6, 4, 9, 2], f)),
            "x1d": s.tensor("err.x1d", np.ones([2, 4, 6], f)), "x2": s.tensor("err.x2", np.ones([4, 6], f)), "x6": s.tensor("err.x6", np.ones([1, 1, 1, 1, 1, 1], f)),
            "x0": s.tensor("err.x0", np.ones([2, 4, 0, 5], f)), "offset": s.tensor("err.offset", np.ones([2, 12, 4, 4], f)), "mask": s.tensor("err.mask", np.ones([2, 6, 4, 4], f)),
            "u8": s.tensor("err.u8", np.ones([2, 4, 6, 5], np.uint8)), "s8": s.tensor("err.s8", np.ones([6, 4, 3, 2], np.int8)), "s32": s.tensor("err.s32", np.ones([6], np.int32)),
            "f64": s.tensor("err.f64", np.ones([2, 4, 6, 5])), "i64": s.tensor("err.i64", np.ones([2, 4, 6, 5], np.int64)), "bool": s.tensor("err.bool", np.ones([2, 4, 6, 5], bool)),
            "c8": s.tensor("err.c8", np.ones([2, 4, 6, 5], np.complex64)), "f16": s.tensor("err.f16", np.ones([2, 4, 6, 5], np.float16)), "scalar": s.tensor("err.scalar", np.float32(1)),
            "cols": s.tensor("err.cols", np.ones([2, 24, 16], f)), "sig9": s.tensor("err.sig9", np.ones([9], f)), "sig95": s.tensor("err.sig95", np.ones([9, 2], f)), "sig29": s.tensor("err.sig29", np.ones([2, 9], f)),
        }
    t = {k: s.shared[v] for k, v in changes.pop("t", {"input": "x", "weights": "w"}).items() if v}
    line = {"op": "correlation", "tensors": t, "outputs": {"output": "out/never.npy"}, **changes}
    return {k: v for k, v in line.items() if v is not None}


def bad(s, family, mentions, **changes):
    s.bad(family, base(s, **changes), mentions)


def geometry(s):
    f = "error-geometry"
    for v in ([-1, 0], [0, -2]):
        bad(s, f, ["pads_begin", str(min(v))], pads_begin=v)
        bad(s, f, ["pads_end", str(min(v))], pads_end=v)
        bad(s, f, ["strides", str(min(v))], strides=[v[0] or 1, v[1] or 1])
        bad(s, f, ["dilations", str(min(v))], dilations=[v[0] or 1, v[1] or 1])
    for field in ("strides", "dilations"):
        bad(s, f, [field, "0"], **{field: [0, 1]})
        bad(s, f, [field, "0"], **{field: [1, 0]})
    for field in ("strides", "dilations", "pads_begin", "pads_end"):
        for v in ([], [1], [1, 1, 1], [1, 1, 1, 1]):
            bad(s, f, [field], **{field: v})
    bad(s, f, ["groups", "0"], groups=0)
    bad(s, f, ["groups", "-1"], groups=-1)
    bad(s, f, ["groups", "3"], groups=3)
    bad(s, f, ["groups", "2", "5"], groups=2, t={"input": "x", "weights": "w5"})
    bad(s, f, ["weight"], groups=2)
    bad(s, f, ["weight"], t={"input": "x", "weights": "w2"})
    for b in ("b5", "b7", "b1", "b26"):
        bad(s, f, ["bias", "6"], t={"input": "x", "weights": "w", "bias": b})
    bad(s, f, ["9", "6"], t={"input": "x", "weights": "big"})
    bad(s, f, ["7", "6"], dilations=[3, 1])
    bad(s, f, ["weight"], t={"input": "x", "weights": "w1d"})
    bad(s, f, ["weight"], t={"input": "x1d", "weights": "w"})
    for x in ("x2", "x6", "scalar", "x0"):
        bad(s, f, ["input"], t={"input": x, "weights": "w"})
    bad(s, f, ["output_padding", "1"], output_padding=[1, 0])
    bad(s, f, ["output_shape"], output_shape=[4, 4])
    bad(s, f, ["pads", "6"], padding_mode="reflect", pads_begin=[6, 0])
    bad(s, f, ["pads_end", "5"], padding_mode="reflect", pads_end=[0, 5])
    bad(s, f, ["pads", "7"], padding_mode="circular", pads_begin=[7, 0])
    bad(s, f, ["pads_end", "6"], padding_mode="circular", pads_end=[0, 6])
    bad(s, f, ["pad_value", "1"], pad_value=1)
    bad(s, f, ["pad_value", "1"], pad_value=1, padding_mode="reflect")
    bad(s, f, ["kernel"], kernel=[3, 3])
    bad(s, f, ["input_shape"], input_shape=[2, 4, 6, 6])
    bad(s, f, ["weight_shape"], weight_shape=[6, 4, 3, 3])
    bad(s, f, ["auto_pad", "pads"], auto_pad="same_upper", pads_begin=[1, 1])
    bad(s, f, ["auto_pad", "same"], auto_pad="same", strides=[2, 1])
    bad(s, f, ["residual"], t={"input": "x", "weights": "w", "residual": "x"})
    bad(s, f, ["output_grad"], t={"input": "x", "weights": "w", "output_grad": "y"})


def operations(s):
    f = "error-operation"
    t = {"input": "x", "weights": "wt"}
    for op_pad in ([1, 0], [0, -1], [2, 0]):
        bad(s, f, ["output_padding"], op="transposed", t=t, output_padding=op_pad)
    bad(s, f, ["output_padding", "2"], op="transposed", t=t, output_padding=[2, 0], strides=[2, 1])
    bad(s, f, ["weight"], op="transposed", t={"input": "x", "weights": "w"})
    bad(s, f, ["pads"], op="transposed", t=t, pads_begin=[4, 0], pads_end=[4, 0])
    bad(s, f, ["output_shape"], op="transposed", t=t, output_shape=[8])
    bad(s, f, ["output_shape"], op="transposed", t=t, output_shape=[0, 5])
    bad(s, f, ["output_shape", "-3"], op="transposed", t=t, output_shape=[-3, 5])
    bad(s, f, ["padding_mode", "reflect"], op="transposed", t=t, padding_mode="reflect")
    bad(s, f, ["padding_mode"], op="deformable", t={"input": "x", "weights": "w", "offset": "offset"}, padding_mode="circular")
    bad(s, f, ["offset"], op="deformable")
    bad(s, f, ["offset"], op="deformable", t={"input": "x", "weights": "w", "offset": "mask"})
    bad(s, f, ["mask"], op="deformable", t={"input": "x", "weights": "w", "offset": "offset", "mask": "offset"})
    bad(s, f, ["offset_groups", "3"], op="deformable", t={"input": "x", "weights": "w", "offset": "offset"}, offset_groups=3)
    bad(s, f, ["offset_groups", "0"], op="deformable", t={"input": "x", "weights": "w", "offset": "offset"}, offset_groups=0)
    bad(s, f, ["offset"], op="deformable", t={"input": "x", "weights": "w", "offset": "offset"}, offset_groups=2)
    bad(s, f, [], op="deformable", t={"input": "x1d", "weights": "w1d", "offset": "offset"})
    bad(s, f, ["offset"], t={"input": "x", "weights": "w", "offset": "offset"})
    bad(s, f, ["mask"], t={"input": "x", "weights": "w", "mask": "mask"})
    bad(s, f, ["offset_groups", "2"], offset_groups=2)
    for d in ("backward_offset", "backward_mask"):
        bad(s, f, ["direction", d], direction=d, t={"input": "x", "weights": "w", "output_grad": "y"})
    for d in ("backward_data", "backward_weights", "backward_bias"):
        bad(s, f, ["output_grad"], direction=d)
        bad(s, f, ["output_grad"], direction=d, t={"input": "x", "weights": "w", "output_grad": "x"})
        bad(s, f, ["activation"], direction=d, activation="relu", t={"input": "x", "weights": "w", "output_grad": "y"})
        bad(s, f, ["residual"], direction=d, t={"input": "x", "weights": "w", "output_grad": "y", "residual": "y"})
    bad(s, f, ["weights"], direction="backward_data", input_shape=[2, 4, 6, 5], t={"output_grad": "y"})
    bad(s, f, ["input"], direction="backward_weights", weight_shape=[6, 4, 3, 2], t={"output_grad": "y"})
    bad(s, f, ["input_shape"], direction="backward_data", strides=[2, 2], t={"weights": "w", "output_grad": "y"})
    bad(s, f, ["weight_shape"], direction="backward_weights", strides=[2, 2], t={"input": "x", "output_grad": "y"})
    bad(s, f, ["_shape", "axes"], direction="backward_data", input_shape=[2, 4, 6], t={"weights": "w", "output_grad": "y"})
    bad(s, f, ["weight_shape"], direction="backward_weights", weight_shape=[6, 4, 3], t={"input": "x", "output_grad": "y"})
    bad(s, f, ["input_shape", "-2"], direction="backward_data", input_shape=[-2, 4, 6, 5], t={"weights": "w", "output_grad": "y"})
    for field, values in (("op", ["conv", "", "Correlation", "deconv", "pool"]), ("direction", ["fwd", "backward", "FORWARD"]), ("data_type", ["float32", "int8", "f8", "", "F32"]), ("layout", ["nchw", "nhwc", ""]),
                          ("padding_mode", ["zero", "wrap", "edge"]), ("auto_pad", ["SAME_UPPER", "explicit", ""]), ("mode", ["FULL", "circular", ""]), ("activation", ["Relu", "relu7", "", "clip", "clip:2:1", "leaky_relu:x", "relu:1"]),
                          ("weights_type", ["int"]), ("output_type", ["int"])):
        for v in values:
            bad(s, f, [field, v], **{field: v})
    for field in ("op", "direction", "data_type", "layout", "padding_mode", "auto_pad", "mode", "activation"):
        for v in (1, ["x"], {}, True):
            bad(s, f, [field], **{field: v})
    bad(s, f, ["kernel"], op="im2col", t={"input": "x"})
    bad(s, f, ["weights"], op="im2col", kernel=[3, 2])
    bad(s, f, ["bias"], op="im2col", kernel=[3, 2], t={"input": "x", "bias": "b"})
    for v in ([3], [3, 0], [-1, 2], [7, 2]):
        bad(s, f, [str(v[-1] if v[-1] < 1 else v[0])], op="im2col", kernel=v, t={"input": "x"})
    bad(s, f, ["image_shape"], op="col2im", kernel=[3, 2], t={"input": "cols"})
    bad(s, f, ["kernel"], op="col2im", image_shape=[6, 5], t={"input": "cols"})
    bad(s, f, ["24"], op="col2im", image_shape=[6, 5], kernel=[5, 1], t={"input": "cols"})
    bad(s, f, ["16"], op="col2im", image_shape=[6, 6], kernel=[3, 2], t={"input": "cols"})
    bad(s, f, ["input"], op="col2im", image_shape=[6, 5], kernel=[3, 2], t={"input": "x"})
    bad(s, f, ["image_shape"], image_shape=[6, 5])
    bad(s, f, ["image_shape"], op="im2col", kernel=[3, 2], image_shape=[6, 5], t={"input": "x"})
    bad(s, f, ["groups", "3"], op="channel_shuffle", groups=3, t={"input": "x"})
    bad(s, f, ["strides"], op="channel_shuffle", groups=2, strides=[2, 1], t={"input": "x"})
    bad(s, f, ["weights"], op="channel_shuffle", groups=2)
    for d in ("backward_weights", "backward_bias"):
        bad(s, f, ["direction"], op="channel_shuffle", direction=d, t={"output_grad": "x"}, input_shape=[2, 4, 6, 5])
        bad(s, f, ["direction"], op="im2col", direction=d, kernel=[3, 2], t={"output_grad": "cols"}, input_shape=[2, 4, 6, 5])
    t = {"input": "sig9", "weights": "sig9"}
    bad(s, f, ["mode", "transposed"], op="transposed", mode="full", t=t)
    bad(s, f, ["strides"], mode="full", t=t, strides=[2])
    bad(s, f, ["dilations"], mode="same", t=t, dilations=[2])
    bad(s, f, ["pads_begin"], mode="valid", t=t, pads_begin=[1])
    bad(s, f, ["groups"], mode="valid", t=t, groups=2)
    bad(s, f, ["bias"], mode="full", t={**t, "bias": "b"})
    bad(s, f, ["weights"], mode="full", t={"input": "sig9", "weights": "sig95"})
    bad(s, f, ["valid"], mode="valid", t={"input": "sig95", "weights": "sig29"})
    bad(s, f, ["weights"], mode="full", t={"input": "sig9"})
    bad(s, f, ["input"], mode="full", t={"input": "x", "weights": "w"})
    bad(s, f, ["direction"], mode="full", direction="backward_bias", t={**t, "output_grad": "sig9"})


def quantisation(s):
    f = "error-integer"
    t = {"input": "u8", "weights": "s8"}
    full = {"data_type": "u8", "output_type": "u8", "x_scale": 0.5, "x_zero_point": 3, "w_scale": 0.25, "w_zero_point": 0, "y_scale": 2.0, "y_zero_point": 4}
    for field, values in (("x_zero_point", [256, -1, 1.5, [1, 2], "3", [], [[1]], True, None]), ("w_zero_point", [128, -129, 0.5, [1, 2]]), ("y_zero_point", [256, -1, 1.5, [1, 2]]),
                          ("x_scale", [0, -1, "1", [1, 2], []]), ("w_scale", [0, -0.5, [1, 2], [1, 1, 1, 1, 1, 0]]), ("y_scale", [0, -2, [1, 2]])):
        for v in values:
            line = base(s, t=t, **{**full, field: 1})
            line[field] = v
            s.bad(f, line, [field])
    for missing in ("x_scale", "w_scale"):
        bad(s, f, [missing], t=t, **{**full, missing: None})
    bad(s, f, ["y_scale"], t=t, **{**full, "y_scale": None, "y_zero_point": None})
    bad(s, f, ["y_zero_point"], t=t, data_type="u8", y_zero_point=1)
    bad(s, f, ["output_type", "s32"], t=t, **{**full, "output_type": "s32"})
    bad(s, f, ["output_type", "u8"], t=t, data_type="u8", x_zero_point=1, output_type="u8")
    bad(s, f, ["x_scale"], x_scale=0.5, w_scale=0.5, y_scale=1)
    bad(s, f, ["x_zero_point"], x_zero_point=1)
    bad(s, f, ["u8"], t=t, data_type="u8", weights_type="f32")
    bad(s, f, ["s32"], t=t, data_type="s32")
    bad(s, f, ["input"], data_type="u8")
    bad(s, f, ["weights"], t={"input": "u8", "weights": "w"}, data_type="u8")
    bad(s, f, ["bias"], t={**t, "bias": "b"}, data_type="u8")
    bad(s, f, ["weights"], t={"input": "x", "weights": "s8"})
    bad(s, f, ["output_type"], output_type="s8")
    bad(s, f, ["weights_type"], weights_type="f64")


def files(s):
    f = "error-file"
    for name in ("f64", "i64", "bool", "c8", "f16", "u8"):
        bad(s, f, ["input"], t={"input": name, "weights": "w"})
    (s.folder / "t/err.directory.npy").mkdir(exist_ok=True)
    whole = (s.folder / s.shared["x"]).read_bytes()
    made = {"missing": None, "directory": None, "empty": b"", "text": b"1 2 3\n", "truncated": whole[:-4], "longer": whole + b"\0\0\0\0", "header": whole[:40], "magic": b"\x93NUMPX" + whole[6:], "version": whole[:6] + b"\x09" + whole[7:]}
    made["negative"] = whole.replace(b"(2, 4, 6, 5)", b"(2,-4, 6, 5)")
    made["overflow"] = whole.replace(b"(2, 4, 6, 5)", b"(9999999999,9999999999,99999)"[:12].ljust(12))
    made["structured"] = whole.replace(b"'<f4'", b"[1,2]")
    made["zip"] = b"PK\x03\x04" + bytes(100)
    for name, data in made.items():
        if data is not None:
            (s.folder / f"t/err.{name}.npy").write_bytes(data)
        line = base(s)
        line["tensors"] = {**line["tensors"], "input": f"t/err.{name}.npy"}
        s.bad(f, line, ["input"])
    np.save(s.folder / "t/err.object.npy", np.array([1, "a"], dtype=object), allow_pickle=True)
    for name in ("t/err.object.npy", "/nonexistent/x.npy", "../../../x.npy", "t/err.x.npy/x", "a\0b", " ", "x" * 5000):
        line = base(s)
        line["tensors"] = {**line["tensors"], "input": name}
        s.bad(f, line, ["input"])
    for tensors in (None, {}, [], "x.npy", {"input": 5}, {"input": ""}, {"input": None}, {"inputs": s.shared["x"]}, {"weights": s.shared["w"]}, {"input": s.shared["x"]}, {"Input": s.shared["x"]}):
        line = base(s)
        line["tensors"] = tensors
        s.bad(f, line, ["tensors" if tensors is None or not isinstance(tensors, dict) else "input" if "input" in tensors and not tensors["input"] or "input" not in str(tensors).lower() else ""])
    for outputs in (None, {}, [], "y.npy", {"output": 5}, {"output": ""}, {"outputs": "y.npy"}, {"output": "out/y.npy", "more": "z.npy"}, {"output": "t"}, {"output": "t/err.x.npy/y.npy"}, {"output": "a\0b"}):
        line = base(s)
        line["outputs"] = outputs
        s.bad(f, line, ["output"])
    line = base(s)
    del line["outputs"]
    s.bad(f, line, ["outputs"])


def text(s):
    f = "error-text"
    whole = json.dumps({"id": "@ID@", **base(s)})
    for line in ("{", "}", "[]", "null", "1", '"x"', "true", "{}", "not json", whole[:-1], whole + ",", whole + whole, "[" + whole + "]", whole.replace('"op"', "op"), whole.replace('"', "'"), whole[:-1] + ",}", whole + " // why",
                 "\x00", "\ufffe", '{"id":"\\ud800","op":"correlation"}', '{"id":"@ID@","\\ud800":1}', '{"id":"@ID@","op":"\\ud800"}', "[" * 2000, '{"a":' * 500):
        s.bad(f, line)
    for field in ("stride", "Op", "pads", "padding", "dilation", "group", "kernel_shape", "bias", "comment", "", "name", "outputs ", "dtype", "x"):
        s.bad(f, {**base(s), field: 1}, [field])
    s.bad(f, whole[:-1] + ',"op":"correlation"}', ["op"])
    s.bad(f, whole[:-1] + ',"strides":[1,1],"strides":[1,1]}', ["strides"])
    s.bad(f, whole.replace('"weights":', '"input":'), ["input"])
    for field in ("strides", "dilations", "pads_begin", "pads_end", "output_padding", "output_shape", "kernel", "image_shape", "input_shape", "weight_shape"):
        for v in (1, "1,1", ["1", "1"], [1.5, 1], [[1, 1]], {}, True, [True, True], None, [None, 1]):
            bad(s, f, [field], **{field: v}) if v is not None else s.bad(f, {**base(s), field: None}, [field])
    for field in ("groups", "offset_groups", "pad_value"):
        for v in ("1", [1], {}, True, None, 1.5):
            if field != "pad_value" or v != 1.5:
                s.bad(f, {**base(s), field: v}, [field])
    for value in ("NaN", "Infinity", "-Infinity", "1e400", "0x10", "01", "+1", "1."):
        s.bad(f, whole[:-1] + f',"padding_mode":"constant","pad_value":{value}}}')
    for value in ("1e400", "99999999999999999999", "9223372036854775808", "1e3.5"):
        s.bad(f, whole[:-1] + f',"groups":{value}}}')
        s.bad(f, whole[:-1] + f',"strides":[{value},1]}}')
    line = base(s)
    for bad_id in (None, 5, 1.5, True, ["a"], {}, ""):
        s.bad(f, json.dumps({"id": bad_id, **line}), ["id"])
    s.bad(f, json.dumps(line), ["id"])
    s.bad(f, json.dumps({k: v for k, v in {"id": "@ID@", **line}.items() if k != "op"}), ["op"])
    # An id names a case: the second of a pair is refused.
    first = s.next_id(f)
    x, w = np.ones([1, 1, 3], np.float32), np.ones([1, 1, 1], np.float32)
    good = {"id": first, "op": "correlation", "tensors": {"input": s.tensor("dup.x", x), "weights": s.tensor("dup.w", w)}, "outputs": {"output": f"out/{first}.npy"}}
    np.save(s.folder / f"e/{first}.npy", x.astype(np.float64))
    s.cases.write(json.dumps(good) + "\n")
    s.expected.write(json.dumps({"id": first, "family": f, "status": "ok", "data_type": "f32", "dtype": "<f4", "exact": True}) + "\n")
    s.bad(f, json.dumps({**good, "outputs": {"output": "out/twice.npy"}}), ["id", first], known=first)


def sizes(s):
    """Numbers at the edge of what can be computed: a refusal, and soon."""
    f = "error-size"
    for field in ("strides", "dilations", "pads_begin", "pads_end"):
        for v in (2**31, 2**62, 2**63 - 1):
            if field == "strides" and v == 2**31:
                continue
            bad(s, f, [field], **{field: [v, 1]})
    for v in (2**31 - 1, 10**9):
        bad(s, f, [], pads_begin=[v, v])
        s.bad(f, base(s, pads_end=[v, 0], padding_mode="replicate"), ["bytes"], status="unsupported")
        bad(s, f, [], dilations=[v, v])
    for v in (5, 2**31, 2**62):
        bad(s, f, ["groups"], groups=v)
        bad(s, f, ["offset_groups"], op="deformable", offset_groups=v, t={"input": "x", "weights": "w", "offset": "offset"})
    bad(s, f, ["input_shape"], direction="backward_data", input_shape=[2, 4, 2**40, 2**40], t={"weights": "w", "output_grad": "y"})
    bad(s, f, ["input_shape"], direction="backward_data", input_shape=[2**60, 4, 6, 5], t={"weights": "w", "output_grad": "y"})
    bad(s, f, ["weight_shape"], direction="backward_weights", weight_shape=[6, 4, 2**40, 2**40], t={"input": "x", "output_grad": "y"})
    bad(s, f, ["output_shape"], op="transposed", output_shape=[2**40, 2**40], t={"input": "x", "weights": "wt"})
    bad(s, f, [], op="transposed", output_shape=[10**9, 10**9], t={"input": "x", "weights": "wt"})
    bad(s, f, [], op="transposed", strides=[10**9, 10**9], t={"input": "x", "weights": "wt"})
    bad(s, f, [], op="im2col", kernel=[2**40, 2**40], t={"input": "x"})
    bad(s, f, [], op="col2im", kernel=[3, 2], image_shape=[2**40, 2**40], t={"input": "cols"})
    s.bad(f, {**base(s), "comment": "x" * 1000000}, ["comment"])
    s.bad(f, json.dumps({"id": "y" * 100000, **base(s), "op": "none"}), ["op"])
