"""Times nanoGPT's training step on a GPU: torch.compile, bfloat16 autocast, flash attention, fused AdamW.

Prints one JSON object. The model and its presets are those of torch_gpt.py.
"""

import argparse
import json
import os
import statistics
import sys
import time
from contextlib import nullcontext
from dataclasses import replace

for folder in ("../peers", "."):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), folder))

import torch  # noqa: E402
import torch.nn as nn  # noqa: E402
import torch_gpt  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", choices=torch_gpt.PRESETS, required=True)
    parser.add_argument("--batch", type=int, help="default: the preset's")
    parser.add_argument("--block", type=int, help="default: the preset's")
    parser.add_argument("--vocab", type=int, help="default: the preset's")
    parser.add_argument("--mode", choices=["eager", "compiled"], default="compiled")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--warmup", type=int, default=10)
    parser.add_argument("--iters", type=int, default=50)
    args = parser.parse_args()

    preset = torch_gpt.PRESETS[args.preset]
    preset = replace(
        preset, batch=args.batch or preset.batch, block=args.block or preset.block, vocab=args.vocab or preset.vocab
    )
    cuda = args.device == "cuda"
    torch.manual_seed(1337)
    torch.set_default_device(args.device)
    torch.set_float32_matmul_precision("high")
    model = torch_gpt.Gpt(preset)
    decayed = [w for w in model.parameters() if preset.decay_all or w.ndim >= 2]
    rest = [w for w in model.parameters() if not preset.decay_all and w.ndim < 2]
    groups = [dict(params=decayed, weight_decay=preset.weight_decay), dict(params=rest, weight_decay=0.0)]
    optimizer = torch.optim.AdamW(groups, lr=preset.lr, betas=preset.betas, fused=cuda)
    forward = torch.compile(model) if args.mode == "compiled" else model
    ids = torch.randint(preset.vocab, (preset.batch, preset.block + 1))

    def step():
        with torch.autocast("cuda", dtype=torch.bfloat16) if cuda else nullcontext():
            loss = forward(ids[:, :-1].contiguous(), ids[:, 1:].contiguous())
        loss.backward()
        if preset.clip > 0.0:
            nn.utils.clip_grad_norm_(model.parameters(), preset.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def finish():
        if cuda:
            torch.cuda.synchronize()

    mode, failure = args.mode, ""
    try:
        for _ in range(args.warmup):
            step()
        finish()
    except Exception as e:  # where torch.compile lacks something: a figure, but none to be set against
        if args.mode != "compiled":
            raise
        mode, failure, forward = "eager", f"torch.compile failed: {e}", model
        for _ in range(args.warmup):
            step()
        finish()
    times = []
    for _ in range(args.iters):
        start = time.perf_counter()
        step()
        finish()
        times.append((time.perf_counter() - start) * 1e3)
    median = statistics.median(times)
    print(
        json.dumps(
            dict(
                bench="step", case=args.preset, engine="torch " + mode, torch=torch.__version__,
                device=torch.cuda.get_device_name() if cuda else "cpu", batch=preset.batch, block=preset.block,
                min_ms=min(times), median_ms=median, max_ms=max(times), n=len(times),
                tokens_per_s=preset.batch * preset.block / median * 1e3,
            )
        ),
        flush=True,
    )
    if failure:
        sys.exit(failure)


if __name__ == "__main__":
    main()
