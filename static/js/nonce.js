/** A fresh nonce for the form, made in this browser: the evidence is asked to carry it. The server makes it where scripts are off. */

const BYTES = 16;

export function nonceNew() {
  const bytes = new Uint8Array(BYTES);
  do crypto.getRandomValues(bytes); while (bytes.every((byte) => byte === 0));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function nonceShow(form) {
  const field = form.querySelector("[data-nonce-field]");
  if (!field) return;
  // After an error the form comes back with what was sent: that nonce is already shown and stays.
  if (!/^[0-9a-f]{32}$/i.test(field.value)) field.value = nonceNew();
  const shown = form.querySelector("[data-nonce-shown]");
  if (!shown) return;
  shown.replaceChildren(...field.value.match(/.{4}/g).map((group) => {
    const span = document.createElement("span");
    span.className = "digest-group";
    span.textContent = group;
    return span;
  }));
  const copy = form.querySelector("[data-nonce-copy]");
  if (copy) copy.dataset.copy = field.value;
}

for (const form of document.querySelectorAll("form")) nonceShow(form);
// A page kept by the browser's back button would send the same nonce again.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const field of document.querySelectorAll("[data-nonce-field]")) {
    field.value = "";
    nonceShow(field.form);
  }
});
