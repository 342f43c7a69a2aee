"""The door of apprise: a message to a person, over one of the services that only talk over the network."""

from __future__ import annotations

import logging
import re
from functools import cache
from threading import get_ident
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from controller.clients.tally import OK, REFUSED, asking
from controller.core.errors import Severity
from controller.core.notice import Message, Topic, Undelivered

if TYPE_CHECKING:
    import apprise

SCHEMES = frozenset(
    "apprise apprises bark barks discord emby embys form forms gchat gotify gotifys hassio hassios ifttt jellyfin "
    "jellyfins join json jsons kodi kodis lametric lametrics line mailgun mailto mailtos mastodon mastodons matrix "
    "matrixs mmost mmosts ncloud nclouds nctalk nctalks notifiarr ntfy ntfys opsgenie pagerduty pbul postmark pover "
    "prowl psafer psafers pushplus pushy revolt rocket rockets sendgrid signal signals simplepush slack sparkpost "
    "spush synology synologys tgram threema toot toots twilio webex whatsapp workflow workflows wxteams xml xmls "
    "zulip".split()
)
"""What may stand before `://`: services that are spoken to over HTTP, or mail. Not those that act on this machine (dbus, gnome,
macosx, syslog, windows, …), nor those that read key files of it."""
_FILES = frozenset(["pgp", "pgpkey", "pem", "keyfile", "key_file", "subfile", "attach", "config"])
"""Parameters of an address that make apprise read or write files of this machine."""
_TYPES = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.ERROR: "failure"}
_GOOD = frozenset([Topic.RECOVERED, Topic.APPLIED])
_STATUS = re.compile(r"error=(\d{3})\b")
_LOGGER = "apprise"


class AppriseSender:
    """`core.notice.Sender` over apprise, which is imported with the first message. Each send waits for the service's answer, on
    the thread of the caller: about four seconds to connect and four for each answer unless the address says otherwise (`cto`,
    `rto`). For many threads."""

    def send(self, url: str, message: Message) -> None:
        """Deliver it. Raises Undelivered, which says why without any part of the address."""
        _check(url)
        service = _service(url)
        good = message.topic in _GOOD
        with _Heard() as heard, asking("notification") as ended:
            arrived = service.notify(
                body=message.body,
                title=message.title,
                notify_type="success" if good else _TYPES[message.severity],
                body_format="text",
            )
            ended(OK if arrived else REFUSED)
        if not arrived:
            raise Undelivered(heard.why())


def _check(url: str) -> None:
    """Raises Undelivered for an address that is not one of a service that is allowed."""
    try:
        parts = urlsplit(url.strip())
        parameters = {name.lower().lstrip("+-:") for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    except ValueError:
        raise Undelivered("its address cannot be read; apprise's own pages show how one is written") from None
    if parts.scheme.lower() not in SCHEMES:
        raise Undelivered(
            "its address begins with a word that is not allowed; write an apprise address of a service on the network, such as "
            "ntfys://HOST/TOPIC (docs/guides/notifications.md lists them)"
        )
    if parameters & _FILES:
        raise Undelivered("its address names a file of this machine, which is not allowed")


def _service(url: str) -> apprise.Apprise:
    import apprise

    made = apprise.Apprise(asset=_asset())
    with _Heard():
        added = made.add(url.strip())
    if not added or len(made) != 1:
        raise Undelivered("its address is not complete, or this service needs a package that is not installed here")
    return made


@cache
def _asset() -> Any:
    """How apprise behaves: nothing of its own on disk, no threads, no redirects (a token must not follow one), no templates."""
    from apprise import AppriseAsset, PersistentStoreMode

    return AppriseAsset(
        app_id="HomeLabHub",
        app_desc="HomeLabHub",
        image_url_mask="",
        image_url_logo="",
        async_mode=False,
        http_redirects=False,
        interpret_escapes=False,
        interpret_emojis=False,
        allow_templates=False,
        pgp_autogen=False,
        pem_autogen=False,
        service_timeout=0,
        storage_mode=PersistentStoreMode.MEMORY,
    )


class _Heard(logging.Handler):
    """What apprise logs on this thread while it is open. It goes nowhere else: it may hold parts of the address."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._texts: list[str] = []
        self._thread = get_ident()

    def __enter__(self) -> _Heard:
        logger = logging.getLogger(_LOGGER)
        logger.propagate = False
        logger.setLevel(logging.WARNING)  # below that it tells the whole address
        logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger(_LOGGER).removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self._texts.append(record.getMessage())

    def why(self) -> str:
        """Why a message did not arrive, in words of ours."""
        said = "\n".join(self._texts)
        if found := _STATUS.search(said):
            return f"its service answers with HTTP {found[1]}"
        if "onnection" in said or "imeout" in said or "timed out" in said:
            return "its service cannot be reached, or does not answer in time"
        return "its service did not take the message"
