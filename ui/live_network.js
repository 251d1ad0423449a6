// A network with one digit in it: a row a layer, its units as cells, the strongest connections as lines.
// One stop of the Tab key; arrows move between units (ARIA's authoring guide, roving tabindex).
const SVG = 'http://www.w3.org/2000/svg';
const BLUE = [58, 152, 230], ORANGE = [235, 122, 32];
const NARROW = 560; // pixels of width below which a layer takes two rows
const PIXELS = 28;
const GAP = 8, BARS = 120; // pixels between a cell and its explanation, and of the bars at the foot of a phone

const figures = value => String(Number(value.toPrecision(3))).replace('-', '−');
const bytes = text => Int8Array.from(atob(text), letter => letter.charCodeAt(0));
const isMap = layer => Boolean(layer.maps);

// A map as a background. A canvas in each cell would be a layer of the page, which the browser updates at each change
// of the page.
function pictureOf(shades, side, isGrey) {
  const canvas = make('canvas');
  canvas.width = side[1];
  canvas.height = side[0];
  const context = canvas.getContext('2d', {willReadFrequently: true});
  const image = context.createImageData(side[1], side[0]);
  shades.forEach((shade, place) => {
    const [red, green, blue] = isGrey ? [shade * 2, shade * 2, shade * 2] : shade < 0 ? ORANGE : BLUE;
    image.data.set([red, green, blue, isGrey ? 255 : Math.abs(shade) * 2], place * 4);
  });
  context.putImageData(image, 0, 0);
  return `url(${canvas.toDataURL()})`;
}

function build(stage, data) {
  stage.querySelectorAll('.layer').forEach(layer => layer.remove());
  stage.cells = data.layers.map((layer, row) => layer.units.map((_, place) => buildCell(layer, row, place)));
  data.layers.forEach((layer, row) => {
    const section = make('div', 'layer');
    section.setAttribute('role', 'group');
    section.style.setProperty('--row', row);
    const head = make('div', 'head');
    const title = make('span');
    title.append(make('b'));
    head.append(title, make('span', 'note'));
    const cells = make('div', 'cells');
    cells.append(...stage.cells[row]);
    section.append(head, cells);
    stage.insertBefore(section, stage.querySelector('.why'));
  });
  stage.querySelector('.cell').tabIndex = 0;
}

function buildCell(layer, row, place) {
  const cell = make('div', 'cell');
  cell.setAttribute('role', 'button');
  cell.tabIndex = -1;
  Object.assign(cell.dataset, {row, place});
  cell.classList.toggle('image', layer.kind === 'image');
  cell.classList.toggle('average', layer.kind === 'average');
  if (!isMap(layer)) cell.append(make('span', 'shade'));
  if (layer.kind === 'output') { cell.classList.add('digit'); cell.append(make('span', 'text')); }
  return cell;
}

function update(stage, data) {
  stage.querySelectorAll('.layer').forEach((section, row) => {
    const layer = data.layers[row];
    section.querySelector('b').textContent = layer.title;
    section.querySelector('.note').textContent = layer.note;
    section.setAttribute('aria-label', `${layer.title}. ${layer.note}`);
    const maps = isMap(layer) ? bytes(layer.maps) : null;
    const size = maps ? maps.length / layer.units.length : 0;
    section.querySelectorAll('.cell').forEach((cell, place) => {
      cell.setAttribute('aria-label', cellText(data, layer, place));
      if (maps) {
        const shades = maps.subarray(place * size, (place + 1) * size);
        cell.style.backgroundImage = pictureOf(shades, layer.side, layer.kind === 'image');
        return;
      }
      const shade = layer.shades[place];
      cell.firstChild.style.background = `rgb(${(shade < 0 ? ORANGE : BLUE).join(' ')} / ${Math.abs(shade) / 127})`;
      if (layer.kind === 'output') {
        cell.lastChild.textContent = data.names[layer.units[place]];
        cell.classList.toggle('read', layer.units[place] === data.read);
      }
    });
  });
}

function cellText(data, layer, place) {
  const {words} = data;
  if (layer.kind === 'image') return words.image;
  const unit = layer.kind === 'output' ? data.names[layer.units[place]] : layer.units[place] + 1;
  const template = layer.kind === 'output' ? words.digit : isMap(layer) ? words.map : words.unit;
  return fill(template, {unit, value: layer.kind === 'output' ? layer.shares[place] : figures(layer.values[place])});
}

