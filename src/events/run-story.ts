import { cut } from '../text/cut.ts';
import type { EventBody } from './event.ts';
import { unitStateAfter } from './run-rules.ts';

/** What an operator reads of an event: a constant message, and what goes with it. */
export interface StoryLine {
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A longer text of a tool or an agent is cut: a line is read as a whole. Characters. */
const MAX_TEXT = 300;

/** The line of an event; null: it says nothing that the lines around it do not. */
export function lineOf(event: EventBody): StoryLine | null {
  switch (event.type) {
    case 'orch.started': {
      const { actor, target, commit, units, update } = event;
      const purpose = update === null ? 'work' : 'update';
      return { message: 'run submitted', facts: { actor, purpose, target, commit, units: units.length } };
    }
    case 'orch.resumed':
      return { message: 'run resumed', facts: {} };
    case 'orch.retargeted':
      return { message: 'run retargeted', facts: { target: event.target } };
    case 'orch.cancelled':
      return { message: 'run ended', facts: { outcome: 'cancelled', actor: event.actor } };
    case 'orch.completed':
      return { message: 'run ended', facts: { outcome: 'complete' } };
    case 'orch.failed':
      return { message: 'run ended', facts: { outcome: 'failed' } };
    case 'unit.started':
      return { message: 'unit started', facts: { branch: event.branch, base: event.base } };
    case 'unit.satisfied':
    case 'unit.completed':
    case 'unit.failed':
    case 'unit.blocked':
    case 'unit.cancelled':
    case 'unit.skipped':
      return { message: 'unit ended', facts: { outcome: unitStateAfter(event), ...detailsOf(event) } };
    case 'unit.retried':
      return { message: 'unit retried', facts: { actor: event.actor, fresh: event.fresh } };
    case 'unit.released':
      return { message: 'unit released', facts: { reason: short(event.reason) } };
    case 'unit.notice':
      return { message: 'unit notice', facts: { code: event.code, reason: short(event.message) } };
    case 'task.provider.invoke': {
      const { task, attempt, provider, model } = event;
      return { message: 'agent started', facts: { task, attempt, provider, model } };
    }
    case 'task.provider.done': {
      const { task, attempt, outcome, durationMs, tokens, cost } = event;
      return { message: 'agent ended', facts: { task, attempt, outcome, durationMs, tokens, cost } };
    }
    case 'task.provider.waiting': {
      const { provider, reason } = event;
      return { message: 'provider waiting', facts: { provider, reason: short(reason) } };
    }
    case 'task.validation.ok':
    case 'task.validation.fail': {
      const { task, phase, attempt, durationMs } = event;
      const outcome = event.type === 'task.validation.ok' ? 'passed' : 'failed';
      return { message: 'gate ended', facts: { task, phase, attempt, outcome, durationMs } };
    }
    case 'baseline.ok':
    case 'baseline.fail': {
      const { name, attempt, durationMs } = event;
      const outcome = event.type === 'baseline.ok' ? 'passed' : 'failed';
      return { message: 'check ended', facts: { check: name, attempt, outcome, durationMs } };
    }
    case 'branch.pushed':
      return { message: 'branch pushed', facts: { branch: event.branch, head: event.head } };
    case 'baseline.committed':
    case 'gate.flaky':
    case 'judge.compared':
    case 'orch.interrupted':
    case 'setup.reused':
    case 'task.backpressure':
    case 'task.committed':
    case 'task.completed':
    case 'task.failed':
    case 'task.provider.usage':
    case 'task.retry':
    case 'task.started':
    case 'unit.answered':
    case 'unit.queued':
    case 'unit.updated':
    case 'verify.fail':
    case 'verify.ok':
    case 'verify.started':
    case 'worktree.created':
    case 'worktree.removed':
    case 'worktree.setup':
      break;
  }
  return null;
}

function detailsOf(event: EventBody): Readonly<Record<string, unknown>> {
  if (event.type === 'unit.failed') return { failure: event.failure, reason: short(event.message) };
  if (event.type === 'unit.blocked') return { reason: `needs ${event.cause}` };
  if (event.type === 'unit.cancelled' || event.type === 'unit.skipped') return { actor: event.actor };
  if (event.type === 'unit.completed') return { head: event.head, verified: event.verified };
  return {};
}

function short(text: string): string {
  return cut(text, MAX_TEXT);
}

/** A repository as its people call it: `owner/name` where it has an address on the web, else its remote. */
export function nameOfRemote(remote: string | null): string | null {
  if (remote === null || !/^https?:/.test(remote)) return remote;
  return new URL(remote).pathname.slice(1).replace(/\.git$/, '');
}
