"""Times PyTorch at what DeviceRows times Jambic at: flash attention, decoding and a prompt of GPT-2 124M, in bfloat16.

Prints a JSON object for each row. The model is that of torch_gpt.py.
"""

import argparse
import json
import os
import statistics
import sys
import time
from dataclasses import replace

for folder in ("../peers", "."):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), folder))

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
import torch_gpt  # noqa: E402


def finish():
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


def emit(row, case, times, **more):
    median = statistics.median(times)
    more = {name: figure(median) for name, figure in more.items()}
    print(json.dumps(dict(row=row, case=case, engine=f"torch {torch.__version__}", median_ms=median, **more)), flush=True)


def millis(call, calls, batches=9):
    call()
    finish()
    times = []
    for _ in range(batches):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        finish()
        times.append((time.perf_counter() - start) * 1e3 / calls)
    return times


def attention(small):
    """Causal attention from packed q, k, v, forward and both ways. Counted: 2 and 7 products of half the scores."""
    B, T, H, D = (1, 32, 2, 64) if small else (16, 1024, 12, 64)
    q, k, v = (torch.randn(B, T, 3 * H * D).split(H * D, dim=2)[i].view(B, T, H, D).transpose(1, 2) for i in range(3))
    q, k, v = (x.detach().requires_grad_(True) for x in (q, k, v))
    dout = torch.randn(B, H, T, D)
    product = B * H * T * T * D
    case, calls = f"{B}x{T}x{H}x{D} causal", 2 if small else 50

    def forward():
        with torch.no_grad():
            F.scaled_dot_product_attention(q, k, v, is_causal=True)

    def both():
        torch.autograd.grad(F.scaled_dot_product_attention(q, k, v, is_causal=True), (q, k, v), dout)

    emit("attention forward", case, millis(forward, calls), tflops=lambda ms: 2 * product / ms * 1e-9)
    emit("attention forward+backward", case, millis(both, calls), tflops=lambda ms: 7 * product / ms * 1e-9)


def generation(small):
    """Tokens that grow one by one, and a prompt up to its first new token."""
    preset = torch_gpt.PRESETS["shakespeare-char-cpu" if small else "gpt2-124m"]
    if not small:
        preset = replace(preset, block=1024, vocab=50304)
    model = torch_gpt.Gpt(preset).eval()
    steps = min(256, model.positions - 1)
    for batch in (1, 8):
        start = torch.zeros(batch, 1, dtype=torch.long)

        def grow():
            torch_gpt.grow(model, start, steps)

        times = [ms / steps for ms in millis(grow, 1, 3)]
        emit("decode", f"gpt2-124m x {batch}, {steps} steps", times, tokens_per_s=lambda ms: batch * 1e3 / ms)
    length = min(512, model.positions // 2)
    prompt = torch.randint(0, preset.vocab, (1, length))
    times = millis(lambda: torch_gpt.grow(model, prompt, 1), 1, 11)
    emit("prefill", f"gpt2-124m, {length}", times, tokens_per_s=lambda ms: length * 1e3 / ms)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("row", choices=["attention", "generation"])
    parser.add_argument("--small", action="store_true", help="does it run, not how fast is it")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    args = parser.parse_args()
    torch.manual_seed(1337)
    if args.device == "cuda":
        torch.set_default_device("cuda")
        torch.set_default_dtype(torch.bfloat16)
    {"attention": attention, "generation": generation}[args.row](args.small)


if __name__ == "__main__":
    main()
