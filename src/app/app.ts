import type { ApplicationFunction } from 'probot';
import { subjectOf } from '../github/api/delivery.ts';
import type { NewDelivery } from '../store/github/deliveries.ts';

/** What the App needs to receive deliveries. */
export interface AppServices {
  /** Resolves when the delivery is stored. */
  readonly receive: (delivery: NewDelivery) => Promise<void>;
}

/** The App: stores every delivery with a valid signature, then answers. The handlers do everything else. */
export function createApp({ receive }: AppServices): ApplicationFunction {
  return (app) => {
    app.onAny(async ({ id, name, payload }) => {
      const subject = subjectOf(name, payload);
      if (subject !== undefined) await receive({ id, event: name, payload, ...subject });
    });
  };
}
