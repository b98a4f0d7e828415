// The page of runs: which are shown, by which curves, and what the server says is new.

import { Refusal, events, get, setKey } from './api.js';
import { Chart, color, number, onTheme, swatch } from './charts.js';
import { compare, duration, showSamples } from './tables.js';

const FIRST_METRICS = ['loss', 'val_loss'];
const LAST_METRICS = ['lr', 'grad_norm', 'ms', 'tokens_per_s', 'mfu'];
const FIRST_RUNS = 8;
const MANY_RUNS = 9;
const SMOOTHINGS = [0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995];
const EVALUATIONS = /^(eval_.*|train_loss|val_loss|bleu|chrf)$/; // too few to smooth
const MOST_POINTS = 6_000; // then the server thins them out again

const $ = id => document.getElementById(id);
const runs = new Map(); // by name: what the list says, with chosen and index
const curves = new Map(); // by run and metric: {x, y, loaded, pending}
const charts = new Map(); // by metric
const metrics = { all: [], chosen: null };
let range = null; // the iterations that are shown, or all
let nextIndex = 0;

const chosenRuns = () => [...runs.values()].filter(run => run.chosen);

// Curves.

const smoothing = metric => (EVALUATIONS.test(metric) ? 0 : SMOOTHINGS[$('smoothing').value]);

function curve(run, metric) {
  const key = JSON.stringify([run.run, metric]);
  if (!curves.has(key)) {
    curves.set(key, { x: [], y: [], loaded: false, loading: false, weight: 0, pending: [] });
  }
  return curves.get(key);
}

async function load(run, metric) {
  const line = curve(run, metric);
  if (line.loading) {
    line.again = true;
    return;
  }
  line.loading = true;
  try {
    do {
      line.again = false;
      line.pending = [];
      const weight = smoothing(metric);
      const query = { run: run.run, metric, smoothing: weight };
      if (range) {
        query.from = Math.max(0, Math.floor(range[0]) - 1);
        query.to = Math.min(2147483646, Math.max(0, Math.ceil(range[1]) + 1));
      }
      const { x, y } = await get('/api/runs/curve', query);
      Object.assign(line, { x, y, weight, loaded: true });
      line.pending.splice(0).forEach(([more, values]) => append(line, more, values));
    } while (line.again);
  } catch (e) {
    failed(e);
  } finally {
    line.loading = false;
    drawSoon();
  }
}

function append(line, x, y) {
  x.forEach((iteration, i) => {
    if ((line.x.length === 0 || iteration > line.x.at(-1)) && !(range && iteration > range[1] + 1)) {
      line.x.push(iteration);
      const last = line.y.at(-1) ?? y[i];
      line.y.push(line.weight * last + (1 - line.weight) * y[i]);
    }
  });
}

function loadMissing() {
  for (const run of chosenRuns()) {
    for (const metric of metrics.chosen ?? []) {
      const line = curve(run, metric);
      if (!line.loaded && !line.loading && run.metrics.includes(metric)) {
        load(run, metric);
      }
    }
  }
}

function reload(run) {
  curves.forEach((line, key) => {
    if (!run || JSON.parse(key)[0] === run) {
      line.loaded = false;
      line.again = line.loading;
    }
  });
  loadMissing();
}

function zoom(from, to) {
  const most = Math.max(1, ...chosenRuns().map(run => run.iteration ?? 0));
  range = null;
  if (from !== undefined) {
    const width = Math.min(to - from, most);
    const begin = Math.max(0, Math.min(from, most - width));
    range = width >= most ? null : [begin, begin + Math.max(width, 1)];
  }
  $('whole').disabled = !range;
  reload();
  drawSoon();
}

let drawing = false;
function drawSoon() {
  if (!drawing) {
    drawing = true;
    requestAnimationFrame(() => {
      drawing = false;
      draw();
    });
  }
}

function draw() {
  for (const [metric, chart] of charts) {
    const lines = chosenRuns()
      .map(run => ({ name: run.run, color: color(run.index), ...curve(run, metric) }))
      .filter(line => line.x.length > 0);
    chart.draw(lines, $('log').checked, range);
  }
}

// What can be chosen.

