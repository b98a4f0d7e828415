"""Opens a chat model that `jambic export` wrote by transformers alone, and compares what it makes of conversations.

    python bench/peers/chat_template.py EXPORTED... [--golden model/src/test/resources/jambic/model/chat_renderings.json]

The golden file has the conversations that ChatTemplateTest holds Jambic to, so equal texts here mean equal texts there.
For each folder: the texts of its template, the tokens of the rendered text, and an answer of one token from the model.
"""
import argparse, json, pathlib, sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

arguments = argparse.ArgumentParser()
arguments.add_argument("exported", nargs="+")
arguments.add_argument("--golden", default="model/src/test/resources/jambic/model/chat_renderings.json")
given = arguments.parse_args()
cases = json.loads(pathlib.Path(given.golden).read_text())["renderings"]
wrong = 0
for folder in given.exported:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    own = [case for case in cases if case["jinja"] == tokenizer.chat_template and case["messages"]]
    if not own:
        sys.exit(f"{folder}: its chat template is none of the golden ones")
    same = 0
    for case in own:
        text = tokenizer.apply_chat_template(
            case["messages"], tokenize=False, add_generation_prompt=case["add_generation_prompt"])
        if text == case["text"]:
            same += 1
        else:
            print(f"{folder}: {text!r} is not {case['text']!r}")
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "How are you?"}], add_generation_prompt=True, return_tensors="pt", return_dict=True)
    with torch.no_grad():
        answer = model.generate(**prompt, max_new_tokens=1, do_sample=False)
    ids = prompt["input_ids"][0].tolist()
    ends = {token: tokenizer.convert_tokens_to_ids(token) for token in tokenizer.all_special_tokens}
    print(f"{folder}: {own[0]['template']}, {same} of {len(own)} texts are the same; prompt {ids}; "
          f"special {ends}; answer {answer[0, len(ids):].tolist()}; end {model.generation_config.eos_token_id}")
    wrong += same < len(own)
sys.exit(wrong > 0)
