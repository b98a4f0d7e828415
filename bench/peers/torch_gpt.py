"""The presets of Jambic in PyTorch: the peer that every whole-model figure is set against.

The model is nanoGPT's (https://github.com/karpathy/nanoGPT, model.py and train.py) with two switches for the
lecture's variant: ReLU instead of erf GELU, and an untied head with bias. What is timed is what nanoGPT's loop
does in one iteration: sample a batch, forward, backward, clip, AdamW, zero_grad. Every command prints one JSON
object a line.

    python torch_gpt.py step --preset shakespeare-char-cpu --mode compiled --threads 2 --iters 50
    python torch_gpt.py sample --preset shakespeare-char --cache
    python torch_gpt.py decode --preset gpt2-124m --batch 8
    python torch_gpt.py prefill --preset gpt2-124m
    python torch_gpt.py curve --preset lecture-small --data input.txt --out curve.jsonl
    python torch_gpt.py gemm --threads 1
"""

import argparse
import json
import math
import pathlib
import resource
import sys
import time
from dataclasses import asdict, dataclass, replace

import torch
import torch.nn as nn
import torch.nn.functional as F

import torch_ops


@dataclass(frozen=True)
class Preset:
    batch: int
    block: int  # tokens in a training row
    n_embd: int
    n_head: int
    n_layer: int
    lr: float
    max_iters: int
    vocab: int = 65  # replaced by the alphabet of --data
    positions: int = 0  # rows of the position table; 0 means block
    dropout: float = 0.0
    lecture: bool = False  # ReLU, untied head with bias, no bias on q, k, v, one init for every matrix
    per_head: bool = False  # attention as the lecture writes it, a module a head; the same mathematics
    bias: bool = False
    betas: tuple = (0.9, 0.999)
    weight_decay: float = 0.1
    decay_all: bool = False
    clip: float = 1.0  # 0 means none
    warmup: int = 0
    min_lr: float = 0.0  # 0 means a constant rate

    def lr_at(self, it):
        """nanoGPT's get_lr: linear warm-up, then cosine to min_lr at max_iters."""
        if self.min_lr == 0.0:
            return self.lr
        if it < self.warmup:
            return self.lr * (it + 1) / (self.warmup + 1)
        if it > self.max_iters:
            return self.min_lr
        ratio = (it - self.warmup) / (self.max_iters - self.warmup)
        return self.min_lr + 0.5 * (1.0 + math.cos(math.pi * ratio)) * (self.lr - self.min_lr)


LECTURE = dict(lecture=True, bias=True, weight_decay=0.01, decay_all=True, clip=0.0)
CHAR = dict(betas=(0.9, 0.99), warmup=100, lr=1e-3, min_lr=1e-4)
PRESETS = {
    "lecture-small": Preset(batch=32, block=8, n_embd=32, n_head=4, n_layer=3, lr=1e-3, max_iters=5000, **LECTURE),
    "lecture": Preset(
        batch=64, block=256, n_embd=384, n_head=6, n_layer=6, lr=3e-4, max_iters=5000, dropout=0.2, **LECTURE
    ),
    "shakespeare-char": Preset(
        batch=64, block=256, n_embd=384, n_head=6, n_layer=6, max_iters=5000, dropout=0.2, **CHAR
    ),
    "shakespeare-char-cpu": Preset(batch=12, block=64, n_embd=128, n_head=4, n_layer=4, max_iters=2000, **CHAR),
    "gpt2-124m": Preset(
        batch=4, block=64, n_embd=768, n_head=12, n_layer=12, vocab=50257, positions=1024, bias=True,
        lr=6e-4, min_lr=6e-5, betas=(0.9, 0.95), warmup=2000, max_iters=600_000,
    ),
}


class LayerNorm(nn.Module):
    def __init__(self, n, bias):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n))
        self.bias = nn.Parameter(torch.zeros(n)) if bias else None

    def forward(self, x):
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, 1e-5)


