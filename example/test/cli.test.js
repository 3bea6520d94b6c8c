import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const pathOf = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const cli = pathOf("../src/cli.js");
const harbour = pathOf("fixtures/harbour.txt");
const lighthouse = pathOf("fixtures/lighthouse.txt");

/** Runs the command to its end, with `input` as its standard input. */
function tally(args, input = "") {
  const options = { input, encoding: "utf8" };
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], options);
  return { status, stdout, stderr };
}

test("a file becomes a chart", () => {
  const lines = [
    "Top 3 of 17 words with at least 4 characters",
    "",
    " tide  ████████ 4",
    "boats  ██████ 3",
    " sand  ████ 2",
    "",
  ];
  assert.deepEqual(tally(["--top", "3", "--width", "8", harbour]), {
    status: 0,
    stdout: lines.join("\n"),
    stderr: "",
  });
});

test("several files are counted as one text", () => {
  const { status, stdout } = tally(["--top", "1", "--width", "4", harbour, lighthouse]);
  assert.equal(status, 0);
  assert.match(stdout, /^boats {2}████ 6$/m);
});

test("without a file the text comes from standard input", () => {
  const { status, stdout } = tally(["--width", "2"], "salt salt");
  assert.equal(status, 0);
  assert.match(stdout, /^salt {2}██ 2$/m);
});

test("--help prints the usage and reads nothing", () => {
  const { status, stdout, stderr } = tally(["--help", "no-such-file.txt"]);
  assert.equal(status, 0);
  assert.match(stdout, /^Usage: tally /);
  assert.equal(stderr, "");
});

test("a file that cannot be read is told in one line", () => {
  assert.deepEqual(tally([harbour, "no-such-file.txt"]), {
    status: 1,
    stdout: "",
    stderr: "tally: cannot read no-such-file.txt (ENOENT)\n",
  });
});

test("a wrong option is told in one line", () => {
  assert.deepEqual(tally(["--top", "many"]), {
    status: 1,
    stdout: "",
    stderr: 'tally: --top takes a whole number from 1 to 999, not "many"\n',
  });
});
