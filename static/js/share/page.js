/** Entry of the share page. */

import { pageStart } from "./verify-page.js";

pageStart();
