/**
 * JSON read strictly: what two readers could understand differently is refused. `JSON.parse` keeps the last of doubled names, reorders
 * names that look like numbers, and loses digits of integers; so this reader is our own.
 *
 * Objects become `Map` (in the document's order), numbers `JsonNumber`. Source: RFC 8259, sections 4, 6 and 8.
 */

/** Levels of nesting that this reader follows at all; documents have nine. Beyond, a recursive reader may run out of stack. */
const DEPTH_READ = 900;
/** Digits of an integer: longer ones take quadratic time. */
const MAX_INTEGER_DIGITS = 4300;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:(\.[0-9]+)?([eE][-+]?[0-9]+)?)/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const SPACE = /[ \t\n\r]*/y;
const CONSTANT = /NaN|-?Infinity/y;
const ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/** Why a text is no JSON. `kind`: malformed, doubled-name, not-a-number, too-deep. */
export class JsonFault extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/** A number as written. */
export class JsonNumber {
  constructor(text, isInteger) {
    this.text = text;
    this.isInteger = isInteger;
    this.value = Number(text);
  }

  /** Whether it is this integer, and written as one. */
  isInt(value) {
    return this.isInteger && BigInt(this.text) === BigInt(value);
  }
}

/**
 * The value of a JSON text. `finite`: a number too large for a float is refused. Throws `JsonFault`.
 * Gives `{ value, depth, doubled }`: how deep it is nested, and the first name that occurs twice in one object (null: none).
 */
export function jsonRead(text, { finite = false, doubledAtOnce = false } = {}) {
  const reader = new Reader(text, finite, doubledAtOnce);
  const value = reader.value(0);
  reader.space();
  if (reader.at !== text.length) throw reader.malformed("something follows the value");
  return { value, depth: reader.depth, doubled: reader.doubled };
}

class Reader {
  constructor(text, finite, doubledAtOnce) {
    this.text = text;
    this.finite = finite;
    this.doubledAtOnce = doubledAtOnce;
    this.at = 0;
    this.depth = 0;
    this.doubled = null;
  }

  malformed(why) {
    return new JsonFault("malformed", `${why} at character ${this.at}`);
  }

  match(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found) this.at = pattern.lastIndex;
    return found;
  }

  space() {
    this.match(SPACE);
  }

  /** The next value; `level`: containers around it. */
  value(level) {
    this.space();
    const letter = this.text[this.at];
    if (letter === '"') return this.string();
    if (letter === "{" || letter === "[") {
      if (level >= DEPTH_READ) throw new JsonFault("too-deep", "nested too deeply");
      this.depth = Math.max(this.depth, level + 1);
      this.at++;
      return letter === "{" ? this.object(level + 1) : this.list(level + 1);
    }
    for (const [word, value] of [["null", null], ["true", true], ["false", false]]) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    const constant = this.match(CONSTANT);
    if (constant) throw new JsonFault("not-a-number", `${constant[0]} is not a JSON number`);
    return this.number();
  }

  number() {
    const found = this.match(NUMBER);
    if (!found) throw this.malformed("a value is expected");
    const isInteger = found[1] === undefined && found[2] === undefined;
    const number = new JsonNumber(found[0], isInteger);
    if (isInteger && found[0].replace("-", "").length > MAX_INTEGER_DIGITS) throw this.malformed("a number has too many digits");
    if (!isInteger && this.finite && !Number.isFinite(number.value)) throw new JsonFault("not-a-number", "a number is too large");
    return number;
  }

  string() {
    this.at++;
    let found = "";
    for (;;) {
      found += this.match(PLAIN)[0];
      const letter = this.text[this.at++];
      if (letter === '"') return found;
      if (letter !== "\\") throw this.malformed("a text does not end, or holds a control character");
      found += this.escape();
    }
  }

  escape() {
    const letter = this.text[this.at++];
    if (letter === "u") {
      const digits = this.text.slice(this.at, this.at + 4);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.malformed("an escape is not of four digits");
      this.at += 4;
      return String.fromCharCode(parseInt(digits, 16));
    }
    const meant = Object.hasOwn(ESCAPES, letter ?? "") ? ESCAPES[letter] : undefined;
    if (meant === undefined) throw this.malformed("an escape is not known");
    return meant;
  }

  object(level) {
    const found = new Map();
    let doubled = null;
    this.space();
    if (this.text[this.at] === "}") {
      this.at++;
      return found;
    }
    for (;;) {
      this.space();
      if (this.text[this.at] !== '"') throw this.malformed("a name is expected");
      const name = this.string();
      this.space();
      if (this.text[this.at++] !== ":") throw this.malformed("a colon is expected");
      const value = this.value(level);
      if (found.has(name)) doubled ??= name;
      found.set(name, value);
      if (this.closes("}")) break;
    }
    if (doubled !== null) {
      if (this.doubledAtOnce) throw new JsonFault("doubled-name", doubled);
      this.doubled ??= doubled;
    }
    return found;
  }

  list(level) {
    const found = [];
    this.space();
    if (this.text[this.at] === "]") {
      this.at++;
      return found;
    }
    do found.push(this.value(level));
    while (!this.closes("]"));
    return found;
  }

  /** After a member: true at the end of its container, false at a comma. */
  closes(end) {
    this.space();
    const letter = this.text[this.at++];
    if (letter === end) return true;
    if (letter !== ",") throw this.malformed("a comma or an end is expected");
    return false;
  }
}
