"""Converters from long syntax to Compose's canonical values, and the records that are made of them.

A converter takes a checked value and returns the canonical one; it raises Invalid with the place inside the value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from controller.clients.compose.data import Data
from controller.clients.compose.durations import format_duration, parse_duration
from controller.clients.compose.findings import Faults, Invalid
from controller.clients.compose.shape import listed
from controller.clients.compose.sizes import parse_bytes
from controller.clients.compose.text import boolean_of, decimal_of, integer_of, single_precision, text_of
from controller.clients.compose.words import split_words

Convert: TypeAlias = Callable[[Data], Data]

_MODE = 'write octal digits in quotes, such as "0440"'


class Field(NamedTuple):
    """An attribute of a record: its converter, and whether an empty value (zero, false, "", [], {}) is shown."""

    convert: Convert
    keep: bool = False


def fields(names: str, field: Field) -> dict[str, Field]:
    """The same field under several names, which are separated by spaces."""
    return dict.fromkeys(names.split(), field)


def record(fields: Mapping[str, Field], always: Mapping[str, Data] | None = None) -> Convert:
    """A map of known attributes; others are extensions and are dropped. `always` names those shown even when missing."""

    def convert(value: Data) -> Data:
        result: dict[str, Data] = dict(always or {})
        faults = Faults()
        for key, raw in value.items():
            field = fields.get(key)
            if field is None or raw is None:
                continue
            try:
                canonical = field.convert(raw)
            except Invalid as error:
                faults.add(key, error)
                continue
            if field.keep or canonical:
                result[key] = canonical
        faults.settle()
        return result

    return convert


def as_is(value: Data) -> Data:
    return value


def flag(value: Data) -> Data:
    return boolean_of(value) if isinstance(value, str) else value


def whole(value: Data) -> Data:
    return integer_of(value) if isinstance(value, str) else int(value)


def count(value: Data) -> Data:
    """A whole number that is not negative."""
    found = whole(value)
    if found < 0:
        raise Invalid(f"{found} is negative", "use 0 or more")
    return found


def number(value: Data) -> Data:
    """A number with the precision that Compose keeps."""
    found = float(decimal_of(value) if isinstance(value, str) else value)
    return int(found) if found.is_integer() else found


def share(value: Data) -> Data:
    """A number of processors."""
    return number(single_precision(number(value)))


def size(value: Data) -> Data:
    """Bytes as text."""
    if isinstance(value, float):
        raise Invalid(f"{value} is not a size", "write a whole number of bytes, or text such as `1.5g`")
    found = parse_bytes(value)
    return str(found) if found else ""


def duration(value: Data) -> Data:
    return format_duration(parse_duration(value))


def duration_unless_zero(value: Data) -> Data:
    found = duration(value)
    return "" if found == "0s" else found


def command(value: Data) -> Data:
    """A command as words."""
    return split_words(value) if isinstance(value, str) else value


def texts(value: Data) -> Data:
    return listed(value)


def words(value: Data) -> Data:
    """A list of text and whole numbers as text."""
    for index, entry in enumerate(value):
        if isinstance(entry, float):
            raise Invalid(f"`{text_of(entry)}` is not possible here", "write it in quotes", (index,))
    return [text_of(entry) for entry in value]


def text_map(value: Data) -> Data:
    """`NAME=value` entries or a map, as a map of text; nothing becomes empty text."""
    if isinstance(value, list):
        return {name: part for name, _, part in (text_of(entry).partition("=") for entry in value)}
    return {name: text_of(part) for name, part in value.items()}


def environment(value: Data) -> Data:
    """Like text_map, but a name without a value keeps None: it is taken from outside when there is something."""
    if isinstance(value, list):
        found: dict[str, str | None] = {}
        for index, entry in enumerate(value):
            name, equals, part = text_of(entry).partition("=")
            if name[-1:].isspace():
                raise Invalid(f"the variable name `{name}` ends with a space", "remove it", (index,))
            found[name] = part if equals else None
        return found
    return {name: None if part is None else text_of(part) for name, part in value.items()}


def plain_options(value: Data) -> Data:
    """Options that must be text or whole numbers."""
    for name, part in value.items():
        if not isinstance(part, str) and type(part) is not int:
            raise Invalid(f"`{text_of(part)}` is not possible here", "write it in quotes", (name,))
    return text_map(value)


def hosts(value: Data) -> Data:
    """Extra hosts as sorted `NAME=ADDRESS` entries."""
    found: dict[str, list[str]] = {}
    if isinstance(value, dict):
        found = {name: [text_of(one) for one in (part if isinstance(part, list) else [part])] for name, part in value.items()}
    else:
        for index, entry in enumerate(value):
            separator = "=" if "=" in entry else ":"
            name, present, addresses = entry.partition(separator)
            if not present:
                raise Invalid(f"`{entry}` has no address", "write NAME=ADDRESS", (index,))
            found.setdefault(name, []).extend(addresses.split(","))
    for name in found:
        if not name or ":" in name or "=" in name:
            raise Invalid(f"`{name}` is not a host name", "write NAME=ADDRESS")
    return sorted(f"{name}={_bare(address)}" for name, addresses in found.items() for address in addresses)


def _bare(address: str) -> str:
    return address[1:-1] if len(address) > 2 and address[0] == "[" and address[-1] == "]" else address


def file_mode(value: Data) -> Data:
    """A mode as octal text; a number is its value, text is octal digits."""
    if isinstance(value, str):
        try:
            value = int(value, 8)
        except ValueError:
            raise Invalid(f"`{value}` is not a file mode", _MODE) from None
    if not isinstance(value, int):
        raise Invalid(f"{value} is not a file mode", _MODE)
    return f"0{value:o}"


def ulimit(value: Data) -> Data:
    if isinstance(value, dict):
        return {key: int(value[key]) for key in ("soft", "hard") if value.get(key)}
    return value or {}


def device_count(value: Data) -> Data:
    if isinstance(value, str) and value.lower() == "all":
        return -1
    try:
        return whole(value)
    except Invalid:
        raise Invalid(f"`{value}` is not a number of devices", "write a number or `all`") from None


def map_of(convert: Convert) -> Convert:
    """A map with free names whose values are converted; a value of nothing stays."""

    def converted(value: Data) -> Data:
        found: dict[str, Data] = {}
        faults = Faults()
        for name, part in value.items():
            try:
                found[name] = None if part is None else convert(part)
            except Invalid as error:
                faults.add(name, error)
        faults.settle()
        return found

    return converted
