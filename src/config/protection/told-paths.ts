import type { ProtectionEntry } from './entry.ts';

const tell = (what: string, names: string, source: string): ProtectionEntry => ({
  level: 'tell',
  what,
  names,
  source,
});

/** Tests. */
export const TOLD_PATHS: readonly ProtectionEntry[] = [
  tell(
    'tests by directory',
    'test tests testing __tests__ spec e2e cypress testdata __mocks__ fixtures __fixtures__ __snapshots__ src/test',
    'https://vitest.dev/config/include',
  ),
  tell(
    'JavaScript tests',
    '*.test.* *.spec.* *.snap *-test.js *.cy.*',
    'https://jestjs.io/docs/configuration#testmatch-arraystring',
  ),
  tell(
    'Python tests',
    'test_*.py *_test.py',
    'https://docs.pytest.org/en/stable/explanation/goodpractices.html#conventions-for-python-test-discovery',
  ),
  tell('Go tests', '*_test.go', 'https://pkg.go.dev/cmd/go#hdr-Test_packages'),
  tell(
    'Ruby tests',
    '*_spec.rb *_test.rb test_*.rb',
    'https://rspec.info/features/3-13/rspec-core/configuration/pattern/',
  ),
  tell(
    'Java and Kotlin tests',
    '*test.java *tests.java *test.kt *tests.kt *spec.groovy',
    'https://maven.apache.org/surefire/maven-surefire-plugin/examples/inclusion-exclusion.html',
  ),
  tell(
    'tests of others',
    '*test.php *_test.exs *test.cs *tests.cs *tests.swift *_test.dart *_test.cc *_test.cpp *.feature *.bats *.t',
    'https://docs.phpunit.de/en/12.0/organizing-tests.html',
  ),
];
