/** Equal digests on one page light up together, on hover and on focus. */

function normal(text) {
  return text.slice(text.lastIndexOf(":") + 1).toLowerCase();
}

function light(digest) {
  for (const other of document.querySelectorAll(".digest.same")) other.classList.remove("same");
  if (!digest) return;
  const value = normal(digest.dataset.digest);
  const equal = [...document.querySelectorAll("[data-digest]")].filter((other) => normal(other.dataset.digest) === value);
  // One alone matches nothing: lighting it up would say that it does.
  if (equal.length > 1) for (const other of equal) other.classList.add("same");
}

export function digestsStart() {
  const of = (target) => target.closest?.("[data-digest]") ?? null;
  let last = null;
  const change = (digest) => {
    if (digest === last) return;
    last = digest;
    light(digest);
  };
  document.addEventListener("pointerover", (event) => change(of(event.target)));
  document.addEventListener("focusin", (event) => change(of(event.target)));
  document.addEventListener("focusout", () => change(null));
}
