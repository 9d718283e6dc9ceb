/**
 * Uploads in chunks that can be resumed, in constant memory: the file is sliced, never read whole.
 *
 * The form works without this module up to the size that it states. With it, the archive is looked at first (preflight.js), and
 * goes up when the form is sent; the form then carries the upload's name instead of the file.
 */

const CHUNK = 4 * 1024 * 1024;
const TRIES = 6;
const FIRST_WAIT_MS = 600;

class UploadError extends Error {
  constructor(message, { fatal = false } = {}) {
    super(message);
    this.fatal = fatal;
  }
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

async function ask(url, options) {
  let answer;
  try {
    answer = await fetch(url, { credentials: "same-origin", redirect: "error", ...options });
  } catch {
    throw new UploadError("network");
  }
  const body = await answer.json().catch(() => ({}));
  if (answer.ok || answer.status === 409) return { status: answer.status, body };
  throw new UploadError(body.message || body.error || `${answer.status}`, { fatal: answer.status < 500 && answer.status !== 429 });
}

/**
 * Send `file`, giving `onStart(upload)` when the server knows of it, `onProgress(sent)` as it goes and `onWait(seconds)` before
 * each new try. `begun` is what an earlier call gave to `onStart`: that upload goes on where it stopped. Gives the server's last
 * word, with `uid` and `received`.
 */
export async function uploadFile(file, { createUrl, csrf, begun, onStart, onProgress, onWait, signal }) {
  const headers = { "X-CSRFToken": csrf };
  const known = begun && await ask(begun.url, { headers, signal }).catch((error) => {
    if (error.fatal) return null;
    throw error;
  });
  const created = known ?? await ask(createUrl, {
    method: "POST", headers, signal, body: new URLSearchParams({ name: file.name, size: String(file.size) }),
  });
  const { uid, url } = created.body;
  const limit = created.body.chunk_bytes ?? CHUNK;
  let offset = created.body.received ?? 0;
  let last = created.body;
  onStart({ uid, url });
  let tries = 0;
  onProgress(offset);
  while (offset < file.size) {
    try {
      const answer = await ask(url, {
        method: "PUT",
        headers: { ...headers, "Upload-Offset": String(offset), "Content-Type": "application/octet-stream" },
        body: file.slice(offset, offset + limit),
        signal,
      });
      // 409: what was stored is further on, or less far, than we thought; it says where to continue.
      if (answer.body.received === offset && answer.status === 409) throw new UploadError("offset");
      offset = answer.body.received;
      last = answer.body;
      tries = 0;
      onProgress(offset);
    } catch (error) {
      if (signal?.aborted || error.fatal || ++tries > TRIES) throw error;
      const wait = FIRST_WAIT_MS * 2 ** (tries - 1);
      onWait(Math.ceil(wait / 1000));
      await pause(wait);
      const stored = await ask(url, { headers, signal }).catch(() => null);
      if (stored) offset = stored.body.received;
    }
  }
  return { uid, ...last };
}

/* The form */

const BINARY = ["KiB", "MiB", "GiB"];

function sizeText(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  let value = bytes;
  let unit = "";
  for (unit of BINARY) {
    value /= 1024;
    if (value < 1023.5) break;
  }
  return `${value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0)} ${unit}`;
}

function sentence(form, code, values = {}) {
  const template = form.querySelector(`template[data-finding="${code}"]`);
  const text = (template?.content.textContent ?? code).trim();
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

function findingMake(form, { code, level, values }) {
  const item = document.createElement("li");
  item.className = `finding finding-${level}`;
  const shape = form.querySelector(`template[data-shape="${level}"]`).content.cloneNode(true);
  const text = document.createElement("span");
  text.textContent = sentence(form, code, values);
  item.append(shape, text);
  return item;
}

function formStart(form) {
  const drop = form.querySelector("[data-drop]");
  const input = drop.querySelector("input[type=file]");
  const hidden = form.elements.upload;
  const list = form.querySelector("[data-findings]");
  const shownName = form.querySelector("[data-file-name]");
  const progress = form.querySelector("[data-progress]");
  const bar = progress.querySelector("progress");
  const line = progress.querySelector("[data-progress-text]");
  const cancel = progress.querySelector("[data-progress-cancel]");
  const button = form.querySelector("button[type=submit]");
  const hasPreflight = Boolean(list) && "preflight" in form.dataset;
  let looking = null;
  let isRefused = false;
  let controller = null;
  let isSending = false;
  let begun = null;

  async function look() {
    const file = input.files[0];
    hidden.value = "";
    begun = null;
    isRefused = false;
    list?.replaceChildren();
    shownName.textContent = file ? `${file.name} · ${sizeText(file.size)}` : "";
    if (!file || !hasPreflight) return;
    form.setAttribute("aria-busy", "true");
    const { preflight } = await import("./preflight.js");
    const findings = await preflight(file, { limit: Number(form.dataset.stockLimit) || 0 }).catch(() => []);
    if (input.files[0] !== file) return;
    form.removeAttribute("aria-busy");
    isRefused = findings.some((finding) => finding.level === "refuse");
    list.replaceChildren(...findings.map((finding) => findingMake(form, finding)));
  }

  input.addEventListener("change", () => { looking = look(); });

  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      drop.classList.add("drop-over");
    });
  }
  drop.addEventListener("dragleave", (event) => {
    if (!drop.contains(event.relatedTarget)) drop.classList.remove("drop-over");
  });
  drop.addEventListener("drop", (event) => {
    drop.classList.remove("drop-over");
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    input.files = event.dataTransfer.files;
    looking = look();
  });

  cancel.addEventListener("click", () => controller?.abort());

  form.addEventListener("submit", async (event) => {
    const file = input.files[0];
    if (!file || hidden.value || isSending) {
      if (isSending) event.preventDefault();
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    await looking;
    if (isRefused) {
      list.scrollIntoView({ block: "center" });
      input.focus();
      return;
    }
    isSending = true;
    controller = new AbortController();
    button.disabled = true;
    progress.hidden = false;
    cancel.hidden = false;
    bar.max = file.size;
    const began = performance.now();
    try {
      const done = await uploadFile(file, {
        createUrl: form.dataset.uploadCreate,
        csrf: form.querySelector("[name=csrfmiddlewaretoken]").value,
        signal: controller.signal,
        begun,
        onStart: (upload) => { begun = upload; },
        onProgress: (sent) => {
          bar.value = sent;
          const rate = (sent / (performance.now() - began)) * 1000;
          line.textContent = `${sizeText(sent)} / ${sizeText(file.size)}${sent > CHUNK ? ` · ${sizeText(rate)}/s` : ""}`;
        },
        onWait: (seconds) => { line.textContent = sentence(form, "waiting", { seconds }); },
      });
      hidden.value = done.uid;
      // The file itself stays here: the form sends only the upload's name.
      input.disabled = true;
      form.submit();
    } catch (error) {
      line.textContent = error.fatal ? error.message : sentence(form, "stopped");
      button.disabled = false;
      cancel.hidden = true;
      isSending = false;
    }
  }, { capture: true });

  // Back from the build page: the form is as it was, and can be sent again.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    input.disabled = false;
    button.disabled = false;
    hidden.value = "";
    progress.hidden = true;
    isSending = false;
  });
}

for (const form of document.querySelectorAll("form[data-upload-create]")) formStart(form);
