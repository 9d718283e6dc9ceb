/** File names that a provenance document states: which cannot stand for a file, and which two may be one. */

import { utf8Encode } from "./bytes.js";

/** Bytes of a file name on common file systems. */
const NAME_LIMIT = 255;
/** Control, format and direction characters, lone surrogates, breaks. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
/** Letters and marks by category, and yet nothing to see. Source: Unicode, Default_Ignorable_Code_Point, as far as not in `HIDDEN`. */
const UNSEEN = /[\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/gu;

/** Why a name cannot stand for a file; empty: it can. */
export function nameFault(name) {
  if (["", ".", ".."].includes(name.trim())) return "it is no file name";
  if (name.includes("/") || name.includes("\\")) return "it holds a path separator";
  if (HIDDEN.test(name)) return "it holds control, direction or other invisible characters";
  if (utf8Encode(name).length > NAME_LIMIT) return `it is longer than ${NAME_LIMIT} bytes`;
  return "";
}

/**
 * What two names have in common that a file system or a reader may take for one: case, composition, what does not show in any font, and
 * at the end dots and spaces, which Windows drops.
 */
export function nameFolded(name) {
  const seen = name.replace(UNSEEN, "");
  return caseFolded(seen.normalize("NFC")).normalize("NFC").trim().replace(/[. ]+$/, "");
}

/**
 * Full case folding, letter by letter: browsers have no function for it, but lower, upper and again lower case gives the same classes of
 * letters (ß is SS is ss), save for those that Unicode folds apart. Source: Unicode, CaseFolding.txt, status C and F.
 */
function caseFolded(text) {
  return Array.from(text, letterFolded).join("");
}

function letterFolded(letter) {
  // Dotless ı has I for its capital, and yet is not i.
  return letter === "\u0131" ? letter : letter.toLowerCase().toUpperCase().toLowerCase().replaceAll("\u03c2", "\u03c3");
}
