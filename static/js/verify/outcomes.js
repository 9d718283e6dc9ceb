/**
 * The vocabulary of checks. A step's function gives what `passed` makes, or throws: `CheckFailed` (looked, and it is wrong),
 * `CheckSkipped` (not looked, and why), `CheckImpossible` (could not look, and why). Only `executor.js` catches.
 */

export const PASS = "pass";
export const FAIL = "fail";
export const SKIPPED = "skipped";
export const ERROR = "error";

class Finding extends Error {
  /** `code` is stable; the message is a sentence for people. */
  constructor(code, message, { expected = "", actual = "" } = {}) {
    super(message);
    this.code = code;
    this.expected = expected;
    this.actual = actual;
  }
}

/** A check was made and does not hold. */
export class CheckFailed extends Finding {}
/** A check was not made, for a reason that is said aloud. */
export class CheckSkipped extends Finding {}
/** The check has no object here: nobody relies on it, and the verdict does not wait for it. */
export class NotAsked extends CheckSkipped {}
/** A check could not be made: something that it needs is missing or not understood. */
export class CheckImpossible extends Finding {}
/** Bytes or text that are not what their format demands. What every reader of formats throws, and nothing else. */
export class Malformed extends CheckFailed {}

/** What a check saw. */
export function passed({ expected = "", actual = "", anchor = "" } = {}) {
  return { expected, actual, anchor };
}

/** Throws `CheckFailed` unless `holds`. */
export function require(holds, code, message, seen = {}) {
  if (!holds) throw new CheckFailed(code, message, seen);
}

/**
 * One numbered step of a procedure. `code` is what rows are known by; `dependsOn` names the codes without which this one means
 * nothing; `required`: the verdict is no better than this check; `restsOnCollateral`: it needs what the evidence does not bring.
 */
export function step(code, link, run, dependsOn = [], { required = true, restsOnCollateral = false } = {}) {
  return { code, link, run, dependsOn, required, restsOnCollateral };
}
