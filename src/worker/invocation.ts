import { setTimeout as sleep } from 'node:timers/promises';
import type { Task } from '../discovery/unit.ts';
import { ChooError } from '../errors.ts';
import type { Waits } from '../events/unit-progress.ts';
import type { Outcome } from '../provider/outcome/outcome.ts';
import type { AgentEvent } from '../provider/provider.ts';
import { formatDuration } from '../text/amounts.ts';
import { cut } from '../text/cut.ts';
import { type AgentCall, type AgentEnd, runAgent } from './agent/agent.ts';
import { isFree } from './agent/meter.ts';
import { NO_RESERVATION, type Reservation, type Usage } from './agent/reservation.ts';
import { endOfRefusal } from './refusal.ts';
import { fail, type UnitJob, UnitStop, type WorkerServices } from './unit-job.ts';
import type { UnitWorkspace } from './workspace.ts';

/** What an agent must do. `task` null: work on the whole unit, such as the repair of a baseline check. */
export interface Request {
  readonly task: number | null;
  readonly rehearsed?: AgentCall['rehearsed'];
  readonly file: Pick<Task, 'title' | 'file'>;
  readonly attempt: number;
  readonly prompt: string;
}

/** What is kept of an agent's last words. Characters. */
const MAX_SUMMARY = 1_000;
/** Maximum wait for a provider that does not say when its limit resets. Milliseconds. */
const MAX_BACKOFF_MS = 15 * 60_000;

type Job = Pick<UnitJob, 'config' | 'waited'> & { readonly unit: Pick<UnitJob['unit'], 'id'> };
interface Workspace extends Pick<UnitWorkspace, 'idle'> {
  readonly commands: Pick<UnitWorkspace['commands'], 'workplace' | 'cwd' | 'forPeople'>;
}
type Services = Pick<
  WorkerServices,
  | 'agent'
  | 'budget'
  | 'log'
  | 'append'
  | 'onActivity'
  | 'rateLimits'
  | 'recorded'
  | 'sandbox'
  | 'scratch'
  | 'signal'
>;

/** Starts agents for one unit, within its budgets and the provider's rate limits. */
export class Invoker {
  readonly #job: Job;
  readonly #services: Services;
  readonly #workspace: Workspace;
  #waited: Waits;

  constructor(job: Job, services: Services, workspace: Workspace) {
    this.#job = job;
    this.#services = services;
    this.#workspace = workspace;
    this.#waited = job.waited;
  }

  /**
   * Makes one attempt. Waiting for a rate limit or outage does not count as one; an error that no attempt can fix ends the unit.
   */
  async attempt(request: Request): Promise<AgentEnd> {
    for (;;) {
      const end = await this.#invoke(request, await this.#reserve());
      const { outcome } = end;
      if (end.overBudget) return end;
      if (outcome.kind === 'rate-limited' || outcome.kind === 'overloaded') await this.#wait(outcome);
      else if (outcome.kind === 'not-authenticated')
        throw fail('not-authenticated', outcome.message, outcome.hint);
      else if (outcome.kind === 'missing' || outcome.kind === 'misconfigured')
        throw fail('environment', outcome.message, outcome.hint);
      else if (outcome.kind === 'cancelled')
        throw new UnitStop({ kind: 'released', reason: 'interrupted', until: null });
      else {
        this.#waited = { limits: 0, outages: 0 };
        return end;
      }
    }
  }

