import type { CodeArea } from './code-entry.ts';

/** Problems of the directory that holds the units. */
export const TREE_CODES = {
  'tree-missing': {
    levels: ['error'],
    meaning: 'The directory that `specs_dir` names does not exist.',
    cure: 'Write a first unit there, or let `choo init` write one. If the specs are elsewhere, name their directory in `specs_dir`.',
    example: 'there is no spec tree here',
  },
  'tree-not-a-directory': {
    levels: ['error'],
    meaning: '`specs_dir` names a file.',
    cure: 'Name the directory that holds one directory for each unit.',
  },
  'tree-symlink': {
    levels: ['error'],
    meaning: 'The spec directory, or a directory above it, is a symbolic link, and choo follows none.',
    cure: 'Put the directory itself where the link is, or name the real directory in `specs_dir`.',
  },
  'tree-unreadable': {
    levels: ['error'],
    meaning: 'A directory of the spec tree could not be listed.',
    cure: 'Give the user that runs choo the permission to read it.',
  },
  'tree-too-many-entries': {
    levels: ['error'],
    meaning: 'The spec directory holds more than 20,000 entries.',
    cure: 'Move everything that is no unit out of it.',
  },
  'tree-too-many-files': {
    levels: ['error'],
    meaning: 'The directories of the units hold more than 20,000 files together.',
    cure: 'Keep only spec files there, or split the specs into several projects.',
  },
  'tree-too-large': {
    levels: ['error'],
    meaning: 'The spec files hold more than 64 MiB together.',
    cure: 'Move data and long documents out of the spec tree and link to them.',
  },
  'tree-too-much-front-matter': {
    levels: ['error'],
    meaning: 'The front matter of all files together is longer than 8 MiB.',
    cure: 'Move text from the front matter below its closing `---`.',
  },
  'tree-too-much-yaml': {
    levels: ['error'],
    meaning: 'More than 1 MiB of front matter is not made of plain `name: value` lines.',
    cure: 'Write front matter in plain lines: no nesting, no anchors, no text over several lines.',
  },
  'tree-too-many-items': {
    levels: ['error'],
    meaning: 'The front matter of all files together holds more than 200,000 fields and list items.',
    cure: 'Shorten the lists, or split the specs into several projects.',
  },
  'tree-too-slow': {
    levels: ['error'],
    meaning: 'Reading the specs took more time or memory than a server allows; none of them was used.',
    cure: 'Keep front matter short and in plain lines, remove files that are no specs, or split the tree.',
  },
} as const satisfies CodeArea;

/** Problems of a file or directory of a unit, before its front matter is read. */
export const FILE_CODES = {
  'not-a-unit': {
    levels: ['warning'],
    meaning: 'The directory has a plan without tasks, or tasks without a plan, so it is not read as a unit.',
    cure: 'Add the missing file: a unit needs `IMPLEMENTATION_PLAN.md` and at least one task such as `01-first-step.md`.',
    example: 'the directory has no task files, so it is not a unit',
  },
  'unit-name': {
    levels: ['error'],
    meaning: 'The name of the directory cannot be part of a branch, so it cannot be a unit.',
    cure: 'Rename it: letters, digits, `.`, `_` and `-`, beginning with a letter or digit, at most 100 characters, without `..`, and without `.` or `.lock` at the end.',
  },
  'unit-case': {
    levels: ['error'],
    meaning:
      'Two units have names that differ only in upper and lower case; many file systems cannot hold both.',
    cure: 'Rename one of them.',
    example: '`login` and `Login` differ only in case',
  },
  'plan-name': {
    levels: ['warning'],
    meaning: 'The file looks like the plan of a unit, but its name is written in another case.',
    cure: 'Rename it to `IMPLEMENTATION_PLAN.md`.',
  },
  'task-name': {
    levels: ['warning'],
    meaning: 'The file looks like a task, but its name does not have the form of one, so it is not read.',
    cure: 'Begin the name with two digits and a dash and end it with `.md`: `01-first-step.md`.',
  },
  symlink: {
    levels: ['error', 'warning'],
    meaning:
      'A symbolic link stands where a plan, a task (an error) or the directory of a unit (a warning) is expected. choo follows no links.',
    cure: 'Put the file or directory itself there.',
  },
  'not-a-file': {
    levels: ['error'],
    meaning: 'Something with the name of a plan or a task is a directory or a device.',
    cure: 'Rename or remove it.',
  },
  'file-too-large': {
    levels: ['error'],
    meaning: 'The file is larger than 1 MiB.',
    cure: 'Split it, or move long material into a file outside the spec tree.',
  },
  unreadable: {
    levels: ['error'],
    meaning: 'The file could not be read.',
    cure: 'Give the user that runs choo the permission to read it.',
  },
  'not-utf8': {
    levels: ['error'],
    meaning: 'The file is not valid UTF-8.',
    cure: 'Save it as UTF-8.',
  },
  'nul-byte': {
    levels: ['error'],
    meaning: 'The file holds a NUL byte, so it is probably no text.',
    cure: 'Remove the byte, or the file.',
  },
  'hidden-text': {
    levels: ['warning'],
    meaning:
      'The file holds text that a reader of the rendered page does not see: a comment or other markup, attributes of tags, folded text (`<details>` without `open`), definitions and footnotes that nothing refers to, titles of links, descriptions of images, words behind the language of a code block, or invisible characters. It is left out of the prompt.',
    cure: 'Remove it, or write it as visible text.',
  },
} as const satisfies CodeArea;

