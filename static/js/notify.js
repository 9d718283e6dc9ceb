/**
 * «Tell me when it ends»: a notification of the browser's own, for whoever turns to something else meanwhile. Asked for only when
 * the button is pressed, remembered for this tab alone, and shown only when nobody is looking at the page.
 */

const KEY = `kettle-notify:${location.pathname}`;

function isOn() {
  return sessionStorage.getItem(KEY) === "on" && Notification.permission === "granted";
}

/** The button is part of what the page swaps: it is dressed anew each time. */
function dress() {
  const button = document.querySelector("#notify");
  if (!button) return;
  button.hidden = false;
  button.setAttribute("aria-pressed", String(isOn()));
  if (Notification.permission === "denied") {
    button.disabled = true;
    button.lastChild.textContent = button.dataset.denied;
  }
}

async function toggle() {
  if (isOn()) sessionStorage.removeItem(KEY);
  else if ((await Notification.requestPermission()) === "granted") sessionStorage.setItem(KEY, "on");
  dress();
}

function tell() {
  if (!isOn()) return;
  sessionStorage.removeItem(KEY);
  if (!document.hidden && document.hasFocus()) return;
  const sentence = document.querySelector("#verdict-sentence")?.textContent.replace(/\s+/g, " ").trim() ?? "";
  try {
    const note = new Notification(document.title, { body: sentence, tag: location.pathname, icon: document.querySelector("#favicon")?.href });
    note.addEventListener("click", () => { window.focus(); note.close(); });
  } catch {
    // Some phones show notifications from service workers only; title and favicon have changed all the same.
  }
}

export function notifyStart() {
  // Browsers offer them on HTTPS and on this machine itself only.
  if (!("Notification" in window) || !window.isSecureContext) return;
  let ended = false;
  dress();
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("#notify")) toggle();
  });
  document.addEventListener("kettle:end", () => { ended = true; });
  document.addEventListener("kettle:swapped", () => {
    dress();
    // The verdict stands on the page now: the end alone would have had nothing to say.
    if (ended) tell();
    ended = false;
  });
}
