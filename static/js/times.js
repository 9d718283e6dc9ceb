/** Relative times that stay true while the page is open, with the exact time in the reader's own zone. */

const UNITS = [
  [60, 1, "second"],
  [3600, 60, "minute"],
  [86400, 3600, "hour"],
  [86400 * 45, 86400, "day"],
  [86400 * 550, 86400 * 30.44, "month"],
  [Infinity, 86400 * 365.25, "year"],
];
const language = document.documentElement.lang || "en";
const relative = new Intl.RelativeTimeFormat(language, { numeric: "always" });
// English without a country is American to browsers: month first, twelve hours. The server writes it the other way.
const exact = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, {
  year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
  timeZoneName: "short",
});

export function relativeText(then, now = Date.now()) {
  const seconds = (then - now) / 1000;
  const length = Math.abs(seconds);
  // The server's word for it, which it wrote in the reader's language, stays.
  if (length < 45) return null;
  const [, unit, name] = UNITS.find(([limit]) => length < limit && limit > 60) ?? UNITS[1];
  const count = Math.max(1, Math.round(length / unit));
  return relative.format(seconds < 0 ? -count : count, name);
}

export function durationText(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

function update() {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    const moment = Date.parse(time.dateTime);
    if (Number.isNaN(moment)) continue;
    const text = relativeText(moment);
    if (text && time.textContent !== text) time.textContent = text;
    if (!time.dataset.local) {
      time.dataset.local = "";
      time.dataset.exact = exact.format(moment);
    }
  }
}

function tick() {
  for (const time of document.querySelectorAll("[data-since]")) {
    time.textContent = durationText((Date.now() - Number(time.dataset.since)) / 1000);
  }
}

export function timesStart() {
  update();
  tick();
  setInterval(update, 20_000);
  setInterval(tick, 1000);
  document.body.addEventListener("htmx:afterSwap", update);
  document.addEventListener("kettle:swapped", () => { update(); tick(); });
}
