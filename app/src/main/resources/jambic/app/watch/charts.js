// Charts of one metric each, with a line for every run. They share what part of the runs they show.

const dark = matchMedia('(prefers-color-scheme: dark)');
const COLORS = {
  light: ['#1f6fa8', '#c2571a', '#2c8a4b', '#a8328a', '#7a6a00', '#6a4fc0', '#b3303a', '#00808a', '#7c5234', '#55606b'],
  dark: ['#6db5ec', '#f2955c', '#6fd08f', '#ec84cf', '#d6c24a', '#ab98f5', '#f5878d', '#52cdd6', '#cfa27f', '#b3bcc5'],
};

export function color(index) {
  const colors = dark.matches ? COLORS.dark : COLORS.light;
  return colors[index % colors.length];
}

export function onTheme(listener) {
  dark.addEventListener('change', listener);
}

export function swatch(index) {
  const box = document.createElement('span');
  box.className = 'swatch';
  box.style.background = color(index);
  box.setAttribute('aria-hidden', 'true');
  return box;
}

const LABELS = {
  loss: 'Training loss',
  val_loss: 'Validation loss',
  train_loss: 'Training loss, estimated',
  lr: 'Learning rate',
  grad_norm: 'Gradient norm',
  ms: 'Milliseconds per step',
  tokens_per_s: 'Tokens per second',
  mfu: 'FLOPs utilization',
  bleu: 'BLEU',
  chrf: 'chrF',
};

export function label(metric) {
  return LABELS[metric] ?? metric;
}

export function number(value) {
  if (value === undefined || value === null) {
    return '-';
  }
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e9) {
    return value.toLocaleString('en');
  }
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) {
    return value.toExponential(2);
  }
  return size >= 1000 ? Math.round(value).toLocaleString('en') : value.toFixed(size >= 100 ? 1 : 4);
}

/** Short enough for an axis. */
function tick(value) {
  if (value === null) {
    return '';
  }
  const size = Math.abs(value);
  if (size >= 1e4) {
    return new Intl.NumberFormat('en', { notation: 'compact' }).format(value);
  }
  return size !== 0 && size < 1e-3 ? value.toExponential(0) : String(+value.toPrecision(4));
}

/** Round numbers, as far apart as the range is wide. */
function logTicks(min, max) {
  if (max / min < 8) {
    const size = 10 ** Math.floor(Math.log10((max - min) / 4));
    const step = size * [1, 2, 5, 10].find(factor => (max - min) / (size * factor) <= 7);
    const first = Math.ceil(min / step);
    const count = Math.floor(max / step) - first + 1;
    return Array.from({ length: count }, (_, i) => (first + i) * step);
  }
  const decades = Math.log10(max / min);
  const factors = decades > 6 ? [1] : decades > 2 ? [1, 3] : [1, 2, 5];
  const ticks = [];
  for (let power = Math.floor(Math.log10(min)); power <= Math.log10(max); power++) {
    ticks.push(...factors.map(factor => factor * 10 ** power).filter(tick => tick >= min && tick <= max));
  }
  return ticks;
}

export class Chart {
  #plot = null;
  #shape = '';
  #caption = document.createElement('figcaption');
  #host = document.createElement('div');
  #drawn = [];
  #range = null;
  #resize;
  #zoom;
  #span = [0, 1];

