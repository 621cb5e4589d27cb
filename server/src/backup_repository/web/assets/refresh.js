// Keeps a piece of a page up to date while somebody looks at it, without moving the focus or announcing what is the same.
"use strict";

{
  const EVERY = 5000, AFTER_FAILURE = 15000;

  // Makes an old node like a new one, touching only what differs.
  function bring(old, fresh) {
    if (old.nodeName !== fresh.nodeName) {
      old.replaceWith(document.importNode(fresh, true));
    } else if (old.nodeType === Node.ELEMENT_NODE) {
      [...old.attributes].filter(({ name }) => !fresh.hasAttribute(name)).forEach(({ name }) => old.removeAttribute(name));
      [...fresh.attributes].filter(({ name, value }) => old.getAttribute(name) !== value)
        .forEach(({ name, value }) => old.setAttribute(name, value));
      bringChildren(old, fresh);
    } else if (old.data !== fresh.data) {
      old.data = fresh.data;
    }
  }

  const parts = (node) => [...node.childNodes].filter((part) => part.nodeType !== Node.TEXT_NODE || part.data.trim());

  function bringChildren(old, fresh) {
    const [were, are] = [parts(old), parts(fresh)];
    are.forEach((node, place) => (were[place] ? bring(were[place], node) : old.append(document.importNode(node, true))));
    were.slice(are.length).forEach((node) => node.remove());
  }

  async function refresh(panel) {
    const answer = await fetch(panel.dataset.refresh, { redirect: "manual", headers: { Accept: "text/html" } });
    if (answer.type === "opaqueredirect") {
      location.reload(); // the session has ended: Login says why
      return;
    }
    if (!answer.ok) {
      throw new Error(`status ${answer.status}`);
    }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    showLocalTimes(fresh);
    bringChildren(panel, fresh);
  }

  function keepFresh(panel) {
    let timer = 0;
    const later = (milliseconds) => {
      clearTimeout(timer);
      timer = document.hidden ? 0 : setTimeout(look, milliseconds);
    };
    const look = () => refresh(panel).then(() => later(EVERY), () => later(AFTER_FAILURE));
    document.addEventListener("visibilitychange", () => later(0));
    later(EVERY);
  }

  document.querySelectorAll("[data-refresh]").forEach(keepFresh);
}
