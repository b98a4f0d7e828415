// Requests to the server this page came from.

let key = sessionStorage.getItem('jambic-key') ?? '';

export function setKey(text) {
  key = text;
  sessionStorage.setItem('jambic-key', text);
}

export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function request(path, options = {}) {
  const headers = { ...options.headers };
  if (key) {
    headers.Authorization = `Bearer ${key}`;
  }
  const response = await fetch(path, { ...options, headers });
  if (!response.ok) {
    const body = await response.json().catch(() => null);
    throw new Refusal(response.status, body?.error?.message ?? `the server answered ${response.status}`);
  }
  return response;
}

export async function get(path) {
  return (await request(path)).json();
}

function post(path, body, signal) {
  return request(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  });
}

export async function ask(path, body) {
  return (await post(path, body)).json();
}

/** The chunks of a streamed answer. */
export async function* stream(path, body, signal) {
  const response = await post(path, { ...body, stream: true }, signal);
  let buffer = '';
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) {
      throw new Error('the server broke the answer off');
    }
    buffer += value;
    let end;
    while ((end = buffer.indexOf('\n\n')) >= 0) {
      const event = buffer.slice(0, end);
      buffer = buffer.slice(end + 2);
      if (event === 'data: [DONE]') {
        return;
      }
      if (event.startsWith('data: ')) {
        yield JSON.parse(event.slice(6));
      }
    }
  }
}
