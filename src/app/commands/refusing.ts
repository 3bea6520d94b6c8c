import { ChooError } from '../../errors.ts';
import { refusal } from '../repository/answers.ts';
import { withheldMessage } from '../repository/permissions.ts';
import type { Action, CommandResult } from './command-request.ts';

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

/** Executes a request: a permission that is withheld becomes a refusal that names it. */
export async function refusingWithheld(act: () => Promise<CommandResult>): Promise<CommandResult> {
  try {
    return await act();
  } catch (error) {
    const message = withheldMessage(error);
    if (message === undefined) throw error;
    return { kind: 'refused', text: refusal('Nothing was done', { message }) };
  }
}
