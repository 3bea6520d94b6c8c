import { z } from 'zod';

const A_LABEL = "a label of at most 50 characters on one line, and none of choo's own (`choo:…`)";
const label = z.string({ error: A_LABEL }).regex(/^(?!choo:)(?=\S)[^\0-\x1f\x7f]{1,50}$/i, A_LABEL);

const A_REVIEWER = 'the name of a user, or `organization/team`';
const reviewer = z
  .string({ error: A_REVIEWER })
  .regex(/^[a-z\d][a-z\d-]{0,38}(?:\/[a-z\d][\w.-]{0,99})?$/i, A_REVIEWER);

/** The key `pull_requests`: what the pull requests of units are given. */
export const pullRequests = z
  .strictObject(
    {
      labels: z
        .array(label, { error: 'a list of labels' })
        .max(20, 'a list of at most 20 labels')
        .default([])
        .describe('Labels of the pull requests that choo opens. GitHub creates those that do not exist.')
        .meta({ examples: [['generated']] }),
      reviewers: z
        .array(reviewer, { error: 'a list of names' })
        .max(15, 'a list of at most 15 names')
        .default([])
        .describe(
          'Users, or teams as `organization/team`, that are asked for a review once a pull request is ready.',
        )
        .meta({ examples: [['alice', 'acme/reviewers']] }),
      assign_requester: z
        .boolean({ error: 'true or false' })
        .default(false)
        .describe('Assign the pull requests of a run to the person who asked for it.'),
    },
    { error: 'a mapping: lines of `key: value`' },
  )
  .prefault({})
  .describe('The pull requests of units.');
