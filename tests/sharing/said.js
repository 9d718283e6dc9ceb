/** What the tests ask of the sentences. */

import { said, saidUse } from "./static/js/share/said.js";

export function spoken([pairs, texts]) {
  saidUse(pairs);
  return texts.map(said);
}
