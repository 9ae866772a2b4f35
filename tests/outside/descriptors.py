"""benchdnn descriptors through `explain --json --batch`, against a reading of its own of benchdnn's rules.

The rules are those of benchdnn's documentation (knobs_desc.md and driver_conv.md): `mb` defaults to 2, `g` to 1, strides to 1,
dilation 0 is dense; an output that is not given follows from symmetric pads (0 where not given); a pad that is not given
follows from the output (half of what is needed); the pad at the end is whatever the sizes need;
height alone stands for height and width, depth alone for all three.
"""

import json
import random
import re
import subprocess

AXES = "dhw"
DIRECTIONS = {"FWD_B": ("forward", True), "FWD_D": ("forward", False), "FWD_I": ("forward", False), "BWD_D": ("backward_data", False), "BWD_W": ("backward_weights", False), "BWD_WB": ("backward_weights", True)}
TYPES = ["f32", "f64", "bf16", "f16", "u8:s8:s32", "s8:s8:f32", "s8:s8:u8"]


def parse(text, deconvolution):
    """The fields that `explain` must print for a descriptor, or None where benchdnn refuses it."""
    name = None
    found = re.search(r'n(?=")|n(?![a-z]*\d)', text)
    quoted = re.search(r'n"([^"]*)"$', text)
    if quoted:
        name, text = quoted.group(1), text[: quoted.start()]
    elif found:
        text, name = text[: found.start()], text[found.start() + 1:]
    values = {}
    for field, number in re.findall(r"([a-z]+)(\d+)", text.replace("_", "")):
        values[field] = int(number)
    g, mb, ic, oc = values.get("g", 1), values.get("mb", 2), values.get("ic", 0), values.get("oc", 0)
    if g < 1 or ic < 1 or oc < 1 or ic % g or oc % g:
        return None
    axes = {}
    for x in AXES:
        i, o, k, s, p, d = (values.get(f + x, default) for f, default in zip("iokspd", (0, 0, 0, 1, -1, 0)))
        if i == o == k == d == 0 and s == 1 and p < 1:
            continue
        if i < 1 or k < 1 or s < 1:
            return None
        extent = (k - 1) * (d + 1) + 1
        whole = (i - 1) * s + extent if deconvolution else None
        if o == 0:
            p = max(p, 0)
            o = whole - 2 * p if deconvolution else (i - extent + 2 * p) // s + 1
            if o < 1:
                return None
        elif p < 0:
            need = whole - o if deconvolution else (o - 1) * s - i + extent
            p = need // 2
            if p < 0:
                return None
        axes[x] = (i, o, k, s, p, d)
    if set(axes) == {"d"}:
        axes = dict.fromkeys(AXES, axes["d"])
    elif set(axes) == {"h"}:
        axes["w"] = axes["h"]
    order = [axes[x] for x in AXES if x in axes]
    if not order or ("d" in axes and len(axes) < 3):
        return None
    spatial = [list(v) for v in zip(*order)]
    i, o, k, s, p, d = spatial
    end = [((ii - 1) * ss + (kk - 1) * (dd + 1) + 1 - pp - oo) if deconvolution else ((oo - 1) * ss + (kk - 1) * (dd + 1) + 1 - ii - pp) for ii, oo, kk, ss, pp, dd in order]
    weights = [ic, oc // g, *k] if deconvolution else [oc, ic // g, *k]
    taps, outputs, inputs = 1, 1, 1
    for kk, oo, ii in zip(k, o, i):
        taps, outputs, inputs = taps * kk, outputs * oo, inputs * ii
    work = mb * (inputs * ic * (oc // g) if deconvolution else outputs * oc * (ic // g)) * taps
    return {"name": name, "op": "transposed" if deconvolution else "correlation", "rank": len(order), "batch": mb, "groups": g, "input_shape": [mb, ic, *i], "weight_shape": weights, "output_shape": [mb, oc, *o],
            "kernel": k, "strides": s, "dilations": [v + 1 for v in d], "pads_begin": p, "pads_end": end, "multiply_adds": work, "weights": ic * oc // g * taps}


def descriptor(r, deconvolution):
    """A random descriptor: fields left out, axes promoted, underscores, names, every order of magnitude of oddity."""
    g = r.choice([1, 1, 1, 2, 3, 8])
    text = (f"g{g}" if g > 1 or r.random() < 0.2 else "") + (f"mb{r.randint(1, 5)}" if r.random() < 0.7 else "")
    text += f"ic{g * r.randint(1, 9)}"
    axes = r.choice(["w", "h", "d", "hw", "hw", "hw", "dhw"])
    geometry, parts = {}, {f: "" for f in "iokspd"}
    for x in axes:
        k, s, d = r.randint(1, 5), r.randint(1, 3), r.choice([0, 0, 0, 1, 2])
        extent = (k - 1) * (d + 1) + 1
        p = r.randint(0, 3)
        i = r.randint(max(1, extent - 2 * p), extent + 12)
        o = (i - 1) * s + extent - 2 * p if deconvolution else (i + 2 * p - extent) // s + 1
        if o < 1:
            p, o = 0, (i - 1) * s + extent if deconvolution else max(1, (i - extent) // s + 1)
        way = r.choice(["o", "p", "both", "none", "odd"])
        if way == "odd":
            o = max(1, o + r.choice([-1, 1, 2]))
        parts["i"] += f"i{x}{i}"
        parts["k"] += f"k{x}{k}"
        parts["s"] += f"s{x}{s}" if s > 1 or r.random() < 0.2 else ""
        parts["d"] += f"d{x}{d}" if d or r.random() < 0.1 else ""
        parts["o"] += f"o{x}{o}" if way in ("o", "both", "odd") else ""
        parts["p"] += f"p{x}{p}" if way in ("p", "both", "odd") else ""
    text += parts["i"] + f"oc{g * r.randint(1, 9)}" + parts["o"] + parts["k"] + parts["s"] + parts["p"] + parts["d"]
    if r.random() < 0.2:
        text = re.sub(r"(?<=\d)(?=[a-z])", "_", text)
    return text + r.choice(["", "", "nlayer", 'n"net:conv1*2"', 'n"a,b"'])


FIXED = ["g32mb1ic128ih28oc128oh28kh3ph1n\"resnext:conv3\"", "ic3ih224oc64oh112kh7sh2ph3", "mb1ic3iw5oc2kw5", "ic1id3oc1kd3pd1", "ic4ih7iw9oc6kh3kw1ph1", "mb1ic3ih8oc4kh3ph1",
         "g1ic8ih6oc8oh6kh3ph1", "ic16ih14oc16oh7kh1sh2ph0", "ic3ih14oc4oh7kh3sh2ph0", "mb1_ic4_ih5_oc6_oh5_kh3_ph1_nunder", "ic2ih9oc2oh5kh3dh1", "ic2ih9oc2kh3dh1ph2", "ic2ih9iw5oc2oh9ow5kh3kw3dh2"]


def write(folder):
    """descriptors.txt, a batch file, and descriptors.jsonl, what each line must become."""
    r = random.Random(1)
    lines, expected = ["--reset"], []
    for n in range(260):
        deconvolution = n % 4 == 3
        text = FIXED[n] if n < len(FIXED) else descriptor(r, deconvolution)
        if n < len(FIXED):
            deconvolution = False
        fields = parse(text, deconvolution)
        if fields is None:
            continue
        direction, dt = r.choice(list(DIRECTIONS)), r.choice(TYPES)
        if DIRECTIONS[direction][0] != "forward" and ":" in dt:
            dt = "f32"
        types = dt.split(":") if ":" in dt else [dt] * 3
        lines.append(f"{'--deconv' if deconvolution else '--conv'} --dir={direction} --dt={dt} {text}")
        fields.update(direction=DIRECTIONS[direction][0], bias=DIRECTIONS[direction][1], data_type=types[0], weights_type=types[1], output_type=types[2])
        fields["parameters"] = fields["weights"] + (fields["output_shape"][1] if fields["bias"] else 0)
        expected.append({"text": lines[-1], **fields})
    (folder / "descriptors.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "descriptors.jsonl").write_text("".join(json.dumps(e) + "\n" for e in expected), encoding="utf-8")
    return len(expected)


def compare(folder, tool, limit):
    """Runs explain on the batch; returns how many lines differ."""
    expected = [json.loads(line) for line in open(folder / "descriptors.jsonl", encoding="utf-8")]
    done = subprocess.run([*tool, "explain", "--json", "--batch", str(folder / "descriptors.txt")], capture_output=True, text=True, timeout=600, check=False)
    lines, failures = done.stdout.splitlines(), []
    if done.returncode != 0 or len(lines) != len(expected):
        failures.append(f"exit code {done.returncode}, {len(lines)} lines for {len(expected)} descriptors: {done.stderr[-500:]}")
    for want, line in zip(expected, lines):
        got = json.loads(line)
        for field, value in want.items():
            if field == "text":
                continue
            if field == "pads_end" and "output_padding" in got:
                # An end pad below zero is an output padding, whichever field has it.
                got = {**got, "pads_end": [p - o for p, o in zip(got["pads_end"], got["output_padding"])]}
            if got.get(field) != value:
                failures.append(f"{want['text']}: {field} is {got.get(field)!r}, not {value!r}")
    print(f"\ndescriptors: {len(expected)}, {len(failures)} differences")
    for failure in failures[:limit]:
        print(f"  FAILED {failure[:300]}")
    return len(failures)
