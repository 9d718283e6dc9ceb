/** A fresh nonce for the form, made in this browser: the evidence is asked to carry it. The server makes it where scripts are off. */

const BYTES = 16;

export function nonceNew() {
  const bytes = new Uint8Array(BYTES);
  do crypto.getRandomValues(bytes); while (bytes.every((byte) => byte === 0));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function nonceFill() {
  for (const field of document.querySelectorAll("[data-nonce-field]")) {
    // After an error the form comes back with what was sent: that one stays. Each form gets one of its own.
    if (field.value === "") field.value = nonceNew();
  }
}

nonceFill();
// A page kept for the browser's back button would send the same nonce again.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const field of document.querySelectorAll("[data-nonce-field]")) field.value = "";
  nonceFill();
});
