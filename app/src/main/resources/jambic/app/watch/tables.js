// What runs were begun with, and what they wrote. All of it is other people's text.

import { number, swatch } from './charts.js';

function element(name, content, className) {
  const made = document.createElement(name);
  if (className) {
    made.className = className;
  }
  made.append(...(Array.isArray(content) ? content : [content]));
  return made;
}

export function duration(seconds) {
  if (seconds === undefined) {
    return '-';
  }
  const whole = Math.round(seconds);
  const two = value => String(value).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

function text(value) {
  if (value === undefined || value === null) {
    return '-';
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Fills a table: a column for each run, a row for each hyperparameter that differs, or for all. */
export function compare(table, runs, every) {
  const keys = [...new Set(runs.flatMap(run => Object.keys(run.settings)))];
  const differs = key => runs.some(run => text(run.settings[key]) !== text(runs[0].settings[key]));
  const rows = keys.filter(key => every || runs.length === 1 || differs(key));
  const head = element('tr', [
    element('td', ''),
    ...runs.map(run => {
      const cell = element('th', element('span', [swatch(run.index), run.run], 'head'));
      cell.scope = 'col';
      return cell;
    }),
  ]);
  const row = (name, values, className) => {
    const header = element('th', name);
    header.scope = 'row';
    return element('tr', [header, ...values.map(value => element('td', value))], className);
  };
  table.replaceChildren(
    element('thead', head),
    element('tbody', [
      row('best validation loss', runs.map(run => number(run.best_val_loss))),
      row('time of its steps', runs.map(run => duration(run.seconds))),
      ...rows.map(key => row(key, runs.map(run => text(run.settings[key])), every && runs.length > 1 && differs(key) ? 'differs' : '')),
    ]),
  );
}

/** Fills an element with the samples of runs: [{run, samples, problem}]. */
export function showSamples(host, groups) {
  host.replaceChildren(
    ...groups.flatMap(({ run, samples, problem }) => [
      element('h3', [swatch(run.index), samples.length > 0 ? `${run.run}, iteration ${number(samples[0].iter)}` : run.run]),
      ...(problem ? [element('p', problem, 'problem')] : []),
      ...samples.map(sample => {
        const others = Object.entries(sample)
          .filter(([name]) => !['iter', 'prompt', 'answer', 'text'].includes(name))
          .map(([name, value]) => `${name} ${typeof value === 'number' ? number(value) : text(value)}`);
        return element('div', [
          ...(!sample.prompt ? [] : [element('p', text(sample.prompt), 'prompt')]),
          element('p', text(sample.answer ?? sample.text)),
          element('div', others.join(' · '), 'facts'),
        ], 'sample');
      }),
    ]),
  );
}
