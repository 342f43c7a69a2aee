// The palette: everything that a person can go to or do, found by typing. What there is comes from the page `/find`, which does the
// same without this.
import { open } from "./keys.js";
import { rank } from "./rank.js";
import { choose } from "./theme.js";

const MOST = 100;

export function openPalette() {
  const dialog = document.getElementById("palette");
  if (dialog) new Palette(dialog);
}

class Palette {
  constructor(dialog) {
    this.dialog = dialog;
    this.field = document.getElementById("palette-find");
    this.list = document.getElementById("palette-list");
    this.said = document.getElementById("palette-said");
    this.forms = document.getElementById("palette-forms");
    this.own = [...this.list.children];
    this.known = this.own;
    this.chosen = null;
    // The dialog is opened from several places; what it needs is done when it is.
    new MutationObserver(() => { if (dialog.open) this.begin(); }).observe(dialog, { attributes: true, attributeFilter: ["open"] });
    this.field.addEventListener("input", () => { this.chosen = null; this.filter(); });
    this.field.addEventListener("keydown", (event) => this.press(event));
    this.list.addEventListener("click", (event) => this.act(event.target.closest("[role=option]")));
  }

  begin() {
    this.field.value = "";
    this.chosen = null;
    this.filter();
    this.learn();
  }

  /** The best first; without words, as they come. */
  filter() {
    const found = rank(this.field.value, this.known, (item) => `${item.firstElementChild.textContent} ${item.dataset.words ?? ""}`).slice(0, MOST);
    this.list.replaceChildren(...found);
    this.mark(found.includes(this.chosen) ? this.chosen : found[0]);
    this.said.textContent = !found.length ? "Nothing is called that." : this.field.value ? `${found.length} found` : "";
  }

  mark(item) {
    this.chosen = item ?? null;
    for (const other of this.known) other.setAttribute("aria-selected", String(other === item));
    if (!item) { this.field.removeAttribute("aria-activedescendant"); return; }
    this.field.setAttribute("aria-activedescendant", item.id);
    item.scrollIntoView({ block: "nearest" });
  }

  press(event) {
    const items = [...this.list.children], at = items.indexOf(this.chosen), step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter") this.act(this.chosen);
    else if (step && items.length) this.mark(items[(at + step + items.length) % items.length]);
    else return;
    event.preventDefault();
  }

  // Asked for each time that it is opened: what can be done changes. What was chosen meanwhile stays chosen.
  async learn() {
    try {
      const answer = await fetch("/find?all=yes", { headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const before = new Map(this.known.map((item) => [item.id, item]));
      const views = this.own.filter((item) => item.dataset.group === "View"), others = this.own.filter((item) => !views.includes(item));
      const offers = [...fresh.querySelectorAll("[data-offer]")].filter((item) => item.dataset.group !== "View");
      const forms = offers.map((item) => item.querySelector("form")).filter(Boolean).map((form) => document.importNode(form, true));
      this.forms.replaceChildren(...forms);
      this.known = [...views, ...offers.map((item) => option(item, before)), ...others];
      this.filter();
    } catch {
      // The views are there without it.
    }
  }

  act(item) {
    if (!item) return;
    this.dialog.close();
    if (item.dataset.href) location.assign(item.dataset.href);
    else if (item.dataset.open) open(item.dataset.open);
    else if (item.dataset.theme) choose(item.dataset.theme);
    else if (item.dataset.submit) [...document.forms].find((form) => form.getAttribute("action") === item.dataset.submit)?.requestSubmit();
  }
}

/** An offer of the page as one of the palette; the same element as before where it is the same offer. */
function option(offer, before) {
  const id = `offer-${encodeURIComponent(offer.dataset.offer)}`;
  const item = before.get(id) ?? document.createElement("li"), text = document.createElement("span");
  const link = offer.querySelector("a"), form = offer.querySelector("form");
  item.id = id;
  item.setAttribute("role", "option");
  item.dataset.group = offer.dataset.group;
  if (link) item.dataset.href = link.getAttribute("href");
  else item.dataset.submit = form.getAttribute("action");
  if (offer.dataset.words) item.dataset.words = offer.dataset.words;
  text.textContent = offer.dataset.offer;
  item.replaceChildren(text);
  return item;
}
