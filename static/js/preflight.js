/**
 * A look at an archive before a byte of it is sent. It reads the listing only (of a ZIP its directory, of a tar.gz the headers
 * as they stream by) and gives codes; the page holds the sentence for each. The server looks again and has the last word.
 */

import { ArchiveProblem } from "./archive-problem.js";
import { tarList } from "./archive-tar.js";
import { zipList } from "./archive-zip.js";

const LOCKFILES = [["flake.nix", "nix"], ["Cargo.lock", "cargo"], ["pnpm-lock.yaml", "pnpm"]];
const MANIFESTS = [["Cargo.toml", "Cargo.lock"], ["package.json", "pnpm-lock.yaml"]];
const OUTPUTS = ["target", "dist", "node_modules", "result"];
const SHOWN_PATHS = 3;

async function kindOf(file) {
  const head = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  if (head[0] === 0x50 && head[1] === 0x4b && head[2] === 3 && head[3] === 4) return "zip";
  if (head[0] === 0x1f && head[1] === 0x8b) return "tar.gz";
  return null;
}

function isUnsafe(name) {
  return name.startsWith("/") || name.includes("\\") || /^[a-z]:/i.test(name) || name.split("/").includes("..");
}

/** Without the one folder that everything lies in, as the builder unpacks it. */
function withoutTop(entries) {
  const tops = new Set(entries.map((entry) => entry.name.split("/")[0]));
  const isOne = tops.size === 1 && entries.every((entry) => entry.name.includes("/"));
  return isOne ? entries.map((entry) => ({ ...entry, name: entry.name.slice(entry.name.indexOf("/") + 1) })) : entries;
}

function hasCredentials(config) {
  return /:\/\/[^/\s"']*:[^/\s"']*@/.test(config) || /:\/\/(gh[pousr]_|glpat-)[^/\s"']*@/.test(config) ||
    /^\s*extraheader\s*=\s*.*authorization/im.test(config);
}

/**
 * Give findings: `{ code, level, values }`; level is `good`, `warn` or `refuse` (the builder could not use it).
 * `limit` is the size in bytes above which stock Kettle servers answer 413.
 */
export async function preflight(file, { limit }) {
  if (file.size === 0) return [{ code: "empty", level: "refuse" }];
  const kind = await kindOf(file);
  if (!kind) return [{ code: "not-archive", level: "refuse" }];
  const findings = [];
  if (limit && file.size > limit) findings.push({ code: "large", level: "warn" });
  let listing;
  try {
    listing = kind === "zip" ? await zipList(file) : await tarList(file);
  } catch (error) {
    return [...findings, { code: error instanceof ArchiveProblem ? error.code : "unreadable", level: "refuse" }];
  }
  if (listing.isEncrypted) return [...findings, { code: "encrypted", level: "refuse" }];
  const entries = withoutTop(listing.entries.filter((entry) => entry.name !== "" && entry.name !== "./")
    .map((entry) => ({ ...entry, name: entry.name.replace(/^\.\//, "") })));
  if (entries.length === 0) return [...findings, { code: "empty", level: "refuse" }];
  const unsafe = listing.entries.filter((entry) => isUnsafe(entry.name));
  if (unsafe.length) findings.push({ code: "unsafe", level: "refuse", values: paths(unsafe) });

  const names = new Set(entries.map((entry) => entry.name));
  const found = LOCKFILES.find(([name]) => names.has(name));
  if (found) {
    findings.push({ code: `toolchain-${found[1]}`, level: "good" });
    if (found[1] === "nix" && !names.has("flake.lock")) findings.push({ code: "lockfile", level: "refuse", values: { paths: "flake.lock" } });
  } else if (!listing.isCut) {
    const manifest = MANIFESTS.find(([name]) => names.has(name));
    if (manifest) findings.push({ code: "lockfile", level: "refuse", values: { paths: manifest[1] } });
    else findings.push({ code: "toolchain", level: "refuse" });
  }

  const git = entries.some((entry) => entry.name === ".git/HEAD");
  if (git) findings.push({ code: "git", level: "good" });
  else if (!listing.isCut) findings.push({ code: "no-git", level: "warn" });
  const config = listing.kept.find(({ name }) => /(^|\/)\.git\/config$/.test(name));
  if (config && hasCredentials(config.text)) findings.push({ code: "credentials", level: "refuse" });

  const outputs = OUTPUTS.filter((name) => entries.some((entry) => entry.name.startsWith(`${name}/`)) || (name === "result" && names.has(name)));
  if (outputs.length) findings.push({ code: "outputs", level: "warn", values: { paths: outputs.map((name) => `${name}/`).join(", ") } });
  if (listing.isCut) findings.push({ code: "cut", level: "warn" });
  return findings;
}

function paths(entries) {
  const shown = entries.slice(0, SHOWN_PATHS).map((entry) => entry.name).join(", ");
  return { paths: entries.length > SHOWN_PATHS ? `${shown} …` : shown };
}
