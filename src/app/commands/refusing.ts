import { ChooError } from '../../errors.ts';
import { sentence } from '../repository/answers.ts';
import type { Action } from './command-request.ts';

/** The action, with an answer in place of a ChooError (`usage`, `conflict`) that says what cannot be done. */
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
