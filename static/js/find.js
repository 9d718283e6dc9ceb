/** Narrows a long table down to the rows that hold what is typed: in their text, or in a whole digest that is shown shortened. */

function haystack(row) {
  const digests = [...row.querySelectorAll("[data-digest]")].map((digest) => digest.dataset.digest);
  return [row.textContent, ...digests].join(" ").toLowerCase();
}

export function findStart() {
  document.addEventListener("input", (event) => {
    const field = event.target.closest?.("input[data-find]");
    if (!field) return;
    const rows = [...document.querySelectorAll(`#${CSS.escape(field.dataset.find)} tbody tr`)];
    const wanted = field.value.trim().toLowerCase().replace(/^sha256:/, "");
    let shown = 0;
    for (const row of rows) {
      row.findText ??= haystack(row);
      row.hidden = !row.findText.includes(wanted);
      if (!row.hidden) shown += 1;
    }
    const some = field.dataset.some.replace("{n}", shown).replace("{all}", rows.length);
    field.parentElement.querySelector("[role=status]").textContent = !wanted ? "" : shown ? some : field.dataset.none;
  });
}
