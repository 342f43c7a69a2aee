// One line of a log as it is shown: colours of a terminal become classes, its other commands are taken out, and characters that hide,
// reorder or act are written as escapes. Only text and classes of ours are ever made of it.

const SEQUENCE = /\u001b(?:\[([0-?]*)([ -/]*[@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[PX^_][^\u001b]*(?:\u001b\\)?|[ -/]*[0-~])/g;
const HIDDEN = new RegExp("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\xad\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb"
  + "\\ud800-\\udfff\\u{e0000}-\\u{e007f}]", "gu");
const COLOURS = ["grey", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
const NAMED = /\b(?:level|lvl|severity|loglevel)["']?\s*[=:]\s*["']?(\w+)/i;
const WORDS = [["error", /\b(error|err|fatal|critical|crit|panic|exception|traceback|emerg|alert)\b/i], ["warn", /\b(warn|warning)\b/i],
  ["debug", /\b(debug|trace|dbg|verbose)\b/i]];

export const RANKS = { debug: 0, "": 1, warn: 2, error: 3 };

/** What can be read of a piece of text. */
export function visible(text) {
  return text.replace(HIDDEN, (found) => {
    const code = found.codePointAt(0);
    return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** The pieces of a line: `[text, classes]`. A colour lasts until the line ends at most. */
export function pieces(line) {
  const found = [], style = new Map();
  let from = 0;
  const take = (to) => {
    const text = visible(line.slice(from, to));
    if (text) found.push([text, [...style.values()].map((name) => `ansi-${name}`)]);
  };
  for (const sequence of line.matchAll(SEQUENCE)) {
    take(sequence.index);
    from = sequence.index + sequence[0].length;
    if (sequence[2] === "m") paint(style, sequence[1]);
  }
  take(line.length);
  return found;
}

/** How bad it is: by a field that says so, else by its words. */
export function level(text) {
  const told = NAMED.exec(text)?.[1] ?? text;
  return WORDS.find(([, pattern]) => pattern.test(told))?.[0] ?? "";
}

// Colours are shown by what they are called: each is one of the page's own, which can be read in every theme. Grounds are not shown.
function paint(style, given) {
  const codes = given.split(/[;:]/).map(Number);
  while (codes.length) {
    const code = codes.shift();
    if (code === 0) style.clear();
    else if (code === 1) style.set("weight", "bold");
    else if (code === 2) style.set("weight", "dim");
    else if (code === 3) style.set("slant", "italic");
    else if (code === 4) style.set("line", "underline");
    else if (code === 22) style.delete("weight");
    else if (code === 23) style.delete("slant");
    else if (code === 24) style.delete("line");
    else if (code === 39) style.delete("colour");
    else if (code >= 30 && code <= 37) style.set("colour", COLOURS[code - 30]);
    else if (code >= 90 && code <= 97) style.set("colour", COLOURS[code - 90]);
    else if (code === 38 || code === 48) {
      const colour = codes.shift() === 2 ? nearest(codes.splice(0, 3)) : indexed(codes.shift());
      if (code === 38) style.set("colour", colour);
    }
  }
}

function indexed(code) {
  if (code < 16) return COLOURS[code % 8];
  if (code >= 232) return code < 244 ? "grey" : "white";
  return nearest([Math.floor((code - 16) / 36), Math.floor((code - 16) / 6) % 6, (code - 16) % 6]);
}

function nearest(parts) {
  const most = Math.max(...parts);
  return COLOURS[parts.reduce((found, part, at) => found | (most && part > most * .6 ? 1 << at : 0), 0)];
}
