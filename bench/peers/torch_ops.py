"""Single operations in PyTorch, at the shapes of the presets: the peers of Jambic's kernel benchmarks.

Each row is printed as one JSON object: bench, case, engine, threads, and the least, median and largest time in
milliseconds over `n` repetitions. Used by torch_gpt.py.
"""

import json
import statistics
import time

import torch
import torch.nn.functional as F

# m x n x k of a linear layer: out (m, n) = x (m, k) times the transpose of w (n, k)
GEMM_SHAPES = [
    (768, 1536, 384), (768, 384, 384), (1024, 1024, 1024), (2048, 2048, 2048), (256, 3072, 768), (256, 768, 3072),
]
ATTENTION_SHAPES = [(32, 8, 4, 8), (12, 64, 4, 32), (64, 256, 6, 64), (4, 64, 12, 64)]  # B, T, heads, width of a head
ROW_SHAPES = [(768, 128), (16384, 384), (256, 768)]  # tokens, nEmbd
LOGIT_SHAPES = [(256, 65), (768, 65), (16384, 65), (256, 50257)]  # tokens, vocabulary
ADAMW_SHAPES = [(27, 384, 1024), (50, 768, 3072)]  # tensors, rows, columns


def emit(bench, case, engine, times, **more):
    row = dict(
        bench=bench, case=case, engine=engine, threads=torch.get_num_threads(), n=len(times), unit="ms",
        min=min(times), median=statistics.median(times), max=max(times), version=torch.__version__, **more,
    )
    print(json.dumps(row), flush=True)


def measure(body, iters, seconds=0.6):
    """Milliseconds of each of `iters` calls; without `iters`, of as many calls as fill `seconds`, at least 5."""
    t = time.perf_counter()
    body()
    body()
    warm = 0
    while time.perf_counter() - t < seconds / 3 and warm < 1000:
        body()
        warm += 1
    times, end = [], time.perf_counter() + seconds
    while len(times) < iters if iters else len(times) < 5 or time.perf_counter() < end:
        t = time.perf_counter()
        body()
        times.append((time.perf_counter() - t) * 1e3)
    return times


def products(args):
    """the three products of a linear layer, by shape"""
    for m, n, k in GEMM_SHAPES:
        x, w, dout = torch.randn(m, k), torch.randn(n, k), torch.randn(m, n)
        out, dx, dw = torch.empty(m, n), torch.empty(m, k), torch.empty(n, k)
        bodies = {
            "x*wT": lambda: torch.mm(x, w.t(), out=out),
            "dout*w": lambda: torch.mm(dout, w, out=dx),
            "doutT*x": lambda: torch.mm(dout.t(), x, out=dw),
        }
        for name, body in bodies.items():
            times = measure(body, args.iters)
            emit("gemm", f"{m}x{n}x{k} {name}", "torch-eager", times, flops=2 * m * n * k)


def forward_and_backward(args, bench, case, function, inputs):
    """Two rows: the forward pass without a graph, and forward plus backward to every floating-point input."""
    torch.compiler.reset()  # each case is compiled afresh, as often as it likes
    f = torch.compile(function, dynamic=False) if args.mode == "compiled" else function
    leaves = [v for v in inputs if v.is_floating_point()]

    def forward():
        with torch.no_grad():
            f(*inputs)

    emit(bench, f"{case} forward", f"torch-{args.mode}", measure(forward, args.iters))
    for v in leaves:
        v.requires_grad_(True)
    dy = torch.randn_like(f(*inputs))
    emit(
        bench, f"{case} forward+backward", f"torch-{args.mode}",
        measure(lambda: torch.autograd.grad(f(*inputs), leaves, dy), args.iters),
    )


def attention(args):
    """causal attention from packed q, k, v (B, T, 3 C) to (B, T, C), forward and backward"""
    for B, T, H, D in ATTENTION_SHAPES:

        def f(qkv, B=B, T=T, H=H, D=D):
            q, k, v = (z.view(B, T, H, D).transpose(1, 2) for z in qkv.split(H * D, dim=2))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return y.transpose(1, 2).contiguous().view(B, T, H * D)

        forward_and_backward(args, "attention", f"{B}x{T}x{H}x{D}", f, [torch.randn(B, T, 3 * H * D)])


def layer_norm(args):
    """LayerNorm with weight and bias, forward and backward"""
    for rows, width in ROW_SHAPES:
        forward_and_backward(
            args, "layernorm", f"{rows}x{width}", lambda x, w, b: F.layer_norm(x, w.shape, w, b, 1e-5),
            [torch.randn(rows, width), torch.randn(width), torch.randn(width)],
        )


def gelu(args):
    """GELU, erf and tanh forms, forward and backward"""
    for rows, width in ROW_SHAPES:
        for form, name in (("none", "erf"), ("tanh", "tanh")):
            forward_and_backward(
                args, "gelu", f"{rows}x{4 * width} {name}", lambda x, form=form: F.gelu(x, approximate=form),
                [torch.randn(rows, 4 * width)],
            )


def cross_entropy(args):
    """mean cross-entropy of logits, forward and backward"""
    for rows, vocab in LOGIT_SHAPES:
        forward_and_backward(
            args, "cross-entropy", f"{rows}x{vocab}", lambda z, t: F.cross_entropy(z, t, ignore_index=-1),
            [torch.randn(rows, vocab), torch.randint(0, vocab, (rows,))],
        )


def adam_w(args):
    """one AdamW step over several matrices, as torch.optim runs it by default (foreach)"""
    for count, rows, columns in ADAMW_SHAPES:
        params = [torch.randn(rows, columns).requires_grad_(True) for _ in range(count)]
        for p in params:
            p.grad = torch.randn_like(p)
        optimizer = torch.optim.AdamW(params, lr=1e-3, betas=(0.9, 0.99), weight_decay=0.1)
        body = torch.compile(optimizer.step) if args.mode == "compiled" else optimizer.step
        times = measure(body, args.iters)
        emit("adamw", f"{count}x{rows}x{columns}", f"torch-{args.mode}", times)


COMMANDS = {
    "gemm": products, "attention": attention, "layernorm": layer_norm, "gelu": gelu,
    "cross-entropy": cross_entropy, "adamw": adam_w,
}
