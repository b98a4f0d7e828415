import { ask, get, setKey, stream, Refusal } from '/api.js';
import { appendTokens, roam } from '/tokens.js';
import { drawMap } from '/attention.js';

const $ = id => document.getElementById(id);
const ALTERNATIVES = 5;
let models = [];
let work = null; // what is being written
let conversation = [];

const model = () => models.find(one => one.id === $('model').value);

function say(text, wrong = false) {
  $('status').textContent = text;
  $('status').classList.toggle('wrong', wrong);
}

function complain(error) {
  if (error.name === 'AbortError') {
    say('Stopped.');
  } else {
    say(error.message, true);
    if (error instanceof Refusal && error.status === 401) {
      $('key-form').hidden = false;
      $('key').focus();
    }
  }
}

// Which model.

function human(count) {
  return count >= 1e9 ? `${(count / 1e9).toFixed(1)} B` : count >= 1e6 ? `${(count / 1e6).toFixed(1)} M` : count.toLocaleString('en');
}

function card(one) {
  const shape = one.layers ? `${one.layers} layers, ${one.heads} heads, width ${one.width}` : null;
  const entries = {
    Parameters: human(one.parameters) + (one.quantized ? ', int8' : '') + (one.adapters ? ', LoRA' : ''),
    Shape: shape,
    Context: one.context.toLocaleString('en'),
    Tokenizer: `${one.tokenizer}, ${one.vocabulary.toLocaleString('en')} tokens`,
    Template: one.template,
    Backend: one.backend,
  };
  $('card').replaceChildren(...Object.entries(entries).filter(([, value]) => value).map(([name, value]) => {
    const div = document.createElement('div');
    const dt = document.createElement('dt');
    const dd = document.createElement('dd');
    dt.textContent = name;
    dd.textContent = value;
    div.append(dt, dd);
    return div;
  }));
  for (const [id, count] of [['layer', one.layers], ['head', one.heads]]) {
    $(id).replaceChildren(...Array.from({ length: count ?? 0 }, (_, i) => new Option(String(i + 1), String(i))));
  }
  $('chat').hidden = !one.template;
  $('no-chat').hidden = !!one.template;
}

async function load() {
  try {
    models = (await get('/api/models')).models;
    $('model').replaceChildren(...models.map(one => new Option(one.id, one.id)));
    $('model').disabled = models.length === 1;
    $('key-form').hidden = true;
    if (models.length === 0) {
      say('No model here writes texts: translators are asked at /v1/completions.');
      return;
    }
    card(model());
    say('');
  } catch (error) {
    complain(error);
  }
}

$('model').addEventListener('change', () => {
  card(model());
  restart();
});
$('key-form').addEventListener('submit', event => {
  event.preventDefault();
  setKey($('key').value);
  load();
});

// How tokens are chosen.

function sampling() {
  const chosen = {};
  for (const id of ['temperature', 'top_p', 'top_k', 'repetition_penalty', 'max_tokens', 'seed']) {
    if ($(id).value !== '') {
      chosen[id] = Number($(id).value);
    }
  }
  if ($('stop').value !== '') {
    chosen.stop = $('stop').value.replaceAll('\\n', '\n');
  }
  return chosen;
}

/** Streams an answer; gives the reason of its end. */
async function write(path, body, buttons, take) {
  work?.abort();
  const mine = new AbortController();
  work = mine;
  const [go, stop] = buttons.map($);
  go.disabled = true;
  stop.disabled = false;
  say('Writing …');
  const start = performance.now();
  let count = 0;
  try {
    for await (const chunk of stream(path, body, mine.signal)) {
      const choice = chunk.choices[0];
      if (!choice) {
        continue;
      }
      count += take(choice);
      if (choice.finish_reason) {
        const seconds = (performance.now() - start) / 1000;
        const why = choice.finish_reason === 'stop' ? 'at a stop' : 'at the most tokens';
        say(`${count} tokens in ${seconds.toFixed(1)} s, ended ${why}.`);
      }
    }
  } catch (error) {
    complain(error);
  } finally {
    if (work === mine) {
      work = null;
    }
    go.disabled = false;
    stop.disabled = true;
  }
}

// Texts.

