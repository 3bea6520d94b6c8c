import assert from "node:assert/strict";
import { test } from "node:test";

import { barChart } from "../src/bar-chart.js";

/** The bar of the first row, without label and value. */
function firstBar(values, width) {
  const rows = values.map((value) => ({ label: "x", value }));
  return barChart(rows, { width }).split("\n")[0].slice("x  ".length, -` ${values[0]}`.length);
}

test("each eighth of a cell has a block of its own", () => {
  const bars = [1, 2, 3, 4, 5, 6, 7, 8].map((value) => firstBar([value, 8], 1));
  assert.deepEqual(bars, ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"]);
});

test("a bar is whole cells, then at most one part of a cell", () => {
  assert.equal(firstBar([5, 8], 4), "██▌");
});

test("lengths are rounded to the nearest eighth", () => {
  assert.equal(firstBar([1, 3], 1), "▍");
  assert.equal(firstBar([99, 100], 1), "█");
});

test("a value above zero is always visible", () => {
  assert.equal(firstBar([1, 1000], 10), "▏");
});

test("a value of zero still has no bar", () => {
  assert.equal(firstBar([0, 8], 4), "");
});
