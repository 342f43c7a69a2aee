// News: events that came while the page is open, told to who does not see them: one sentence at once, and then at most one in a while.

const PAUSE = 10000;

export function tellNews() {
  const list = document.getElementById("events"), said = document.getElementById("news");
  if (!list || !said) return;
  const items = () => [...list.querySelectorAll("li[id]")];
  const known = new Set(items().map((item) => item.id));
  let count = 0, newest = "", due = 0;
  const tell = () => {
    due = 0;
    if (!count) return;
    said.textContent = count === 1 ? `New: ${newest}` : `${count} new events, the last: ${newest}`;
    count = 0;
    due = setTimeout(tell, PAUSE);
  };
  document.addEventListener("refreshed", () => {
    const fresh = items().filter((item) => !known.has(item.id));
    if (!fresh.length) return;
    for (const item of fresh) known.add(item.id);
    count += fresh.length;
    newest = [fresh[0].querySelector("strong"), fresh[0].lastElementChild].map((part) => part.textContent.trim()).join(": ");
    if (!due) tell();
  });
}
