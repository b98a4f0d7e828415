"""Asks a running server with OpenAI's package for Python: openai_client.py URL MODEL. Run by .ci/run."""

import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="none", max_retries=0)
model = sys.argv[2]
settings = dict(model=model, prompt="ROMEO:", max_tokens=20, seed=3, temperature=0.8)

whole = client.completions.create(**settings)
assert whole.usage.completion_tokens > 0 and whole.choices[0].finish_reason == "length", whole

chunks = list(client.completions.create(**settings, stream=True, stream_options={"include_usage": True}))
assert "".join(c.choices[0].text for c in chunks if c.choices) == whole.choices[0].text
assert chunks[-1].usage == whole.usage, chunks[-1]

scored = client.completions.create(model=model, prompt="ROMEO:", max_tokens=0, echo=True, logprobs=1)
probs = scored.choices[0].logprobs
assert scored.choices[0].text == "ROMEO:" and probs.token_logprobs[0] is None, scored
assert all(p < 0 for p in probs.token_logprobs[1:]), probs

several = client.completions.create(model=model, prompt=["a", "b"], n=2, max_tokens=4)
assert [c.index for c in several.choices] == [0, 1, 2, 3]

assert [m.id for m in client.models.list()] == [model]
assert client.models.retrieve(model).id == model
vectors = client.embeddings.create(model=model, input=["And", "But"])  # base64 on the wire
plain = client.embeddings.create(model=model, input=["And", "But"], encoding_format="float")
assert max(abs(a - b) for a, b in zip(vectors.data[1].embedding, plain.data[1].embedding)) < 1e-6

for error, wrong in [
    (openai.NotFoundError, dict(settings, model="other")),
    (openai.BadRequestError, dict(settings, prompt="x" * 100_000)),
    (openai.BadRequestError, dict(settings, top_p=7)),
]:
    try:
        client.completions.create(**wrong)
        raise SystemExit(f"{wrong} was answered")
    except error as e:
        assert e.body["message"], e
try:
    client.chat.completions.create(model=model, messages=[{"role": "user", "content": "hi"}])
    raise SystemExit("a model without a template had a conversation")
except openai.BadRequestError as e:
    assert e.code == "no_chat_template", e
print(f"openai {openai.__version__} for Python: all answers as they should be")
