/** Gates that mean something: nothing is said of them. `npm`, `pytest` and the like decide. */
export const GOOD_GATES: readonly string[] = [
  ...[
    'npm test',
    'node --test',
    'vitest',
    'vitest run',
    'jest -w 4',
    'pytest -q tests/test_a.py',
    'cargo test --lib x',
  ],
  ...[
    'go test ./...',
    'make check',
    './check.sh',
    'bash scripts/check.sh',
    'python -m unittest',
    'bundle exec rspec',
  ],
  ...[
    'uv run pytest',
    'npx tsc -p . --noEmit',
    'CI=true npm test',
    'env CI=1 npm test',
    'timeout 60 npm test',
  ],
  ...['npm run lint && npm test', 'set -e\nnpm run lint\nnpm test', 'set -euo pipefail; npm test | tee log'],
  ...['bash -o pipefail -c "npm test | tee log"', 'sh -c "npm test"', 'cd . && npm test', '(cd .; npm test)'],
  ...['npm test || exit 1', 'test -f a || { echo missing; exit 1; }', 'if ! npm test; then exit 1; fi'],
  ...['npm test -- --watch=false', 'npm test > log 2>&1', 'echo go && npm test', 'f() { npm test; }; f'],
  ...[
    'pytest; code=$?; rm -rf tmp; exit $code',
    'npm test & wait $!',
    'rm -rf out; npm run build && test -f out/a',
  ],
  ...['npm start & npx wait-on http://localhost:3000 && npm test', 'curl -fsS http://localhost:1/health'],
  ...['command -v jq >/dev/null || echo no jq; npm test', 'trap "kill %1" EXIT; npm test'],
  ...[
    'test -e done-1',
    'test -f a && grep -q x a',
    '! npm test',
    'grep -q x f || exit 1',
    'cat a | grep -q x',
  ],
  ...[
    'x=$(npm test) && [ "$x" = 3 ]',
    '[ "$(cat f)" = x ]',
    '[[ -f a ]]',
    '(( $(wc -l < a) > 3 ))',
    'git diff --exit-code',
  ],
  ...[
    'for f in a b; do npm test "$f" || exit 1; done',
    'case x in x) npm test;; esac',
    'while read -r l; do npm test; done < f',
  ],
];

/** Gates that pass whatever the work is like. */
export const POWERLESS_GATES: readonly string[] = [
  ...['true', ':', 'echo ok', 'exit 0', '[ 1 = 1 ]', 'test 1', '[[ a == a ]]', '(( 1 ))'],
  ...[
    'npm test || true',
    'npm test || :',
    'npm test || echo failed',
    'npm test || exit 0',
    '(npm test) || true',
  ],
  ...[
    '{ npm test; } || true',
    'npm test || (exit 0)',
    'npm test || { echo x; exit 0; }',
    'npm test && echo yes || echo no',
  ],
  ...[
    'pytest | tee log',
    'npm test 2>&1 | tail -5',
    'npm test |& cat',
    'time npm test | tee log',
    'set -e; npm test | tee log',
  ],
  ...['npm test | while read -r l; do echo "$l"; done', 'npm test &', 'npm test & wait', 'nohup npm test &'],
  ...['npm test; exit 0', 'npm test; echo done', 'npm test\ntrue', 'trap "exit 0" EXIT; npm test'],
  ...[
    'if npm test; then echo ok; fi',
    'while npm test; do sleep 1; done',
    'case x in x) npm test || true;; esac',
  ],
  ...['echo "$(npm test)"', 'export X=$(npm test)', 'bash -c "npm test || true"', 'sh -c "npm test | cat"'],
  ...['eval "npm test || true"', 'f() { npm test || true; }; f'],
];