/** Problems of front matter and its fields. */
export const FIELD_CODES = {
  'front-matter-missing': {
    levels: ['error'],
    meaning: 'The file does not begin with front matter.',
    cure: 'Begin it with a line `---`, the fields, and another line `---`.',
  },
  'front-matter-unclosed': {
    levels: ['error'],
    meaning: 'The front matter has no closing line.',
    cure: 'End it with a line `---`.',
  },
  'front-matter-too-large': {
    levels: ['error'],
    meaning:
      'The front matter is longer than 64 KiB, longer than 16 KiB and not made of plain lines, or has more than 1,000 fields.',
    cure: 'Write `name: value` lines, and move text below the closing `---`.',
  },
  'front-matter-shape': {
    levels: ['error'],
    meaning: 'The front matter is valid YAML, but not a list of fields.',
    cure: 'Write one `name: value` on each line.',
  },
  'yaml-syntax': {
    levels: ['error'],
    meaning: 'The front matter is not valid YAML, or names a field twice.',
    cure: 'Fix the line. A value with `: `, ` #` or a special first character needs quotes.',
    example: 'not valid YAML: the key `task` appears twice',
  },
  'field-missing': {
    levels: ['error'],
    meaning: 'A task has no `task` or no `backpressure`.',
    cure: 'Add the field: `task: 1` is the number of the task, `backpressure: npm test` its gate.',
    example: 'the front matter has no `backpressure`',
  },
  'field-type': {
    levels: ['error'],
    meaning: 'The value of a field is of the wrong kind, such as a word where a number is expected.',
    cure: 'Write the kind of value that the message names.',
    example: '`task` must be a whole number from 1',
  },
  'field-time': {
    levels: ['warning'],
    meaning: 'The field does not hold a date and time of RFC 3339; it is ignored.',
    cure: 'Write it as `2026-01-31T12:00:00Z`, or remove the field: choo sets it.',
  },
  'field-unknown': {
    levels: ['warning'],
    meaning: 'The name of the field is almost one that choo reads, and is ignored.',
    cure: 'Correct the name.',
    example: '`statsu` is not a field choo reads',
  },
  'quoted-integer': {
    levels: ['notice'],
    meaning: 'A number stands in quotes; it is read as a number.',
    cure: 'Remove the quotes.',
    example: '`task` is a number in quotes; read as 1',
  },
  'scalar-list': {
    levels: ['notice'],
    meaning: 'A field that takes a list has one value; it is read as a list of one.',
    cure: 'Put the value in brackets: `depends_on: [accounts]`.',
    example: '`depends_on` is one value; read as a list of one',
  },
  'status-unknown': {
    levels: ['error'],
    meaning:
      'The field `status` of a task, or `orch_status` of a unit, holds a word that choo does not know.',
    cure: 'Use one of the words that the hint names.',
    example: '`status` is not a status choo knows',
  },
  'gate-empty': {
    levels: ['error'],
    meaning: '`backpressure` is empty. An empty gate would let everything pass.',
    cure: 'Name the command that decides whether the task is done, for example `npm test`.',
  },
  'gate-nul': {
    levels: ['error'],
    meaning: '`backpressure` holds a NUL character, which no command can hold.',
    cure: 'Remove the escape `\\0` from the command.',
  },
} as const satisfies CodeArea;
