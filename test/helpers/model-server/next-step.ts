import type { Conversation } from './conversation.ts';
import { ASIDE, type ModelScript, NO_RULE, type Rule, type Step } from './script.ts';

/** How often each error was given already; the only memory of the server. */
export type Given = Map<string, number>;

/**
 * The step that answers a request. How many tools have returned tells how far the conversation is, so that nothing is
 * remembered between requests and any number of agents may talk at once.
 */
export function nextStep(script: ModelScript, conversation: Conversation, given: Given): Step {
  if (conversation.tools.length === 0) return ASIDE;
  const number = script.rules.findIndex(({ match }) => new RegExp(match).test(conversation.prompt));
  const rule = script.rules[number];
  return rule === undefined
    ? NO_RULE
    : stepOf(rule, conversation, (at) => countUp(given, `${number}/${at}/${conversation.prompt}`));
}

function stepOf(rule: Rule, { results }: Conversation, count: (step: number) => number): Step {
  let returned = results.length;
  for (const [at, step] of rule.steps.entries()) {
    if ('error' in step && step.error.times !== undefined) {
      // One that stands before a tool that has returned is over.
      if (returned === 0 && count(at) <= step.error.times) return step;
    } else if (isTool(step) && returned > 0) returned -= 1;
    else return step;
  }
  return { text: 'done' };
}

function isTool(step: Step): boolean {
  return 'write' in step || 'bash' in step;
}

function countUp(given: Given, key: string): number {
  const count = (given.get(key) ?? 0) + 1;
  given.set(key, count);
  return count;
}
