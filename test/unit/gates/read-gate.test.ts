import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findGateFaults } from '../../../src/gates/read-gate.ts';
import { cpuMs } from '../../helpers/cpu-time.ts';
import { GOOD_GATES, POWERLESS_GATES } from '../../helpers/gates.ts';

const codes = (gate: string): readonly string[] => [...new Set(findGateFaults(gate).map(({ code }) => code))];

describe('a gate that means something', () => {
  test.each(GOOD_GATES)('has no fault: %s', (gate) => {
    expect(findGateFaults(gate)).toEqual([]);
  });
});

describe('a gate that means less than it seems to', () => {
  test.each(POWERLESS_GATES)('cannot fail: %s', (gate) => {
    expect(codes(gate)).toEqual(['gate-cannot-fail']);
  });

  test.each([
    ['npm run lint; npm test', 'npm run lint'],
    ['npm run lint || true; npm test', 'npm run lint'],
    ['npm run lint || true && npm test', 'npm run lint'],
    ['pytest | grep passed', 'pytest'],
    ['set -e; eslint . || true; npm test', 'eslint .'],
    ['bash -c "eslint . | tee log"; npm test', 'eslint .'],
  ])('loses a failure: %s', (gate, part) => {
    expect(findGateFaults(gate)).toMatchObject([{ code: 'gate-loses-failure', got: part }]);
  });

  test.each([
    ...[
      'jest --watch',
      'npx vitest watch',
      'tsc -w',
      'npm start',
      'npm run dev',
      'cargo watch -x test',
      'tail -f log',
    ],
    ...['bash -c "npm run dev"', 'env A=1 jest --watchAll', 'nodemon test.js', 'gradle test --continuous'],
  ])('does not end: %s', (gate) => {
    expect(codes(gate)).toEqual(['gate-watches']);
  });

  test.each([
    ...[
      'jest --passWithNoTests',
      'vitest run --pass-with-no-tests',
      'npm test --if-present',
      'pytest --collect-only',
    ],
    ...['cargo test --no-run', './mvnw -DskipTests package', 'make -n test', 'npm test -- --passWithNoTests'],
  ])('may run no tests: %s', (gate) => {
    expect(codes(gate)).toEqual(['gate-without-tests']);
  });

  test.each([
    'ruff check --exit-zero .',
    'make -i test',
    'mvn -fn test',
    'golangci-lint run --issues-exit-code=0',
  ])('is told to succeed: %s', (gate) => {
    expect(codes(gate)).toEqual(['gate-cannot-fail']);
  });

  test.each([
    ...[
      'npm ci && npm test',
      'pip install -r r.txt && pytest',
      'curl -f https://example.com/x',
      'git fetch origin',
    ],
    ...[
      'npx --yes cowsay',
      'go mod download && go test ./...',
      'docker build .',
      'cargo install cargo-nextest',
    ],
  ])('needs a network: %s', (gate) => {
    expect(codes(gate)).toEqual(['gate-network']);
  });

  test.each(['npm test "', 'npm test)', 'if npm test; then', '$('])('is not read by a shell: %s', (gate) => {
    expect(codes(gate)).toEqual(['gate-syntax']);
  });

  test('shows the part in one short line', () => {
    const [fault] = findGateFaults(`npm test -- ${'a '.repeat(500)}\\\n  b || true`);
    expect(fault?.got).toMatch(/^npm test -- a a /);
    expect(fault?.got.length).toBeLessThanOrEqual(120);
  });
});

describe('any text', () => {
  const pieces = fc.constantFrom(
    ...[
      'a',
      'npm test',
      'true',
      ' ',
      '\n',
      ';',
      '&',
      '&&',
      '||',
      '|',
      '(',
      ')',
      '{ ',
      '; }',
      '$(',
      '`',
      '"',
      "'",
      '\\',
    ],
    ...[
      'if ',
      'then ',
      'fi',
      'while ',
      'do ',
      'done',
      'case ',
      'in ',
      'esac',
      '[[ ',
      ' ]]',
      '((',
      '))',
      '<<x\n',
      '<',
      '>',
    ],
    ...['f() ', '!', 'bash -c ', 'eval ', 'set -e', 'trap ', 'exit', '${a:-', '}', '\u0000', '\u{1F600}'],
  );

  test('is read', () => {
    const text = fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ unit: 'binary' })), (gate) => {
        expect(findGateFaults(gate).length).toBeLessThanOrEqual(5);
      }),
    );
  });

  test.each([
    '(',
    '$(',
    '{ ',
    'if a;then ',
    '`',
    '"$(',
    'f(){ ',
    '[[ (',
    '((',
    'a;',
    'a|',
    'npm test||true;',
    '${a:-',
    "bash -c '",
  ])('of the longest length made of %j is read at once', async (piece) => {
    const gate = piece.repeat(4_096 / piece.length);
    findGateFaults(gate);
    expect(await cpuMs(() => void findGateFaults(gate))).toBeLessThan(500);
  });
});
