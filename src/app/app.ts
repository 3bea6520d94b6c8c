import type { ApplicationFunction } from 'probot';
import { subjectOf } from '../github/api/delivery.ts';
import type { NewDelivery } from '../store/github/deliveries.ts';

/** What the App needs to take deliveries in. */
export interface AppServices {
  /** Resolves when a delivery is safe. */
  readonly receive: (delivery: NewDelivery) => Promise<void>;
}

/** The App: every delivery whose signature holds is written down, and answered then. All else is the job's. */
export function createApp({ receive }: AppServices): ApplicationFunction {
  return (app) => {
    app.onAny(async ({ id, name, payload }) => {
      const subject = subjectOf(name, payload);
      if (subject !== undefined) await receive({ id, event: name, payload, ...subject });
    });
  };
}
