"""Makes muon.safetensors: three steps of Muon and AdamW in float64, as jambic.train.MuonTest takes them.

Run here with PyTorch of 2.9 or later, whose own Muon (in bfloat16) must come close.
"""
import torch
from safetensors.torch import save_file

torch.manual_seed(20)
STEPS, MUON_LR, LR, MOMENTUM, DECAY = 3, 0.02, 1e-3, 0.95, 0.1
RATES = [1e-3, 5e-4, 2e-4]  # of AdamW
CLIPS = [1.0, 0.3, 0.7]
SHAPES = {
    "h.0.tall.weight": (6, 4),
    "h.0.wide.weight": (4, 6),
    "h.0.taller.weight": (12, 4),
    "h.0.attn.c_attn.weight": (12, 4),  # three matrices
    "h.0.mlp.bias": (6,),
    "wte.weight": (5, 4),
}


def is_muon(name, tensor):
    return name.startswith("h.") and tensor.dim() == 2


def orthogonal(u):
    a, b, c = 3.4445, -4.7750, 2.0315
    x = u / (u.norm() + 1e-7)
    if x.size(0) > x.size(1):
        x = x.T
    for _ in range(5):
        s = x @ x.T
        x = a * x + (b * s + c * s @ s) @ x
    return x.T if u.size(0) > u.size(1) else x


params = {name: torch.randn(shape, dtype=torch.float32).double() for name, shape in SHAPES.items()}
grads = {name: torch.randn((STEPS, *shape), dtype=torch.float32).double() for name, shape in SHAPES.items()}
out = {"param/" + n: p.float() for n, p in params.items()}
out |= {"grad/" + n: g.float() for n, g in grads.items()}
out["rates"] = torch.tensor(RATES)
out["clips"] = torch.tensor(CLIPS)
clips = out["clips"].double()  # as they are in 32 bits

momenta = {n: torch.zeros_like(p) for n, p in params.items() if is_muon(n, p)}
others = {n: p.clone().requires_grad_() for n, p in params.items() if n not in momenta}
adamw = torch.optim.AdamW(
    [{"params": [p], "weight_decay": DECAY if p.dim() == 2 else 0.0} for p in others.values()],
    lr=LR, betas=(0.9, 0.99), eps=1e-8)
theirs = {n: [torch.nn.Parameter(part.float().clone()) for part in p.chunk(3 if "c_attn" in n else 1)]
          for n, p in params.items() if n in momenta}
muon = torch.optim.Muon([p for parts in theirs.values() for p in parts], lr=MUON_LR, weight_decay=DECAY,
                        momentum=MOMENTUM, nesterov=True, adjust_lr_fn="original")

for t in range(STEPS):
    for n, m in momenta.items():
        g = grads[n][t] * clips[t]
        m.mul_(MOMENTUM).add_((1 - MOMENTUM) * g)
        u = (1 - MOMENTUM) * g + MOMENTUM * m
        parts = 3 if "c_attn" in n else 1
        x = torch.cat([orthogonal(part) * max(1, part.size(0) / part.size(1)) ** 0.5 for part in u.chunk(parts)])
        lr = MUON_LR * RATES[t] / LR
        params[n] = params[n] * (1 - lr * DECAY) - lr * x
        for p, g_part in zip(theirs[n], g.chunk(parts)):
            p.grad = g_part.float().clone()
    for n, p in others.items():
        p.grad = grads[n][t] * clips[t]
    for group in adamw.param_groups:
        group["lr"] = RATES[t]
    for group in muon.param_groups:
        group["lr"] = MUON_LR * RATES[t] / LR
    adamw.step()
    muon.step()

for n, p in {**params, **others}.items():
    if n in theirs:
        off = (torch.cat([q.detach() for q in theirs[n]]).double() - p).abs().max().item()
        print(n, "is within", off, "of torch.optim.Muon")
        assert off < 1e-3, n  # bfloat16, times the learning rate
    out["trained/" + n] = p.detach().float()
for n, m in momenta.items():
    out["momentum/" + n] = m.float()
save_file({n: t.contiguous() for n, t in out.items()}, "muon.safetensors")