function arrange(stage, data) {
  const narrow = stage.clientWidth < NARROW;
  stage.querySelectorAll('.layer').forEach((section, row) => {
    const layer = data.layers[row], count = layer.units.length;
    const columns = layer.kind === 'image' ? 1 : isMap(layer) ? (narrow ? 8 : 16) : layer.kind === 'output' ? 10 : narrow ? 16 : 32;
    const most = layer.kind === 'image' ? 84 : isMap(layer) ? 56 : layer.kind === 'output' ? 48 : 22;
    section.querySelector('.cells').style.setProperty('--columns', Math.min(columns, count));
    section.querySelector('.cells').style.setProperty('--most', `${most}px`);
  });
}

const cellAt = (stage, row, place) => stage.cells[row]?.[place];

// Where each cell is, each read once: the browser checks its layout for every number that is asked of it.
function placesOf(stage) {
  return stage.cells.map(cells => cells.map(({offsetLeft: left, offsetTop: top, offsetWidth: width, offsetHeight: height}) =>
    ({left, top, width, height})));
}

function pointOf(places, layer, row, source) {
  if (layer.kind !== 'image') {
    const {left, top, width, height} = places[row][source];
    return [left + width / 2, top + height];
  }
  const {left, top, width, height} = places[row][0];
  const [x, y] = [source % PIXELS, Math.floor(source / PIXELS)];
  return [left + (x + 0.5) / PIXELS * width, top + (y + 0.5) / PIXELS * height];
}

function connect(stage, data, chosen) {
  const svg = stage.querySelector('.lines');
  const links = [];
  data.layers.forEach((layer, row) => {
    const shown = chosen && chosen.row === row ? [...layer.links, ...ownLinks(data, row, chosen.place)] : layer.links;
    const most = Math.max(...shown.map(link => Math.abs(link[2])), 1e-9);
    shown.forEach(([source, place, amount, own]) => links.push({row, source, place, amount, share: Math.abs(amount) / most, own}));
  });
  while (svg.children.length > links.length) svg.lastChild.remove();
  while (svg.children.length < links.length) svg.append(document.createElementNS(SVG, 'line'));
  // All places are read before a line is moved: the browser would lay the page out again for each line.
  const places = placesOf(stage);
  const ends = links.map(link => {
    const [x1, y1] = pointOf(places, data.layers[link.row - 1], link.row - 1, link.source);
    const {left, top, width} = places[link.row][link.place];
    return {x1, y1, x2: left + width / 2, y2: top};
  });
  links.forEach((link, number) => {
    const line = svg.children[number];
    Object.entries(ends[number]).forEach(([name, value]) => line.setAttribute(name, value.toFixed(1)));
    line.setAttribute('class', `${link.amount < 0 ? 'against' : 'for'}${link.own ? ' own' : ''}`);
    line.style.cssText = `--row:${link.row};opacity:${(0.15 + 0.55 * link.share).toFixed(2)};stroke-width:${(0.75 + 2 * link.share).toFixed(2)}`;
  });
  svg.classList.toggle('chosen', links.some(link => link.own));
}

// What a chosen unit's largest terms come from, of what is shown: [place before, place, amount, true].
function ownLinks(data, row, place) {
  const before = data.layers[row - 1], sum = data.layers[row].sums[place];
  if (!sum) return data.layers[row].links.filter(link => link[1] === place).map(link => [...link.slice(0, 3), true]);
  const totals = new Map();
  sum.terms.forEach(([index, value, weight]) => {
    const source = before.kind === 'image' ? index[0] * PIXELS + index[1] : before.units.indexOf(index[0]);
    if (source >= 0) totals.set(source, (totals.get(source) ?? 0) + value * weight);
  });
  if (sum.skip !== null) {
    return data.layers[row].links.filter(link => link[1] === place).map(link => [...link.slice(0, 3), true]);
  }
  return [...totals].map(([source, amount]) => [source, place, amount, true]);
}

function inputText(data, row, index) {
  const {words} = data, before = data.layers[row - 1], [first, second, third] = index.map(number => number + 1);
  if (data.layers[row].kind === 'residual') return fill(words.inner, {unit: first, row: second, column: third});
  if (before.kind === 'image') return fill(words.pixel, {row: first, column: second});
  return index.length === 3 ? fill(words.place, {unit: first, row: second, column: third}) : fill(words.input, {unit: first});
}

