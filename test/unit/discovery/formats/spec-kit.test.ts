import { expect, test } from 'vitest';
import { formatPlan } from '../../../helpers/format-plan.ts';

const GATE = 'default_gate: npm test\n';

test.each<
  [what: string, list: string, units: readonly string[], problems?: readonly string[], config?: string]
>([
  [
    'phases: all stories wait for the foundation, the last phase for all stories',
    '## Phase 1: Setup (Shared Infrastructure)\n- [ ] T001 Create it\n## Phase 2: Foundational (Blocking Prerequisites)\n- [ ] T002 Base\n## Phase 3: User Story 1 - See (Priority: P1)\n- [ ] T003 [US1] See\n## Phase 4: User Story 2 - Sort (Priority: P2)\n- [ ] T004 [US2] Sort\n## Phase 5: Polish & Cross-Cutting Concerns\n- [ ] T005 Shine\n',
    [
      'login-foundational after login-setup: 1 npm test',
      'login-polish after login-us1 login-us2: 1 npm test',
      'login-setup: 1 npm test',
      'login-us1 after login-foundational: 1 npm test',
      'login-us2 after login-foundational: 1 npm test',
    ],
  ],
  [
    'the Independent Test and the checkpoint prove the last task of a story',
    '## Phase 3: User Story 1 - See\n**Goal**: see\n**Independent Test**: run `npm test -- see`\n- [ ] T001 [US1] A\n- [ ] T002 [US1] B, verify: `npm run build`\n\n**Checkpoint**: `npx playwright test see` is green\n',
    ['login-us1: 1 npm test; 2 npm run build && npm test -- see && npx playwright test see'],
  ],
  [
    'an Independent Test in prose is no gate',
    '## Phase 3: User Story 1 - See\n**Independent Test**: open `/albums` and look\n- [ ] T001 [US1] A\n',
    ['login-us1!: '],
    ['3 format-gate-missing'],
    '',
  ],
  [
    'dependencies within a unit and between units',
    '## Phase 3: User Story 1 - See\n- [ ] T001 [US1] A\n- [ ] T002 [US1] B (depends on T001)\n## Phase 4: User Story 2 - Sort\n- [ ] T003 [US2] C (depends on T001, T002)\n## Phase 5: User Story 3 - Save\n- [ ] T004 D (depends on US2)\n',
    [
      'login-us1: 1 npm test; 2 npm test after 1',
      'login-us2 after login-us1: 1 npm test',
      'login-us3 after login-us2: 1 npm test',
    ],
  ],
  [
    'a range of tasks',
    '- [ ] T001 A\n- [ ] T002 B\n- [ ] T003 C\n- [ ] T004 D (depends on T001-T003)\n',
    ['login: 1 npm test; 2 npm test; 3 npm test; 4 npm test after 1 2 3'],
  ],
  [
    'a dependency that is not there',
    '## Phase 3: User Story 1 - See\n- [ ] T001 A (depends on T099)\n',
    ['login-us1: 1 npm test'],
    ['2 format-dependency-unknown'],
  ],
  [
    'a dependency in words',
    '- [ ] T001 A (depends on the database)\n',
    ['login: 1 npm test'],
    ['1 format-dependency-unread'],
  ],
  [
    'tasks that wait for each other',
    '- [ ] T001 A (depends on T002)\n- [ ] T002 B (depends on T001)\n',
    ['login!: '],
    ['1 task-cycle'],
  ],
  [
    '[P] means nothing, and is said once',
    '## Phase 1: Setup\n- [ ] T001 [P] A\n- [ ] T002 [P] B\n',
    ['login-setup: 1 npm test; 2 npm test'],
    ['2 format-parallel'],
  ],
  [
    'ticked boxes of both cases',
    '## Phase 1: Setup\n- [X] T001 A\n- [x] T002 B\n## Phase 2: Foundational\n- [ ] T003 C (depends on T001)\n',
    ['login-foundational after login-setup: 1 npm test', 'login-setup: 1x npm test; 2x npm test'],
  ],
  [
    'other phases, and one that was appended, wait for all before them',
    '## Phase 1: Core\n- [ ] T001 A\n## Phase 2: User Story 1 - See\n- [ ] T002 B\n## Phase 3: Convergence\n- [ ] T003 C\n',
    [
      'login-convergence after login-us1: 1 npm test',
      'login-core: 1 npm test',
      'login-us1 after login-core: 1 npm test',
    ],
  ],
  [
    'missing and repeated numbers',
    '- [ ] First\n- [ ] T001 A\n- [ ] T001 B\n',
    ['login: 1 npm test; 2 npm test; 3 npm test'],
    ['3 format-duplicate'],
  ],
  [
    'subsections, sample tasks in comments and code, lists below a task',
    '## Phase 1: Setup\n<!-- for example\n- [ ] T000 Sample\n-->\n### Tests\n- [ ] T001 A\n  - in `src/a.ts`\n\t- [ ] half\n### Code\n- [ ] T002 B\n```\n- [ ] T003 Sample\n```\n## Dependencies & Execution Order\n- T001 before T002\n',
    ['login-setup: 1 npm test; 2 npm test'],
  ],
  [
    'carriage returns and tabs',
    '## Phase 1: Setup\r\n-\t[ ] T001 A\r\n-\t[ ] T002 B (depends on T001)\r\n',
    ['login-setup: 1 npm test; 2 npm test after 1'],
  ],
  [
    'the same story twice',
    '## Phase 3: User Story 1 - See\n- [ ] T001 A\n## Phase 4: User Story 1 - See again\n- [ ] T002 B\n',
    ['login-us1: 1 npm test'],
    ['3 format-duplicate'],
  ],
])('%s', async (_, list, units, problems = [], config = GATE) => {
  expect(await formatPlan('spec-kit', list, config)).toEqual({ units, problems });
});

test('features have three digits or a time, and 400 tasks if need be', async () => {
  const list = Array.from({ length: 400 }, (_, at) => `- [ ] T${String(at + 1).padStart(3, '0')} Do\n`).join(
    '',
  );
  const { units } = await formatPlan(
    'spec-kit',
    { '001-albums': list, '20260101-101500-photos': '- [ ] T001 A\n' },
    GATE,
  );
  expect(units.map((unit) => unit.split(':')[0])).toEqual(['001-albums', '20260101-101500-photos']);
  expect(units[0]?.match(/npm test/g)).toHaveLength(400);
});
