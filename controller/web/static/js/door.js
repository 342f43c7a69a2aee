// The door: trades a link's one-time token, or a name and a password, for a session; or leads to the provider.

export function openDoor() {
  const said = document.getElementById("said"), form = document.getElementById("enter");
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    enter({ token: document.getElementById("token").value.trim() }, said);
  });
  document.getElementById("who")?.addEventListener("submit", (event) => {
    event.preventDefault();
    enter({ name: document.getElementById("name").value, password: document.getElementById("password").value }, said);
  });
  document.getElementById("provider")?.addEventListener("click", () => lead(said));
  const follow = () => {
    const token = new URLSearchParams(location.hash.slice(1)).get("token");
    if (!token) return;
    // The token works once, and must not stay in the address or in the history.
    history.replaceState(null, "", location.pathname);
    enter({ token: token.trim() }, said);
  };
  // A link that is pasted while the door is open changes only what stands behind the `#`.
  addEventListener("hashchange", follow);
  follow();
}

async function enter(credential, said) {
  const headers = { "Content-Type": "application/json" };
  if (await asked("/api/v1/session", { method: "POST", headers, body: JSON.stringify(credential) }, said)) location.reload();
}

async function lead(said) {
  const way = await asked("/api/v1/session/provider", { method: "POST" }, said);
  if (way) location.assign(way.url);
}

/** The answer, or nothing where there is a reason to show. */
async function asked(path, how, said) {
  said.textContent = "";
  try {
    const answer = await fetch(path, how), found = await answer.json();
    if (answer.ok) return found;
    said.textContent = found.detail;
  } catch {
    said.textContent = "The controller does not answer.";
  }
  return null;
}