$('write-form').addEventListener('submit', event => {
  event.preventDefault();
  const text = $('text');
  const prompt = document.createElement('span');
  prompt.className = 'prompt';
  prompt.textContent = $('prompt').value;
  text.replaceChildren(prompt);
  const body = { model: model().id, prompt: $('prompt').value, logprobs: ALTERNATIVES, ...sampling() };
  write('/v1/completions', body, ['write', 'write-stop'], choice => {
    const probs = choice.logprobs;
    const tokens = (probs?.tokens ?? []).map((name, i) => ({
      text: name,
      logprob: probs.token_logprobs[i],
      top: Object.entries(probs.top_logprobs[i]),
    }));
    const written = tokens.some(token => token.text.startsWith('bytes:')) ? [] : tokens;
    appendTokens(text, choice.text, written);
    return tokens.length;
  });
});

// Conversations.

function message(role, content) {
  const li = document.createElement('li');
  li.className = role;
  const who = document.createElement('span');
  who.className = 'who';
  who.textContent = role === 'user' ? 'You' : model().id;
  const text = document.createElement('span');
  text.textContent = content;
  li.append(who, text);
  $('messages').append(li);
  return text;
}

function restart() {
  work?.abort();
  conversation = [];
  $('messages').replaceChildren();
}

$('chat-form').addEventListener('submit', async event => {
  event.preventDefault();
  const question = $('question').value;
  if (!question) {
    return;
  }
  $('question').value = '';
  conversation.push({ role: 'user', content: question });
  message('user', question);
  const text = message('assistant', '');
  const mine = conversation;
  const body = { model: model().id, messages: mine, logprobs: true, top_logprobs: ALTERNATIVES, ...sampling() };
  let answer = '';
  await write('/v1/chat/completions', body, ['ask', 'chat-stop'], choice => {
    const content = choice.delta.content ?? '';
    answer += content;
    const tokens = (choice.logprobs?.content ?? []).map(token => ({
      text: token.token,
      logprob: token.logprob,
      top: token.top_logprobs.map(one => [one.token, one.logprob]),
    }));
    const whole = tokens.map(token => token.text).join('') === content;
    appendTokens(text, content, whole ? tokens : []);
    return tokens.length;
  });
  mine.push({ role: 'assistant', content: answer });
});
$('chat-new').addEventListener('click', restart);

// Attention.

$('attention-form').addEventListener('submit', async event => {
  event.preventDefault();
  const body = { model: model().id, prompt: $('attended').value, layer: Number($('layer').value), head: Number($('head').value) };
  try {
    drawMap($('map'), $('pair'), await ask('/api/attention', body));
    say('');
  } catch (error) {
    complain(error);
  }
});
for (const id of ['layer', 'head']) {
  $(id).addEventListener('change', () => $('attention-form').requestSubmit());
}

// Keys and tabs.

for (const id of ['write-stop', 'chat-stop']) {
  $(id).addEventListener('click', () => work?.abort());
}
for (const id of ['prompt', 'question', 'attended']) {
  $(id).addEventListener('keydown', event => {
    const send = id === 'question' ? !event.shiftKey : event.ctrlKey || event.metaKey;
    if (event.key === 'Enter' && send && !event.isComposing) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
  });
}
document.addEventListener('keydown', event => {
  if (event.key === 'Escape') {
    work?.abort();
  }
});

const tabs = ['write', 'chat', 'attention'];
function open(name) {
  for (const tab of tabs) {
    const chosen = tab === name;
    $(`tab-${tab}`).ariaSelected = String(chosen);
    $(`tab-${tab}`).tabIndex = chosen ? 0 : -1;
    $(`panel-${tab}`).hidden = !chosen;
  }
}
tabs.forEach((tab, i) => {
  $(`tab-${tab}`).addEventListener('click', () => open(tab));
  $(`tab-${tab}`).addEventListener('keydown', event => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) {
      const next = tabs[(i + step + tabs.length) % tabs.length];
      open(next);
      $(`tab-${next}`).focus();
    }
  });
});

get('/api/pages').then(({ runs }) => {
  if (runs) $('runs').href = '/runs';
  $('runs').hidden = !runs;
}, complain);
roam($('text'));
roam($('messages'));
load();
