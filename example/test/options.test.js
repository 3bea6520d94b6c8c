import assert from "node:assert/strict";
import { test } from "node:test";

import { readOptions, USAGE } from "../src/options.js";

test("without arguments the defaults hold", () => {
  assert.deepEqual(readOptions([]), {
    files: [],
    top: 10,
    minLength: 4,
    width: 40,
    help: false,
  });
});

test("files keep the order they were named in, before or after options", () => {
  const { files, top } = readOptions(["b.txt", "--top", "3", "a.txt"]);
  assert.deepEqual(files, ["b.txt", "a.txt"]);
  assert.equal(top, 3);
});

test("every option is read", () => {
  const args = ["--top=5", "--min-length=1", "--width=999", "--help", "a.txt"];
  assert.deepEqual(readOptions(args), {
    files: ["a.txt"],
    top: 5,
    minLength: 1,
    width: 999,
    help: true,
  });
});

test("after two dashes everything is a file", () => {
  assert.deepEqual(readOptions(["--", "--top"]).files, ["--top"]);
});

for (const name of ["--top", "--min-length", "--width"]) {
  for (const value of ["0", "-1", "007", "1000", "2.5", "ten", ""]) {
    test(`${name} refuses "${value}" and says what it takes`, () => {
      assert.throws(() => readOptions([`${name}=${value}`]), {
        message: `${name} takes a whole number from 1 to 999, not "${value}"`,
      });
    });
  }
}

test("an unknown option is refused by name", () => {
  assert.throws(() => readOptions(["--colour"]), /--colour/);
});

test("the usage names every option", () => {
  assert.match(USAGE, /^Usage: tally /);
  for (const name of ["--top", "--min-length", "--width", "--help"]) {
    assert.ok(USAGE.includes(name), name);
  }
});
