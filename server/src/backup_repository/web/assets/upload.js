// Sends a file straight to the API, as the browser reads it from the disk: it is never held in memory.
"use strict";

{
  const UNITS = ["B", "kB", "MB", "GB", "TB"];
  const SHOWN_EVERY = 500, SPOKEN_EVERY = 15_000, RATE_OVER = 10_000, ALIVE_EVERY = 240_000;

  const BROKEN = "The connection broke, or the file has changed on this device; no version was made";
  const UNSURE = "load this page again to see whether the version is there";

  function inWords(bytes) {
    const power = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
    return `${(bytes / 1000 ** power).toFixed(power ? 2 : 0)}${UNITS[power]}`;
  }

  function duration(seconds) {
    if (seconds < 90) return `${Math.ceil(seconds)} s`;
    if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
    return `${(seconds / 3600).toFixed(1)} h`;
  }

  // Bytes per second over the last moments, so that the remaining time follows a line that becomes slower.
  class Rate {
    #seen = [[performance.now(), 0]];

    of(now, loaded) {
      if (loaded < this.#seen.at(-1)[1]) this.#seen = []; // the browser has begun once more on a new connection
      this.#seen.push([now, loaded]);
      while (this.#seen.length > 2 && now - this.#seen[0][0] > RATE_OVER) this.#seen.shift();
      const [since, before] = this.#seen[0];
      return (loaded - before) / Math.max(0.001, (now - since) / 1000);
    }
  }

  // A token for one upload of so many bytes; null: the session has ended, and Login says why.
  async function mintToken(form, size) {
    const body = new URLSearchParams(new FormData(form));
    body.set("size", size);
    const answer = await fetch(form.dataset.upload, { method: "POST", body, redirect: "manual" }).catch(() => null);
    if (!answer) throw new Error("The server could not be reached; nothing was sent");
    if (answer.type === "opaqueredirect") {
      location.reload();
      return null;
    }
    const content = await answer.json().catch(() => ({ error: `The server answered ${answer.status}; please load this page again` }));
    if (!answer.ok) throw new Error(content.error);
    return content;
  }

  function refusalOf(request) {
    try {
      return JSON.parse(request.responseText).error;
    } catch { // an answer of somebody in between
      return `The server answered ${request.status}; no version was made`;
    }
  }

  // Keeps the screen on and the session alive; returns how to stop that.
  function stayAwake() {
    const warn = (event) => event.preventDefault();
    addEventListener("beforeunload", warn);
    const alive = setInterval(() => fetch(location.href, { method: "HEAD" }).catch(() => null), ALIVE_EVERY);
    const lock = navigator.wakeLock?.request("screen").catch(() => null);
    return () => {
      removeEventListener("beforeunload", warn);
      clearInterval(alive);
      lock?.then((held) => held?.release());
    };
  }

  // What is not going to be used any more shall not be there; nobody waits for it.
  function revoke(wanted) {
    fetch(wanted.revoke, { method: "DELETE", headers: { Authorization: `Bearer ${wanted.token}` } }).catch(() => null);
  }

  class Upload {
    #form; #start; #cancel; #box; #bar; #state; #spoken; #outcome; #input;
    #request = null;
    #wanted = null;
    #whole = false;
    #stop = () => {};

    constructor(form) {
      this.#form = form;
      [this.#start, this.#cancel, this.#box, this.#state, this.#spoken, this.#outcome] =
        ["start", "cancel", "progress", "state", "spoken", "outcome"].map((name) => form.querySelector(`[data-${name}]`));
      this.#bar = form.querySelector("progress");
      this.#input = form.querySelector("input[type=file]");
      this.#start.addEventListener("click", () => this.#begin());
      this.#cancel.addEventListener("click", () => this.#abandon());
      this.#input.addEventListener("change", () => this.#outcome.replaceChildren());
      form.addEventListener("submit", (event) => event.preventDefault());
      this.#show(false);
      form.hidden = false;
    }

    #show(busy) {
      this.#start.disabled = busy;
      this.#input.disabled = busy;
      this.#cancel.hidden = !busy;
      this.#box.hidden = !busy;
    }

    async #begin() {
      const file = this.#input.files[0];
      if (!file) {
        say("bad", ["Choose a file first"], this.#outcome);
        this.#input.focus();
        return;
      }
      this.#outcome.replaceChildren();
      const request = new XMLHttpRequest();
      this.#request = request;
      this.#show(true);
      this.#bar.value = 0;
      this.#whole = false;
      this.#state.textContent = "Starting";
      this.#cancel.focus();
      try {
        const wanted = await mintToken(this.#form, file.size);
        if (!wanted) return;
        if (request === this.#request) {
          this.#send(request, file, wanted);
        } else {
          revoke(wanted);
        }
      } catch (error) {
        if (request === this.#request) this.#over("bad", error.message);
      }
    }

    #abandon() {
      this.#request.abort();
      this.#over("note", this.#whole ? `Cancelled after everything was sent; ${UNSURE}` : "Cancelled; no version was made");
    }

    #send(request, file, wanted) {
      this.#wanted = wanted;
      this.#stop = stayAwake();
      const rate = new Rate();
      let [shown, spoken] = [0, performance.now()];
      request.open("POST", wanted.address);
      request.setRequestHeader("Authorization", `Bearer ${wanted.token}`);
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.upload.addEventListener("progress", ({ loaded, total }) => {
        const now = performance.now();
        this.#whole = loaded >= total;
        if (now - shown < SHOWN_EVERY && !this.#whole) return;
        shown = now;
        const text = this.#progress(loaded, total, rate.of(now, loaded));
        if (now - spoken > SPOKEN_EVERY || this.#whole) {
          spoken = now;
          this.#spoken.textContent = text;
        }
      });
      request.addEventListener("load", () => (request.status === 200 ? this.#done() : this.#over("bad", refusalOf(request))));
      request.addEventListener("error", () => {
        const text = this.#whole ? `The connection broke before the server had answered; ${UNSURE}` : BROKEN;
        if (this.#whole) this.#wanted = null; // the server may be storing the version
        this.#over("bad", text);
      });
      request.send(file); // the browser reads it piece by piece
    }

    #progress(loaded, total, rate) {
      const percent = (100 * loaded) / Math.max(1, total);
      this.#bar.value = percent;
      const left = rate ? `, ${inWords(rate)}/s, ${duration((total - loaded) / rate)} left` : "";
      this.#state.textContent = loaded < total
        ? `${Math.floor(percent)}%: ${inWords(loaded)} of ${inWords(total)}${left}`
        : "Everything is sent; waiting until the server has stored it";
      return this.#state.textContent;
    }

    // Goes to the page with the new version; when the session has ended meanwhile, says here what became of the file.
    async #done() {
      const page = await fetch(location.href, { method: "HEAD" }).catch(() => null);
      if (page && new URL(page.url).pathname === location.pathname) {
        this.#stop();
        this.#form.submit();
      } else {
        this.#wanted = null;
        this.#over("ok", "Version uploaded", "You were signed out meanwhile; sign in again to see it");
      }
    }

    #over(kind, ...texts) {
      if (this.#wanted) revoke(this.#wanted);
      [this.#request, this.#wanted] = [null, null];
      this.#stop();
      this.#stop = () => {};
      this.#show(false);
      this.#spoken.textContent = "";
      this.#start.textContent = kind === "ok" ? "Upload" : "Try again";
      this.#start.focus();
      say(kind, texts, this.#outcome);
    }
  }

  document.querySelectorAll("form[data-upload]").forEach((form) => new Upload(form));
}
