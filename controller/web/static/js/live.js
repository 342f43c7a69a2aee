// Live: whatever is marked `data-live` (and has an id) is fetched anew when an event tells that something happened.
import { morph } from "./morph.js";

let due = 0, under = false, again = false, last = 0, pace = 1000, number = 0, paused = false, lost = false;

export function stayLive(main) {
  setInterval(tellAges, 1000);
  if (document.documentElement.dataset.offline !== undefined) return;
  for (const place of document.querySelectorAll("[data-part]")) showPart(place);
  if (main?.dataset.last === undefined) return;
  pace = Math.max(1000, Number(main.dataset.pace) * 1000);
  const stale = document.getElementById("stale");
  const events = new EventSource(`/api/v1/events?after=${main.dataset.last}`);
  events.onmessage = soon;
  events.addEventListener("report", soon);
  events.onopen = () => { lost = false; soon(); };
  events.onerror = () => {
    lost = true;
    stale.hidden = false;
    // A refused stream is not tried again by the browser: the session may have ended.
    if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
  };
  addEventListener("pagehide", () => events.close());
  const button = document.getElementById("pause");
  button.hidden = false;
  button.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    if (!paused && again) soon();
  });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && again) soon(); });
}

function soon() {
  clearTimeout(due);
  due = setTimeout(follow, Math.max(150, pace - (Date.now() - last)));
}

// Nobody looks, or nothing is to move: once when that has ended.
function follow() {
  if (document.hidden || paused) again = true;
  else refresh();
}

export async function refresh() {
  if (under) { again = true; return; }
  under = true;
  again = false;
  const stale = document.getElementById("stale"), asked = ++number;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.status === 401) { location.reload(); return; }
    if (!answer.ok) throw new Error(answer.statusText);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (asked === number) show(fresh);
    // An answer that was still on its way when the stream broke does not make the page live again.
    if (stale) stale.hidden = !lost;
  } catch {
    if (stale) stale.hidden = false;
  } finally {
    last = Date.now();
    under = false;
    if (again) soon();
  }
}

function show(fresh) {
  for (const place of document.querySelectorAll("[data-live]")) {
    const found = fresh.getElementById(place.id);
    if (found) morph(place, found);
    else place.replaceChildren();
  }
  // The first report brings a view that was not there before.
  if (fresh.querySelectorAll("[data-live]").length !== document.querySelectorAll("[data-live]").length) {
    document.getElementById("main").replaceChildren(...fresh.getElementById("main").childNodes);
  }
  tellAges();
  document.dispatchEvent(new Event("refreshed"));
}

// A part that the server needs time for; what does not answer has no such part. With `data-keep` it comes once, and tells what is wrong.
async function showPart(place) {
  const keep = place.dataset.keep !== undefined;
  const fetchPart = async () => {
    try {
      const answer = await fetch(place.dataset.part);
      const good = answer.status === 200;
      if (good || keep) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        const told = fresh.querySelector("#main > .panel");
        place.replaceChildren(...(told ? [told] : fresh.body.childNodes));
        tellAges();
      }
      place.hidden = !good && !keep;
    } catch {
      place.hidden = !keep;
      const told = place.querySelector(".state p");
      if (keep && told) told.textContent = "The controller does not answer. Load this page once more.";
    }
  };
  await fetchPart();
  if (!keep) setInterval(fetchPart, 600000);
}

// Ages instead of moments, so that an old page looks old.
export function tellAges() {
  for (const item of document.querySelectorAll("time[data-at]")) {
    const at = Number(item.dataset.at), seconds = Math.max(0, Math.round(Date.now() / 1000 - at));
    item.title = new Date(at * 1000).toISOString();
    item.textContent = `${age(seconds)} ago`;
  }
}

function age(seconds) {
  for (const [size, name] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${name}`;
  }
  return `${seconds} s`;
}
