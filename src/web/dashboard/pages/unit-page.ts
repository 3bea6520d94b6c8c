import type { RunEvent } from '../../../events/event.ts';
import type { UnitProgress } from '../../../events/unit-progress.ts';
import { describeCost, formatCost, formatDuration, formatTokens } from '../../../text/amounts.ts';
import { cut } from '../../../text/cut.ts';
import { printable } from '../../../text/terminal-layout.ts';
import { renderTerminalText } from '../ansi.ts';
import { html, type Markup } from '../markup.ts';
import type { DashboardSource, OutputPart } from '../source.ts';
import type { Access } from '../visitor.ts';
import { type Step, stepsOf } from './attempts.ts';
import { type PageContext, renderButton } from './layout.ts';
import { activityOf, SIGN, tasksDone, clockOf, UNIT_STATE } from './words.ts';

/** A unit as a page shows it at one moment. */
export interface UnitView {
  readonly context: PageContext;
  readonly run: string;
  readonly unit: UnitProgress;
  /** Its events. */
  readonly events: readonly RunEvent[];
  readonly isAlive: boolean;
  readonly source: Pick<DashboardSource, 'changesRuns' | 'readPatch'>;
  /** What its reader may see: what agents say and cost, and buttons, are for who may push. */
  readonly access: Access;
}

/** What the outputs of commands may take of one page, the newest first, and one of them. Characters. */
const MAX_OUTPUTS = 96 * 1024;
const MAX_OUTPUT = 24 * 1024;
/** Steps that one page shows, the newest ones. */
const MAX_STEPS = 300;

/** The content of the page of a unit. */
export function renderUnit(view: UnitView, output: OutputPart | undefined): Markup {
  const { context, run, unit } = view;
  const address = `${context.base}/runs/${run}/units/${unit.plan.id}`;
  if (view.access !== 'push') return html`${renderUnitSummary(view)} ${renderSteps(view)}`;
  return html`${renderUnitSummary(view)} ${renderSteps(view)}
    <section aria-labelledby="output-title">
      <h2 id="output-title">Output</h2>
      <p class="note"><a href="${address}/output">all that is stored, as text</a></p>
      <pre id="output" class="output" tabindex="0" role="log" aria-live="off" aria-labelledby="output-title">
${
          output === undefined
            ? ''
            : html`${output.isCut ? 'what came before is left out here\n' : ''}${renderTerminalText(output.text)}`
        }</pre>
    </section>`;
}

/** How the unit stands, and what can be done with it. */
export function renderUnitSummary({ context, run, unit, isAlive, source, access }: UnitView): Markup {
  const { plan, state, spending, message, hint, branch, head, notices, judge } = unit;
  const activity = activityOf(unit);
  const canChange = (isAlive || source.changesRuns) && access === 'push';
  const kinds = canChange ? ACTIONS[state] : [];
  return html`<section id="summary" aria-labelledby="title">
    <p><a href="${context.base}/runs/${run}">run ${run}</a></p>
    <h1 id="title">
      ${plan.id}
      <span class="status s-${state}"
        >${SIGN[state]} ${UNIT_STATE[state]}${activity === '' ? '' : `: ${activity}`}</span
      >
    </h1>
    <p>${printable(plan.title)}</p>
    ${message === null ? '' : html`<p class="why">${printable(message)}</p>`}
    ${hint === null ? '' : html`<p class="todo">${printable(hint)}</p>`}
    <dl class="facts">
      <div>
        <dt>tasks</dt>
        <dd>${tasksDone(unit)} of ${plan.tasks.length}</dd>
      </div>
      <div>
        <dt>provider</dt>
        <dd>${plan.provider}</dd>
      </div>
      ${
        branch === null
          ? ''
          : html`<div>
              <dt>branch</dt>
              <dd><code>${printable(branch)}</code></dd>
            </div>`
      }
      ${
        head === null
          ? ''
          : html`<div>
              <dt>head</dt>
              <dd><code>${head.slice(0, 12)}</code></dd>
            </div>`
      }
      ${
        spending.tokens === 0 || access !== 'push'
          ? ''
          : html`<div>
              <dt>used</dt>
              <dd>${formatTokens(spending.tokens)} tokens, ${describeCost(spending)}</dd>
            </div>`
      }
      ${
        plan.dependsOn.length === 0
          ? ''
          : html`<div>
              <dt>depends on</dt>
              <dd>
                ${plan.dependsOn.map((id, at) => html`${at === 0 ? '' : ', '}<a href="${context.base}/runs/${run}/units/${id}">${id}</a>`)}
              </dd>
            </div>`
      }
    </dl>
    ${
      notices.length === 0
        ? ''
        : html`<ul class="notices">
            ${notices.slice(-20).map((notice) => html`<li>${printable(cut(notice.message, 500))}</li>`)}
          </ul>`
    }
    ${
      judge === null || judge.changes.length === 0
        ? ''
        : html`<p class="why">
            Its work changed what judges it:
            ${judge.changes
              .slice(0, 10)
              .map(({ path, level }) => `${printable(path)} (${level})`)
              .join(', ')}
          </p>`
    }
    ${kinds.length === 0 ? '' : html`<div class="actions">${kinds.map(([kind, label]) => renderButton(context, { run, unit: plan.id, kind, label }))}</div>`}
  </section>`;
}

const CANCEL = ['cancel', 'Cancel'] as const;
const SKIP = ['skip', 'Skip'] as const;
const RETRY = ['retry', 'Retry'] as const;
const ACTIONS: Readonly<Record<UnitProgress['state'], readonly (readonly [kind: string, label: string])[]>> =
  {
    pending: [CANCEL, SKIP],
    running: [CANCEL, SKIP],
    failed: [RETRY, SKIP],
    blocked: [SKIP],
    cancelled: [RETRY, SKIP],
    complete: [],
    skipped: [],
  };

