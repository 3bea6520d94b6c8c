import { ChooError } from '../../errors.ts';
import { refusal } from '../repository/answers.ts';
import type { Action } from './command-request.ts';

/** Wraps an action: a ChooError (`usage`, `conflict`) becomes a refusal that is answered on the thread. */
export function refusing<Command>(action: Action<Command>): Action<Command> {
  return async (...args) => {
    try {
      return await action(...args);
    } catch (error) {
      if (!(error instanceof ChooError) || (error.code !== 'usage' && error.code !== 'conflict')) throw error;
      return { kind: 'refused', text: refusal('Nothing was done', error) };
    }
  };
}
