import assert from "node:assert/strict";
import { test } from "node:test";

import { report } from "../src/report.js";

test("a report is a headline, an empty line and a chart", () => {
  const text = "Sand, tide, sand, boats, sand, tide, sand.";
  const lines = [
    "Top 2 of 3 words with at least 4 characters",
    "",
    "sand  ████████ 4",
    "tide  ████ 2",
  ];
  assert.equal(report(text, { top: 2, minLength: 4, width: 8 }), lines.join("\n"));
});

test("the headline counts the rows there are, not the rows asked for", () => {
  const [headline] = report("sand tide", { top: 10, minLength: 1, width: 8 }).split("\n");
  assert.equal(headline, "Top 2 of 2 words with at least 1 character");
});

test("a single word is told in the singular", () => {
  const [headline] = report("sand a sand", { top: 10, minLength: 4, width: 8 }).split("\n");
  assert.equal(headline, "Top 1 of 1 word with at least 4 characters");
});

test("a text with nothing to count says so", () => {
  assert.equal(
    report("a be sea", { top: 10, minLength: 4, width: 8 }),
    "No words with at least 4 characters",
  );
});
