/**
 * The stream of a running build: an EventSource that reconnects by our own hand. Each connection asks for what comes after the
 * last event that is known (`?after=`), so that nothing is lost, and says which edition of the log it knows (`epoch=`).
 *
 * What happens is told to the document as events, each with the message as `detail`:
 *   kettle:connection  {state}: connecting, live, behind, reconnecting, offline, paused, ended, gone
 *   kettle:rows        {seq, line, behind, rows}: the log now reaches to `line`; `rows` may hold fewer, or none
 *   kettle:reset       {epoch}: the log begins afresh
 *   kettle:state       the build's state, its phases and so on; the same again as a sign of life
 *   kettle:end         nothing follows
 */

const DOUBTS = 3; // Failed connections in a row after which it is asked whether this page is still ours to see.
const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 15_000;
const SILENCE_MS = 40_000; // The server says something at least every 15 s.
const BEHIND_EVENTS = 500;

function tell(name, detail) {
  document.dispatchEvent(new CustomEvent(`kettle:${name}`, { detail }));
}

export class Connection {
  constructor({ live, page, after, epoch }) {
    Object.assign(this, { live, page, epoch });
    this.last = Number(after || 0);
    this.source = null;
    this.state = "";
    this.wait = FIRST_WAIT_MS;
    this.failures = 0;
    this.timer = 0;
    this.silence = 0;
    this.isOver = false;
    this.isPaused = false;
    window.addEventListener("online", () => {
      this.wait = FIRST_WAIT_MS;
      if (!this.source && !this.isOver && !this.isPaused) this.connect();
    });
    window.addEventListener("offline", () => { if (!this.isPaused) this.reconnect(); });
    window.addEventListener("pagehide", () => this.source?.close());
    // Back from the browser's cache of pages: the stream was closed when it left.
    window.addEventListener("pageshow", (event) => { if (event.persisted && !this.isOver && !this.isPaused) this.connect(); });
  }

  #say(state) {
    if (this.state === state) return;
    this.state = state;
    tell("connection", { state });
  }

  #hear(state = this.state === "behind" ? "behind" : "live") {
    this.wait = FIRST_WAIT_MS;
    this.failures = 0;
    this.#say(state);
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.reconnect(), SILENCE_MS);
  }

  reconnect() {
    this.source?.close();
    this.source = null;
    clearTimeout(this.silence);
    clearTimeout(this.timer);
    if (this.isOver) return;
    this.#say(navigator.onLine ? "reconnecting" : "offline");
    this.failures += 1;
    if (this.failures % DOUBTS === 0 && navigator.onLine) this.#doubt();
    // Spread out, so that a restarted server is not met by everyone at once.
    this.timer = setTimeout(() => this.connect(), this.wait * (0.75 + Math.random() / 2));
    this.wait = Math.min(this.wait * 2, MAX_WAIT_MS);
  }

  /** A stream that is refused does not say why: signed out, or not allowed any more. The page itself does. */
  async #doubt() {
    const answer = await fetch(this.page, { method: "HEAD", redirect: "manual" }).catch(() => null);
    if (!answer || (answer.type !== "opaqueredirect" && answer.status !== 404)) return;
    this.#over("gone");
  }

  #over(state) {
    this.isOver = true;
    clearTimeout(this.silence);
    clearTimeout(this.timer);
    this.source?.close();
    this.#say(state);
  }

  /** Give the connection back; the next one continues after the last event that is known. */
  pause() {
    if (this.isOver || this.isPaused) return;
    this.isPaused = true;
    clearTimeout(this.silence);
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
    this.#say("paused");
  }

  resume() {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.wait = FIRST_WAIT_MS;
    if (!this.isOver) this.connect();
  }

  connect() {
    clearTimeout(this.timer);
    this.source?.close();
    const url = new URL(this.live, location.href);
    url.searchParams.set("after", String(this.last));
    if (this.epoch !== undefined) url.searchParams.set("epoch", String(this.epoch));
    const source = new EventSource(url);
    this.source = source;
    // A connection that is neither made nor refused says nothing at all, for as long as the network likes.
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.reconnect(), SILENCE_MS);

    let isMine = true;
    const on = (name, act) => source.addEventListener(name, (event) => {
      if (this.source === source && isMine) act(event);
    });
    on("open", () => this.#hear());
    on("error", () => this.reconnect());
    on("rows", (event) => {
      const message = JSON.parse(event.data);
      this.#hear(message.behind > BEHIND_EVENTS ? "behind" : "live");
      if (message.seq <= this.last) return;
      this.last = message.seq;
      tell("rows", message);
    });
    on("state", (event) => {
      const message = JSON.parse(event.data);
      this.#hear("live");
      tell("state", message);
    });
    on("reset", (event) => {
      const { epoch } = JSON.parse(event.data);
      this.#hear();
      this.last = 0;
      this.epoch = epoch;
      tell("reset", { epoch });
    });
    on("end", () => {
      isMine = false;
      this.#over("ended");
      tell("end", {});
    });
  }
}
