// Keys: everything that they do can be done by mouse too. Single keys can be turned off in the settings.

export function listen() {
  for (const button of document.querySelectorAll("button[data-open]")) {
    button.hidden = false;
    button.addEventListener("click", () => open(button.dataset.open));
  }
  let armed = false;
  addEventListener("keydown", (event) => {
    // However slowly somebody types: what comes after `g` has no time limit, and any other key takes it back.
    const second = armed;
    armed = false;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open("palette");
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || document.documentElement.dataset.keys === "off") return;
    if (event.target.closest("input, select, textarea, [contenteditable], dialog")) return;
    if (event.key === "?") { event.preventDefault(); open("shortcuts"); }
    else if (event.key === "/") { event.preventDefault(); find(); }
    else if (event.key === "g") armed = true;
    else if (second) go(event.key);
  });
}

export function open(name) {
  for (const other of document.querySelectorAll("dialog[open]")) other.close();
  document.getElementById(name)?.showModal();
}

function find() {
  const field = document.querySelector("[data-find]");
  if (field) field.focus();
  else open("palette");
}

function go(letter) {
  for (const link of document.querySelectorAll("nav [data-letter]")) {
    if (link.dataset.letter === letter) link.click();
  }
}