class Attention(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.c_attn = nn.Linear(p.n_embd, 3 * p.n_embd, bias=p.bias and not p.lecture)
        self.c_proj = nn.Linear(p.n_embd, p.n_embd, bias=p.bias)
        self.drop = nn.Dropout(p.dropout)
        self.n_head, self.dropout = p.n_head, p.dropout

    def forward(self, x, cache=None, start=0):
        B, T, C = x.shape
        q, k, v = (z.view(B, T, self.n_head, -1).transpose(1, 2) for z in self.c_attn(x).split(C, dim=2))
        if cache is not None:  # keys and values of every earlier position, (2, B, heads, positions, C / heads)
            cache[0, :, :, start : start + T], cache[1, :, :, start : start + T] = k, v
            k, v = cache[0, :, :, : start + T], cache[1, :, :, : start + T]
        y = F.scaled_dot_product_attention(
            q, k, v, dropout_p=self.dropout if self.training else 0.0, is_causal=T > 1 or cache is None
        )
        return self.drop(self.c_proj(y.transpose(1, 2).contiguous().view(B, T, C)))


class Head(nn.Module):
    """One head as the lecture writes it: three projections of its own and the softmax spelled out."""

    def __init__(self, p):
        super().__init__()
        width = p.n_embd // p.n_head
        self.key, self.query, self.value = (nn.Linear(p.n_embd, width, bias=False) for _ in range(3))
        self.register_buffer("seen", torch.tril(torch.ones(p.block, p.block)))
        self.drop = nn.Dropout(p.dropout)

    def forward(self, x):
        T = x.shape[1]
        k, q, v = self.key(x), self.query(x), self.value(x)
        weights = q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5
        weights = weights.masked_fill(self.seen[:T, :T] == 0, float("-inf"))
        return self.drop(F.softmax(weights, dim=-1)) @ v


class LectureAttention(nn.Module):
    """The lecture's multi-head attention: one module a head, in a Python loop."""

    def __init__(self, p):
        super().__init__()
        self.heads = nn.ModuleList([Head(p) for _ in range(p.n_head)])
        self.c_proj = nn.Linear(p.n_embd, p.n_embd, bias=p.bias)
        self.drop = nn.Dropout(p.dropout)

    def forward(self, x, cache=None, start=0):
        return self.drop(self.c_proj(torch.cat([head(x) for head in self.heads], dim=-1)))


class Mlp(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.c_fc = nn.Linear(p.n_embd, 4 * p.n_embd, bias=p.bias)
        self.act = nn.ReLU() if p.lecture else nn.GELU()
        self.c_proj = nn.Linear(4 * p.n_embd, p.n_embd, bias=p.bias)
        self.drop = nn.Dropout(p.dropout)

    def forward(self, x):
        return self.drop(self.c_proj(self.act(self.c_fc(x))))


class Block(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.ln_1 = LayerNorm(p.n_embd, p.bias)
        self.attn = LectureAttention(p) if p.per_head else Attention(p)
        self.ln_2, self.mlp = LayerNorm(p.n_embd, p.bias), Mlp(p)

    def forward(self, x, cache=None, start=0):
        x = x + self.attn(self.ln_1(x), cache, start)
        return x + self.mlp(self.ln_2(x))


class Gpt(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.positions = p.positions or p.block
        self.wte, self.wpe = nn.Embedding(p.vocab, p.n_embd), nn.Embedding(self.positions, p.n_embd)
        self.drop = nn.Dropout(0.0 if p.lecture else p.dropout)  # the lecture leaves embeddings whole
        self.h = nn.ModuleList([Block(p) for _ in range(p.n_layer)])
        self.ln_f = LayerNorm(p.n_embd, p.bias)
        self.lm_head = nn.Linear(p.n_embd, p.vocab, bias=p.lecture)
        if not p.lecture:
            self.lm_head.weight = self.wte.weight
        for name, w in self.named_parameters():
            if w.ndim == 2:
                residual = name.endswith("c_proj.weight") and not p.lecture
                nn.init.normal_(w, std=0.02 / math.sqrt(2 * p.n_layer) if residual else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(w)

    def forward(self, ids, targets=None, caches=None, start=0):
        x = self.drop(self.wte(ids) + self.wpe(torch.arange(start, start + ids.shape[1], device=ids.device)))
        for i, block in enumerate(self.h):
            x = block(x, None if caches is None else caches[i], start)
        x = self.ln_f(x)
        if targets is None:
            return self.lm_head(x[:, [-1], :])  # the last position is all that sampling needs
        logits = self.lm_head(x)
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1), ignore_index=-1)


class Text:
    """Token ids of a UTF-8 file, one id a character, first 90 % for training; or random ids without a file."""

    def __init__(self, path, preset):
        if path is None:
            ids = torch.randint(0, preset.vocab, (1_000_000,))
            self.vocab = preset.vocab
        else:
            with open(path, encoding="utf-8", newline="") as f:
                text = f.read()
            alphabet = {c: i for i, c in enumerate(sorted(set(text)))}
            ids = torch.tensor([alphabet[c] for c in text])
            self.vocab = len(alphabet)
        n = int(0.9 * len(ids))
        self.splits = {"train": ids[:n], "val": ids[n:]}

    def batch(self, split, p):
        data = self.splits[split]
        starts = torch.randint(len(data) - p.block, (p.batch,))
        x = torch.stack([data[i : i + p.block] for i in starts])
        y = torch.stack([data[i + 1 : i + 1 + p.block] for i in starts])
        return x, y


def adamw(model, p):
    params = list(model.parameters())
    matrices = [w for w in params if p.decay_all or w.ndim >= 2]
    vectors = [w for w in params if not p.decay_all and w.ndim < 2]
    groups = [dict(params=matrices, weight_decay=p.weight_decay)]
    if vectors:
        groups.append(dict(params=vectors, weight_decay=0.0))
    return torch.optim.AdamW(groups, lr=p.lr, betas=p.betas, eps=1e-8)  # nanoGPT asks for `fused` on CUDA only


class Training:
    """A model with its optimizer and data; `step` is one iteration of nanoGPT's loop and returns the loss tensor."""

    def __init__(self, preset, mode, data=None, seed=1337):
        torch.manual_seed(seed)
        text = Text(data, preset)
        self.preset, self.text = replace(preset, vocab=text.vocab), text
        self.model = Gpt(self.preset)
        self.optimizer = adamw(self.model, self.preset)
        self.forward = torch.compile(self.model) if mode == "compiled" else self.model
        self.iter = 0

    def step(self):
        p = self.preset
        for group in self.optimizer.param_groups:
            group["lr"] = p.lr_at(self.iter)
        x, y = self.text.batch("train", p)
        loss = self.forward(x, y)
        loss.backward()
        if p.clip > 0.0:
            nn.utils.clip_grad_norm_(self.model.parameters(), p.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.iter += 1
        return loss

    def state(self):
        return dict(
            iter=self.iter, model=self.model.state_dict(), optimizer=self.optimizer.state_dict(),
            random=torch.get_rng_state(),
        )

    def load(self, state):
        self.iter = state["iter"]
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"])

    @torch.no_grad()
    def evaluate(self, split, iters):
        self.model.eval()
        losses = [self.forward(*self.text.batch(split, self.preset)).item() for _ in range(iters)]
        self.model.train()
        return sum(losses) / iters


@torch.no_grad()
def generate(model, ids, tokens, cached, temperature=0.8, top_k=200):
    """nanoGPT's generate; with `cached`, a key-value cache as long as the context has room, then cropping."""
    caches = None
    if cached:
        heads = model.h[0].attn.n_head
        width = model.wte.weight.shape[1] // heads
        caches = torch.empty(len(model.h), 2, len(ids), heads, model.positions, width)
    done = 0
    for _ in range(tokens):
        if caches is not None and ids.shape[1] <= model.positions:
            logits = model(ids[:, done:], caches=caches, start=done)
            done = ids.shape[1]
        else:
            logits = model(ids[:, -model.positions :])
        logits = logits[:, -1, :] / temperature
        kept, _ = torch.topk(logits, min(top_k, logits.shape[-1]))
        logits[logits < kept[:, [-1]]] = -float("inf")
        ids = torch.cat((ids, torch.multinomial(F.softmax(logits, dim=-1), 1)), dim=1)
    return ids


def peak_rss_mb():
    """The largest resident set of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def step(args):
    preset = replace(PRESETS[args.preset], per_head=args.per_head)
    at_start = peak_rss_mb()
    training = Training(preset, args.mode, args.data)
    for _ in range(args.warmup):
        training.step().item()
    times = []
    for _ in range(args.iters):
        t = time.perf_counter()
        training.step()
        times.append((time.perf_counter() - t) * 1e3)
    params = sum(w.numel() for w in training.model.parameters())
    torch_ops.emit(
        "step", args.preset, f"torch-{args.mode}" + ("-per-head" if args.per_head else ""), times,
        params=params, tokens=preset.batch * preset.block, rss_at_start_mb=at_start, peak_rss_mb=peak_rss_mb(),
    )


def sample(args):
    torch.manual_seed(1337)
    model = Gpt(PRESETS[args.preset]).eval()
    start = torch.zeros(1, 1, dtype=torch.long)
    cached, tokens = args.cache, args.tokens or model.positions - 1
    generate(model, start, min(tokens, 32), cached)
    times = []
    for _ in range(args.iters):
        t = time.perf_counter()
        generate(model, start, tokens, cached)
        times.append((time.perf_counter() - t) * 1e3 / tokens)
    name = "torch-cache" if cached else "torch-no-cache"
    weights = 4 * sum(w.numel() for w in model.parameters())
    torch_ops.emit("sample", args.preset, name, times, tokens=1, bytes=weights, peak_rss_mb=peak_rss_mb())


@torch.no_grad()
def grow(model, ids, steps):
    """Milliseconds of each step in which every row grows by its likeliest token; the first reads all of `ids`."""
    heads, width = model.h[0].attn.n_head, model.wte.weight.shape[1]
    caches = torch.empty(len(model.h), 2, len(ids), heads, model.positions, width // heads)
    done, times = 0, []
    for _ in range(steps):
        t = time.perf_counter()
        token = model(ids, caches=caches, start=done)[:, -1, :].argmax(dim=-1, keepdim=True)
        times.append((time.perf_counter() - t) * 1e3)
        done, ids = done + ids.shape[1], token
    return times


def decode(args):
    """DecodeBenchmark's steps: 64 from one token on."""
    torch.manual_seed(1337)
    model = Gpt(PRESETS[args.preset]).eval()
    start, steps = torch.zeros(args.batch, 1, dtype=torch.long), min(64, model.positions - 1)
    grow(model, start, steps)
    times = [sum(grow(model, start, steps)) / steps for _ in range(args.iters)]
    weights = 4 * sum(w.numel() for w in model.parameters())
    torch_ops.emit("decode", f"{args.preset} x {args.batch}", "torch-cache", times, tokens=args.batch, bytes=weights)


def prefill(args):
    """PrefillBenchmark's prompt: 512 tokens, or half the context."""
    torch.manual_seed(1337)
    model = Gpt(PRESETS[args.preset]).eval()
    tokens = min(512, model.positions // 2)
    prompt = torch.randint(0, model.wte.weight.shape[0], (1, tokens))
    grow(model, prompt, 1)
    times = [grow(model, prompt, 1)[0] for _ in range(args.iters)]
    torch_ops.emit("prefill", args.preset, "torch-cache", times, tokens=tokens)


def curve(args):
    preset = PRESETS[args.preset]
    iters = args.iters or preset.max_iters
    training = Training(preset, args.mode, args.data, args.seed)
    saved = pathlib.Path(args.out + ".pt")
    state = torch.load(saved) if args.resume and saved.exists() else None
    with open(args.out, "r+" if state else "w", encoding="utf-8") as out:

        def line(**fields):
            print(json.dumps(fields), file=out, flush=True)

        def evaluate():
            losses = {f"{s}_loss": training.evaluate(s, args.eval_iters) for s in args.eval_splits}
            line(iter=training.iter, **losses)

        if state:
            training.load(state["training"])
            out.seek(state["written"])
            out.truncate()
        else:
            line(preset=args.preset, seed=args.seed, mode=args.mode, torch=torch.__version__, **asdict(training.preset))
        while training.iter < iters:
            it = training.iter
            if args.save_interval and it % args.save_interval == 0:
                torch.save(dict(training=training.state(), written=out.tell()), saved)
            if args.eval_interval and it % args.eval_interval == 0:
                evaluate()
            t = time.perf_counter()
            loss = training.step().item()
            line(iter=it, loss=loss, lr=preset.lr_at(it), ms=(time.perf_counter() - t) * 1e3)
        evaluate()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name, run, help, iters):
        c = commands.add_parser(name, help=help)
        c.set_defaults(run=run)
        c.add_argument("--threads", type=int, default=torch.get_num_threads())
        c.add_argument("--iters", type=int, default=iters, help="timed repetitions")
        return c

    def model_command(name, run, help, iters):
        c = command(name, run, help, iters)
        c.add_argument("--preset", choices=PRESETS, required=True)
        return c

    modes = dict(choices=["eager", "compiled"], default="eager")
    c = model_command("step", step, "time one optimizer step", 20)
    c.add_argument("--mode", **modes)
    c.add_argument("--warmup", type=int, default=3)
    c.add_argument("--per-head", action="store_true", help="attention as the lecture writes it, a module a head")
    c.add_argument("--data", help="a UTF-8 text; random tokens without it")
    c = model_command("sample", sample, "time generation, batch 1", 5)
    c.add_argument("--tokens", type=int, help="default: as many as the context has room for")
    c.add_argument("--cache", action="store_true", help="keep keys and values (nanoGPT does not)")
    c = model_command("decode", decode, "time decoding steps with a KV cache", 5)
    c.add_argument("--batch", type=int, default=1, help="sequences that grow together")
    model_command("prefill", prefill, "time a prompt up to its first token", 5)
    c = model_command("curve", curve, "train and write the losses", None)
    c.add_argument("--mode", **modes)
    c.add_argument("--data", required=True, help="a UTF-8 text")
    c.add_argument("--out", required=True, help="JSON lines: the settings, then iter, loss, lr, ms or iter, *_loss")
    c.add_argument("--seed", type=int, default=1337)
    c.add_argument("--save-interval", type=int, default=0, help="iterations between states for --resume; 0: none")
    c.add_argument("--resume", action="store_true", help="go on from the last saved state, if there is one")
    c.add_argument("--eval-interval", type=int, default=250, help="0: at the end only")
    c.add_argument("--eval-iters", type=int, default=200)
    c.add_argument("--eval-splits", nargs="+", default=["train", "val"])
    for name, run in torch_ops.COMMANDS.items():
        c = command(name, run, run.__doc__, None)
        c.add_argument("--mode", **modes)

    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.run(args)


if __name__ == "__main__":
    main()
