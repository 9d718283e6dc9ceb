/** Runs steps and catches: the one place where what is thrown becomes an outcome, never a pass. */

import { CheckFailed, CheckImpossible, CheckSkipped, ERROR, FAIL, NotAsked, PASS, SKIPPED } from "./outcomes.js";
import { ProvenanceError } from "./provenance-error.js";
import { shown } from "./texts.js";
import { titleOf } from "./words.js";

const WHICH = { [FAIL]: "failed", [SKIPPED]: "was not made", [ERROR]: "could not be made" };

/** Runs steps in order and keeps the checks that they became, in `checks`. `onCheck`: called, and waited for, after each. */
export class Executor {
  constructor(onCheck = null) {
    this.byCode = new Map();
    this.onCheck = onCheck;
  }

  get checks() {
    return [...this.byCode.values()];
  }

  passed(code) {
    return this.byCode.get(code)?.outcome === PASS;
  }

  /** Runs a step whose predecessors passed; otherwise it is skipped, and says because of which. */
  async run(step, context) {
    const blocking = step.dependsOn.find((code) => !this.passed(code));
    const check = blocking === undefined ? await made(step, context) : this.blocked(step, blocking);
    this.byCode.set(step.code, check);
    if (this.onCheck) await this.onCheck(this.byCode.size);
  }

  blocked(step, code) {
    const before = this.byCode.get(code);
    const name = before ? `«${before.title}»` : code;
    const reason = `depends on ${name}, which ${before ? WHICH[before.outcome] : "was not made"}`;
    return row(step, SKIPPED, { reason, reasonCode: "depends" });
  }
}

async function made(step, context) {
  try {
    const seen = await step.run(context);
    return row(step, PASS, seen);
  } catch (error) {
    const said = { reason: error.message, reasonCode: error.code };
    if (error instanceof NotAsked) return row(step, SKIPPED, { ...said, required: false });
    if (error instanceof CheckSkipped) return row(step, SKIPPED, said);
    if (error instanceof CheckImpossible) return row(step, ERROR, said);
    // A check that was made and does not hold counts, also where nobody had to make it.
    if (error instanceof CheckFailed) {
      return row(step, FAIL, { ...said, required: true, expected: error.expected, actual: error.actual });
    }
    if (error instanceof ProvenanceError) return row(step, FAIL, { ...said, required: true });
    // Not a pass by accident, and not the document's proven fault either.
    const reason = `an unexpected ${error.name} inside the verifier: ${error.message}`;
    return row(step, ERROR, { reason, reasonCode: "unexpected" });
  }
}

function row(step, outcome, { required = step.required, reason = "", reasonCode = "", expected = "", actual = "", anchor = "" }) {
  return {
    code: step.code, title: titleOf(step.code), link: step.link, outcome, required, reason: shown(reason), reason_code: reasonCode,
    expected: shown(expected), actual: shown(actual), anchor, depends_on: step.dependsOn,
  };
}