  /** zoom hears the first and last iteration to show, or nothing for all. */
  constructor(metric, zoom) {
    this.metric = metric;
    this.#zoom = zoom;
    this.element = document.createElement('figure');
    this.#host.className = 'plot';
    this.#host.tabIndex = 0;
    this.#host.setAttribute('role', 'group');
    this.#host.setAttribute('aria-label', `${label(metric)} by iteration. Plus and minus zoom, arrows move, 0 shows all.`);
    this.#host.addEventListener('keydown', event => this.#key(event));
    this.#host.addEventListener('dblclick', () => zoom());
    this.element.append(this.#caption, this.#host);
    this.#resize = new ResizeObserver(() => this.#plot?.setSize(this.#size()));
    this.#resize.observe(this.#host);
  }

  /** Draws lines of {name, color, x, y}; from and to are what part was asked for. */
  draw(lines, log, range) {
    const shown = lines.map(line => (log ? line.y.map(y => (y > 0 ? y : null)) : line.y));
    const drawn = lines.filter((line, i) => shown[i].some(y => y !== null));
    const data = drawn.length
      ? uPlot.join(drawn.map(line => [line.x, shown[lines.indexOf(line)]]))
      : [[]];
    this.#drawn = drawn;
    const shape = JSON.stringify([drawn.map(line => [line.name, line.color]), log, dark.matches]);
    this.#range = range;
    if (this.#plot && shape === this.#shape) {
      this.#plot.setData(data);
    } else {
      this.#plot?.destroy();
      this.#plot = drawn.length ? new uPlot(this.#options(drawn, log), data, this.#host) : null;
      this.#shape = shape;
    }
    this.#read(null);
  }

  remove() {
    this.#resize.disconnect();
    this.#plot?.destroy();
    this.element.remove();
  }

  #size() {
    return { width: Math.max(200, this.#host.clientWidth), height: 288 };
  }

  #options(lines, log) {
    const style = getComputedStyle(document.body);
    const quiet = style.getPropertyValue('color');
    const grid = dark.matches ? '#2a2f35' : '#eceeef';
    const axis = { stroke: quiet, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, font: '12px system-ui, sans-serif' };
    return {
      ...this.#size(),
      legend: { show: false },
      cursor: { y: false, sync: { key: 'runs' }, drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
      scales: {
        x: { time: false, range: (plot, min, max) => this.#spanOf(min, max) },
        y: log ? { distr: 3, range: (plot, min, max) => (min > 0 ? [min * 0.97, max * 1.03] : [1, 10]) } : {},
      },
      axes: [
        { ...axis, space: 70, values: (plot, ticks) => ticks.map(tick) },
        { ...axis, ...(log ? { splits: (plot, which, min, max) => logTicks(min, max), filter: (plot, ticks) => ticks } : {}), size: 52, values: (plot, ticks) => ticks.map(tick) },
      ],
      series: [
        {},
        ...lines.map(line => ({ stroke: line.color, width: 1.5, spanGaps: true, points: { show: line.x.length <= 40, size: 5, fill: line.color } })),
      ],
      hooks: {
        setSelect: [plot => this.#selected(plot)],
        setCursor: [plot => this.#read(plot.cursor.idx)],
      },
    };
  }

  #spanOf(min, max) {
    this.#span = this.#range ?? (min === max ? [min - 1, max + 1] : [min ?? 0, max ?? 1]);
    return this.#span;
  }

  #selected(plot) {
    if (plot.select.width < 4) {
      return;
    }
    const from = plot.posToVal(plot.select.left, 'x');
    const to = plot.posToVal(plot.select.left + plot.select.width, 'x');
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.#zoom(from, to);
  }

  #key(event) {
    const [from, to] = this.#span;
    const width = to - from;
    const moves = {
      '+': [from + width / 4, to - width / 4],
      '=': [from + width / 4, to - width / 4],
      '-': [from - width / 2, to + width / 2],
      ArrowLeft: [from - width / 5, to - width / 5],
      ArrowRight: [from + width / 5, to + width / 5],
      0: [],
    };
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in moves)) {
      return;
    }
    event.preventDefault();
    this.#zoom(...moves[event.key]);
  }

  /** Writes the numbers at the cursor, or the newest, above the chart. */
  #read(index) {
    const title = document.createElement('strong');
    const at = index === null || index === undefined ? null : this.#plot?.data[0][index];
    title.textContent = label(this.metric) + (at === null || at === undefined ? '' : ` at iteration ${number(at)}`);
    const readings = this.#drawn.slice(0, 10).map(line => {
      const value = at === null || at === undefined ? line.y.at(-1) : near(line, at);
      const reading = document.createElement('span');
      reading.className = 'reading';
      const box = document.createElement('span');
      box.className = 'swatch';
      box.style.background = line.color;
      reading.append(box, `${line.name} ${number(value)}`);
      return reading;
    });
    this.#caption.replaceChildren(title, ...readings);
  }
}

/** The value of the last point at or before an iteration. */
function near(line, iteration) {
  let low = 0;
  let high = line.x.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (line.x[middle] <= iteration) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return line.y[low - 1];
}