  async #reserve(): Promise<Reservation> {
    if (isFree(this.#services.agent.provider)) return NO_RESERVATION;
    const reserved = await this.#services.budget.reserve(this.#job.unit.id, this.#services.signal);
    if (!('refused' in reserved)) return reserved;
    throw new UnitStop(endOfRefusal(reserved));
  }

  async #invoke(
    { task, rehearsed, file, attempt, prompt }: Request,
    reservation: Reservation,
  ): Promise<AgentEnd> {
    const { unit, config } = this.#job;
    const { agent, append, recorded, log } = this.#services;
    const facts = { unit: unit.id, task, attempt };
    const { name } = agent.provider;
    log.say(
      `${name} starts: ${task === null ? file.title : `task ${task}`}, attempt ${attempt} of ${config.limits.attempts}`,
    );
    this.#services.onActivity(`${name} starts`);
    append({
      type: 'task.provider.invoke',
      ...facts,
      provider: name,
      model: agent.model ?? null,
      reservedTokens: reservation.tokens,
      reservedCost: reservation.cost,
    });
    const report = new UsageReport((usage) =>
      append({ type: 'task.provider.usage', ...facts, ...known(usage) }),
    );
    let end: AgentEnd;
    let words = '';
    try {
      await Promise.all([recorded(), this.#workspace.idle()]);
      end = await runAgent(
        agent,
        {
          sandbox: this.#services.sandbox,
          workplace: this.#workspace.commands.workplace,
          scratch: this.#services.scratch,
        },
        {
          prompt,
          task: file,
          rehearsed,
          cwd: this.#workspace.commands.cwd,
          reservation,
          taskTimeoutMs: config.limits.task_timeout,
          idleTimeoutMs: config.limits.idle_timeout,
          exitMs: this.#services.rateLimits.exitMs,
          signal: this.#services.signal,
          onEvent: (event) => {
            if (event.type === 'text' && event.text.trim() !== '')
              words = this.#workspace.commands.forPeople(event.text.trim());
            this.#show(event);
          },
          onUsage: (usage) => report.take(usage),
        },
      );
    } catch (error) {
      if (!this.#services.signal.aborted) {
        reservation.settle(report.last);
        if (error instanceof ChooError && error.code === 'usage')
          throw fail('environment', error.message, error.hint);
        throw error;
      }
      // Stopped before the agent started, while choo finished its own work in the worktree.
      end = { outcome: { kind: 'cancelled' }, overBudget: false, usage: report.last, durationMs: 0 };
    }
    reservation.settle(end.usage);
    const message = end.overBudget ? 'stopped: the budget is used up' : describeOutcome(end.outcome);
    log.say(
      `${name} ends: ${end.overBudget ? message : end.outcome.kind}${message === '' ? '' : ` (${message})`}`,
    );
    const { durationMs, usage, outcome } = end;
    append({
      type: 'task.provider.done',
      ...facts,
      outcome: end.overBudget ? 'over-budget' : outcome.kind,
      message,
      ...(outcome.kind === 'finished' && words !== '' ? { summary: cut(words, MAX_SUMMARY) } : {}),
      ...known(usage),
      durationMs,
    });
    return end;
  }

  #show(event: AgentEvent): void {
    const { log, onActivity } = this.#services;
    if (event.type === 'text') {
      const text = this.#workspace.commands.forPeople(event.text);
      log.quote(text);
      onActivity(text);
    } else if (event.type === 'tool') {
      const text = `${event.name} ${this.#workspace.commands.forPeople(event.detail)}`;
      log.say(`  ${text}`);
      onActivity(text);
    } else if (event.type === 'trouble') {
      log.say(`  ${event.trouble}: ${event.message}`);
      onActivity(event.message);
    }
  }

  async #wait(outcome: Extract<Outcome, { kind: 'rate-limited' | 'overloaded' }>): Promise<void> {
    const { rateLimits, agent, append, signal } = this.#services;
    const of = outcome.kind === 'overloaded' ? 'outages' : 'limits';
    const resetsAt = outcome.kind === 'rate-limited' ? outcome.resetsAt : null;
    const waited = this.#waited[of];
    const guess = Math.min(rateLimits.firstMs + waited, MAX_BACKOFF_MS);
    const ms = Math.max(guess, (resetsAt ?? 0) - Date.now()); // ignores a time in the past
    const provider = agent.provider.name;
    const longest = of === 'outages' ? rateLimits.outageMs : rateLimits.totalMs;
    if (waited + ms > longest) {
      const hint =
        ms === guess ? 'run again later' : `run again after ${new Date(Date.now() + ms).toISOString()}`;
      const message = `${provider} takes no work for longer than is waited for it (${formatDuration(longest)})`;
      throw fail('waiting', `${message}: ${outcome.message}`, hint);
    }
    this.#waited = { ...this.#waited, [of]: waited + ms };
    const until = Date.now() + ms;
    append({ type: 'task.provider.waiting', unit: this.#job.unit.id, provider, reason: outcome.kind, until });
    if (ms > rateLimits.inPlaceMs) throw new UnitStop({ kind: 'released', reason: outcome.kind, until });
    this.#services.onActivity(`${outcome.kind}: goes on in ${Math.ceil(ms / 1_000)} s`);
    await sleep(ms, undefined, { signal }).catch(() => {
      throw new UnitStop({ kind: 'released', reason: 'interrupted', until: null });
    });
  }
}

/** Reports an agent's usage while it works, at most a few times a second. */
class UsageReport {
  readonly #report: (usage: Usage) => void;
  #lastReportAt = 0;
  last: Usage = { tokens: 0, cost: null };

  constructor(append: (usage: Usage) => void) {
    this.#report = append;
  }

  take(usage: Usage): void {
    const grown = usage.tokens > this.last.tokens || (usage.cost ?? 0) > (this.last.cost ?? 0);
    this.last = usage;
    if (!grown || Date.now() - this.#lastReportAt < 200) return;
    this.#lastReportAt = Date.now();
    this.#report(usage);
  }
}

/** Usage in the form of events. */
function known({ tokens, cost, basis = null }: Usage): Required<Usage> {
  return { tokens, cost, basis };
}

/** An outcome's message; empty when its kind says everything. */
export function describeOutcome(outcome: Outcome): string {
  if ('message' in outcome) return outcome.message;
  return 'limitMs' in outcome ? `after ${outcome.limitMs / 1_000} s` : '';
}
