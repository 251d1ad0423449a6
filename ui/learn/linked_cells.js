// Grids of numbers whose cells are linked: a chosen cell lights what it comes from and writes its sum out.
// Each grid that can be chosen from is one stop of the Tab key; arrows move within (ARIA's authoring guide).
const MOVES = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};
const MOST_TERMS = 10; // of a sum that are written out: the largest
const MOST_LIT = 200; // cells of a whole grid with a ring of their own; a larger grid has one

const number = text => Number(text.replace('−', '-').replaceAll(',', ''));
const factor = text => (text.startsWith('−') ? `(${text})` : text);

function build(stage, data) {
  const grids = stage.querySelector('.grids'), said = stage.querySelector('.said');
  grids.replaceChildren(said);
  data.grids.forEach((grid, order) => {
    if (grid.before) grids.append(make('span', 'before', grid.before));
    const box = make('figure', `box ${grid.look}`);
    box.append(make('figcaption', '', grid.title));
    const frame = make('div', grid.scrolling ? 'frame scrolling' : 'frame');
    const table = make('div', 'cells');
    table.setAttribute('role', 'grid');
    table.dataset.order = order;
    table.classList.toggle('chosen-from', grid.sources.length > 0);
    if (grid.columnNames.length) table.append(names(grid));
    for (let row = 0; row < grid.rows; row++) table.append(line(grid, row));
    frame.append(table);
    box.append(frame);
    grids.append(box);
  });
}

function names(grid) {
  const heads = make('div', 'row heads');
  heads.setAttribute('role', 'row');
  if (grid.rowNames.length) heads.append(make('span', 'name'));
  grid.columnNames.forEach(text => {
    const head = make('span', 'name', text);
    head.setAttribute('role', 'columnheader');
    heads.append(head);
  });
  return heads;
}

function line(grid, row) {
  const cells = make('div', 'row');
  cells.setAttribute('role', 'row');
  if (grid.rowNames.length) {
    const name = make('span', 'name', grid.rowNames[row]);
    name.setAttribute('role', 'rowheader');
    cells.append(name);
  }
  for (let column = 0; column < grid.columns; column++) {
    const cell = make('div', 'cell');
    cell.setAttribute('role', 'gridcell');
    cell.dataset.place = row * grid.columns + column;
    cell.append(make('span', 'text'));
    cells.append(cell);
  }
  return cells;
}

const shapes = data => JSON.stringify(data.grids.map(({name, rows, columns, rowNames, columnNames, scrolling}) =>
  [name, rows, columns, rowNames, columnNames, scrolling]));
const tables = stage => [...stage.querySelectorAll('.cells')];
const cellsOf = table => [...table.querySelectorAll('.cell')];

function update(stage, data) {
  stage.querySelector('.hint').textContent = data.hint;
  tables(stage).forEach((table, order) => {
    const grid = data.grids[order];
    table.style.setProperty('--columns', grid.columns);
    table.style.setProperty('--cell', `${grid.cell}px`);
    table.setAttribute('aria-label', grid.title);
    table.closest('.box').querySelector('figcaption').textContent = grid.title;
    table.classList.toggle('flat', grid.flat);
    table.classList.toggle('small', !grid.scrolling && grid.columns > 12);
    cellsOf(table).forEach((cell, place) => colour(cell, grid, place, data.words));
  });
}

function colour(cell, grid, place, words) {
  const share = Math.max(-1, Math.min(1, grid.values[place] / grid.largest));
  cell.querySelector('.text').textContent = grid.texts[place];
  const where = {row: Math.floor(place / grid.columns), column: place % grid.columns};
  cell.setAttribute('aria-label', `${fill(words.cell, where)}: ${grid.texts[place]}`);
  cell.classList.toggle('below', share < 0);
  cell.classList.toggle('bright', share > 0.46);
  cell.style.setProperty('--share', Math.abs(share).toFixed(3));
}

