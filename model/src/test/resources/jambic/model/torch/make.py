"""Writes this folder's files with PyTorch and transformers; the models are tiny and random."""

import json
import math
import os
import pickle

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F
from transformers import GPT2Config, GPT2LMHeadModel

torch.manual_seed(1)
here = os.path.dirname(os.path.abspath(__file__))


class Norm(nn.Module):
    def __init__(self, n, bias):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n))
        self.bias = nn.Parameter(torch.randn(n)) if bias else None

    def forward(self, x):
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, 1e-5)


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.c_attn = nn.Linear(c["n_embd"], 3 * c["n_embd"], bias=c["bias"])
        self.c_proj = nn.Linear(c["n_embd"], c["n_embd"], bias=c["bias"])

    def forward(self, x):
        B, T, C = x.shape
        h = self.c["n_head"]
        q, k, v = (
            t.view(B, T, h, C // h).transpose(1, 2) for t in self.c_attn(x).split(C, dim=2)
        )
        att = (q @ k.transpose(-2, -1)) / math.sqrt(C // h)
        att = att.masked_fill(~torch.tril(torch.ones(T, T, dtype=torch.bool)), float("-inf"))
        y = F.softmax(att, dim=-1) @ v
        return self.c_proj(y.transpose(1, 2).contiguous().view(B, T, C))


class Mlp(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c_fc = nn.Linear(c["n_embd"], 4 * c["n_embd"], bias=c["bias"])
        self.c_proj = nn.Linear(4 * c["n_embd"], c["n_embd"], bias=c["bias"])

    def forward(self, x):
        return self.c_proj(F.gelu(self.c_fc(x)))


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.ln_1, self.attn = Norm(c["n_embd"], c["bias"]), Attention(c)
        self.ln_2, self.mlp = Norm(c["n_embd"], c["bias"]), Mlp(c)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class NanoGpt(nn.Module):
    """The modules of nanoGPT's model.py, by the same names."""

    def __init__(self, c):
        super().__init__()
        self.transformer = nn.ModuleDict(
            dict(
                wte=nn.Embedding(c["vocab_size"], c["n_embd"]),
                wpe=nn.Embedding(c["block_size"], c["n_embd"]),
                h=nn.ModuleList([Block(c) for _ in range(c["n_layer"])]),
                ln_f=Norm(c["n_embd"], c["bias"]),
            )
        )
        self.lm_head = nn.Linear(c["n_embd"], c["vocab_size"], bias=False)
        self.transformer.wte.weight = self.lm_head.weight

    def forward(self, ids):
        t = self.transformer
        x = t.wte(ids) + t.wpe(torch.arange(ids.shape[1]))
        for block in t.h:
            x = block(x)
        return self.lm_head(t.ln_f(x))


def folder(name):
    path = os.path.join(here, name)
    os.makedirs(path, exist_ok=True)
    return path


def expect(path, ids, logits):
    save_file(
        {"ids": ids.to(torch.int32), "logits": logits.detach().float().contiguous()},
        os.path.join(path, "expected.safetensors"),
    )


def nanogpt(name, bias, compiled):
    path = folder(name)
    chars = "\n !aé語🙂bcde"
    args = dict(
        n_layer=2, n_head=2, n_embd=8, block_size=16, bias=bias, vocab_size=len(chars), dropout=0.1
    )
    model = NanoGpt(args)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95))
    ids = torch.randint(len(chars), (2, 12))
    F.cross_entropy(model(ids).flatten(0, 1), ids.flatten()).backward()
    optimizer.step()
    state = model.state_dict()
    if compiled:
        for key in list(state):
            state["_orig_mod." + key] = state.pop(key)
    torch.save(
        {
            "model": state,
            "optimizer": optimizer.state_dict(),
            "model_args": args,
            "iter_num": 1,
            "best_val_loss": torch.tensor(2.5),
            "config": {"dataset": "shakespeare_char", "compile": compiled, "seed": None},
        },
        os.path.join(path, "ckpt.pt"),
    )
    if compiled:
        with open(os.path.join(path, "meta.pkl"), "wb") as f:
            stoi = {c: i for i, c in enumerate(chars)}
            itos = {i: c for i, c in enumerate(chars)}
            pickle.dump({"vocab_size": len(chars), "itos": itos, "stoi": stoi}, f)
    expect(path, ids, model(ids))


def gpt2():
    config = GPT2Config(
        vocab_size=29, n_positions=16, n_embd=8, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0
    )
    model = GPT2LMHeadModel(config).eval()
    for p in model.parameters():
        nn.init.normal_(p, std=0.3)
    ids = torch.randint(29, (2, 12))
    state = model.state_dict()
    for dtype in ("float32", "float64", "float16", "bfloat16"):
        path = folder("gpt2_" + dtype)
        config.save_pretrained(path)
        rounded = {k: v.to(getattr(torch, dtype)) for k, v in state.items()}
        rounded["lm_head.weight"] = rounded["transformer.wte.weight"]
        rounded["transformer.h.0.attn.bias"] = torch.ones(1, 1, 16, 16, dtype=torch.bool)
        torch.save(rounded, os.path.join(path, "pytorch_model.bin"))
        model.load_state_dict({k: v.float() for k, v in rounded.items() if k in state})
        expect(path, ids, model(ids).logits)
    model.load_state_dict(state)

    path = folder("gpt2_shards")
    config.save_pretrained(path)
    names = [k for k in state if k != "lm_head.weight"]
    files = {n: names[i::2] for i, n in enumerate(("a.bin", "b.bin"))}
    for file, keys in files.items():
        torch.save({k: state[k].clone() for k in keys}, os.path.join(path, file))
    with open(os.path.join(path, "pytorch_model.bin.index.json"), "w") as f:
        json.dump({"weight_map": {k: n for n, keys in files.items() for k in keys}}, f)
    expect(path, ids, model(ids).logits)

    # Views of larger storages, parameters, and matrices that lie column by column.
    path = folder("gpt2_views")
    config.save_pretrained(path)
    views = {}
    for name in names:
        t = state[name]
        if t.dim() == 2 and "wte" not in name:
            t = torch.cat([t.t().contiguous(), torch.zeros(1, t.shape[0])]).t()[:, :-1]
        elif t.dim() == 1:
            t = torch.stack([torch.zeros_like(t), t], 1).flatten()[1::2]
        views[name] = nn.Parameter(t)
    torch.save(views, os.path.join(path, "pytorch_model.bin"))
    expect(path, ids, model(ids).logits)
    legacy = os.path.join(here, "legacy.bin")
    torch.save({"a": torch.zeros(2)}, legacy, _use_new_zipfile_serialization=False)


nanogpt("nanogpt", bias=False, compiled=True)
nanogpt("nanogpt_bias", bias=True, compiled=False)
gpt2()
