/** The switch for light and dark. «System» is the absence of a choice. */

const KEY = "kettle-theme";

function chosen() {
  return document.documentElement.dataset.theme || "system";
}

function show(root = document) {
  for (const button of root.querySelectorAll("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === chosen()));
  }
}

function choose(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // The choice holds for this page at least.
  }
  show();
}

export function themeStart() {
  show();
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-theme-choice]");
    if (button) choose(button.dataset.themeChoice);
  });
  // Another tab chose.
  window.addEventListener("storage", (event) => {
    if (event.key === KEY) choose(event.newValue === "light" || event.newValue === "dark" ? event.newValue : "system");
  });
}
