"""Translates lines with transformers, as `jambic translate` does: python translate.py MODEL FILE [beams] > out.txt

The texts must be equal: diff out.txt <(./jambic translate MODEL --input FILE --beam BEAMS). Needs torch and transformers.
"""
import sys
import time

import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

BATCH = 32

folder, file = sys.argv[1:3]
beams = int(sys.argv[3]) if len(sys.argv) > 3 else 4
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
lines = open(file, encoding="utf-8").read().splitlines()
order = sorted(range(len(lines)), key=lambda i: len(lines[i]))
out = [""] * len(lines)
start = time.perf_counter()
with torch.inference_mode():
    for first in range(0, len(order), BATCH):
        places = [i for i in order[first : first + BATCH] if lines[i].strip()]
        if places:
            batch = tokenizer([lines[i] for i in places], return_tensors="pt", padding=True)
            ids = model.generate(**batch, num_beams=beams)
            for i, text in zip(places, tokenizer.batch_decode(ids, skip_special_tokens=True)):
                out[i] = text
print(f"{len(lines)} lines in {time.perf_counter() - start:.1f} s", file=sys.stderr)
print("\n".join(out))