// The calculation of a cell, as "3 x 0.5 + 1 x (-0.2) + bias 0.1 = 1.4".
function written(source, total, data) {
  if (source.text) return source.text;
  const parts = source.cells.map(([name, places]) => [data.grids.find(grid => grid.name === name), places]);
  if (!parts.length || (parts.length === 1 && parts[0][1].length === 1 && source.bias === null)) return '';
  const [[first, places], second] = parts;
  const terms = places.map((place, order) => {
    const own = [[first, place], ...(second ? [[second[0], second[1][order]]] : [])];
    return {
      text: own.map(([grid, at]) => factor(grid.texts[at])).join(' × '),
      exact: own.reduce((product, [grid, at]) => product * grid.values[at], 1),
      rounded: own.reduce((product, [grid, at]) => product * number(grid.texts[at]), 1),
    };
  });
  const shown = terms.length <= MOST_TERMS ? terms : terms.filter(term => term.exact !== 0)
    .sort((one, other) => Math.abs(other.exact) - Math.abs(one.exact)).slice(0, MOST_TERMS);
  const others = terms.filter(term => !shown.includes(term));
  const decimals = (total.split('.')[1] ?? '').length;
  const rest = others.reduce((sum, term) => sum + term.exact, 0);
  const restText = rest.toFixed(decimals).replace('-', '−');
  const pieces = shown.map(term => term.text);
  if (others.some(term => term.exact !== 0)) {
    const count = others.filter(term => term.exact !== 0).length;
    pieces.push(`${fill(data.words.others, {count})} ${factor(restText)}`);
  }
  if (source.bias !== null) pieces.push(`${data.words.bias} ${factor(source.bias)}`);
  const sum = shown.reduce((all, term) => all + term.rounded, rest + (source.bias === null ? 0 : number(source.bias)));
  const equal = Math.abs(sum - number(total)) < 1e-9 ? '=' : '≈';
  return `${pieces.join(' + ') || '0'} ${equal} ${total}`;
}

function choose(stage, order, place) {
  const {data} = stage;
  const grid = data.grids[order], source = grid.sources[place];
  if (!source) return;
  Object.assign(stage, {chosen: [grid.name, place]});
  stage.querySelectorAll('.lit, .chosen, .all').forEach(each => each.classList.remove('lit', 'chosen', 'all'));
  const all = tables(stage);
  source.cells.forEach(([name, places]) => {
    const table = all[data.grids.findIndex(each => each.name === name)];
    light(table, places);
  });
  const chosen = cellsOf(all[order])[place];
  chosen.classList.add('chosen');
  cellsOf(all[order]).forEach(cell => { cell.tabIndex = cell === chosen ? 0 : -1; });
  bring(chosen);
  say(stage, grid, place, source);
}

function light(table, places) {
  const cells = cellsOf(table);
  if (places.length > MOST_LIT && places.length === cells.length) { table.classList.add('all'); return; }
  places.forEach(place => cells[place].classList.add('lit'));
  if (places.length) bring(cells[places[0]]);
}

// Scrolls a cell's own frame, never the page.
function bring(cell) {
  const frame = cell.closest('.scrolling');
  if (!frame || cell.matches(':hover')) return;
  const [outer, inner] = [frame.getBoundingClientRect(), cell.getBoundingClientRect()];
  frame.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
}

function say(stage, grid, place, source) {
  const facts = {
    row: Math.floor(place / grid.columns), column: place % grid.columns, place,
    value: grid.texts[place], note: grid.notes[place] ?? '',
  };
  const sum = written(source, grid.texts[place], stage.data);
  stage.querySelector('.said').textContent = [fill(grid.sentence, facts), sum].filter(Boolean).join(' ');
}

function pick(stage, event) {
  const cell = event.target.closest('.chosen-from .cell');
  if (cell) choose(stage, Number(cell.closest('.cells').dataset.order), Number(cell.dataset.place));
  return cell;
}

export default function ({data, parentElement}) {
  const stage = parentElement.querySelector('.stage');
  if (!stage.data) stage.addEventListener('focusin', event => pick(stage, event)); // has no on... property
  if (stage.shape !== shapes(data)) {
    build(stage, data);
    Object.assign(stage, {shape: shapes(data), chosen: null});
  }
  stage.data = data;
  update(stage, data);
  const [name, place] = stage.chosen ?? data.start;
  tables(stage).forEach(table => {
    const first = cellsOf(table)[0];
    if (table.matches('.chosen-from') && !table.querySelector('[tabindex="0"]')) first.tabIndex = 0;
  });
  choose(stage, data.grids.findIndex(grid => grid.name === name), place);
  stage.onpointerover = event => { if (event.pointerType === 'mouse') pick(stage, event); };
  stage.onclick = event => pick(stage, event)?.focus({preventScroll: true});
  stage.onkeydown = event => {
    const cell = event.target.closest('.chosen-from .cell'), move = MOVES[event.key];
    if (!cell || !move || event.ctrlKey || event.metaKey || event.altKey) return;
    const table = cell.closest('.cells'), grid = stage.data.grids[Number(table.dataset.order)];
    const at = Number(cell.dataset.place);
    const row = Math.min(grid.rows - 1, Math.max(0, Math.floor(at / grid.columns) + move[0]));
    const column = Math.min(grid.columns - 1, Math.max(0, at % grid.columns + move[1]));
    cellsOf(table)[row * grid.columns + column].focus({preventScroll: true});
    event.preventDefault();
    event.stopPropagation();
  };
}
