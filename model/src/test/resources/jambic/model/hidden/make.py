"""What transformers makes of a text inside of a GPT-2: the attention of every layer, and the mean of the last hidden states.

python make.py: reads ../hf_gpt2_tiny and ../hf_gpt2_scaled_attention, writes a file of each name here.
"""
import pathlib
import torch
from safetensors.torch import save_file
from transformers import GPT2LMHeadModel

here = pathlib.Path(__file__).parent
for name in ["hf_gpt2_tiny", "hf_gpt2_scaled_attention"]:
    model = GPT2LMHeadModel.from_pretrained(here.parent / name, attn_implementation="eager").eval()
    ids = torch.randint(model.config.vocab_size, (1, 13), generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        out = model.transformer(ids, output_attentions=True)
    tensors = {"ids": ids[0].int(), "mean": out.last_hidden_state[0].mean(0).float()}
    for layer, attention in enumerate(out.attentions):
        tensors[f"attention.{layer}"] = attention[0].float().contiguous()
    save_file(tensors, here / f"{name}.safetensors")
