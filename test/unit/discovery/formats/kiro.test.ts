import { expect, test } from 'vitest';
import { formatPlan } from '../../../helpers/format-plan.ts';

const GATE = 'default_gate: npm test\n';
const THREE = '- [ ] 1. A\n  - [ ] 1.1 One\n- [ ] 2. B\n  - [ ] 2.1 Two\n- [ ] 3. C\n  - [ ] 3.1 Three\n';
const ORDERED = [
  'login-1: 1 npm test',
  'login-2 after login-1: 1 npm test',
  'login-3 after login-2: 1 npm test',
];

function graph(json: string): string {
  return `${THREE}\n## Task Dependency Graph\n\n\`\`\`json\n${json}\n\`\`\`\n`;
}

const ONE_THEN_TWO = [
  'login-1: 1 npm test',
  'login-2 after login-1: 1 npm test',
  'login-3 after login-1: 1 npm test',
];

test.each<
  [what: string, list: string, units: readonly string[], problems?: readonly string[], config?: string]
>([
  ['top numbers are units in order, sub-numbers their tasks', THREE, ORDERED],
  [
    'a number without sub-numbers is a unit of one task',
    '- [x] 1. A\n- [ ] 2. B\n  - a detail\n  - _Requirements: 1.2, 2.3-2.17_\n',
    ['login-1: 1x npm test', 'login-2 after login-1: 1 npm test'],
  ],
  [
    'sub-numbers that are not indented, and tabs',
    '- [ ] 1. A\n- [ ] 1.1 One\n\t- [ ] 1.2 Two\n',
    ['login-1: 1 npm test; 2 npm test'],
  ],
  [
    'optional tasks are left out, ticked ones in silence',
    '- [ ] 1. A\n  - [ ] 1.1 One\n  - [ ]* 1.2 Property test\n  - [x]* 1.3 Done\n',
    ['login-1: 1 npm test'],
    ['3 format-optional'],
  ],
  [
    'a checkpoint proves the last task before it',
    '- [ ] 1. A\n  - [ ] 1.1 One. Verify: `npm run build`\n- [ ] 2. Checkpoint\n  - Ensure `npm run all` passes\n- [ ] 3. B\n  - [ ] 3.1 Two\n',
    ['login-1: 1 npm run build && npm run all', 'login-3 after login-1: 1 npm test'],
  ],
  [
    'a checkpoint in prose checks nothing',
    '- [ ] 1. A\n  - [ ] 1.1 One\n- [ ] 2. Checkpoint - Ensure all tests pass\n',
    ['login-1: 1 npm test'],
    ['3 format-checkpoint'],
  ],
  [
    'no gate',
    '- [ ] 1. A\n  - [ ] 1.1 One\n  - **Property 1: it holds**\n',
    ['login-1!: '],
    ['2 format-gate-missing'],
    '',
  ],
  ['waves', graph('{"waves":[{"id":0,"tasks":["1.1"]},{"id":1,"tasks":["2.1","3.1"]}]}'), ONE_THEN_TWO],
  [
    'waves with other words',
    graph('[{"wave":1,"description":"d","tasks":["1.1"]},{"wave":2,"tasks":["2","3"]}]'),
    ONE_THEN_TWO,
  ],
  ['plain lists', graph('[["1"],["2","3"]]'), ONE_THEN_TWO],
  ['a graph in arrows is told', graph('1 -> 2'), ORDERED, ['8 format-graph']],
  [
    'a graph with more than waves is told',
    graph('{"waves":[{"tasks":["1","2","3"],"depends_on":[]}]}'),
    ORDERED,
    ['8 format-graph'],
  ],
  ['a graph without all units is told', graph('[["1"],["2"]]'), ORDERED, ['8 format-graph']],
  ['a graph of unknown tasks is told', graph('[["1"],["2"],["3","9"]]'), ORDERED, ['8 format-graph']],
  [
    'waves in which two units alternate are told',
    '- [ ] 1. A\n  - [ ] 1.1 One\n  - [ ] 1.2 Two\n- [ ] 2. B\n## Task Dependency Graph\n```\n[["1.1"],["2"],["1.2"]]\n```\n',
    ['login-1: 1 npm test; 2 npm test', 'login-2 after login-1: 1 npm test'],
    ['5 format-graph'],
  ],
  [
    'a graph may name what is left out',
    '- [ ] 1. A\n  - [ ] 1.1 One\n  - [x]* 1.2 Two\n- [ ] 2. B\n## Task Dependency Graph\n```json\n[["1.1","2"],["1.2"]]\n```\n',
    ['login-1: 1 npm test', 'login-2: 1 npm test'],
  ],
  [
    '(P) and _Depends_',
    '- [ ] 1. A\n  - [ ] 1.1 (P) One\n  - [ ] 1.2 (P) Two\n    - _Depends: 1.1_\n- [ ] 2. B\n  - [ ] 2.1 Three\n    - _Depends: 1.2_\n',
    ['login-1: 1 npm test; 2 npm test after 1', 'login-2 after login-1: 1 npm test'],
    ['2 format-parallel'],
  ],
  [
    'an unknown dependency',
    '- [ ] 1. A\n  - [ ] 1.1 One\n    - _Depends: 4.2_\n',
    ['login-1: 1 npm test'],
    ['3 format-dependency-unknown'],
  ],
  [
    'missing and repeated numbers, and a moved task',
    '- [ ] Write it\n  - [ ] a part\n- [ ] 1. A\n  - [ ] 1.1 One\n  - [ ] 2.1 Moved\n  - [ ] 1.1 Again\n',
    ['login-1 after login-write-it: 1 npm test; 2 npm test; 3 npm test', 'login-write-it: 1 npm test'],
    ['6 format-duplicate'],
  ],
  [
    'code and carriage returns',
    '- [ ] 1. A\r\n  - [ ] 1.1 One\r\n  ```md\r\n- [ ] 9. Sample\r\n  ```\r\n- [ ] 2. B\r\n',
    ['login-1: 1 npm test', 'login-2 after login-1: 1 npm test'],
  ],
])('%s', async (_, list, units, problems = [], config = GATE) => {
  expect(await formatPlan('kiro', list, config)).toEqual({ units, problems });
});

test('400 tasks', async () => {
  const list = Array.from(
    { length: 400 },
    (_, at) =>
      `${at % 20 === 0 ? `- [ ] ${at / 20 + 1}. G\n` : ''}  - [ ] ${Math.floor(at / 20) + 1}.${(at % 20) + 1} Do\n`,
  );
  const { units, problems } = await formatPlan('kiro', list.join(''), GATE);
  expect(units).toHaveLength(20);
  expect(units.join('').match(/npm test/g)).toHaveLength(400);
  expect(problems).toEqual([]);
});
