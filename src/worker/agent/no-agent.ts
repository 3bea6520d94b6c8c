import { ChooError } from '../../errors.ts';
import type { Provider } from '../../provider/provider.ts';

/** Stands for the provider of work that starts no agent, so that none need be known or allowed. It refuses to be started. */
export const NO_AGENT: Provider = {
  name: 'none',
  title: 'no agent',
  executable: '/nonexistent',
  installation: 'nothing to install',
  authentication: 'nothing to provide',
  profile: 'gate',
  variables: [],
  steeredBy: [],
  invocation: () => {
    throw new ChooError('internal', 'an update starts no agent');
  },
  createParser: () => () => [],
};
