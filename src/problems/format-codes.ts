import type { CodeArea } from './code-entry.ts';

/** Problems of task lists of other tools, which `specs` in `.choo.yml` names. */
export const FORMAT_CODES = {
  'format-found': {
    levels: ['error'],
    meaning: 'There is no spec tree, but there are task lists of other tools where those keep them.',
    cure: 'Write the line that the hint names to `.choo.yml`. The check of a commit that brings such files is neutral.',
    example: 'there is no spec tree here, but there are task lists of Kiro in `.kiro/specs`',
  },
  'format-missing': {
    levels: ['error'],
    meaning:
      'The directory that an entry of `specs` names, or where its tool keeps its files, cannot be listed.',
    cure: 'Name the directory that holds one directory for each change, feature or spec in `path`.',
    example: 'there is no directory of Kiro here',
  },
  'format-too-large': {
    levels: ['error'],
    meaning: 'The task lists of one source hold more than 2 MiB, or more than 5,000 tasks.',
    cure: 'Move what is done to another directory.',
  },
  'format-no-tasks': {
    levels: ['warning'],
    meaning: 'A `tasks.md` holds no task outside of code blocks and comments.',
    cure: 'Write each task as a box: `- [ ] 1.1 What to do`.',
  },
  'format-box': {
    levels: ['warning'],
    meaning: 'The line looks like a box and is none, so it is no task.',
    cure: 'Write it as `- [ ] ` or `- [x] `, with a space on each side.',
  },
  'format-gate-missing': {
    levels: ['error', 'notice'],
    meaning:
      'No command proves the task. Its unit does not run (an error); a ticked one counts as complete and is not verified (a notice).',
    cure: 'Write the command in backticks behind `Verify:`, or set `default_gate` in `.choo.yml`.',
    example: 'this task has no gate, so its unit does not run',
  },
  'format-gates': {
    levels: ['error', 'warning'],
    meaning:
      'A `choo.gates.yml` cannot be read as a mapping of directories to tasks to commands (an error), or names a task that is not there (a warning).',
    cure: 'Write `add-login: { "1.1": npm test }`. `choo gates` lists the tasks, and `choo gates --yaml` prints a file to fill in.',
    example: 'there is no task `1.3` in `add-login`',
  },
  'format-duplicate': {
    levels: ['error', 'warning'],
    meaning: 'Two units have the same name (an error), or two tasks of one file the same number (a warning).',
    cure: 'Give each its own number.',
    example: 'there is another unit `login-1`',
  },
  'format-dependency-unknown': {
    levels: ['error'],
    meaning: 'A task waits for something that is not in the same file.',
    cure: 'Correct the number.',
    example: 'nothing in this file is called `T002`',
  },
  'format-dependency-unread': {
    levels: ['warning'],
    meaning: 'The words of a dependency name no task and no story, so it is not used.',
    cure: 'Name tasks or stories: `(depends on T012, US1)`.',
  },
  'format-graph': {
    levels: ['warning'],
    meaning:
      'A dependency graph of Kiro is not understood as a whole, so none of it is used: units keep the order of their numbers.',
    cure: 'Write `{"waves": [{"tasks": ["1.1"]}]}` with every task, and keep the tasks of one number together in waves.',
  },
  'format-parallel': {
    levels: ['notice'],
    meaning: '`[P]` or `(P)` marks tasks of one unit, which an agent does one after the other.',
    cure: 'Nothing has to be changed. Units run in parallel by their dependencies.',
  },
  'format-optional': {
    levels: ['notice'],
    meaning: 'A task marked with `*` is optional, so it is left out.',
    cure: 'Remove the `*` to have it done.',
  },
  'format-checkpoint': {
    levels: ['notice'],
    meaning: 'A checkpoint of Kiro names no command, or stands before every task, so it checks nothing.',
    cure: 'Write the command in backticks, behind the tasks that it checks.',
  },
} as const satisfies CodeArea;
