/**
 * The verifier's own sentences in the language of the page. The site's catalogue has them as pairs, `{0}` in the place of a value;
 * what no pair fits stays English, and is marked as English for those who listen.
 */

/** Characters of a sentence that is compared with templates: values in it are foreign text. */
const MOST = 600;

let whole = new Map();
let templates = [];

/** Fetches the catalogue. Without one, or when it does not come, sentences stay English. */
export async function saidStart(url) {
  if (!url) return;
  try {
    const answer = await fetch(url, { credentials: "omit" });
    if (answer.ok) saidUse(await answer.json());
  } catch {
    // A visitor reads English then, and nothing else changes.
  }
}

export function saidUse(pairs) {
  whole = new Map(pairs);
  templates = pairs.filter(([english]) => /\{\d\}/.test(english)).map(([english, other]) => {
    const literal = english.split(/\{\d\}/).map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return { pattern: new RegExp(`^${literal.join("(.+?)")}$`, "s"), other };
  });
}

/** The sentence in the page's language, or as it is. */
export function said(text) {
  if (whole.has(text) || text.length > MOST) return whole.get(text) ?? text;
  for (const { pattern, other } of templates) {
    const found = pattern.exec(text);
    if (found) return other.replace(/\{(\d)\}/g, (place, index) => (found[Number(index) + 1] === undefined ? place : value(found[Number(index) + 1])));
  }
  return text;
}

/** A value may be a sentence, or a title in quotation marks. A single word is somebody's name, or the verifier's word for an outcome. */
function value(text) {
  if (text.startsWith("«") && text.endsWith("»")) return `«${value(text.slice(1, -1))}»`;
  return text.includes(" ") || text === "failed" ? said(text) : text;
}

/** Puts a sentence of the verifier into an element. */
export function saidShow(element, text) {
  const shown = said(text);
  element.textContent = shown;
  if (shown === text) element.lang = "en";
  else element.removeAttribute("lang");
}
