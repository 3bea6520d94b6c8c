import assert from "node:assert/strict";
import { test } from "node:test";

import { barChart } from "../src/bar-chart.js";

test("each row is a label, a bar and a value", () => {
  const rows = [
    { label: "tide", value: 4 },
    { label: "boats", value: 2 },
    { label: "sand", value: 1 },
  ];
  const chart = [" tide  ████████ 4", "boats  ████ 2", " sand  ██ 1"].join("\n");
  assert.equal(barChart(rows, { width: 8 }), chart);
});

test("rows keep the order they were given in, and their array is not changed", () => {
  const rows = Object.freeze([
    { label: "a", value: 1 },
    { label: "b", value: 2 },
  ]);
  assert.equal(barChart(rows, { width: 2 }), "a  █ 1\nb  ██ 2");
});

test("the longest bar is 40 cells long unless told otherwise", () => {
  assert.equal(barChart([{ label: "x", value: 7 }]), `x  ${"█".repeat(40)} 7`);
});

test("only whole cells are drawn as full blocks", () => {
  const rows = [
    { label: "third", value: 1 },
    { label: "whole", value: 3 },
  ];
  const [third] = barChart(rows, { width: 10 }).split("\n");
  assert.equal(third.match(/█/g)?.length, 3);
});

test("a value of zero has no bar, even when all are zero", () => {
  assert.equal(barChart([{ label: "none", value: 0 }]), "none   0");
});

test("no rows make an empty chart", () => {
  assert.equal(barChart([]), "");
});
