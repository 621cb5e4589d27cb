// Makes plain pages more pleasant; every form and link works without it, except uploads.
"use strict";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// --- Times in the reader's zone, the exact one on hover --------------------------------------------------------------

function showLocalTimes(root) {
  const words = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  for (const element of all("time[datetime]", root)) {
    element.textContent = words.format(new Date(element.dateTime));
  }
  for (const element of all("[data-zone]", root)) {
    element.textContent = `Times are in your zone, ${words.resolvedOptions().timeZone}`;
  }
}

// --- Notices ---------------------------------------------------------------------------------------------------------

const MARKS = { ok: "✓", note: "–", bad: "!" };

// Says something in the list of notices, or in another element where it belongs.
function say(kind, texts, where = document.getElementById("notices")) {
  where.replaceChildren(...texts.map((text) => {
    const notice = document.createElement("div");
    notice.className = `notice ${kind}`;
    notice.setAttribute("role", kind === "bad" ? "alert" : "status");
    const line = document.createElement("p");
    const mark = document.createElement("span");
    mark.className = "mark";
    mark.ariaHidden = "true";
    mark.textContent = MARKS[kind];
    const words = document.createElement("span");
    words.className = "text";
    words.textContent = text;
    line.append(mark, " ", words);
    notice.append(line);
    return notice;
  }));
  where.scrollIntoView({ block: "nearest" });
}

// What stood in the page from the beginning is not announced; what comes later is.
function announce(notice) {
  setTimeout(() => notice.replaceChildren(...notice.childNodes), 200);
}

// `field: message` leads to the field.
function leadToField(line) {
  const name = line.textContent.split(":", 1)[0];
  const field = document.getElementById(name);
  if (field) {
    const link = document.createElement("a");
    link.href = `#${name}`;
    link.textContent = line.textContent;
    link.addEventListener("click", (event) => {
      event.preventDefault();
      field.focus();
    });
    line.replaceChildren(link);
  }
}

// --- What is found before anything is sent ---------------------------------------------------------------------------

const MISSING = { email: "E-mail is required", password: "Password is required" };

function problemsOf(form) {
  const value = (name) => form.elements[name]?.value ?? "";
  const found = (form.dataset.needs ?? "").split(" ").filter((name) => name && !value(name).trim()).map((name) => MISSING[name]);
  const differ = form.dataset.passwords && value("password") !== value("repeatPassword");
  return differ && !found.includes(MISSING.password) ? [...found, "Passwords are not matching"] : found;
}

function checkBeforeSending(form) {
  form.addEventListener("submit", (event) => {
    const found = problemsOf(form);
    if (found.length) {
      event.preventDefault();
      say("bad", found);
    }
  });
}

// --- Deleting: the exact name first ----------------------------------------------------------------------------------

function unlockWhenTyped(form) {
  const [typed, button] = [form.elements.typed, form.querySelector("button")];
  const judge = () => { button.disabled = typed.value !== form.dataset.confirm; };
  typed.addEventListener("input", judge);
  judge();
}

// --- Copying ---------------------------------------------------------------------------------------------------------

function copyOnClick(button) {
  button.hidden = !navigator.clipboard;
  const [words, label] = [button.firstChild, button.firstChild.textContent];
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      words.textContent = "Copied";
    } catch {
      words.textContent = "Select and copy it by hand";
    }
    setTimeout(() => { words.textContent = label; }, 2000);
  });
}

// --- Saving what is ticked, a moment after the last click ------------------------------------------------------------

const SAVE_AFTER = 800;

function saveByItself(form) {
  let timer = 0;
  for (const button of all("[data-without-script]", form)) {
    button.hidden = true;
  }
  const save = async () => {
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "follow" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const notices = page.getElementById("notices");
      if (new URL(answer.url).pathname.endsWith("/login") || !notices) {
        location.reload();
        return;
      }
      document.getElementById("notices").replaceChildren(...document.importNode(notices, true).childNodes);
    } catch {
      say("bad", ["The server could not be reached; nothing was saved"]);
    }
  };
  form.addEventListener("change", () => {
    clearTimeout(timer);
    timer = setTimeout(save, SAVE_AFTER);
  });
}

// --- How many of a group are ticked ----------------------------------------------------------------------------------

function countTicks(group) {
  const boxes = all("input[type=checkbox]", group);
  group.addEventListener("change", () => {
    group.querySelector("[data-ticked]").textContent = `${boxes.filter((box) => box.checked).length} of ${boxes.length}`;
  });
}

// ---------------------------------------------------------------------------------------------------------------------

showLocalTimes(document);
all("#notices li").forEach(leadToField);
all("#notices > *").forEach(announce);
if (matchMedia("(min-width: 44rem)").matches) {
  all("details[data-open-wide]").forEach((details) => { details.open = true; });
}
all("[data-with-script]").forEach((element) => { element.hidden = false; });
all("details.group").forEach(countTicks);
all("form[data-needs], form[data-passwords]").forEach(checkBeforeSending);
all("form[data-confirm]").forEach(unlockWhenTyped);
all("button[data-copy]").forEach(copyOnClick);
all("form[data-autosave]").forEach(saveByItself);
