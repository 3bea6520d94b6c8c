import { expect, test } from 'vitest';
import { formatPlan } from '../../../helpers/format-plan.ts';

const DEFAULT = 'default_gate: npm test -- {unit}\n';

test.each<
  [what: string, list: string, units: readonly string[], problems?: readonly string[], config?: string]
>([
  [
    'groups in order, each task with its own proof',
    '## 1. Table\n- [ ] 1.1 Add it. Verify: `npm test -- table`\n- [x] 1.2 Index. Verify with `npm test -- index`\n\n## 2. Page\n- [ ] 2.1 Form\n  - Verification: `npx vitest run form`\n',
    ['login-1: 1 npm test -- table; 2x npm test -- index', 'login-2 after login-1: 1 npx vitest run form'],
  ],
  [
    'the command before the word, and a command that is the work',
    '## 1. A\n- [ ] 1.1 Run `npm run build` and verify that it ends\n- [ ] 1.2 Run `npm install left-pad`, verify with `npm test`\n',
    ['login-1: 1 npm run build; 2 npm test'],
  ],
  [
    'the default gate, with the name of the unit',
    '## 1. A\n- [ ] 1.1 Write it\n## 2. B\n- [ ] 2.1 Write it\n',
    ['login-1: 1 npm test -- login-1', 'login-2 after login-1: 1 npm test -- login-2'],
    [],
    DEFAULT,
  ],
  [
    'no gate: said at the line, and the unit does not run',
    '## 1. A\n- [ ] 1.1 Write `src/a.ts` and verify that `GET /users` answers\n## 2. B\n- [ ] 2.1 Verify: `npm test -- b`\n',
    ['login-1!: ', 'login-2 after login-1: 1 npm test -- b'],
    ['2 format-gate-missing'],
  ],
  [
    'a ticked group without gates is done',
    '## 1. A\n- [x] 1.1 Write it\n## 2. B\n- [ ] 2.1 Verify: `npm test -- b`\n',
    ['login-2: 1 npm test -- b'],
    ['2 format-gate-missing'],
  ],
  [
    'missing numbers, other bullets and any case of x',
    '## Table design\n* [ ] Add it\n* [X] Index\n## Page\n+ [ ] Form\n',
    [
      'login-page after login-table-design: 1 npm test -- login-page',
      'login-table-design: 1 npm test -- login-table-design; 2x npm test -- login-table-design',
    ],
    [],
    DEFAULT,
  ],
  [
    'no groups',
    '# Tasks\n- [ ] 1 One\n- [ ] 2 Two\n',
    ['login: 1 npm test -- login; 2 npm test -- login'],
    [],
    DEFAULT,
  ],
  [
    'nested boxes belong to their task, with tabs, too',
    '## 1. A\n- [ ] 1.1 One\n\t- [ ] part\n    - [x] part, verify: `npm test -- part`\n- [ ] 1.2 Two\n',
    ['login-1: 1 npm test -- part; 2 npm test -- login-1'],
    [],
    DEFAULT,
  ],
  [
    'boxes in code and comments are none',
    '## 1. A\n- [ ] 1.1 One\n```md\n- [ ] 1.2 Not this\n```\n<!--\n- [ ] 1.3 Nor this\n-->\n- [ ] 1.4 Two\n',
    ['login-1: 1 npm test -- login-1; 2 npm test -- login-1'],
    ['6 hidden-text'],
    DEFAULT,
  ],
  [
    'carriage returns and a byte order mark',
    '\uFEFF## 1. A\r\n- [ ] 1.1 One. Verify: `npm test`\r\n\r\n## 2. B\r\n- [x] 2.1 Two. Verify: `npm test`\r\n',
    ['login-1: 1 npm test', 'login-2 after login-1: 1x npm test'],
  ],
  [
    'a heading that says what its group waits for',
    '## 1. A\n- [ ] 1.1 One\n## 2. B (independent)\n- [ ] 2.1 Two\n## 3. C (depends on 1, 2)\n- [ ] 3.1 Three\n',
    [
      'login-1: 1 npm test -- login-1',
      'login-2: 1 npm test -- login-2',
      'login-3 after login-1 login-2: 1 npm test -- login-3',
    ],
    [],
    DEFAULT,
  ],
  [
    'an unknown group',
    '## 1. A (depends on 7)\n- [ ] 1.1 One\n',
    ['login-1: 1 npm test -- login-1'],
    ['1 format-dependency-unknown'],
    DEFAULT,
  ],
  [
    'groups that wait for each other',
    '## 1. A (depends on 2)\n- [ ] 1.1 One\n## 2. B (depends on 1)\n- [ ] 2.1 Two\n',
    ['login-1! after login-2: ', 'login-2! after login-1: '],
    ['1 unit-cycle'],
    DEFAULT,
  ],
  [
    'the same number twice',
    '## 1. A\n- [ ] 1.1 One\n- [ ] 1.1 Again\n## 1. B\n- [ ] 1.2 Two\n',
    ['login-1: 1 npm test -- login-1; 2 npm test -- login-1'],
    ['3 format-duplicate', '4 format-duplicate'],
    DEFAULT,
  ],
  [
    'a task that was moved between groups stays where it stands',
    '## 1. A\n- [ ] 2.3 One\n## 2. B\n- [ ] 2.1 Two\n',
    ['login-1: 1 npm test -- login-1', 'login-2 after login-1: 1 npm test -- login-2'],
    [],
    DEFAULT,
  ],
  [
    'lines that are nearly boxes',
    '## 1. A\n- [ ] 1.1 One\n-[ ] 1.2 Two\n- [] 1.3 Three\n- [x]1.4 Four\n',
    ['login-1: 1 npm test -- login-1'],
    ['3 format-box', '4 format-box', '5 format-box'],
    DEFAULT,
  ],
  ['no task at all', '# Tasks\n\nTo be written.\n', [], ['1 format-no-tasks']],
])('%s', async (_, list, units, problems = [], config = '') => {
  expect(await formatPlan('openspec', list, config)).toEqual({ units, problems });
});

test('changes are independent, and archived ones are not read', async () => {
  const one = '## 1. A\n- [ ] 1.1 One\n';
  const { units } = await formatPlan(
    'openspec',
    { login: one, search: one, 'archive/2025-01-01-old': one },
    DEFAULT,
  );
  expect(units).toEqual(['login-1: 1 npm test -- login-1', 'search-1: 1 npm test -- search-1']);
});

test('400 tasks', async () => {
  const list = Array.from(
    { length: 400 },
    (_, at) => (at % 20 === 0 ? `## ${at / 20 + 1}. G\n` : '') + `- [ ] ${at} Do\n`,
  );
  const { units, problems } = await formatPlan('openspec', list.join(''), DEFAULT);
  expect(units).toHaveLength(20);
  expect(units.join('').match(/npm test/g)).toHaveLength(400);
  expect(problems).toEqual([]);
});