/** What happened, step by step. */
export function renderSteps(view: UnitView): Markup {
  const all = stepsOf(view.events);
  const steps = all.slice(-MAX_STEPS);
  let room = MAX_OUTPUTS;
  const shown = steps.toReversed().map((step) => {
    const text = step.kind === 'command' ? cutStart(step.event.tail, Math.min(MAX_OUTPUT, room)) : '';
    room -= text.length;
    return renderStep(view, step, text);
  });
  return html`<section id="steps" aria-labelledby="steps-title">
    <h2 id="steps-title">Attempts</h2>
    ${steps.length < all.length ? html`<p class="note">The first ${all.length - steps.length} steps are left out.</p>` : ''}
    <ol class="steps">
      ${shown.toReversed()}
    </ol>
  </section>`;
}

function cutStart(text: string, length: number): string {
  return text.length <= length ? text : `…\n${text.slice(text.length - length)}`;
}

function renderStep({ context, run, unit, source, access }: UnitView, step: Step, output: string): Markup {
  if (step.kind === 'fact')
    return html`<li class="${step.isBad ? 'bad' : 'fact'}">
      ${clockOf(step.at)} ${printable(cut(step.text, 500))}
    </li>`;
  if (step.kind === 'attempt') return renderAttempt(step, access);
  if (step.kind === 'commit') {
    const { at, commit, parent } = step.event;
    const words = html`commit <code>${commit.slice(0, 12)}</code>`;
    if (source.readPatch === undefined) return html`<li class="fact">${clockOf(at)} ${words}</li>`;
    const address = `${context.base}/runs/${run}/units/${unit.plan.id}/patch/${parent}..${commit}`;
    return html`<li class="fact">${clockOf(at)} ${words} · <a href="${address}">what it changes</a></li>`;
  }
  const { event } = step;
  const { exitCode, ending, durationMs, at, reason } = event;
  const isGreen = exitCode === 0;
  const line = html`${clockOf(at)} ${nameOf(event)}:
    <b class="${isGreen ? 'ok' : 'red'}">${isGreen ? 'green' : 'red'}</b> (${printable(ending)},
    ${formatDuration(durationMs)})${
      reason === undefined || isGreen ? '' : html` <span class="why">${printable(reason.text)}</span>`
    }`;
  if (output === '') return html`<li class="fact">${line}</li>`;
  return html`<li class="${isGreen ? 'fact' : 'bad'}">
    <details>
      <summary>${line}</summary>
      <pre class="output" tabindex="0">${renderTerminalText(output)}</pre>
    </details>
  </li>`;
}

function nameOf(event: Extract<Step, { kind: 'command' }>['event']): string {
  if (event.type === 'worktree.setup') return `set-up ${printable(cut(event.command, 100))}`;
  if (event.type === 'baseline.ok' || event.type === 'baseline.fail') return `check ${printable(event.name)}`;
  const when = { base: ' on the base', resume: ' on what was there', attempt: '', verify: ' in verify' }[
    event.phase
  ];
  return `gate of task ${event.task}${when}`;
}

function renderAttempt({ begin, end }: Extract<Step, { kind: 'attempt' }>, access: Access): Markup {
  const { task, attempt, provider, model, at } = begin;
  const of = task === null ? 'for the whole unit' : `at task ${task}`;
  const head = html`${clockOf(at)} <b>attempt ${attempt}</b> ${of}:
    ${provider}${model === null ? '' : ` (${printable(model)})`}`;
  if (end === undefined) return html`<li class="attempt">${head}</li>`;
  const { outcome, message, summary, tokens, cost, basis, durationMs } = end;
  if (access !== 'push')
    return html`<li class="attempt">
      ${head}, <b>${printable(outcome)}</b> after ${formatDuration(durationMs)}
    </li>`;
  const usage =
    tokens === 0
      ? ''
      : `, ${formatTokens(tokens)} tokens, ${formatCost({ cost: cost ?? 0, unknownCost: cost === null, basis: basis ?? 'told' })}`;
  return html`<li class="attempt">
    ${head}, <b>${printable(outcome)}</b> after
    ${formatDuration(durationMs)}${usage}${
      message === '' ? '' : html` <span class="why">${printable(cut(message, 500))}</span>`
    }${summary === undefined ? '' : html`<blockquote>${renderTerminalText(summary)}</blockquote>`}
  </li>`;
}

/** A patch, by lines. */
export function renderPatch(
  { base }: PageContext,
  {
    run,
    unit,
    from,
    to,
  }: { readonly run: string; readonly unit: string; readonly from: string; readonly to: string },
  patch: string,
): Markup {
  const lines = patch.split('\n').map((line) => {
    const kind = line.startsWith('@@')
      ? 'hunk'
      : line.startsWith('+')
        ? 'add'
        : line.startsWith('-')
          ? 'del'
          : '';
    const shown = renderTerminalText(line);
    return kind === '' ? html`${shown} ` : html`<span class="${kind}">${shown}</span> `;
  });
  return html`<section aria-labelledby="title">
    <p><a href="${base}/runs/${run}/units/${unit}">${unit}</a></p>
    <h1 id="title">What <code>${to.slice(0, 12)}</code> changes</h1>
    <p class="note">since <code>${from.slice(0, 12)}</code></p>
    <pre class="output patch" tabindex="0">${lines}</pre>
  </section>`;
}
