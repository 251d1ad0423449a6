// A grid after the pattern of ARIA's authoring guide: one stop of the Tab key, arrows move within.
const SIDE = 28;
const WAIT = 150; // milliseconds without a change before it is sent
const MOVES = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};

function build(grid, ink, words) {
  for (let row = 0; row < SIDE; row++) {
    const line = document.createElement('div');
    line.className = 'row';
    line.setAttribute('role', 'row');
    for (let column = 0; column < SIDE; column++) {
      const cell = document.createElement('div');
      cell.className = 'cell';
      cell.setAttribute('role', 'gridcell');
      cell.dataset.place = row * SIDE + column;
      cell.tabIndex = row === 4 && column === 14 ? 0 : -1;
      line.append(cell);
      mark(cell, ink[row * SIDE + column] === '1', words);
    }
    grid.append(line);
  }
}

function mark(cell, inked, words) {
  const place = Number(cell.dataset.place);
  cell.setAttribute('aria-selected', String(inked));
  const where = words.cell.replace('{row}', Math.floor(place / SIDE) + 1).replace('{column}', place % SIDE + 1);
  cell.setAttribute('aria-label', where.replace('{what}', inked ? words.ink : words.paper));
}

const isInked = cell => cell.getAttribute('aria-selected') === 'true';

export default function ({data, parentElement, setStateValue}) {
  const grid = parentElement.querySelector('.grid');
  const place = parentElement.querySelector('.place');
  const {words} = data;
  if (!grid.children.length) build(grid, data.ink, words);
  grid.setAttribute('role', 'grid');
  grid.setAttribute('aria-label', words.label);
  grid.setAttribute('aria-multiselectable', 'true');
  const cells = [...grid.querySelectorAll('.cell')];

  const set = (cell, inked) => {
    mark(cell, inked, words);
    clearTimeout(grid.waiting);
    grid.waiting = setTimeout(
      () => setStateValue('ink', cells.map(each => (isInked(each) ? '1' : '0')).join('')), WAIT);
  };
  const go = cell => {
    cells.forEach(each => { each.tabIndex = each === cell ? 0 : -1; });
    cell.focus();
    place.textContent = cell.getAttribute('aria-label');
  };
  grid.onkeydown = event => {
    const cell = event.target.closest('.cell');
    if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
    const number = Number(cell.dataset.place);
    const move = MOVES[event.key];
    if (event.key === ' ' || event.key === 'Enter') {
      set(cell, !isInked(cell));
      go(cell);
    } else if (move) {
      const row = Math.min(SIDE - 1, Math.max(0, Math.floor(number / SIDE) + move[0]));
      const column = Math.min(SIDE - 1, Math.max(0, number % SIDE + move[1]));
      const next = cells[row * SIDE + column];
      if (event.shiftKey) { set(cell, true); set(next, true); }
      go(next);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  let inking = null; // whether a pointer that is down inks or erases
  grid.onpointerdown = event => {
    const cell = event.target.closest('.cell');
    if (!cell) return;
    inking = !isInked(cell);
    set(cell, inking);
    go(cell);
    event.preventDefault();
  };
  grid.onpointermove = event => {
    if (inking === null || !event.buttons) { inking = null; return; }
    const cell = (grid.getRootNode().elementFromPoint(event.clientX, event.clientY) || grid).closest('.cell');
    if (cell && isInked(cell) !== inking) set(cell, inking);
  };
  grid.onpointerup = () => { inking = null; };
}
