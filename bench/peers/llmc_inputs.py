"""Writes the files that llm.c's train_gpt2 opens at start, filled with random numbers: a GPT-2 124M and tokens.

llm.c makes them from the published weights; for timing a step, random ones do as well and need no network.

    python llmc_inputs.py FOLDER     # then run train_gpt2 inside FOLDER
"""

import pathlib
import sys

import numpy as np

POSITIONS, VOCAB, PADDED, LAYERS, HEADS, C = 1024, 50257, 50304, 12, 12, 768


def header(*values):
    return np.array(values + (0,) * (256 - len(values)), dtype=np.int32)


def main():
    folder = pathlib.Path(sys.argv[1])
    rng = np.random.default_rng(1337)

    def normal(*shape):
        return 0.02 * rng.standard_normal(shape, dtype=np.float32)

    def layers(*shape):
        return normal(LAYERS, *shape)

    zeros, ones = (lambda *s: np.zeros(s, np.float32)), (lambda *s: np.ones(s, np.float32))
    wte = normal(PADDED, C)
    wte[VOCAB:] = 0.0
    tensors = [
        wte, normal(POSITIONS, C),
        ones(LAYERS, C), zeros(LAYERS, C), layers(3 * C, C), zeros(LAYERS, 3 * C), layers(C, C), zeros(LAYERS, C),
        ones(LAYERS, C), zeros(LAYERS, C), layers(4 * C, C), zeros(LAYERS, 4 * C), layers(C, 4 * C), zeros(LAYERS, C),
        ones(C), zeros(C),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "gpt2_124M.bin", "wb") as f:
        header(20240326, 3, POSITIONS, VOCAB, LAYERS, HEADS, C, PADDED).tofile(f)
        for tensor in tensors:
            tensor.tofile(f)
    data = folder / "dev" / "data" / "tinyshakespeare"
    data.mkdir(parents=True, exist_ok=True)
    for split, count in (("train", 65536), ("val", 8192)):
        with open(data / f"tiny_shakespeare_{split}.bin", "wb") as f:
            header(20240520, 1, count).tofile(f)
            rng.integers(0, VOCAB, count, dtype=np.uint16).tofile(f)


if __name__ == "__main__":
    main()
