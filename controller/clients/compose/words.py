"""A command line split into words the way Compose splits `command`, `entrypoint` and hooks given as text.

It is not a shell: no variables, globs or substitutions. Quotes and backslashes group; an unquoted `;`, `&`, `|`, `<` or `>` ends
the command, as in Compose."""

from __future__ import annotations

from controller.clients.compose.findings import Invalid

_SPACE = frozenset(" \t\r\n")
_END = frozenset(";&|<>")
_DIGITS = frozenset("0123456789")
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
        self.open = ""  # the one of ' " ` ( that is open; inside it the others are ordinary characters

    def take(self, sign: str) -> bool:
        """Consume one character; False when the command ends here."""
        if self.escaped:
            self.escaped = False
            self._append("\\" + sign if self.open in ("`", "(") else _ESCAPES.get(sign, sign))
        elif sign == "\\" and self.open != "'":
            self.escaped = True
        elif sign in _SPACE:
            if self.open:
                self.word += sign
            else:
                self._end_word()
        elif sign in "'\"" and self.open in ("", sign):
            self.started = self.started or bool(self.open)
            self.open = "" if self.open else sign
        elif sign in _END and not self.open:
            # Compose takes digits right before `>` for the number of a stream.
            self.started = self.started and not (sign == ">" and self.word[:1] in _DIGITS)
            return False
        else:
            self._bracket(sign)
            self._append(sign)
        return True

    def _bracket(self, sign: str) -> None:
        if sign == "`" and self.open in ("", "`"):
            self.open = "" if self.open else "`"
        elif sign == "(" and self.open in ("", "("):
            if self.open or not self.word.endswith("$"):
                raise self._broken()
            self.open = "("
        elif sign == ")" and self.open in ("", "("):
            if not self.open:
                raise self._broken()
            self.open = ""

    def _append(self, text: str) -> None:
        self.word += text
        self.started = True

    def _end_word(self) -> None:
        if self.started:
            self.words.append(self.word)
        self.word, self.started = "", False

    def finish(self) -> list[str]:
        """The words; raises Invalid when something is still open."""
        if self.open or self.escaped:
            raise self._broken()
        self._end_word()
        return self.words

    def _broken(self) -> Invalid:
        return Invalid(f"`{self.line}` is not a command line", "close every quote, or write the words as a list")
