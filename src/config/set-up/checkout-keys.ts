import { z } from 'zod';

/** The key `checkout`: what is fetched into a worktree beside the files of its commit. */
export const checkoutKeys = z
  .strictObject(
    {
      submodules: z
        .boolean({ error: 'true or false' })
        .default(false)
        .describe(
          "Fetch submodules before set-up, from the remote's own host or GitHub and without credentials. Set-up, agents and gates see their files; choo commits nothing of them.",
        )
        .meta({ examples: [true] }),
      lfs: z
        .boolean({ error: 'true or false' })
        .default(false)
        .describe(
          'Fetch files of Git LFS before set-up, from this machine or the host of the remote. Set-up, agents and gates see their contents; choo commits pointers, and no new contents.',
        )
        .meta({ examples: [true] }),
    },
    { error: 'a mapping: lines of `key: value`' },
  )
  .prefault({})
  .describe('What is fetched into a worktree beside the files of its commit.');
