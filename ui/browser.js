/* What Streamlit's frontend lacks: sliders that let a page scroll, a history of pages, a word when the server is
   lost, a canvas as wide as a phone. streamlit_app.py sends it with every page, and sets window.digitLabWords and
   window.digitLabCarried before it.
   Streamlit drops a script in which a letter, "/" or "!" follows "<" at once: write "a < b". */
(() => {
  if (window.digitLab) return window.digitLab.markPage(); // another language has another list of pages

  /* Sliders. Streamlit's take a finger's position as soon as it touches them, so a swipe that scrolls would change
     them. Here a finger acts once it has moved sideways; style.css lets the browser scroll by the other swipes. */
  const SIDEWAYS = 8; // pixels
  const SLIDER = '.stSlider [role="group"]';
  let held = null; // the pointerdown event of a finger that rests on a slider

  const sliderOf = (event) => event.isTrusted && event.target.closest?.(SLIDER);
  const isThumb = (element) =>
    [...element.closest(SLIDER).querySelectorAll('input[type="range"]')].some((input) =>
      input.parentElement.parentElement.contains(element),
    );
  const replay = ({ target, pointerId, clientX, clientY }) => {
    const where = { pointerId, clientX, clientY, pointerType: 'touch', isPrimary: true, button: 0, buttons: 1 };
    target.dispatchEvent(
      new PointerEvent('pointerdown', { ...where, bubbles: true, cancelable: true, composed: true }),
    );
  };

  const hold = (event) => {
    if (event.pointerType !== 'touch' || !sliderOf(event)) return;
    event.stopPropagation();
    held = event.isPrimary ? event : null;
  };
  const move = (event) => {
    if (event.pointerId !== held?.pointerId) return;
    const [across, along] = [Math.abs(event.clientX - held.clientX), Math.abs(event.clientY - held.clientY)];
    if (Math.max(across, along) < SIDEWAYS) return;
    if (across > along) replay(held);
    held = null;
  };
  const release = (event) => {
    if (event.pointerId !== held?.pointerId) return;
    if (event.type === 'pointerup' && isThumb(held.target)) replay(held); // gives it the focus
    held = null;
  };
  addEventListener('pointerdown', hold, true);
  addEventListener('pointermove', move, true);
  addEventListener('pointerup', release, true);
  addEventListener('pointercancel', release, true);
  addEventListener('touchstart', (event) => sliderOf(event) && event.stopPropagation(), { capture: true, passive: true });
  // No mouse events follow a tap: a slider would take them for its own.
  const noMouse = (event) => sliderOf(event) && event.cancelable && event.preventDefault();
  addEventListener('touchend', noMouse, { capture: true, passive: false });

  /* Charts of Plotly. At a tap they select the point that the mouse is over: with a finger, the one tapped before. */
  const hover = ({ target, touches }) => {
    if (touches.length > 1 || !target.classList?.contains('nsewdrag')) return;
    const { clientX, clientY } = touches[0];
    target.dispatchEvent(new MouseEvent('mousemove', { clientX, clientY, bubbles: true, view: window }));
  };
  addEventListener('touchstart', hover, { capture: true, passive: true });

  /* History: Back leaves the page. Streamlit adds an entry for each tab and setting; here they replace the page's.
     Each chapter of Learn counts as a page. */
  const ALIAS = /\/explore\/?$/; // sends to the first page, and would again after Back
  const push = history.pushState;
  history.pushState = function (state, title, url) {
    const next = new URL(url ?? '', location.href);
    const chapter = new URLSearchParams(location.search).get('chapter');
    const isSameChapter = !chapter || chapter === next.searchParams.get('chapter');
    const isSamePage = (next.pathname === location.pathname && isSameChapter) || ALIAS.test(location.pathname);
    (isSamePage ? history.replaceState : push).call(this, state, title, url);
    if (!isSamePage) markPage(); // else the timer does, as the answer to a click would wait for it
  };

  /* Links to pages. Those to the first page are to be "/?lang=en", not "?lang=en", which opens the present page in a
     new tab. Those in the list of pages are plain HTML: here they get the parameters that they carry, the link to the
     page that is open says so, and a click shows its page as Back and Forward do, without loading the app again. */
  const script = document.querySelector('script[src*="static/js/"]');
  const root = new URL('../../', script?.src ?? location.href);
  const LISTED = '.lab-pages a';
  const STREAMLITS = /^embed(_options)?$/;
  const carry = (link) => {
    const address = new URL(new URL(link.getAttribute('href'), root).pathname, root);
    for (const [name, value] of new URLSearchParams(location.search)) {
      const isCarried = STREAMLITS.test(name) || window.digitLabCarried.includes(name);
      if (isCarried) address.searchParams.append(name, value);
    }
    const href = address.pathname + address.search;
    if (link.getAttribute('href') !== href) link.setAttribute('href', href);
  };
  const markPage = () => {
    for (const link of document.querySelectorAll('a[data-testid="stPageLink-NavLink"]')) {
      const href = link.getAttribute('href');
      if (/^(\?|$)/.test(href)) link.href = root.pathname + href;
    }
    for (const link of document.querySelectorAll(LISTED)) {
      carry(link);
      const current = link.pathname === location.pathname ? 'page' : null;
      if (link.ariaCurrent !== current) link.ariaCurrent = current;
    }
  };
  const follow = (event) => {
    const link = event.target.closest?.(LISTED);
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (!isConnected()) return; // Streamlit could not show the page, nor say so
    carry(link);
    history.pushState(null, '', link.href);
    dispatchEvent(new PopStateEvent('popstate'));
  };
  addEventListener('click', follow);
  addEventListener('popstate', markPage);
  markPage();
  window.digitLab = { markPage };

  /* Connection: asks the server whether it is there, as a websocket whose network is gone says nothing for long. */
  const TICK = 400; // milliseconds
  const EVERY = 1200; // from one question to the next, so that the page says within 5 s that the server is lost:
  const SILENT = 3000; // after a question without an answer for so long,
  const REFUSED = 2000; // or after none but failed questions for so long
  const SHOWN = 4000; // how long "connected again" stays
  const STREAMLITS_DIALOG = 'Connection error'; // in English only, and over the page
  const health = new URL('_stcore/health', root);
  const server = { asked: 0, pending: null, missing: null, lost: false, ticked: performance.now() };

  const say = (words) => {
    let banner = document.getElementById('lab-connection');
    if (!banner) {
      banner = document.createElement('div');
      banner.id = 'lab-connection';
      banner.setAttribute('role', 'alert');
      document.querySelector('.stApp')?.append(banner);
    }
    banner.textContent = words;
  };
  const isConnected = () => document.querySelector('.stApp')?.dataset.testConnectionState === 'CONNECTED';
  const ask = async () => {
    const controller = (server.pending = new AbortController());
    const end = setTimeout(() => controller.abort(), SILENT + TICK);
    server.asked = performance.now();
    const answer = await fetch(health, { cache: 'no-store', signal: controller.signal }).catch(() => null);
    clearTimeout(end);
    if (server.pending !== controller) return; // given up
    server.pending = null;
    if (answer?.ok && isConnected()) find();
    else server.missing ??= server.asked;
  };
  const find = () => {
    server.missing = null;
    if (!server.lost) return;
    server.lost = false;
    document.documentElement.classList.remove('lab-lost');
    say(window.digitLabWords.connected);
    setTimeout(() => server.lost || say(''), SHOWN);
  };
  const lose = () => {
    server.lost = true;
    document.documentElement.classList.add('lab-lost');
    say(window.digitLabWords.lost);
  };
  const startAnew = () => {
    server.pending?.abort();
    Object.assign(server, { asked: 0, pending: null, missing: null });
  };
  const closeDialog = () => {
    const dialog = document.querySelector('[data-testid="stDialog"]');
    if (dialog?.textContent.startsWith(STREAMLITS_DIALOG)) dialog.querySelector('button[aria-label="Close"]')?.click();
  };
  const watch = () => {
    const now = performance.now();
    const slept = now - server.ticked > 5 * TICK; // the tab or the machine
    server.ticked = now;
    if (slept) startAnew();
    if (document.hidden) return;
    markPage(); // Streamlit makes the links when it likes
    sayAnswer();
    fit();
    const isSilent = server.pending && now - server.asked >= SILENT;
    const isRefused = server.missing && now - server.missing >= REFUSED;
    if (server.lost) closeDialog();
    else if (isSilent || isRefused) lose();
    if (!server.pending && now - server.asked >= (server.missing ? TICK : EVERY)) ask();
  };
  document.addEventListener('visibilitychange', startAnew);
  setInterval(watch, TICK);

  /* Answers, for who hears the page: what the network reads is said once it changes. The region stays, as browsers say
     nothing of a region that is put in with its words. */
  const ANSWER = '.st-key-answer h3, .st-key-first_heading h3';
  const shown = { page: '', words: '' };
  const sayAnswer = () => {
    const heading = document.querySelector(ANSWER);
    const sentence = heading?.closest('.st-key-answer, .st-key-first_heading').querySelector('[data-testid="stCaptionContainer"]');
    const words = heading ? [heading, sentence].map((each) => each?.textContent ?? '').join('. ') : '';
    const isNew = words && words !== shown.words && shown.page === location.pathname;
    Object.assign(shown, { page: location.pathname, words });
    let region = document.getElementById('lab-answer');
    if (!region) {
      region = document.createElement('div');
      region.id = 'lab-answer';
      region.setAttribute('role', 'status');
      document.querySelector('.stApp')?.append(region);
    }
    if (isNew) region.textContent = words;
  };

  /* Links in help. Under a finger Streamlit closes the help before the click that would open the link. */
  const openHelp = (event) => {
    const link = event.pointerType === 'touch' && event.target.closest?.('[data-testid="stTooltipContent"] a');
    if (link) open(link.href, '_blank', 'noopener');
  };
  addEventListener('pointerup', openHelp, true);

  /* Help that a finger scrolls. The finger then leaves the help by pointer events, at which Streamlit closes it. */
  const keepHelp = (event) => {
    const isInHelp = event.target.closest?.('[data-testid="stTooltipContent"]');
    if (event.pointerType === 'touch' && isInHelp) event.stopImmediatePropagation();
  };
  addEventListener('pointerout', keepHelp, true);

  /* A phone shows the button for the runs beside our name only, as it would cover what is scrolled below it. */
  const markScrolled = (event) => {
    if (event.target.dataset?.testid !== 'stMain') return;
    document.documentElement.classList.toggle('lab-scrolled', event.target.scrollTop > 20);
  };
  addEventListener('scroll', markScrolled, { capture: true, passive: true });

  /* Canvas: 280 pixels wide in its own measure, on a phone enlarged by style.css to the width of the page. That of the
     first page ends above the links to the pages. With a drawing in it, it stays as it is. */
  const SIDE = 280;
  const MOST = 420; // pixels
  const AROUND = 150; // pixels of the window's height that stay for what is around it
  const LEAST = 140; // pixels
  const BELOW = 10; // pixels from the first page's canvas to the links
  const PHONE = matchMedia('(max-width: 640px)');
  const { style } = document.documentElement;
  const fit = () => {
    if (!PHONE.matches) { // nothing is measured, as each measure has the browser lay out the page
      style.removeProperty('--lab-canvas');
      style.removeProperty('--lab-first-canvas');
      return;
    }
    const page = document.querySelector('.stMainBlockContainer');
    const { paddingLeft, paddingRight } = getComputedStyle(page ?? document.body);
    const width = (page?.clientWidth ?? SIDE) - parseFloat(paddingLeft) - parseFloat(paddingRight);
    const side = Math.min(width, innerHeight - AROUND, MOST);
    style.setProperty('--lab-canvas', Math.max(side / SIDE, 1));
    fitFirst(side);
  };
  const fitFirst = (most) => {
    const frame = document.querySelector('.st-key-first_drawing:not(:has(.st-key-next_step)) .st-key-canvas_frame');
    if (!frame) return;
    const top = frame.getBoundingClientRect().top + document.querySelector('[data-testid="stMain"]').scrollTop;
    const room = document.querySelector('.lab-pages').getBoundingClientRect().top - BELOW - top;
    style.setProperty('--lab-first-canvas', Math.max(Math.min(most, room), LEAST) / SIDE);
  };
  addEventListener('resize', fit);
  fit();

  /* The canvas's own tools show above it under a mouse; under a finger they would stay there and cover the page. */
  const noTools = new CSSStyleSheet();
  noTools.replaceSync('.dc-toolbar { display: none !important; }');
  const hideTools = (event) => {
    const shadow = event.pointerType === 'touch' && event.composedPath()[0].getRootNode();
    if (!shadow || !shadow.host?.closest('.st-key-canvas_frame') || shadow.adoptedStyleSheets.includes(noTools)) return;
    shadow.adoptedStyleSheets = [...shadow.adoptedStyleSheets, noTools];
  };
  addEventListener('pointerdown', hideTools, true);
})();
