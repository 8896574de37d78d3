"use strict";
// The server's HTML is the whole page. This only renews it: it asks for the same view again and puts what has changed
// into the nodes that are there, so focus, selection and a screen reader's place stay. Nothing is written as HTML.
const POLL_MS = 3000, LIMIT_MS = 6000, TYPED_MS = 250;
const live = document.getElementById("live");
let etag = "", asking = null, timer = 0, heard = Date.now();

const keyOf = node => node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset.key || "" : "";
const alike = (old, fresh) => old.nodeName === fresh.nodeName && keyOf(old) === keyOf(fresh);
const blank = node => node.nodeType === Node.TEXT_NODE && !node.data.trim();

// Whoever reads here must not be moved.
function precious(node) {
  const { anchorNode, focusNode } = document.getSelection();
  return [document.activeElement, anchorNode, focusNode].some(one => one && one !== document.body && node.contains(one));
}

function renew(old, fresh) {
  if (old === live) return;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  renewChildren(old, fresh);
}

function renewChildren(old, fresh) {
  const known = new Map([...old.childNodes].filter(keyOf).map(node => [keyOf(node), node]));
  const coming = new Set([...fresh.childNodes].map(keyOf));
  for (const [key, node] of known) if (!coming.has(key)) node.remove();
  let place = old.firstChild;
  const skip = () => { const passed = place; place = place.nextSibling; passed.remove(); };
  for (const next of [...fresh.childNodes]) {
    let found = keyOf(next) ? known.get(keyOf(next)) : place && alike(place, next) ? place : null;
    if (found && !alike(found, next)) found = null;
    if (!found) {
      old.insertBefore(document.importNode(next, true), place);
      continue;
    }
    known.delete(keyOf(next));
    while (place && place !== found && (blank(place) || (found.parentNode === old && precious(found)))) skip();
    if (place === found) place = place.nextSibling;
    else old.insertBefore(found, place);
    renew(found, next);
  }
  while (place) skip();
}

function tell(text, lost) {
  if (live.textContent !== text) live.textContent = text;
  document.documentElement.classList.toggle("lost", lost);
}

// What is typed is not undone by a renewal, but fields follow when the view changes: by a link, or by going back.
function fill(fresh) {
  for (const field of document.querySelectorAll("#filters [name]")) {
    const other = fresh.querySelector(`#filters [name="${field.name}"]`);
    if (other && field !== document.activeElement && field.value !== other.value) field.value = other.value;
  }
}

function show(html, moved) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  if (document.title !== fresh.title) document.title = fresh.title;
  const active = document.activeElement;
  renew(document.body, fresh.body);
  if (active !== document.activeElement && active?.isConnected) active.focus({ preventScroll: true });
  if (moved) fill(fresh);
}

async function ask(moved) {
  clearTimeout(timer);
  asking?.abort();
  const mine = asking = new AbortController();
  const late = setTimeout(() => mine.abort(), LIMIT_MS);
  try {
    const headers = etag && !moved ? { "If-None-Match": etag } : {};
    const answer = await fetch(location.href, { headers, cache: "no-store", signal: mine.signal });
    const html = answer.status === 304 ? "" : await answer.text();
    if (mine !== asking) return;
    if (![200, 304, 404].includes(answer.status)) throw new Error(`answered ${answer.status}`);
    if (html) show(html, moved);
    else stamp(answer.headers.get("Date"));
    etag = answer.headers.get("ETag") ?? "";
    heard = Date.now();
    tell(moved ? document.getElementById("count")?.textContent ?? "Live" : "Live", false);
  } catch {
    if (mine !== asking) return;
    tell(`Connection lost ${Math.round((Date.now() - heard) / 1000)} s ago`, true);
  } finally {
    clearTimeout(late);
    if (mine === asking) later();
  }
}

// What has not changed was still true at the server's time of this answer.
function stamp(date) {
  const time = new Date(date ?? "");
  if (isNaN(time)) return;
  const text = time.toISOString(), shown = `${text.slice(0, 10)} ${text.slice(11, 19)} UTC`;
  const place = document.getElementById("as-of");
  place.dateTime = `${text.slice(0, 19)}Z`;
  if (place.firstChild && place.firstChild.data !== shown) place.firstChild.data = shown;
}

function later() {
  timer = setTimeout(() => document.hidden ? later() : ask(false), POLL_MS);
}

function go(address, replace) {
  history[replace ? "replaceState" : "pushState"](null, "", address);
  ask(true);
}

function wanted() {
  const form = document.getElementById("filters"), said = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value) said.append(name, value);
  return `${form.action}${said.size ? `?${said}` : ""}`;
}

document.addEventListener("click", event => {
  const link = event.target.closest?.("a[data-in-place]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(link.href, false);
});
document.addEventListener("submit", event => {
  event.preventDefault();
  go(wanted(), false);
});
let typed = 0;
document.addEventListener("input", event => {
  if (!event.target.closest?.("#filters")) return;
  clearTimeout(typed);
  typed = setTimeout(() => go(wanted(), true), TYPED_MS);
});
addEventListener("popstate", () => ask(true));
document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(false); });
tell("Live", false);
later();
