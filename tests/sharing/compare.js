/** What the tests ask of the comparison. */

import { compareReports } from "./static/js/verify/compare.js";

export function compared([report, server, hidden]) {
  return compareReports(report, server, hidden);
}
