/** How texts of documents and numbers are written into sentences: every character is seen, and both verifiers write the same. */

/** Characters of a reason or value that are kept. */
const TEXT_LIMIT = 4000;
/** Unicode's control, format and bidi characters, surrogates, private and unassigned ones, breaks. */
const ESCAPED = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
/** The same, and every separator other than the space. */
const UNPRINTABLE = /[\p{C}\p{Z}]/u;

/** Whether every character shows. */
export function isPrintable(text) {
  return !UNPRINTABLE.test(text.replaceAll(" ", ""));
}

export function isAscii(text) {
  // eslint-disable-next-line no-control-regex
  return /^[\x00-\x7f]*$/.test(text);
}

/** The text with every character that does not show itself written as `\u{…}`. */
export function visible(text) {
  return text.replace(ESCAPED, (letter) => `\\u{${letter.codePointAt(0).toString(16)}}`);
}

/** A text as a row shows it. */
export function shown(text) {
  return visible(cut(text, TEXT_LIMIT));
}

/** The first `count` characters, not UTF-16 units. */
export function cut(text, count) {
  return text.length <= count ? text : Array.from(text).slice(0, count).join("");
}

/** Number of characters, not of UTF-16 units. */
export function characterCount(text) {
  return Array.from(text).length;
}

/** A text in quotes, its unprintable characters escaped, as Python's `repr` writes it. */
export function quoted(text, limit = Infinity) {
  const body = limit === Infinity ? text : cut(text, limit);
  const quote = body.includes("'") && !body.includes('"') ? '"' : "'";
  const escaped = Array.from(body, (letter) => quotedLetter(letter, quote)).join("");
  return quote + escaped + quote;
}

function quotedLetter(letter, quote) {
  if (letter === "\\" || letter === quote) return `\\${letter}`;
  if (letter === "\n") return "\\n";
  if (letter === "\r") return "\\r";
  if (letter === "\t") return "\\t";
  if (letter === " " || !UNPRINTABLE.test(letter)) return letter;
  const code = letter.codePointAt(0);
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
}

/** `0x` and lower-case digits. */
export function hexNumber(value, width = 0) {
  return `0x${value.toString(16).padStart(width, "0")}`;
}
