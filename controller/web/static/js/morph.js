// Makes an element as a fresh one from the server is, touching only what differs: focus, selection, what was typed or opened, and the
// place in the page stay. Items of a list that have an id stay the elements that they are.

export function morph(now, fresh) {
  const held = document.activeElement;
  change(now, fresh);
  // A browser that cannot move an element where it stands takes it out first, and its focus with it.
  if (held && held !== document.activeElement && held.isConnected) held.focus({ preventScroll: true });
}

function change(now, fresh) {
  if (now.isEqualNode(fresh)) return;
  // The script tells a moment as an age; it is the same moment.
  if (now.localName === "time" && now.dataset.at === fresh.dataset.at) return;
  for (const { name } of [...now.attributes]) {
    if (!fresh.hasAttribute(name) && !theirs(now, name)) now.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (now.getAttribute(name) !== value && !theirs(now, name)) now.setAttribute(name, value);
  }
  children(now, fresh);
}

// What a person opened, shut or chose is theirs. (What was typed or ticked a browser keeps by itself.)
function theirs(item, name) {
  if (name === "open") return item.localName === "details";
  return name === "selected" && [...(item.closest("select")?.options ?? [])].some((each) => each.selected !== each.defaultSelected);
}

function children(now, fresh) {
  let at = now.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const found = wanted.id ? (at ? [...now.children].find((item) => item.id === wanted.id) : null) : at;
    if (found && alike(found, wanted)) {
      if (found !== at) move(now, found, at);
      else at = at.nextSibling;
      if (found.nodeType === Node.ELEMENT_NODE) change(found, wanted);
      else if (found.data !== wanted.data) found.data = wanted.data;
    } else {
      now.insertBefore(document.importNode(wanted, true), at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    if (!("passing" in now.dataset && used(at))) at.remove();
    at = next;
  }
}

// In a list that things pass through (`data-passing`), what somebody is at stays until they have left it.
function used(item) {
  const chosen = getSelection();
  return item.contains(document.activeElement) || (!chosen.isCollapsed && chosen.containsNode(item, true));
}

// Where a browser can, without taking the focus from what is moved.
function move(now, found, at) {
  if (now.moveBefore) now.moveBefore(found, at);
  else now.insertBefore(found, at);
}

function alike(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName && (one.id ?? "") === (other.id ?? "");
}
