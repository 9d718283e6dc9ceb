/** Copy buttons: `data-copy` holds the whole text, `data-copied` the word that is shown for a moment. */

const SHOWN_MS = 1600;

export async function copyText(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  // Plain HTTP away from this machine: the clipboard API does not exist there.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("copying was refused");
  return undefined;
}

export function copyStart() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    event.preventDefault();
    const word = button.querySelector(".copy-word");
    try {
      await copyText(button.dataset.copy);
    } catch {
      return;
    }
    button.classList.add("copied");
    if (word) word.textContent = button.dataset.copied;
    clearTimeout(button.copyTimer);
    button.copyTimer = setTimeout(() => {
      button.classList.remove("copied");
      if (word) word.textContent = "";
    }, SHOWN_MS);
  });
}