function explain(stage, data, chosen) {
  const box = stage.querySelector('.why');
  const {words} = data, layer = data.layers[chosen.row], sum = layer.sums[chosen.place];
  const value = figures(layer.values[chosen.place]);
  const unit = layer.kind === 'output' ? data.names[layer.units[chosen.place]] : layer.units[chosen.place] + 1;
  const where = sum?.place ? {row: sum.place[0] + 1, column: sum.place[1] + 1} : {};
  const template = {image: words.image, average: words.average, output: words.whyDigit}[layer.kind]
    ?? (sum?.place ? words.whyMap : words.whyUnit);
  const title = fill(template, {unit, value, ...where});
  box.replaceChildren(make('div', 'title', title));
  if (sum) box.append(table(data, chosen.row, sum), ...after(words, layer, sum, value));
  box.hidden = false;
  const cell = cellAt(stage, chosen.row, chosen.place);
  const room = stage.clientWidth - box.offsetWidth;
  box.style.left = `${Math.max(0, Math.min(room, cell.offsetLeft + cell.offsetWidth / 2 - box.offsetWidth / 2))}px`;
  const {top, bottom} = cell.getBoundingClientRect();
  const bars = stage.clientWidth < NARROW ? BARS : 0;
  const roomBelow = window.innerHeight - bars - bottom, roomAbove = top;
  const under = roomBelow >= box.offsetHeight + GAP || roomBelow >= roomAbove;
  box.style.top = `${under ? cell.offsetTop + cell.offsetHeight + GAP : cell.offsetTop - box.offsetHeight - GAP}px`;
  return title;
}

function table(data, row, sum) {
  const {words} = data, rows = make('table'), head = make('thead'), body = make('tbody');
  head.append(line('th', [words.from, words.value, words.weight, words.product], true));
  sum.terms.forEach(([index, value, weight]) => {
    body.append(line('td', [inputText(data, row, index), figures(value), figures(weight), value * weight]));
  });
  if (sum.otherCount) body.append(line('td', [fill(words.others, {count: sum.otherCount}), '', '', sum.others]));
  if (sum.skip !== null) body.append(line('td', [words.skip, '', '', sum.skip]));
  body.append(line('td', [words.bias, '', '', sum.bias]));
  const total = line('td', [words.total, '', '', sum.total]);
  total.className = 'total';
  body.append(total);
  rows.append(head, body);
  return rows;
}

function line(name, texts, isHead) {
  const row = make('tr');
  texts.forEach((text, place) => {
    const cell = make(isHead || place === 0 ? 'th' : name, '', typeof text === 'number' ? figures(text) : text);
    if (typeof text === 'number') cell.className = text < 0 ? 'minus' : 'plus';
    row.append(cell);
  });
  return row;
}

function after(words, layer, sum, value) {
  return layer.activation ? [make('div', 'note', fill(words.after, {activation: layer.activation, value}))] : [];
}

function choose(stage, state, cell, aloud) {
  stage.querySelectorAll('.cell.chosen').forEach(each => each.classList.remove('chosen'));
  state.chosen = cell ? {row: Number(cell.dataset.row), place: Number(cell.dataset.place)} : null;
  if (!cell) {
    stage.querySelector('.why').hidden = true;
    connect(stage, state.data, null);
    return;
  }
  cell.classList.add('chosen');
  const title = explain(stage, state.data, state.chosen);
  connect(stage, state.data, state.chosen);
  if (aloud) stage.querySelector('.said').textContent = `${title}. ${aloudText(state.data, state.chosen)}`;
}

function aloudText(data, {row, place}) {
  const sum = data.layers[row].sums[place];
  if (!sum) return '';
  const terms = sum.terms.slice(0, 3).map(([index, value, weight]) =>
    `${inputText(data, row, index)}: ${figures(value)} × ${figures(weight)} = ${figures(value * weight)}`);
  return [...terms, `${data.words.bias}: ${figures(sum.bias)}`, `${data.words.total}: ${figures(sum.total)}`].join('; ');
}

// The cell that an arrow key leads to: beside it, or the nearest of the layer above or below.
function neighbour(stage, cell, key) {
  const row = Number(cell.dataset.row), place = Number(cell.dataset.place);
  if (key === 'ArrowLeft' || key === 'ArrowRight') return cellAt(stage, row, place + (key === 'ArrowLeft' ? -1 : 1));
  const middle = cell.offsetLeft + cell.offsetWidth / 2;
  const others = [...stage.cells[row + (key === 'ArrowUp' ? -1 : 1)] ?? []];
  const distance = other => Math.abs(other.offsetLeft + other.offsetWidth / 2 - middle);
  return others.sort((one, other) => distance(one) - distance(other))[0];
}

