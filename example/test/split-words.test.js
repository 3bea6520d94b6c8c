import assert from "node:assert/strict";
import { test } from "node:test";

import { splitWords } from "../src/split-words.js";

test("words come in reading order, in lower case", () => {
  assert.deepEqual(splitWords("Tide in, TIDE out."), ["tide", "in", "tide", "out"]);
});

test("everything but letters separates words", () => {
  assert.deepEqual(splitWords("one\ntwo\tthree/four_five 6 seven8nine"), [
    "one",
    "two",
    "three",
    "four",
    "five",
    "seven",
    "nine",
  ]);
});

test("apostrophes and hyphens belong to a word only between letters", () => {
  assert.deepEqual(splitWords("don't 'quoted' well-known --flag end- a--b"), [
    "don't",
    "quoted",
    "well-known",
    "flag",
    "end",
    "a",
    "b",
  ]);
});

test("a curly apostrophe is the same as a straight one", () => {
  assert.deepEqual(splitWords("isn\u2019t"), ["isn't"]);
});

test("letters of every script count, composed or not", () => {
  assert.deepEqual(splitWords("Caf\u00e9 cafe\u0301 \u0416\u0423\u041a"), [
    "caf\u00e9",
    "caf\u00e9",
    "\u0436\u0443\u043a",
  ]);
});

test("a text without letters has no words", () => {
  assert.deepEqual(splitWords(""), []);
  assert.deepEqual(splitWords("42 - '...'"), []);
});
