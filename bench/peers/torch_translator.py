"""Times a training step of torch.nn.Transformer with the shapes of a translation preset, and Jambic's beside it:

    python torch_translator.py --preset translate-small --jambic ./jambic

Both take 2,048 tokens of a side in sentences of 32 random tokens, so that no batch has padding. A step is batch, forward, loss with
label smoothing 0.1, backward, the norm clipped where the preset clips, Adam and zeroed gradients. Needs torch; without --jambic it
times PyTorch alone. Prints a JSON object a line.
"""
import argparse
import json
import math
import subprocess
import time

import torch
from torch import nn
from torch.nn import functional as F

TOKENS = 2048
LENGTH = 32
PRESETS = {
    "translate-small": dict(layers=2, width=128, heads=4, inner=512, vocab=2000, clip=1.0),
    "transformer-base": dict(layers=6, width=512, heads=8, inner=2048, vocab=37_000, clip=0.0),
}


class Translator(nn.Module):
    """Post-norm, one embedding for both sides and the head, sinusoidal positions, as the paper has it."""

    def __init__(self, layers, width, heads, inner, vocab, clip):
        super().__init__()
        self.scale = math.sqrt(width)
        self.embedding = nn.Embedding(vocab, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        angle = torch.arange(LENGTH)[:, None] * torch.exp(-math.log(10_000) * torch.arange(0, width, 2) / width)
        self.register_buffer("positions", torch.cat([angle.sin(), angle.cos()], 1))
        self.dropout = nn.Dropout(0.1)
        self.transformer = nn.Transformer(width, heads, layers, layers, inner, 0.1, batch_first=True)
        for stack in (self.transformer.encoder, self.transformer.decoder):
            stack.norm = None  # post-norm layers end with one
            for module in stack.modules():
                if isinstance(module, nn.MultiheadAttention):
                    module.dropout = 0.0  # the presets drop no attention weights
            for layer in stack.layers:
                layer.dropout.p = 0.0  # nor activations within the MLP
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(LENGTH))

    def embed(self, ids):
        return self.dropout(self.embedding(ids) * self.scale + self.positions)

    def forward(self, source, target, following):
        x = self.transformer(self.embed(source), self.embed(target), tgt_mask=self.mask, tgt_is_causal=True)
        logits = F.linear(x, self.embedding.weight)
        return F.cross_entropy(logits.flatten(0, 1), following.flatten(), label_smoothing=0.1)


def peer(shape, iters, warmup):
    torch.manual_seed(1)
    model = Translator(**shape).train()
    adam = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.98), eps=1e-9, weight_decay=0, foreach=True)

    def batch():
        return torch.randint(shape["vocab"], (TOKENS // LENGTH, LENGTH))

    times = []
    for i in range(warmup + iters):
        start = time.perf_counter()
        loss = model(batch(), batch(), batch())
        loss.backward()
        if shape["clip"] > 0:
            nn.utils.clip_grad_norm_(model.parameters(), shape["clip"])
        adam.step()
        adam.zero_grad(set_to_none=True)
        loss.item()
        if i >= warmup:
            times.append(1e3 * (time.perf_counter() - start))
    times.sort()
    row(times[0], times[len(times) // 2], times[-1], "pytorch", len(times), sum(p.numel() for p in model.parameters()))


def row(shortest, median, longest, engine, n, parameters):
    fields = dict(bench="translation-step", case=args.preset, engine=engine, threads=args.threads, n=n, parameters=parameters)
    fields |= dict(min_ms=round(shortest, 2), median_ms=round(median, 2), max_ms=round(longest, 2))
    print(json.dumps(fields), flush=True)


def jambic(command):
    flags = [f"--preset={args.preset}", f"--threads={args.threads}", f"--seconds={args.seconds}", "--backend=cpu", "--json"]
    flags += [f"--batch-tokens={TOKENS}", "--gradient-accumulation-steps=1"]
    out = json.loads(subprocess.run([command, "bench", *flags], check=True, stdout=subprocess.PIPE, text=True).stdout)
    row(out["step_ms_min"], out["step_ms_median"], out["step_ms_max"], "jambic", out["steps"], out["parameters"])


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--preset", choices=PRESETS, required=True)
parser.add_argument("--threads", type=int, default=torch.get_num_threads())
parser.add_argument("--iters", type=int, default=20, help="timed steps of PyTorch")
parser.add_argument("--warmup", type=int, default=3)
parser.add_argument("--seconds", type=int, default=20, help="how long Jambic trains")
parser.add_argument("--jambic", help="the command, to time it as well")
args = parser.parse_args()
torch.set_num_threads(args.threads)
peer(PRESETS[args.preset], args.iters, args.warmup)
if args.jambic:
    jambic(args.jambic)
