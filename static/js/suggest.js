/**
 * Suggestions below the search box: a combobox after the WAI-ARIA pattern «editable, with list». Without scripts the box is a box.
 * The list comes from the server, which names only what the visitor may see.
 */

const PAUSE_MS = 150; // After the last key, so that a word costs one question.
const MIN_LETTERS = 2;

function listMake(input) {
  const list = document.createElement("ul");
  list.className = "suggestions";
  list.id = `${input.id}-suggestions`;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", input.labels?.[0]?.textContent.trim() ?? "");
  list.hidden = true;
  input.closest("form").append(list);
  return list;
}

export function suggestStart(input) {
  const list = listMake(input);
  let timer = 0;
  let asking = null;
  let chosen = -1;

  for (const [name, value] of Object.entries({
    role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
  })) input.setAttribute(name, value);

  const options = () => [...list.querySelectorAll("[role=option]")];

  function close() {
    clearTimeout(timer);
    asking?.abort();
    list.hidden = true;
    chosen = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function choose(place) {
    const all = options();
    chosen = all.length ? (place + all.length) % all.length : -1;
    all.forEach((option, index) => option.setAttribute("aria-selected", String(index === chosen)));
    if (chosen < 0) return;
    input.setAttribute("aria-activedescendant", all[chosen].id);
    all[chosen].scrollIntoView({ block: "nearest" });
  }

  function take(option) {
    input.value = option.dataset.text;
    close();
    input.focus();
    // A filter without its value goes on with its values; anything else is searched for.
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  async function ask() {
    asking?.abort();
    asking = new AbortController();
    const address = `${input.dataset.suggest}?${new URLSearchParams({ q: input.value })}`;
    try {
      const answer = await fetch(address, { credentials: "same-origin", signal: asking.signal, headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected || document.activeElement !== input) return;
      const fresh = new DOMParser().parseFromString(`<ul>${await answer.text()}</ul>`, "text/html");
      list.replaceChildren(...fresh.querySelectorAll("[role=option]"));
      chosen = -1;
      input.removeAttribute("aria-activedescendant");
      list.hidden = !list.children.length;
      input.setAttribute("aria-expanded", String(!list.hidden));
    } catch (error) {
      if (error.name !== "AbortError") close();
    }
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    const last = input.value.split(" ").pop();
    if (last.length < MIN_LETTERS) close();
    else timer = setTimeout(ask, PAUSE_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (list.hidden || event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(event.key === "ArrowDown" ? chosen + 1 : chosen < 0 ? -1 : chosen - 1);
    } else if (event.key === "Enter" && chosen >= 0) {
      event.preventDefault();
      take(options()[chosen]);
    } else if (event.key === "Escape") {
      event.preventDefault();
      close();
    } else if (event.key === "Tab" || event.key === "Enter") close();
  });
  // Before the box loses the focus, or the list would be gone.
  list.addEventListener("pointerdown", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    event.preventDefault();
    take(option);
  });
  input.addEventListener("blur", close);
  input.form?.addEventListener("submit", close);
}
