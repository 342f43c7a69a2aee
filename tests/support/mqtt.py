"""An MQTT broker inside a `Space`, and this process's line to it."""

from __future__ import annotations

import socket
from collections.abc import Callable

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from tests.support.space import Space, wait_until

PORT = 1883
Heard = Callable[[str, str], None]
"""Is told the topic of a message and what it says; must not wait for the broker."""


class Broker:
    """On `PORT` of the loopback inside, and on a unix socket that tests reach. What is retained lives as long as it does."""

    def __init__(self, space: Space) -> None:
        self.socket = space.folder / "mqtt.sock"
        file = space.folder / "mosquitto.conf"
        lines = [f"listener {PORT} 127.0.0.1", f"listener 0 {self.socket}", "allow_anonymous true", "persistence false"]
        file.write_text("\n".join([*lines, "user root", ""]))
        space.start("mosquitto", "-c", str(file), log="mosquitto.log")
        wait_until(self._listens, f"the MQTT broker: {space.folder / 'mosquitto.log'}")
        # The broker keeps what it is subscribed to: a line that breaks on a busy machine loses nothing.
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="things", clean_session=False, transport="unix")
        self._client.connect(str(self.socket))
        self._client.loop_start()
        wait_until(self._client.is_connected, "the line to the MQTT broker")

    def publish(self, topic: str, text: str, *, retain: bool = False, wait: bool = True) -> None:
        """Say something; returns when the broker has it, or at once without `wait`, which is for who is being told something."""
        sent = self._client.publish(topic, text, qos=1, retain=retain)
        if wait:
            sent.wait_for_publish(60)
            assert sent.is_published(), f"the broker did not take {topic}"

    def listen(self, topic: str, heard: Heard) -> None:
        """Be told what is said under a topic (`#` at its end: and below), from now on, in order, in one thread."""

        def told(_client: object, _data: object, message: MQTTMessage) -> None:
            heard(message.topic, message.payload.decode())

        self._client.message_callback_add(topic, told)
        self._client.subscribe(topic, qos=1)

    def ignore(self, topic: str) -> None:
        """Be told no more."""
        self._client.unsubscribe(topic)
        self._client.message_callback_remove(topic)

    def _listens(self) -> bool:
        """Its socket is there a moment before anybody may connect."""
        with socket.socket(socket.AF_UNIX) as trial:
            return trial.connect_ex(str(self.socket)) == 0

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
