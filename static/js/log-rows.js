/** One line of the log as an element. */

function pad(number, digits = 2) {
  return String(number).padStart(digits, "0");
}

/** The reader's own clock, to the millisecond. */
export function clockText(ms) {
  const at = new Date(ms);
  return `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}.${pad(at.getMilliseconds(), 3)}`;
}

/** A row from the page that the server wrote. */
export function rowRead(element) {
  const { ms, type, hidden } = element.dataset;
  return [Number(element.id.slice(1)), Number(ms), type, element.querySelector(".log-text").innerHTML, Number(hidden ?? 0)];
}

/** `row` undefined: the line is on its way. */
export function rowMake(line, row, { isTimed, moreText, textUrl }) {
  const element = document.createElement("div");
  element.id = `L${line}`;
  element.className = "log-row";
  const number = document.createElement("a");
  number.className = "log-no";
  number.tabIndex = -1; // Thousands of stops would keep the keyboard from everything below the log.
  number.href = `#L${line}`;
  number.textContent = line;
  element.append(number);
  const text = document.createElement("span");
  text.className = "log-text";
  if (isTimed) {
    const time = document.createElement("time");
    time.className = "log-time";
    if (row?.[1]) {
      time.dateTime = new Date(row[1]).toISOString();
      time.textContent = clockText(row[1]);
    } else time.textContent = "··:··:··.···";
    element.append(time);
  }
  element.append(text);
  if (!row) {
    element.classList.add("log-row-wait");
    text.textContent = "·";
    return element;
  }
  if (row[2] !== "build") {
    element.classList.add("log-row-phase");
    text.dataset.kind = row[2];
  }
  if (row[2] === "site") element.classList.add("log-row-site");
  // Escaped by the server, with nothing but spans of its own classes; the page's own word for a lost line is plain text.
  if (row[5]) text.textContent = row[5];
  else text.innerHTML = row[3];
  if (row[4]) {
    const more = document.createElement("a");
    more.className = "log-more";
    more.href = `${textUrl}?lines=${line}-${line}`;
    more.textContent = moreText.replace("{n}", row[4].toLocaleString(document.documentElement.lang || undefined));
    text.append(more);
  }
  return element;
}
