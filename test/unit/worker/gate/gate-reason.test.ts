import { describe, expect, test } from 'vitest';
import { findReason } from '../../../../src/worker/gate/gate-reason.ts';
import { cpuMs } from '../../../helpers/cpu-time.ts';

/** What runners print where something fails, recorded; those of Node are run, in the integration tests. */
const RECORDED: readonly (readonly [runner: string, output: string, reason: string])[] = [
  [
    'vitest',
    `
 ❯ test/sum.test.ts (1 test | 1 failed) 142ms
   ❯ sum (1)
     × takes away 137ms

⎯⎯⎯⎯⎯⎯⎯ Failed Tests 1 ⎯⎯⎯⎯⎯⎯⎯

 FAIL  test/sum.test.ts > sum > takes away
AssertionError: expected { a: 2 } to deeply equal { a: 1 }

- Expected
+ Received

  {
-   "a": 1,
+   "a": 2,
  }

 ❯ test/sum.test.ts:2:73
      1| import { describe, expect, test } from 'vitest';
       |                                                                         ^

⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯[2/2]⎯

 Test Files  1 failed (1)
   Duration  2.24s (setup 53%, transform 21%, tests 12%, worker 12%, import 2%)
`,
    'test/sum.test.ts > sum > takes away: expected { a: 2 } to deeply equal { a: 1 }',
  ],
  [
    'jest',
    `FAIL test/sum.test.js
  sum
    ✓ adds (2 ms)
    ✕ takes away (3 ms)

  ● sum › takes away

    expect(received).toBe(expected) // Object.is equality

    Expected: 1
    Received: 2

      3 |   test('takes away', () => {
    > 4 |     expect(3 - 1).toBe(1);
        |                   ^

      at Object.toBe (test/sum.test.js:4:19)

Tests:       1 failed, 1 passed, 2 total
Ran all test suites.
`,
    'sum › takes away: expect(received).toBe(expected) // Object.is equality Expected: 1 Received: 2',
  ],
  [
    'pytest',
    `.FF                                                                      [100%]
=================================== FAILURES ===================================
_______________________________ test_takes_away ________________________________

    def test_takes_away():
        got = {"a": [1, 2]}
>       assert got == {"a": [1, 3]}, "wrong remainder"
E       AssertionError: wrong remainder

test_sum.py:5: AssertionError
=========================== short test summary info ============================
FAILED test_sum.py::test_takes_away - AssertionError: wrong remainder
FAILED test_sum.py::test_raises - ValueError: no such thing
2 failed, 1 passed in 6.40s
`,
    'test_sum.py::test_takes_away - AssertionError: wrong remainder',
  ],
  [
    "Python's unittest",
    `F
======================================================================
FAIL: test_x (__main__.T.test_x)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "test_unit.py", line 3, in test_x
    def test_x(self): self.assertEqual(1, 2)
                      ^^^^^^^^^^^^^^^^^^^^^^
AssertionError: 1 != 2

----------------------------------------------------------------------
Ran 1 test in 0.001s

FAILED (failures=1)
`,
    'test_x: 1 != 2',
  ],
  [
    'Python',
    `Traceback (most recent call last):
  File "<string>", line 1, in <module>
  File "/usr/lib/python3.11/json/decoder.py", line 353, in raw_decode
    obj, end = self.scan_once(s, idx)
               ^^^^^^^^^^^^^^^^^^^^^^
json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)
`,
    'json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)',
  ],
  [
    'go test',
    `--- FAIL: TestSum (0.00s)
    --- FAIL: TestSum/takes_away (0.00s)
        sum_test.go:9: got 2, want 1
FAIL
FAIL	example.com/sum	0.002s
FAIL
`,
    'TestSum/takes_away: sum_test.go:9: got 2, want 1',
  ],
  [
    'go, which cannot build',
    `# example.com/sum [example.com/sum.test]
./sum_test.go:9:2: undefined: minus
FAIL	example.com/sum [build failed]
FAIL
`,
    './sum_test.go:9:2: undefined: minus',
  ],
  [
    'cargo test',
    `running 3 tests
test tests::fine ... ok
test tests::adds ... FAILED

failures:

---- tests::adds stdout ----

thread 'tests::adds' (4379) panicked at src/lib.rs:4:17:
assertion \`left == right\` failed
  left: 2
 right: 3
note: run with \`RUST_BACKTRACE=1\` environment variable to display a backtrace


failures:
    tests::adds

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.58s

error: test failed, to rerun pass \`--lib\`
`,
    'tests::adds: assertion `left == right` failed left: 2 right: 3',
  ],
  [
    'rustc',
    `   Compiling r v0.1.0 (/r)
error[E0308]: mismatched types
 --> src/lib.rs:4:29
  |
4 |     fn adds() { let x: u8 = "a"; }
  |                        --   ^^^ expected \`u8\`, found \`&str\`

For more information about this error, try \`rustc --explain E0308\`.
error: could not compile \`r\` (lib test) due to 1 previous error
`,
    'error[E0308]: mismatched types',
  ],
  [
    'tsc',
    "src/a.ts(3,5): error TS2322: Type 'string' is not assignable to type 'number'.\nsrc/b.ts(1,1): error TS2304: Cannot find name 'x'.\n",
    "src/a.ts(3,5): error TS2322: Type 'string' is not assignable to type 'number'.",
  ],
  [
    'bats',
    "1..2\nok 1 adds\nnot ok 2 takes away\n# (in test file sum.bats, line 4)\n#   `[ 2 -eq 1 ]' failed\n",
    "takes away: (in test file sum.bats, line 4) `[ 2 -eq 1 ]' failed",
  ],
  ['make', 'the chart has no legend\nmake: *** [Makefile:2: test] Error 2\n', 'the chart has no legend'],
  [
    'an old npm',
    `> r@1.0.0 test
> node check.js

no legend
npm ERR! Lifecycle script \`test\` failed with error:
npm ERR! Error: command failed
npm ERR!   in workspace: r@1.0.0
npm ERR!   at location: /r
`,
    'no legend',
  ],
  [
    'npm 11',
    'no legend\nnpm error code 3\nnpm error path /r\nnpm error command failed\nnpm error command sh -c node x\nnpm error A complete log of this run can be found in: /home/x/.npm/_logs/1.log\n',
    'no legend',
  ],
  [
    'an end that choo made',
    'one\n}\n[choo: ended after 1 s; it printed nothing]',
    '[choo: ended after 1 s; it printed nothing]',
  ],
];

