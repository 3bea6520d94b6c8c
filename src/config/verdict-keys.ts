import { z } from 'zod';

const A_COUNT = 'a whole number from 0 to 5';

/** The keys that say how strict gates are read and verdicts are. */
export const verdictKeys = {
  strict_gates: z
    .boolean({ error: 'true or false' })
    .default(false)
    .describe(
      'Refuse gates that cannot fail, lose failures, need a network or do not end; otherwise they are warnings.',
    )
    .meta({ examples: [true] }),
  strict_judge: z
    .boolean({ error: 'true or false' })
    .default(false)
    .describe(
      'Fail a unit whose gates pass only with tests or settings that it changed, where `may_change` of no task names these; otherwise its check is neutral.',
    )
    .meta({ examples: [true] }),
  gate_retries: z
    .int({ error: A_COUNT })
    .min(0, { error: A_COUNT })
    .max(5, { error: A_COUNT })
    .default(1)
    .describe(
      'How often a gate or a check that is red in verify, though it passed on the same files before, runs again there. That it was red and green is reported, with both outputs.',
    ),
};
