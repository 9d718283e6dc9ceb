/**
 * «Try to break it»: flips one bit of the evidence, the provenance or the nonce, in this page alone, and verifies again, so that the
 * visitor sees the verifier refuse. The documents on the page stay as they are: the change is made on a copy, and undone by the same switch.
 * The fragment is `sharing/_break_it.html`.
 */

import { hexBytes, hexEncode } from "../verify/bytes.js";
import { saidShow } from "./said.js";
import { shapeOf, stateShow, textOf } from "./texts.js";

/** Bytes shown before and behind the flipped one. */
const AROUND = 8;

export function breakItStart(section, session) {
  const form = section.querySelector("form");
  const { target, place, toggle } = form.elements;
  const documents = { evidence: session.input.evidenceBytes, provenance: session.input.provenanceBytes, nonce: nonceOf(session) };
  for (const option of target.options) option.disabled = documents[option.value] === null;
  target.value = [...target.options].find((option) => !option.disabled)?.value ?? "";
  if (!target.value) return;
  let isOn = false;
  const choose = (at) => {
    const bytes = documents[target.value];
    place.max = bytes.length - 1;
    place.value = Math.min(Math.max(at, 0), bytes.length - 1);
    form.querySelector("[data-slot=size]").textContent = textOf(section, "size", { last: bytes.length - 1 });
    windowShow(section, bytes, Number(place.value), isOn);
  };
  const judge = async () => {
    toggle.setAttribute("aria-checked", String(isOn));
    windowShow(section, documents[target.value], Number(place.value), isOn);
    document.documentElement.classList.toggle("is-broken", isOn);
    if (!isOn) {
      stateShow(section, "whole");
      return;
    }
    stateShow(section, "judging");
    const report = await session.judge(replaced(target.value, flipped(documents[target.value], Number(place.value))));
    if (isOn) brokenShow(section, session, report);
  };
  const switchTo = (state) => {
    isOn = state;
    return judge();
  };
  target.addEventListener("change", () => {
    choose(tellingPlace(documents[target.value], target.value));
    judge();
  });
  place.addEventListener("input", () => {
    choose(Math.floor(Number(place.value) || 0));
    judge();
  });
  form.querySelector("[data-random]").addEventListener("click", () => {
    choose(Math.floor(Math.random() * documents[target.value].length));
    judge();
  });
  toggle.addEventListener("click", () => switchTo(!isOn));
  section.querySelector("[data-undo]").addEventListener("click", () => {
    switchTo(false);
    toggle.focus();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  choose(tellingPlace(documents[target.value], target.value));
  stateShow(section, "whole");
}

/** 16 bytes that were asked for; null: none were. */
function nonceOf(session) {
  return session.input.nonceHex ? hexBytes(session.input.nonceHex) : null;
}

/** A copy with the lowest bit of one byte turned over. */
function flipped(bytes, at) {
  const copy = bytes.slice();
  copy[at] ^= 1;
  return copy;
}

function replaced(target, bytes) {
  return target === "nonce" ? { nonceHex: hexEncode(bytes) } : { [`${target}Bytes`]: bytes };
}

/**
 * A place whose change tells more than «this is not JSON»: in the evidence, inside of the longest text, where the changed letter is still
 * one of base64; in the provenance, in the middle.
 */
function tellingPlace(bytes, target) {
  if (target !== "evidence") return Math.floor(bytes.length / 2);
  const text = new TextDecoder("latin1").decode(bytes);
  const longest = (text.match(/"[A-Za-z0-9+/=_-]{64,}"/g) ?? []).sort((one, other) => other.length - one.length)[0] ?? text;
  const start = text.indexOf(longest);
  for (let at = start + Math.floor(longest.length / 3); at < start + longest.length; at++) {
    if (/[A-Za-z0-9]/.test(text[at]) && /[A-Za-z0-9]/.test(String.fromCharCode(bytes[at] ^ 1))) return at;
  }
  return start;
}

/** Some bytes in hex and as text, the chosen one marked; while it is flipped, before and after. */
function windowShow(section, bytes, at, isOn) {
  const start = Math.max(0, at - AROUND);
  const part = bytes.subarray(start, at + AROUND + 1);
  const hex = section.querySelector("[data-slot=hex]");
  hex.replaceChildren(...Array.from(part, (byte, index) => byteMake(start + index === at, isOn ? byte ^ 1 : byte, byte)));
  const before = hexEncode(bytes.subarray(at, at + 1));
  const after = hexEncode(flipped(bytes, at).subarray(at, at + 1));
  section.querySelector("[data-slot=change]").textContent = textOf(section, isOn ? "flipped" : "chosen", { at, before, after });
}

function byteMake(isChosen, flippedByte, byte) {
  const element = document.createElement(isChosen ? "mark" : "span");
  element.textContent = hexEncode(Uint8Array.of(isChosen ? flippedByte : byte));
  return element;
}

function brokenShow(section, session, report) {
  const before = new Map(session.report.checks.map((check) => [check.code, check.outcome]));
  section.querySelector("[data-slot=verdict]").replaceChildren(shapeOf(`verdict-${report.verdict}`));
  const failed = report.checks.filter((check) => check.outcome === "fail" && before.get(check.code) !== "fail");
  const lost = report.checks.filter((check) => check.outcome !== "pass" && check.outcome !== "fail" && before.get(check.code) === "pass");
  const refused = report.verdict === "failed";
  section.dataset.refused = refused ? "yes" : "no";
  section.querySelector("[data-slot=outcome]").textContent = textOf(section, refused ? "refused" : "notRefused", { count: lost.length });
  section.querySelector("[data-slot=failed]").replaceChildren(...failed.map((check) => failedMake(session, check)));
  stateShow(section, "broken");
}

function failedMake(session, check) {
  const line = document.createElement("li");
  const title = session.material.server?.checks.find((one) => one.code === check.code)?.title ?? check.title;
  const reason = document.createElement("span");
  reason.className = "soft";
  saidShow(reason, check.reason);
  line.append(shapeOf("outcome-fail"), " ", title, document.createElement("br"), reason);
  return line;
}
