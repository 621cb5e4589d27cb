// Sends a file straight to the API, as the browser reads it from the disk: it is never held in memory.
"use strict";

const units = ["B", "kB", "MB", "GB", "TB"];

function inWords(bytes) {
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(power ? 2 : 0)}${units[power]}`;
}

function duration(seconds) {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

async function mintToken(form) {
  const answer = await fetch(form.dataset.upload, { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual" });
  if (answer.type === "opaqueredirect") { // the session has ended: Login says why
    location.reload();
    return null;
  }
  const content = await answer.json().catch(() => ({ error: "This page is too old; please load it again" }));
  if (!answer.ok) throw new Error(content.error);
  return content;
}

function prepare(form) {
  const [start, cancel, box] = ["start", "cancel", "progress"].map((name) => form.querySelector(`[data-${name}]`));
  const [bar, state, input] = [form.querySelector("progress"), form.querySelector("[data-state]"), form.querySelector("input[type=file]")];
  let running = null;

  const show = (busy) => {
    start.disabled = busy;
    input.disabled = busy;
    cancel.hidden = !busy;
    box.hidden = !busy;
  };
  const warn = (event) => event.preventDefault();
  const over = (text) => {
    running = null;
    removeEventListener("beforeunload", warn);
    show(false);
    if (text) say("bad", text);
  };

  const begin = async () => {
    const file = input.files[0];
    if (!file) {
      say("bad", "Choose a file first");
      return;
    }
    show(true);
    bar.value = 0;
    state.textContent = "Starting";
    let wanted;
    try {
      wanted = await mintToken(form);
    } catch (error) {
      over(error.message || "The server could not be reached");
      return;
    }
    if (!wanted) return;
    addEventListener("beforeunload", warn);
    send(file, wanted);
  };

  const send = (file, wanted) => {
    const begun = performance.now();
    let said = 0;
    running = new XMLHttpRequest();
    running.open("POST", wanted.address);
    running.setRequestHeader("Authorization", `Bearer ${wanted.token}`);
    running.setRequestHeader("Content-Type", "application/octet-stream");
    running.upload.addEventListener("progress", (event) => {
      const now = performance.now();
      bar.value = (100 * event.loaded) / Math.max(1, event.total);
      if (now - said < 500 && event.loaded < event.total) return;
      said = now;
      const rate = event.loaded / Math.max(0.001, (now - begun) / 1000);
      const left = (event.total - event.loaded) / Math.max(1, rate);
      state.textContent = event.loaded < event.total
        ? `${inWords(event.loaded)} of ${inWords(event.total)}, ${inWords(rate)}/s, ${duration(left)} left`
        : "Everything is sent; waiting until the server has stored it";
    });
    running.addEventListener("load", () => {
      if (running.status === 200) {
        over("");
        form.submit();
        return;
      }
      let text = "";
      try {
        text = JSON.parse(running.responseText).error;
      } catch { /* an answer of somebody in between */ }
      over(text || `The server answered ${running.status}`);
    });
    running.addEventListener("error", () => over("The connection broke; no version was made"));
    running.addEventListener("abort", () => over("Cancelled; no version was made"));
    running.send(file); // the browser reads it piece by piece
  };

  start.addEventListener("click", begin);
  cancel.addEventListener("click", () => running?.abort());
  form.hidden = false;
}

document.querySelectorAll("form[data-upload]").forEach(prepare);
