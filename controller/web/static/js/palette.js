// The palette: every view, every action and every resource, found by typing.
import { open } from "./keys.js";
import { choose } from "./theme.js";

export function openPalette() {
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const field = document.getElementById("palette-find"), list = document.getElementById("palette-list");
  const said = document.getElementById("palette-said");
  let known = false, at = 0;

  const shown = () => [...list.children].filter((item) => !item.hidden);
  const mark = () => {
    const items = shown();
    at = Math.max(0, Math.min(at, items.length - 1));
    for (const item of list.children) item.setAttribute("aria-selected", String(item === items[at]));
    if (items[at]) {
      field.setAttribute("aria-activedescendant", items[at].id);
      items[at].scrollIntoView({ block: "nearest" });
    } else {
      field.removeAttribute("aria-activedescendant");
    }
    said.textContent = items.length ? "" : "Nothing is called that.";
  };
  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const item of list.children) item.hidden = !words.every((word) => item.textContent.toLowerCase().includes(word));
    at = 0;
    mark();
  };
  // The dialog is opened from several places; what it needs is done when it is.
  new MutationObserver(() => {
    if (!dialog.open) return;
    field.value = "";
    filter();
    if (!known) { known = true; learn(list, filter); }
  }).observe(dialog, { attributes: true, attributeFilter: ["open"] });

  field.addEventListener("input", filter);
  field.addEventListener("keydown", (event) => {
    const items = shown();
    if (event.key === "ArrowDown") at = (at + 1) % Math.max(1, items.length);
    else if (event.key === "ArrowUp") at = (at - 1 + items.length) % Math.max(1, items.length);
    else if (event.key === "Enter") { event.preventDefault(); act(items[at], dialog); return; }
    else return;
    event.preventDefault();
    mark();
  });
  list.addEventListener("click", (event) => act(event.target.closest("[role=option]"), dialog));
}

async function learn(list, filter) {
  try {
    const answer = await fetch("/api/v1/status");
    if (!answer.ok) return;
    for (const [index, { key }] of (await answer.json()).items.entries()) {
      const item = document.createElement("li"), text = document.createElement("span");
      const [kind, name] = key.split("/");
      Object.assign(item, { id: `resource-${index}` });
      item.setAttribute("role", "option");
      item.dataset.href = `/resources/${encodeURIComponent(kind)}/${encodeURIComponent(name)}`;
      text.textContent = key;
      item.append(text);
      list.append(item);
    }
    filter();
  } catch {
    // The views and actions are there without it.
  }
}

function act(item, dialog) {
  if (!item) return;
  dialog.close();
  if (item.dataset.href) location.assign(item.dataset.href);
  else if (item.dataset.open) open(item.dataset.open);
  else if (item.dataset.theme) choose(item.dataset.theme);
  else if (item.dataset.submit) {
    for (const form of document.forms) if (form.getAttribute("action") === item.dataset.submit) form.requestSubmit();
  }
}
