// Logs: what a service says, as it says it. Colours and other escape sequences of a terminal are taken out.

const MOST = 2000;
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g;
const LEVELS = [["error", /\b(error|err|fatal|critical|crit|panic|exception|traceback)\b/i], ["warn", /\b(warn|warning)\b/i],
  ["debug", /\b(debug|trace)\b/i]];

export function followLogs() {
  const pane = document.getElementById("log");
  if (pane) new Log(pane);
}

export function plain(text) {
  return text.replace(ESCAPES, "").replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, "·");
}

export function level(text) {
  return LEVELS.find(([, pattern]) => pattern.test(text))?.[0] ?? "";
}

class Log {
  constructor(pane) {
    this.pane = pane;
    this.said = document.getElementById("log-said");
    this.lines = document.getElementById("log-lines");
    this.words = document.getElementById("log-words");
    this.only = document.getElementById("log-level");
    this.button = document.getElementById("log-follow");
    this.waiting = [];
    this.paused = false;
    this.abort = null;
    document.getElementById("log-tools").hidden = false;
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

  tell(text) {
    this.button.textContent = !this.abort ? "Follow" : this.paused ? "Go on" : "Pause";
    this.said.textContent = text ?? (this.paused ? `Paused; ${this.waiting.length} lines wait.` : this.abort ? "Live." : "");
  }

  async follow() {
    this.abort = new AbortController();
    this.lines.replaceChildren();
    this.tell("Asking…");
    try {
      const answer = await fetch(`${this.pane.dataset.log}?follow=true&lines=200`, { signal: this.abort.signal });
      if (!answer.ok) throw new Error((await answer.json()).detail);
      this.tell();
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        const found = (rest + part.value).split("\n");
        rest = found.pop().slice(-65536);
        if (this.paused) { this.waiting = [...this.waiting, ...found].slice(-MOST); this.tell(); }
        else this.add(found);
      }
      if (rest) this.add([rest]);
      this.abort = null;
      this.tell("It ended.");
    } catch (error) {
      this.abort = null;
      this.tell(error.message);
    }
  }

  add(texts) {
    const low = this.lines.scrollHeight - this.lines.scrollTop - this.lines.clientHeight < 40;
    for (const text of texts) {
      const item = document.createElement("li"), shown = plain(text);
      item.textContent = shown || " ";
      item.dataset.level = level(shown);
      item.hidden = !this.wanted(item);
      this.lines.append(item);
    }
    while (this.lines.childElementCount > MOST) this.lines.firstElementChild.remove();
    if (low) this.lines.scrollTop = this.lines.scrollHeight;
  }

  wanted(item) {
    const words = this.words.value.toLowerCase(), only = this.only.value;
    return item.textContent.toLowerCase().includes(words) && (!only || item.dataset.level === only);
  }

  filter() {
    for (const item of this.lines.children) item.hidden = !this.wanted(item);
  }
}
