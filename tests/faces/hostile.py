"""What somebody may have written: texts that a page, a terminal or a template might take for more than text."""

from __future__ import annotations

IMAGE = "<img src=x onerror=alert(19)>"
BREAKOUT = "\"'></script></title></textarea><script>alert(19)</script><svg/onload=alert(19)>"
LINK = "javascript:alert(19)"
TEMPLATE = "{{ 7*7 }}{% if x %}"
TERMINAL = "\x1b]0;owned\x07\x1b[2J\x1b[31mred"
REORDERED = "abc\u202efed\u2066\u200b\u00ad"
RUNS = """[...document.querySelectorAll('[onerror], [onload], [style], script:not([src]), a, form')].filter((each) =>
  !each.matches("a, form") || /^javascript:/i.test(each.href ?? each.action)).map((each) => each.outerHTML)"""
"""In a page: every element that would run something of a stranger."""
