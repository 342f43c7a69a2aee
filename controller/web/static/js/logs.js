// Logs: what a service says, as it says it. A stream that is lost is taken up again where it was lost.
import { level, pieces, RANKS } from "./lines.js";

const MOST = 2000, LONGEST = 65536, LONGEST_WAIT = 30;

export function followLogs() {
  const pane = document.getElementById("log");
  if (pane) new Log(pane);
}

class Log {
  constructor(pane) {
    const part = (name) => document.getElementById(`log-${name}`);
    [this.said, this.lines, this.words, this.only, this.button] = ["said", "lines", "words", "level", "follow"].map(part);
    this.address = pane.dataset.log;
    this.waiting = [];
    this.paused = false;
    this.abort = null;
    part("tools").hidden = false;
    this.button.addEventListener("click", () => this.press());
    this.words.addEventListener("input", () => this.filter());
    this.only.addEventListener("change", () => this.filter());
    addEventListener("pagehide", () => this.abort?.abort());
  }

  press() {
    if (!this.abort) { this.follow(); return; }
    this.paused = !this.paused;
    if (!this.paused) this.add(this.waiting.splice(0));
    this.tell();
  }

  // How many wait stands on the button: what is said is read aloud each time.
  tell(state = this.state) {
    this.state = state;
    this.button.textContent = !this.abort ? "Follow" : !this.paused ? "Pause" : `Go on (${this.waiting.length})`;
    const said = this.paused ? "Paused." : state;
    if (this.said.textContent !== said) this.said.textContent = said;
  }

  async follow() {
    const abort = this.abort = new AbortController();
    this.lines.replaceChildren();
    this.heard = 0;
    this.tell("Asking…");
    for (let wait = 1; this.abort === abort; wait = Math.min(2 * wait, LONGEST_WAIT)) {
      try {
        if (await this.listen(abort.signal)) wait = 1;
      } catch (error) {
        this.tell(error instanceof TypeError ? "The stream was lost." : error.message);
      }
      if (this.abort !== abort) return;
      this.tell(`${this.state} Asking again in ${wait} s.`);
      await new Promise((done) => setTimeout(done, wait * 1000));
    }
  }

  // Until it ends; true when it had begun. What was said since the last piece came is told again: a line there may stand twice.
  async listen(signal) {
    const again = this.heard, back = again ? `&back=${Math.ceil((Date.now() - again) / 1000) + 1}` : "";
    const answer = await fetch(`${this.address}?follow=true&lines=${again ? MOST : 200}${back}`, { signal });
    if (!answer.ok) {
      const { detail } = await answer.json();
      if (answer.status < 500) this.abort = null;
      throw new Error(detail);
    }
    if (again) this.gap();
    this.tell("Live.");
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    try {
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        const found = (rest + part.value).split("\n");
        rest = found.pop().slice(-LONGEST);
        this.heard = Date.now();
        this.hear(found);
      }
      this.tell("The stream ended.");
    } catch {
      this.tell("The stream was lost.");
    }
    if (rest) this.hear([rest]);
    return true;
  }

  hear(texts) {
    if (!this.paused) { this.add(texts); return; }
    this.waiting = [...this.waiting, ...texts].slice(-MOST);
    this.tell();
  }

  gap() {
    const item = document.createElement("li");
    item.className = "quiet";
    item.textContent = "— the stream was lost here; a line beside this may stand twice —";
    this.lines.append(item);
  }

  add(texts) {
    const low = this.lines.scrollHeight - this.lines.scrollTop - this.lines.clientHeight < 40;
    for (const text of texts) {
      const item = document.createElement("li");
      for (const [shown, names] of pieces(text.replace(/\r$/, ""))) {
        const piece = document.createElement("span");
        piece.className = names.join(" ");
        piece.textContent = shown;
        item.append(names.length ? piece : shown);
      }
      if (!item.textContent) item.textContent = " ";
      item.dataset.level = level(item.textContent);
      item.hidden = !this.wanted(item);
      this.lines.append(item);
    }
    while (this.lines.childElementCount > MOST) this.lines.firstElementChild.remove();
    if (low) this.lines.scrollTop = this.lines.scrollHeight;
  }

  wanted({ textContent, dataset }) {
    return textContent.toLowerCase().includes(this.words.value.toLowerCase())
      && RANKS[dataset.level ?? ""] >= Number(this.only.value);
  }

  filter() {
    for (const item of this.lines.children) item.hidden = !this.wanted(item);
  }
}
