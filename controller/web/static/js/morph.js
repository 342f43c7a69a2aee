// Makes an element as a fresh one from the server is, touching only what differs: focus, selection and scrolling stay.

export function morph(now, fresh) {
  if (now.isEqualNode(fresh)) return;
  for (const { name } of [...now.attributes]) {
    // What a person opened stays open.
    if (!fresh.hasAttribute(name) && !(name === "open" && now.localName === "details")) now.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (now.getAttribute(name) !== value) now.setAttribute(name, value);
  }
  children(now, fresh);
}

function children(now, fresh) {
  let at = now.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const found = wanted.id ? (at ? [...now.children].find((item) => item.id === wanted.id) : null) : at;
    if (found && alike(found, wanted)) {
      if (found !== at) move(now, found, at);
      else at = at.nextSibling;
      if (found.nodeType === Node.ELEMENT_NODE) morph(found, wanted);
      else if (found.data !== wanted.data) found.data = wanted.data;
    } else {
      now.insertBefore(document.importNode(wanted, true), at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

// Where a browser can, without taking the focus from what is moved.
function move(now, found, at) {
  if (now.moveBefore) now.moveBefore(found, at);
  else now.insertBefore(found, at);
}

function alike(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName && (one.id ?? "") === (other.id ?? "");
}
