// Rank: what a person means by a few letters. Pure.

/** The items in which every word of `words` is found, the best first; `name` is the text of one. */
export function rank(words, items, name) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (!wanted.length) return [...items];
  const found = items.map((item, at) => ({ item, at, score: worth(wanted, name(item).toLowerCase()) }));
  return found.filter(({ score }) => score > 0).sort((one, other) => other.score - one.score || one.at - other.at).map(({ item }) => item);
}

/** How well a text answers to all of some words: 0 = not at all. A short text is meant more than a long one. */
export function worth(words, text) {
  let sum = 0;
  for (const word of words) {
    const found = one(word, text);
    if (!found) return 0;
    sum += found;
  }
  return sum - Math.min(text.length, 200) / 1000;
}

function one(word, text) {
  const at = text.indexOf(word);
  if (at === 0) return 8;
  if (at > 0) return /[a-z0-9]/.test(text[at - 1]) ? 4 : 6;
  return scattered(word, text);
}

// The letters in their order, begun where a part of the name begins: `smed` is `service/media`.
function scattered(word, text) {
  if (word.length < 2) return 0;
  let least = 4 * word.length + 1;
  for (let start = text.indexOf(word[0]); start >= 0; start = text.indexOf(word[0], start + 1)) {
    if (start > 0 && /[a-z0-9]/.test(text[start - 1])) continue;
    let at = start, gaps = 0;
    for (const letter of word.slice(1)) {
      const next = text.indexOf(letter, at + 1);
      if (next < 0) { at = -1; break; }
      gaps += next - at - 1;
      at = next;
    }
    if (at >= 0) least = Math.min(least, gaps);
  }
  return least > 4 * word.length ? 0 : 2 - least / (10 * word.length);
}
