// The attention of one head: each row is a token that looks at those before it.

const CELL = 22;

function visible(text) {
  return text.replaceAll(' ', '␣').replaceAll('\n', '⏎');
}

export function drawMap(container, told, { tokens, weights }) {
  const n = tokens.length;
  const style = getComputedStyle(document.body);
  const ink = style.color;
  const heat = getComputedStyle(container).color;
  const canvas = document.createElement('canvas');
  const ratio = devicePixelRatio;
  const paint = canvas.getContext('2d');
  paint.font = '12px monospace';
  const names = tokens.map(visible);
  const margin = 8 + Math.ceil(Math.max(...names.map(name => paint.measureText(name).width)));
  const size = margin + n * CELL;
  canvas.width = size * ratio;
  canvas.height = size * ratio;
  canvas.style.width = `${size}px`;
  canvas.style.height = `${size}px`;
  canvas.role = 'img';
  canvas.ariaLabel = `Attention among ${n} tokens`;
  paint.scale(ratio, ratio);
  paint.font = '12px monospace';
  paint.textBaseline = 'middle';
  paint.fillStyle = ink;
  names.forEach((name, i) => {
    paint.textAlign = 'right';
    paint.fillText(name, margin - 6, margin + (i + 0.5) * CELL);
    paint.save();
    paint.translate(margin + (i + 0.5) * CELL, margin - 6);
    paint.rotate(-Math.PI / 2);
    paint.textAlign = 'left';
    paint.fillText(name, 0, 0);
    paint.restore();
  });
  paint.fillStyle = heat;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      paint.globalAlpha = 0.06 + 0.94 * weights[i][j];
      paint.fillRect(margin + j * CELL + 1, margin + i * CELL + 1, CELL - 2, CELL - 2);
    }
  }
  const tell = (i, j) => {
    if (i >= 0 && i < n && j >= 0 && j <= i) {
      told.textContent = `${names[i]} looks at ${names[j]} with ${(100 * weights[i][j]).toFixed(1)} %`;
    }
  };
  canvas.addEventListener('mousemove', event => {
    tell(Math.floor((event.offsetY - margin) / CELL), Math.floor((event.offsetX - margin) / CELL));
  });
  let at = [n - 1, n - 1];
  container.onkeydown = event => {
    const [i, j] = at;
    const to = { ArrowUp: [i - 1, Math.min(j, i - 1)], ArrowDown: [i + 1, j], ArrowLeft: [i, j - 1], ArrowRight: [i, j + 1] }[event.key];
    if (to) {
      event.preventDefault();
      if (to[0] >= 0 && to[0] < n && to[1] >= 0 && to[1] <= to[0]) {
        at = to;
        tell(...at);
      }
    }
  };
  container.replaceChildren(canvas);
  tell(...at);
}
