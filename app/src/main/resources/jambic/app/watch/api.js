// What the page asks its server, and what the server tells by itself.

const KEY = 'jambic-key'; // the playground's, too
let key = sessionStorage.getItem(KEY) ?? '';

export function setKey(text) {
  key = text;
  sessionStorage.setItem(KEY, text);
}

export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function request(path) {
  const response = await fetch(path, { headers: key ? { Authorization: `Bearer ${key}` } : {} });
  if (!response.ok) {
    const body = await response.json().catch(() => null);
    throw new Refusal(response.status, body?.error?.message ?? `the server answered ${response.status}`);
  }
  return response;
}

export async function get(path, query = {}) {
  return (await request(`${path}?${new URLSearchParams(query)}`)).json();
}

/** Server-sent events, until the connection ends. EventSource could not send a key. */
export async function* events(path) {
  const response = await request(path);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) {
      return;
    }
    buffer += value;
    let end;
    while ((end = buffer.indexOf('\n\n')) >= 0) {
      const event = buffer.slice(0, end);
      buffer = buffer.slice(end + 2);
      if (event.startsWith('data: ')) {
        yield JSON.parse(event.slice(6));
      }
    }
  }
}