function showMetrics() {
  const found = new Set([...runs.values()].flatMap(run => run.metrics));
  const inOrder = [...FIRST_METRICS, ...found].filter(metric => !LAST_METRICS.includes(metric));
  const all = [...new Set([...inOrder, ...LAST_METRICS])].filter(metric => found.has(metric));
  if (!metrics.chosen && all.length > 0) {
    const first = FIRST_METRICS.filter(metric => all.includes(metric));
    metrics.chosen = new Set(first.length > 0 ? first : all.slice(0, 2));
  }
  if (JSON.stringify(all) !== JSON.stringify(metrics.all)) {
    metrics.all = all;
    $('metrics').replaceChildren(...all.map(metricButton));
  }
  showCharts();
}

function metricButton(metric) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = metric;
  button.setAttribute('aria-pressed', metrics.chosen.has(metric));
  button.addEventListener('click', () => {
    if (!metrics.chosen.delete(metric)) {
      metrics.chosen.add(metric);
    }
    button.setAttribute('aria-pressed', metrics.chosen.has(metric));
    showCharts();
  });
  return button;
}

function showCharts() {
  const wanted = metrics.all.filter(metric => metrics.chosen.has(metric));
  for (const [metric, chart] of charts) {
    if (!wanted.includes(metric)) {
      chart.remove();
      charts.delete(metric);
    }
  }
  wanted.forEach((metric, place) => {
    if (!charts.has(metric)) {
      const chart = new Chart(metric, zoom);
      charts.set(metric, chart);
      $('charts').insertBefore(chart.element, $('charts').children[place] ?? null);
    }
  });
  loadMissing();
  drawSoon();
}

function showRuns() {
  $('empty').hidden = runs.size > 0;
  $('filter').hidden = runs.size < MANY_RUNS;
  const wanted = $('filter').value.toLowerCase();
  const shown = [...runs.values()].reverse().filter(run => run.run.toLowerCase().includes(wanted));
  const focused = document.activeElement?.dataset?.run;
  $('list').replaceChildren(...shown.map(runItem));
  if (focused !== undefined) {
    [...document.querySelectorAll('#list input')].find(input => input.dataset.run === focused)?.focus();
  }
}

function runItem(run) {
  const item = document.createElement('li');
  const label = document.createElement('label');
  const box = document.createElement('input');
  box.type = 'checkbox';
  box.checked = run.chosen;
  box.dataset.run = run.run;
  box.addEventListener('change', () => {
    run.chosen = box.checked;
    chosenChanged();
  });
  const name = document.createElement('span');
  name.className = 'name';
  name.textContent = run.run;
  const state = document.createElement('span');
  state.className = `state ${['running', 'finished', 'damaged'].includes(run.state) ? run.state : ''}`;
  const dot = document.createElement('span');
  dot.className = 'dot';
  state.append(dot, run.state);
  label.append(box, swatch(run.index), name, state);
  item.append(label);
  const trouble = run.problem ?? run.notice;
  if (trouble) {
    const problem = document.createElement('p');
    problem.className = 'problem';
    problem.textContent = trouble;
    item.append(problem);
  }
  if (run.problem) {
    return item;
  }
  run.facts = document.createElement('p');
  run.facts.className = 'facts';
  item.append(run.facts);
  if (run.state === 'running') {
    run.progress = document.createElement('progress');
    run.progress.setAttribute('aria-label', `How far ${run.run} is`);
    item.append(run.progress);
  } else {
    run.progress = null;
  }
  showFacts(run);
  return item;
}

function showFacts(run) {
  if (!run.facts) {
    return;
  }
  run.facts.textContent = [ // as jambic runs tells it
    `${number(run.iteration)} of ${number(run.max_iters)}`,
    `best loss ${number(run.best_val_loss)}`,
    duration(run.seconds),
  ].join(' · ');
  if (run.progress) {
    run.progress.max = run.max_iters;
    run.progress.value = run.iteration;
  }
}

function chosenChanged() {
  loadMissing();
  drawSoon();
  showTables();
}

