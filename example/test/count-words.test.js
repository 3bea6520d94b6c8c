import assert from "node:assert/strict";
import { test } from "node:test";

import { countWords } from "../src/count-words.js";

test("the most frequent word comes first", () => {
  assert.deepEqual(countWords("Sand, tide and sand. Sand! Tide?"), [
    { word: "sand", count: 3 },
    { word: "tide", count: 2 },
    { word: "and", count: 1 },
  ]);
});

test("words of equal count are in the same order on every machine", () => {
  const words = countWords("gull \u00e9toile boat zebra boat gull").map(({ word }) => word);
  assert.deepEqual(words, ["boat", "gull", "zebra", "\u00e9toile"]);
});

test("shorter words than the minimum are left out", () => {
  const words = countWords("a an and andy", { minLength: 3 }).map(({ word }) => word);
  assert.deepEqual(words, ["and", "andy"]);
});

test("length is counted in characters, also outside the basic plane", () => {
  const twoLetters = "\u{10428}\u{10429}";
  assert.deepEqual(countWords(twoLetters, { minLength: 2 }), [{ word: twoLetters, count: 1 }]);
  assert.deepEqual(countWords(twoLetters, { minLength: 3 }), []);
});

test("words that are also names of object properties are counted like others", () => {
  assert.deepEqual(countWords("constructor constructor"), [{ word: "constructor", count: 2 }]);
});

test("a text without words has no counts", () => {
  assert.deepEqual(countWords(""), []);
});
