import process from 'node:process';
import type { RunEvent } from '../../events/event.ts';
import { ENDED } from '../../events/run-rules.ts';
import type { RunState } from '../../events/state.ts';
import { escapeHiddenInJson } from '../../text/hidden-text.ts';
import { printable } from '../../text/terminal-layout.ts';
import type { CommandContext } from '../context.ts';
import { createLiveView } from './live-view.ts';
import { renderRunLine } from './run-lines.ts';
import { renderSummary } from './run-summary.ts';

/** What a person, or a script, sees of a run. */
export interface RunView {
  readonly onEvents: (events: readonly RunEvent[], state: RunState) => void;
  readonly onActivity: (unit: string, text: string) => void;
  readonly onResume: (state: RunState) => void;
  /** The run is over, or was cut off in an orderly way. */
  readonly end: (state: RunState) => void;
  /** Whatever happened: gives the terminal back. */
  readonly stop: () => void;
}

/** Live on a terminal, plain lines where the output goes elsewhere, events for scripts. */
export function createRunView(context: CommandContext, json: boolean): RunView {
  if (json) return jsonView(context);
  return context.terminal.interactive ? liveView(context) : lineView(context);
}

function jsonView({ terminal }: CommandContext): RunView {
  return {
    onEvents: (events) => {
      for (const event of events) terminal.out(`${escapeHiddenInJson(JSON.stringify(event))}\n`);
    },
    onActivity: () => {},
    onResume: () => {},
    end: () => {},
    stop: () => {},
  };
}

function lineView({ terminal, programName }: CommandContext): RunView {
  return {
    onEvents: (events, state) => {
      for (const event of events) {
        const line = renderRunLine(event, state);
        if (line !== undefined) terminal.out(`${line}\n`);
      }
    },
    onActivity: () => {},
    onResume: (state) => terminal.out(`${resumeLine(state)}\n`),
    end: (state) => terminal.out(`\n${renderSummary(state, { ...terminal, programName })}`),
    stop: () => {},
  };
}

function liveView({ terminal, programName }: CommandContext): RunView {
  const view = createLiveView({ stream: process.stdout, paint: terminal.paint, now: Date.now });
  return {
    onEvents: (_, state) => view.update(state),
    onActivity: view.activity,
    onResume: (state) => view.notice(resumeLine(state)),
    end: (state) => {
      view.update(state);
      view.stop();
      terminal.out(`\n${renderSummary(state, { ...terminal, programName })}`);
    },
    stop: view.stop,
  };
}

function resumeLine({ start, status }: RunState): string {
  return `Resuming run ${printable(start.run)}${ENDED.has(status) ? '' : ', which was interrupted'}.`;
}
