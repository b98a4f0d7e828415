// Tokens coloured by how likely the model thought them, and what else it thought of.

const table = document.getElementById('alternatives');

function level(probability) {
  return [0.05, 0.2, 0.5, 0.8].filter(bound => probability >= bound).length;
}

/** White space and control characters as signs that can be seen. */
function visible(text) {
  return text.replaceAll(' ', '␣').replaceAll('\n', '⏎').replaceAll('\t', '⇥').replaceAll('\r', '␍') || '∅';
}

function cell(row, text, className) {
  const td = row.insertCell();
  td.textContent = text;
  td.className = className;
  return td;
}

function show(token, probability, alternatives) {
  const shown = document.createElement('table');
  const head = shown.createTHead().insertRow();
  for (const [name, columns] of [['Token', 1], ['Probability', 2]]) {
    const th = document.createElement('th');
    th.scope = columns === 1 ? 'col' : 'colgroup';
    th.colSpan = columns;
    th.textContent = name;
    head.append(th);
  }
  const body = shown.createTBody();
  const rows = [...alternatives];
  if (!rows.some(([text]) => text === token)) {
    rows.push([token, probability]);
  }
  for (const [text, share] of rows) {
    const row = body.insertRow();
    row.className = text === token ? 'chosen' : '';
    const code = document.createElement('code');
    code.textContent = visible(text);
    row.insertCell().append(code);
    const meter = document.createElement('meter');
    meter.value = share;
    meter.ariaLabel = `probability of ${visible(text)}`;
    row.insertCell().append(meter);
    cell(row, `${(100 * share).toFixed(1)} %`, 'number');
  }
  table.replaceChildren(shown);
}

/** An element for a token; its text is text, whatever stands in it. */
export function tokenElement(text, logprob, top) {
  const probability = Math.exp(logprob);
  const alternatives = top.map(([name, value]) => [name, Math.exp(value)]).sort((a, b) => b[1] - a[1]);
  const span = document.createElement('span');
  span.className = `token p${level(probability)}`;
  span.textContent = text;
  span.tabIndex = -1;
  span.dataset.percent = (100 * probability).toFixed(1);
  const tell = () => show(text, probability, alternatives);
  span.addEventListener('mouseenter', tell);
  span.addEventListener('focus', tell);
  return span;
}

/** Of many tokens one is in the order of the Tab key; arrows go on from it. */
export function roam(container) {
  container.addEventListener('keydown', event => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const tokens = [...container.querySelectorAll('.token')];
    const at = tokens.indexOf(document.activeElement);
    if (!step || at < 0) {
      return;
    }
    const next = tokens[at + step];
    if (next) {
      tokens[at].tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    }
    event.preventDefault();
  });
}

/** The parts of a chunk's text, each with its token; what has none is plain text. */
export function appendTokens(container, text, tokens) {
  if (tokens.length === 0) {
    container.append(text);
    return;
  }
  const first = container.querySelector('.token') === null;
  for (const token of tokens) {
    container.append(tokenElement(token.text, token.logprob, token.top));
  }
  if (first) {
    container.querySelector('.token').tabIndex = 0;
  }
}