let tables = 0;
async function showTables() {
  const chosen = chosenRuns();
  const compared = chosen.filter(run => run.settings); // nothing is known of a damaged one
  $('compare').hidden = compared.length === 0;
  $('compare-title').textContent = compared.length === 1 ? 'Hyperparameters' : 'What differs';
  $('every-label').hidden = compared.length < 2;
  if (compared.length > 0) {
    compare($('table'), compared, $('every').checked);
  }
  const turn = ++tables;
  try {
    const groups = await Promise.all(
      chosen
        .filter(run => run.samples)
        .map(async run => ({ run, ...(await get('/api/runs/samples', { run: run.run })) })),
    );
    if (turn === tables) {
      const filled = groups.filter(({ samples, problem }) => samples.length > 0 || problem);
      $('samples').hidden = filled.length === 0;
      showSamples($('samples-list'), filled);
    }
  } catch (e) {
    failed(e);
  }
}

// What the server says.

async function refresh() {
  const list = await get('/api/runs');
  $('folder').textContent = list.folder;
  const first = runs.size === 0;
  const before = new Map(runs);
  runs.clear();
  list.runs.forEach((run, place) => {
    const old = before.get(run.run);
    const chosen = old?.chosen ?? (!first || place >= list.runs.length - FIRST_RUNS || run.state === 'running');
    runs.set(run.run, { iteration: 0, ...run, chosen, index: old?.index ?? nextIndex++ });
  });
  for (const key of [...curves.keys()]) {
    if (!runs.has(JSON.parse(key)[0])) {
      curves.delete(key);
    }
  }
  showRuns();
  showMetrics();
  chosenChanged();
}

function added(run, points) {
  for (const [metric, [x, y]] of Object.entries(points)) {
    run.newest[metric] = y.at(-1);
    const line = curve(run, metric);
    if (line.loading) {
      line.pending.push([x, y]);
    } else if (line.loaded) {
      append(line, x, y);
      if (line.x.length > MOST_POINTS) {
        load(run, metric);
      }
    }
  }
  if (points.ms) {
    run.iteration = Math.max(run.iteration, points.ms[0].at(-1) + 1);
    run.seconds = (run.seconds ?? 0) + points.ms[1].reduce((a, b) => a + b, 0) / 1000;
  }
  showFacts(run);
  if (Object.keys(points).some(metric => metric === 'val_loss' || metric.startsWith('eval_'))) {
    showTables();
  }
  drawSoon();
}

async function heard(event) {
  if (event.ready) {
    live('live', 'live');
    reload();
    await refresh();
  } else if (event.changed) {
    await refresh();
  } else if (runs.has(event.run)) {
    if (event.reload) {
      reload(event.run);
      await refresh();
    } else {
      added(runs.get(event.run), event.points);
    }
  }
}

function live(state, text) {
  $('live').className = state;
  $('live-text').textContent = text;
}

function failed(e) {
  if (e instanceof Refusal && e.status === 401) {
    $('key-form').hidden = false;
    live('lost', e.message);
  } else if (e instanceof Refusal && e.status !== 404) { // a run that was just deleted is no trouble
    live('lost', e.message);
  }
}

async function listen() {
  for (;;) {
    try {
      for await (const event of events('/api/runs/events')) {
        await heard(event);
      }
      live('lost', 'not connected, trying again');
    } catch (e) {
      live('lost', 'not connected, trying again');
      failed(e);
      if (e instanceof Refusal && e.status === 401) {
        return;
      }
    }
    await new Promise(done => setTimeout(done, 1000));
  }
}

$('key-form').addEventListener('submit', event => {
  event.preventDefault();
  setKey($('key').value);
  $('key-form').hidden = true;
  listen();
});
$('log').addEventListener('change', drawSoon);
$('smoothing').addEventListener('input', () => {
  const weight = SMOOTHINGS[$('smoothing').value];
  $('smoothing-is').textContent = weight === 0 ? 'none' : weight;
  reload();
});
$('whole').addEventListener('click', () => zoom());
$('every').addEventListener('change', showTables);
$('filter').addEventListener('input', showRuns);
$('all').addEventListener('click', () => choose(true));
$('none').addEventListener('click', () => choose(false));
function choose(chosen) {
  const wanted = $('filter').value.toLowerCase();
  runs.forEach(run => {
    if (run.run.toLowerCase().includes(wanted)) {
      run.chosen = chosen;
    }
  });
  showRuns();
  chosenChanged();
}
onTheme(() => {
  showRuns();
  showTables();
  drawSoon();
});
listen();
