import { ChooError } from '../../errors.ts';
import { sentence } from '../repository/answers.ts';
import type { Action } from './command-request.ts';

/** Wraps an action: a ChooError (`usage`, `conflict`) becomes a refusal that is answered on the thread. */
export function refusing<Command>(action: Action<Command>): Action<Command> {
  return async (...args) => {
    try {
      return await action(...args);
    } catch (error) {
      if (!(error instanceof ChooError) || (error.code !== 'usage' && error.code !== 'conflict')) throw error;
      return { kind: 'refused', text: `Nothing was done: ${sentence(error.message)}` };
    }
  };
}
