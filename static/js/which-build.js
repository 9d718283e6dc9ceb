/**
 * «Which build made this file?»: a file that is dropped anywhere on the page, or chosen, is hashed here and only its digest is asked for.
 * The texts come from the page: `[data-which-build]`, with the address of a digest's page in `data-page`, «0» times 64 standing for it.
 */

const ZEROS = "0".repeat(64);

function boxStart(box) {
  const [field, status, bar] = ["input[type=file]", "[role=status]", "progress"].map((what) => box.querySelector(what));
  let worker = null;

  const say = (text) => {
    status.textContent = text;
  };

  const fail = (text) => {
    worker?.terminate();
    worker = null;
    bar.hidden = true;
    say(text);
  };

  const begin = (file) => {
    worker?.terminate();
    // Dropped beside a fold that was closed: what happens must be seen.
    for (let fold = box.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    bar.hidden = false;
    bar.value = 0;
    // Only in words for those who do not see the bar, and once: a number a second would be noise.
    say(box.dataset.hashing.replace("{name}", file.name));
    worker = new Worker(new URL("./hash-worker.js", import.meta.url), { type: "module" });
    worker.addEventListener("error", () => fail(box.dataset.failed));
    worker.addEventListener("message", ({ data }) => {
      if (data.error) fail(`${box.dataset.failed} ${data.error}`);
      else if (data.hex) location.assign(box.dataset.page.replace(ZEROS, data.hex));
      else bar.value = data.total ? data.done / data.total : 1;
    });
    worker.postMessage({ file });
  };

  field.addEventListener("change", () => field.files[0] && begin(field.files[0]));

  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  // Counted, because entering a child comes before leaving its parent.
  let depth = 0;
  document.addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth += 1;
    box.dataset.over = "";
  });
  document.addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth = Math.max(0, depth - 1);
    if (!depth) delete box.dataset.over;
  });
  document.addEventListener("dragover", (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    delete box.dataset.over;
    const [file, more] = event.dataTransfer.files;
    if (more) fail(box.dataset.one);
    else if (file) begin(file);
  });
}

const box = document.querySelector("[data-which-build]");
if (box) boxStart(box);
