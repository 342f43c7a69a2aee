"""A command line split into words the way Compose splits `command`, `entrypoint` and hooks given as text.

It is not a shell: no variables, globs or substitutions. Quotes and backslashes group; an unquoted `;`, `&`, `|`, `<` or `>` ends
the command, as in Compose."""

from __future__ import annotations

from controller.clients.compose.findings import Invalid

_SPACE = frozenset(" \t\r\n")
_END = frozenset(";&|<>")
_ESCAPES = {"t": "\t", "n": "\n"}


def split_words(line: str) -> list[str]:
    """The words of `line`; raises Invalid for an open quote or an unquoted bracket."""
    splitter = _Splitter(line)
    for sign in line:
        if not splitter.take(sign):
            break
    return splitter.finish()


class _Splitter:
    def __init__(self, line: str) -> None:
        self.line = line
        self.words: list[str] = []
        self.word = ""
        self.started = False
        self.escaped = False
        self.open: set[str] = set()  # of ' " ` and (, which may overlap

    def take(self, sign: str) -> bool:
        """Consume one character; False when the command ends here."""
        if self.escaped:
            self.escaped = False
            self._append(_ESCAPES.get(sign, sign))
        elif sign == "\\" and "'" not in self.open:
            self.escaped = True
        elif sign in _SPACE:
            if self.open:
                self.word += sign
            else:
                self._end_word()
        elif sign in "'\"":
            self._quote(sign)
        elif sign in _END and not self.open:
            return False
        else:
            if sign in "`()":
                self._bracket(sign)
            self._append(sign)
        return True

    def _quote(self, sign: str) -> None:
        other = '"' if sign == "'" else "'"
        if other in self.open or "(" in self.open:
            self._append(sign)
        else:
            self.started = self.started or sign in self.open
            self.open ^= {sign}

    def _bracket(self, sign: str) -> None:
        if self.open & {"'", '"'} or (sign == "`" and "(" in self.open) or (sign != "`" and "`" in self.open):
            return
        if sign == "(" and ("(" in self.open or not self.word.endswith("$")):
            raise self._broken()
        self.open ^= {"`" if sign == "`" else "("}

    def _append(self, text: str) -> None:
        self.word += text
        self.started = True

    def _end_word(self) -> None:
        if self.started:
            self.words.append(self.word)
        self.word, self.started = "", False

    def finish(self) -> list[str]:
        if self.open or self.escaped:
            raise self._broken()
        self._end_word()
        return self.words

    def _broken(self) -> Invalid:
        return Invalid(f"`{self.line}` is not a command line", "close every quote, or write the words as a list")
