// Asks a running server with OpenAI's package for JavaScript: openai_client.mjs URL MODEL. Run by .ci/run.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

// The package lies in the working directory, not beside this file.
const require = createRequire(process.cwd() + '/');
const { OpenAI, NotFoundError, BadRequestError } = require('openai');
const [url, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL: url + '/v1', apiKey: 'none', maxRetries: 0 });
const settings = { model, prompt: 'ROMEO:', max_tokens: 20, seed: 3, temperature: 0.8 };

const whole = await client.completions.create(settings);
assert(whole.usage.completion_tokens > 0 && whole.choices[0].finish_reason === 'length');

let text = '';
let usage = null;
const stream = await client.completions.create({ ...settings, stream: true, stream_options: { include_usage: true } });
for await (const chunk of stream) {
  text += chunk.choices[0]?.text ?? '';
  usage = chunk.usage ?? usage;
}
assert.equal(text, whole.choices[0].text);
assert.deepEqual(usage, whole.usage);

const aborted = await client.completions.create({ ...settings, stream: true });
aborted.controller.abort(); // a client that leaves

assert.deepEqual((await client.models.list()).data.map(one => one.id), [model]);
const vectors = await client.embeddings.create({ model, input: ['And', 'But'] }); // base64 on the wire
const plain = await client.embeddings.create({ model, input: ['And', 'But'], encoding_format: 'float' });
vectors.data[1].embedding.forEach((value, i) => assert(Math.abs(value - plain.data[1].embedding[i]) < 1e-6));

await assert.rejects(client.completions.create({ ...settings, model: 'other' }), NotFoundError);
await assert.rejects(client.completions.create({ ...settings, top_p: 7 }), error =>
  error instanceof BadRequestError && error.param === 'top_p');
const question = { model, messages: [{ role: 'user', content: 'hi' }] };
await assert.rejects(client.chat.completions.create(question), error =>
  error instanceof BadRequestError && error.code === 'no_chat_template');
await assert.rejects(client.chat.completions.stream(question).finalContent(), BadRequestError); // the helper
console.log(`openai ${require('openai/version').VERSION} for JavaScript: all answers as they should be`);
