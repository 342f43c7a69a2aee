// Forms: a filter that is followed while it is typed, a button that asks the API, a question before what cannot be taken back.
import { refresh } from "./live.js";

export function followForms() {
  for (const form of document.querySelectorAll("form[data-instant]")) {
    let due = 0;
    const follow = () => {
      const chosen = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
      history.replaceState(null, "", `${form.action}${chosen.size ? `?${chosen}` : ""}`);
      refresh();
    };
    form.addEventListener("input", () => { clearTimeout(due); due = setTimeout(follow, 200); });
    form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(due); follow(); });
  }
  for (const button of document.querySelectorAll("button[data-post]")) {
    button.hidden = false;
    button.addEventListener("click", () => post(button));
  }
}

async function post(button) {
  const said = document.getElementById(button.dataset.says);
  button.setAttribute("aria-disabled", "true");
  try {
    const answer = await fetch(button.dataset.post, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: button.dataset.body ?? "{}",
    });
    const told = answer.status === 204 ? null : await answer.json();
    said.className = answer.ok ? "said good" : "said";
    said.textContent = answer.ok ? button.dataset.done : told.detail;
  } catch {
    said.className = "said";
    said.textContent = "The controller does not answer.";
  } finally {
    button.removeAttribute("aria-disabled");
  }
}
