/**
 * Addresses of repositories, taken apart by the generic rules of RFC 3986 as the other verifier does it. The browser's own `URL` would
 * rewrite them: it knows schemes, encodes, and drops default ports.
 */

import { isAscii, visible } from "./texts.js";

/** Schemes whose addresses are written with `//` also when they name no host. */
const USES_NETLOC = new Set(
  " ftp http gopher nntp telnet imap wais file mms https shttp snews prospero rtsp rtsps rtspu rsync svn svn+ssh sftp nfs git git+ssh ws wss".split(" "),
);

/** `{ scheme, netloc, path, query, fragment }`; null: it cannot be taken apart. */
export function urlSplit(url) {
  // eslint-disable-next-line no-control-regex
  let rest = url.replace(/^[\x00-\x20]+/, "").replace(/[\t\r\n]/g, "");
  let scheme = "";
  const found = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(rest);
  if (found) {
    scheme = found[1].toLowerCase();
    rest = rest.slice(found[0].length);
  }
  let netloc = "";
  if (rest.startsWith("//")) {
    const end = rest.slice(2).search(/[/?#]/);
    netloc = end < 0 ? rest.slice(2) : rest.slice(2, 2 + end);
    rest = end < 0 ? "" : rest.slice(2 + end);
    if (!bracketsFit(netloc) || !staysInside(netloc)) return null;
  }
  const [beforeFragment, fragment] = parted(rest, "#");
  const [path, query] = parted(beforeFragment, "?");
  return { scheme, netloc, path, query, fragment };
}

function parted(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

/** Brackets come in pairs, around something that looks like an address of IPv6 (or a later kind). */
function bracketsFit(netloc) {
  const [open, close] = [netloc.includes("["), netloc.includes("]")];
  if (open !== close) return false;
  if (!open) return true;
  const inside = parted(parted(netloc, "[")[1], "]")[0];
  if (/^v/.test(inside)) return /^v[a-fA-F0-9]+\..+$/.test(inside);
  try {
    return new URL(`http://[${parted(inside, "%")[0]}]/`).hostname.startsWith("[");
  } catch {
    return false;
  }
}

/** Letters that compatibility forms would turn into separators could name another host than the one that is seen. */
function staysInside(netloc) {
  if (isAscii(netloc)) return true;
  const bare = netloc.replace(/[@:#?]/g, "");
  return bare.normalize("NFKC") === bare || !/[/?#@:]/.test(bare.normalize("NFKC"));
}

/** A repository's address without what does not tell two apart: case of scheme and host, `.git` or `/` at the end. */
export function addressNormal(url) {
  const parts = urlSplit(url);
  if (parts === null) return url;
  const path = parts.path.replace(/\/+$/, "").replace(/\.git$/, "");
  return urlJoin({ ...parts, netloc: parts.netloc.toLowerCase(), path });
}

function urlJoin({ scheme, netloc, path, query, fragment }) {
  let url = path;
  if (netloc || (scheme && USES_NETLOC.has(scheme) && !url.startsWith("//"))) {
    if (url && !url.startsWith("/")) url = `/${url}`;
    url = `//${netloc}${url}`;
  }
  if (scheme) url = `${scheme}:${url}`;
  if (query) url += `?${query}`;
  return fragment ? `${url}#${fragment}` : url;
}

/** An address with its host name in punycode, so that letters that look alike do not pass for one another. */
export function addressShown(url) {
  if (isAscii(url)) return visible(url);
  const parts = urlSplit(url);
  if (parts === null) return visible(url);
  const host = /^(?:.*@)?([^@:]*)(?::[0-9]*)?$/.exec(parts.netloc)?.[1] ?? "";
  try {
    const netloc = host && !isAscii(host) ? parts.netloc.replace(host, () => new URL(`http://${host}/`).hostname) : parts.netloc;
    return visible(urlJoin({ ...parts, netloc }));
  } catch {
    return visible(url);
  }
}
