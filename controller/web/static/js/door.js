// The door: trades a link's one-time token for a session.

export function openDoor() {
  const said = document.getElementById("said"), form = document.getElementById("enter");
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    enter(document.getElementById("token").value, said);
  });
  const follow = () => {
    const token = new URLSearchParams(location.hash.slice(1)).get("token");
    if (!token) return;
    // The token works once, and must not stay in the address or in the history.
    history.replaceState(null, "", location.pathname);
    enter(token, said);
  };
  // A link that is pasted while the door is open changes only what stands behind the `#`.
  addEventListener("hashchange", follow);
  follow();
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
