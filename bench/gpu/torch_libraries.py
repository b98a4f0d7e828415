"""Prints the folders of CUDA's libraries: in a line those of PyTorch's packages, in another those that PyTorch loads.

Jambic looks there last. The first line needs no import of PyTorch, which may take too long.
"""

import os
import pathlib
import sys


def installed():
    for root in sys.path:
        for folder in ("nvidia/*/lib", "torch/lib"):
            for name in ("libcublasLt.so.1?", "libnvrtc.so.1?"):
                for file in pathlib.Path(root or ".").glob(folder + "/" + name):
                    yield str(file.parent)


def loaded():
    try:
        import torch

        if torch.cuda.is_available():
            ones = torch.ones(8, 8, device="cuda")
            ones.matmul(ones).sum().item()
    except Exception as e:  # as far as it came
        print(e, file=sys.stderr)
    with open("/proc/self/maps") as maps:
        for line in maps:
            path = line.split()[-1]
            if os.path.basename(path).startswith(("libcuda.so", "libcublasLt.so", "libnvrtc.so")):
                yield os.path.dirname(path)


if __name__ == "__main__":
    for folders in (installed, loaded):
        print(":".join(dict.fromkeys(folders())), flush=True)
