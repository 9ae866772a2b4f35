#!/usr/bin/python3
"""Writes the outside suite into a folder: generate.py FOLDER [--seed N] [--family TEXT]."""

import argparse

import torch

import dense
import descriptors
import errors
import integers
import shaped
import signals
from suite import Suite

FAMILIES = [
    dense.layers, dense.inferred, dense.padding_modes, dense.activations, dense.halves, dense.empty_batch, dense.special_values,
    shaped.auto_pad, shaped.deformable, shaped.rearrangements,
    signals.modes, signals.boundaries, signals.gradients,
    integers.integer_sums, integers.quantised, integers.halfway, integers.onnx_node_tests,
    errors.geometry, errors.operations, errors.quantisation, errors.files, errors.text, errors.sizes,
]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--only", default="", help="only generators whose name contains this")
    given = arguments.parse_args()
    torch.set_num_threads(1)
    suite = Suite(given.folder, given.seed)
    for make in FAMILIES:
        if given.only in f"{make.__module__}.{make.__name__}":
            make(suite)
    suite.close()
    described = descriptors.write(suite.folder)
    for family, count in suite.count.items():
        print(f"{count:5} {family}")
    print(f"{sum(suite.count.values()):5} cases, {described} descriptors")


if __name__ == "__main__":
    main()
