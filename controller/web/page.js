// The page's own script: trades a link's token for a session, and keeps what is shown live. The server renders everything.

const door = document.getElementById("door");
if (door) openDoor(); else stayLive();

function openDoor() {
  const said = document.getElementById("said");
  document.getElementById("enter").addEventListener("submit", (event) => {
    event.preventDefault();
    enter(document.getElementById("token").value, said);
  });
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return;
  // The token works once, and must not stay in the address or in the history.
  history.replaceState(null, "", location.pathname);
  enter(token, said);
}

async function enter(token, said) {
  said.textContent = "";
  try {
    const answer = await fetch("/api/v1/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token: token.trim() }),
    });
    if (answer.ok) location.reload();
    else said.textContent = (await answer.json()).detail;
  } catch {
    said.textContent = "The controller does not answer.";
  }
}

function stayLive() {
  // A link opened while signed in: its token is not needed, and must not stay in the address.
  if (location.hash) history.replaceState(null, "", location.pathname);
  document.getElementById("leave")?.addEventListener("click", leave);
  const stale = document.getElementById("stale");
  let due = 0, under = false, again = false, last = 0;

  const refresh = async () => {
    if (under) { again = true; return; }
    under = true;
    try {
      const answer = await fetch("/", { headers: { Accept: "text/html" } });
      if (answer.status === 401) { location.reload(); return; }
      if (!answer.ok) throw new Error(answer.statusText);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
      document.getElementById("live").replaceChildren(...fresh.childNodes);
      last = Date.now();
      stale.hidden = true;
      tell();
    } catch {
      stale.hidden = false;
    } finally {
      under = false;
      if (again) { again = false; soon(); }
    }
  };
  const soon = () => {
    clearTimeout(due);
    due = setTimeout(refresh, Math.max(150, 1000 - (Date.now() - last)));
  };

  const events = new EventSource(`/api/v1/events?after=${document.getElementById("live").dataset.last}`);
  events.onmessage = soon;
  events.addEventListener("report", soon);
  events.onopen = soon;
  events.onerror = () => {
    stale.hidden = false;
    // A refused stream is not tried again by the browser: the session may have ended.
    if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
  };
  addEventListener("pagehide", () => events.close());
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  setInterval(tell, 1000);
  tell();
  setInterval(showEnergy, 600000);
  showEnergy();
}

// A home that measures nothing, or does not answer, has no such part.
async function showEnergy() {
  const place = document.getElementById("energy");
  try {
    const answer = await fetch("/page/energy");
    if (answer.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      place.replaceChildren(...fresh.body.childNodes);
    }
    place.hidden = !answer.ok;
  } catch {
    place.hidden = true;
  }
}

async function leave() {
  await fetch("/api/v1/session", { method: "DELETE" });
  location.reload();
}

// Ages instead of moments, so that an old page looks old.
function tell() {
  for (const item of document.querySelectorAll("time[data-at]")) {
    const at = Number(item.dataset.at), seconds = Math.max(0, Math.round(Date.now() / 1000 - at));
    item.title ||= new Date(at * 1000).toISOString();
    item.textContent = `${age(seconds)} ago`;
  }
}

function age(seconds) {
  for (const [size, name] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${name}`;
  }
  return `${seconds} s`;
}