describe('the reason of a red gate', () => {
  test.each(RECORDED)('is what %s says first', (_, output, reason) => {
    expect(findReason(output)?.text).toBe(reason);
    expect(findReason(`\u001b[31m${output.replaceAll('\n', '\u001b[39m\r\n\u001b[31m')}`)?.text).toBe(reason);
  });

  test('has an end', () => {
    expect(findReason('x'.repeat(1_000))?.text).toBe(`${'x'.repeat(299)}…`);
  });

  test.each([
    ['not ok 1 - x\n', '  ---\n'],
    ['✖ x (1ms)\n', '  y\n'],
    ['✖ x (1ms)\n', ''],
    ['FAIL: x (y)\n', 'z\n'],
    ['}\n', ''],
    ['at x {\n', '}\n'],
    ['', '# at '],
    ['AssertionError: ', "error: '"],
    ["thread 'x' panicked at ", ': '],
    [' error TS1: ', '\u2028'],
    ['FAILED x', '.py'],
    ['\u001b[', '1;'],
    ['\u001b]', 'a'],
    ['\u001b', '\u001b ]'],
    ['npm error ', ' '],
    ['> @x', '@x'],
  ])('takes no time to find, in 16 KiB that repeat %j and %j', async (head, rest) => {
    const size = 16 * 1024;
    const texts = [
      (head + rest).repeat(size / (head.length + rest.length)),
      head + rest.repeat(size / (rest.length || 1)),
      `${head.repeat(size / (head.length || 1))}\n${rest}`,
    ];
    for (const text of texts) expect(await cpuMs(() => findReason(text))).toBeLessThan(100);
  });
});
