// Copy: a button behind what somebody takes into a terminal. Browsers allow it by https and on the machine itself.

export function offerCopies() {
  if (!navigator.clipboard) return;
  for (const text of document.querySelectorAll("pre[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text.textContent);
        button.textContent = "Copied";
      } catch {
        button.textContent = "The browser does not allow it";
      }
    });
    text.after(button);
  }
}