function listen(stage, state) {
  const go = cell => {
    stage.querySelectorAll('.cell[tabindex="0"]').forEach(each => { each.tabIndex = -1; });
    cell.tabIndex = 0;
    cell.focus({preventScroll: false});
  };
  stage.onkeydown = event => {
    const cell = event.target.closest('.cell');
    if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') choose(stage, state, null);
    else if (event.key === 'Enter' || event.key === ' ') choose(stage, state, cell, true);
    else if (event.key.startsWith('Arrow')) { const next = neighbour(stage, cell, event.key); if (next) go(next); }
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  stage.addEventListener('focusin', event => {
    const cell = event.target.closest('.cell');
    if (cell) choose(stage, state, cell, true);
  });
  stage.addEventListener('focusout', event => { if (!stage.contains(event.relatedTarget)) choose(stage, state, null); });
  stage.onpointerover = event => {
    const cell = event.target.closest('.cell');
    if (cell && event.pointerType === 'mouse') choose(stage, state, cell);
  };
  stage.onpointerleave = event => {
    if (event.pointerType !== 'mouse') return;
    const focused = stage.querySelector('.cell:focus-visible');
    choose(stage, state, focused);
  };
  stage.onclick = event => {
    const cell = event.target.closest('.cell');
    if (cell) { go(cell); choose(stage, state, cell, true); } else if (!event.target.closest('button')) choose(stage, state, null);
  };
}

function flow(stage) {
  stage.classList.remove('flow');
  void stage.offsetWidth; // begins the animation anew
  stage.classList.add('flow');
}

function show(stage, state) {
  const {data} = state;
  const shape = JSON.stringify(data.layers.map(layer => [layer.kind, layer.units.length, layer.side]));
  if (state.shape !== shape) { build(stage, data); state.shape = shape; state.chosen = null; }
  update(stage, data);
  arrange(stage, data);
  const chosen = state.chosen && cellAt(stage, state.chosen.row, state.chosen.place);
  if (chosen) choose(stage, state, chosen); else choose(stage, state, null);
  stage.querySelector('.hint').textContent = data.hint;
  if (!state.still && state.seen) flow(stage);
  stage.dataset.version = data.version;
}

// Draw what came last, unless the picture is held still. Off the screen nothing is drawn but the first picture:
// that would cost the page, and a training on the same machine, for nobody.
function refresh(stage, state) {
  const {data: shown, next} = state;
  const same = shown?.version === next.version && shown.words.still === next.words.still;
  const held = state.still && next.live && shown?.subject === next.subject;
  if (same || held || (shown && !state.seen)) return;
  state.data = next;
  show(stage, state);
}

function follow(stage, state) {
  const sizeNow = () => `${stage.clientWidth} x ${stage.clientHeight}`;
  let size = sizeNow(); // the observer tells of the first size, too, for which all is drawn already
  new ResizeObserver(() => {
    if (!state.data || size === sizeNow()) return;
    size = sizeNow();
    arrange(stage, state.data);
    connect(stage, state.data, state.chosen);
  }).observe(stage);
  new IntersectionObserver(([entry]) => {
    state.seen = entry.isIntersecting;
    stage.classList.toggle('away', !state.seen);
    if (state.seen) refresh(stage, state);
  }).observe(stage);
}

export default function ({data, parentElement, setStateValue}) {
  const stage = parentElement.querySelector('.stage');
  const reduced = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
  const isNew = !stage.lab;
  if (isNew) {
    stage.lab = {still: data.still || reduced};
    listen(stage, stage.lab);
    if (stage.lab.still && !data.still) setStateValue('still', true);
  }
  const state = stage.lab, button = stage.querySelector('.still');
  button.textContent = data.words.still;
  button.setAttribute('aria-pressed', String(state.still));
  button.onclick = () => {
    state.still = !state.still;
    button.setAttribute('aria-pressed', String(state.still));
    setStateValue('still', state.still);
    if (!state.still) refresh(stage, state);
  };
  state.next = data;
  refresh(stage, state);
  if (isNew) follow(stage, state);
}
