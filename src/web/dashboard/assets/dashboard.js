// Keeps a page up to date. Everything it puts into the page is HTML that the server has rendered and escaped.
'use strict';

const main = document.getElementById('main');
const live = document.getElementById('live');
/** The most that the output of a unit may hold here; the whole of it is one link away. Characters. */
const MAX_OUTPUT = 512 * 1024;

function parse(html) {
  const template = document.createElement('template');
  template.innerHTML = html;
  return template.content;
}

/** Replaces a part by its id; what was open stays open, and what had the focus has it again. */
function replace(id, html) {
  const before = document.getElementById(id);
  const after = parse(html).firstElementChild;
  if (before === null || after === null) return;
  const open = [...before.querySelectorAll('details')].map((each) => each.open);
  for (const [at, each] of [...after.querySelectorAll('details')].entries()) each.open = open[at] ?? false;
  const focusable = 'a, button, summary, [tabindex]';
  const focused = [...before.querySelectorAll(focusable)].indexOf(document.activeElement);
  before.replaceWith(after);
  if (focused >= 0) after.querySelectorAll(focusable)[focused]?.focus({ preventScroll: true });
}

function append(html) {
  const output = document.getElementById('output');
  if (output === null) return;
  const atEnd = output.scrollTop + output.clientHeight >= output.scrollHeight - 40;
  output.append(parse(html));
  while (output.textContent.length > MAX_OUTPUT && output.firstChild !== null) output.firstChild.remove();
  if (atEnd) output.scrollTop = output.scrollHeight;
}

const output = document.getElementById('output');
if (output !== null) output.scrollTop = output.scrollHeight;

if (main?.dataset.stream !== undefined && live !== null) {
  const stream = new EventSource(main.dataset.stream);
  const say = (words) => {
    if (live.textContent !== words) live.textContent = words;
  };
  stream.addEventListener('open', () => say('live'));
  stream.addEventListener('error', () =>
    say(
      stream.readyState === EventSource.CLOSED ? 'not live: reload the page' : 'not live: connecting again',
    ),
  );
  stream.addEventListener('parts', ({ data }) => {
    const { parts, states = {} } = JSON.parse(data);
    for (const [id, html] of Object.entries(parts)) replace(id, html);
    for (const [unit, state] of Object.entries(states))
      document.getElementById(`node-${unit}`)?.setAttribute('class', `s-${state}`);
  });
  stream.addEventListener('output', ({ data }) => append(JSON.parse(data).html));
}
