"""Metrics: counts for Prometheus. No text that a person or a backend wrote is ever a label, but for declared host names, which
are checked to be nothing else."""

from __future__ import annotations

import platform
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from controller.core.errors import HomelabError
from controller.core.event import Report, Sync
from controller.usecases.domains import domains_of
from controller.usecases.look import Look
from controller.usecases.summary import waiting_proposals

TEXT = "text/plain; version=0.0.4; charset=utf-8"
RESULTS = ("ok", "held", "failed", "unknown", "refused", "error")
# A second series for each counter that nobody asked for.
disable_created_metrics()  # type: ignore[no-untyped-call]
_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)

Asked = Callable[[], Mapping[tuple[str, str], int]]
"""How often who was asked, by provider and how it ended: both of a fixed set."""


class Streams(Protocol):
    """Where events are listened to."""

    def listeners(self) -> int:
        """How many listen now."""

    @property
    def dropped(self) -> int:
        """How many were let go because they did not read."""


class Meter:
    """Counts passes, and reads the rest from the last report and the store when it is asked. Usable from many threads."""

    def __init__(self, look: Look, world: str, asked: Asked = dict) -> None:
        self._registry = CollectorRegistry()
        self._passes = Counter("homelab_reconcile", "Passes by result.", ["result"], registry=self._registry)
        for result in RESULTS:
            self._passes.labels(result)
        self._duration = Histogram(
            "homelab_reconcile_duration_seconds", "Time that a pass took.", registry=self._registry, buckets=_SECONDS
        )
        self._success = Gauge(
            "homelab_last_success_timestamp_seconds", "End of the last pass that could read git.", registry=self._registry
        )
        about = Gauge("homelab_build_info", "What runs.", ["version", "python", "world"], registry=self._registry)
        named = "memory" if world.startswith("memory") else "docker"
        about.labels(version("homelabhub"), platform.python_version(), named).set(1)
        self._registry.register(_Standing(look))
        self._registry.register(_Certificates(look))
        self._registry.register(_Asked(asked))
        self._listening = _Listening()
        self._registry.register(self._listening)

    def passed(self, report: Report | None, seconds: float) -> None:
        """Count a pass that ended; None = it raised."""
        self._passes.labels(_result(report)).inc()
        self._duration.observe(seconds)
        if report is not None and not report.reason:
            self._success.set(report.at)

    def follow(self, streams: Streams) -> None:
        """Also tell of who listens to events."""
        self._listening.streams = streams

    def text(self) -> bytes:
        """The exposition text."""
        return generate_latest(self._registry)


def _result(report: Report | None) -> str:
    if report is None:
        return "error"
    if report.reason:
        return "refused"
    found = {status.sync for status in report.statuses}
    for sync in (Sync.FAILED, Sync.UNKNOWN, Sync.HELD):
        if sync in found:
            return sync.lower()
    return "unknown" if any(report.backends.values()) else "ok"


class _Standing(Collector):
    """How the house stands in the last report, and what waits in the store."""

    def __init__(self, look: Look) -> None:
        self._look = look

    def collect(self) -> Iterator[Metric]:
        """Read by Prometheus's registry."""
        report = self._look.reconciler.last
        statuses = report.statuses if report else ()
        resources = GaugeMetricFamily("homelab_resources", "Resources by sync and health.", labels=["sync", "health"])
        for (sync, health), count in Tally((status.sync.value, status.health.value) for status in statuses).items():
            resources.add_metric([sync, health], count)
        drift = GaugeMetricFamily("homelab_drift", "Drifted resources by kind.", labels=["kind"])
        counts = Tally(status.key.kind for status in statuses if status.sync is Sync.DRIFTED)
        for kind in sorted({status.key.kind for status in statuses}):
            drift.add_metric([kind], counts[kind])
        held = len({status.rollout for status in statuses if status.sync is Sync.HELD})
        pending = GaugeMetricFamily("homelab_pending_approvals", "Rollouts that wait for a person.", value=held)
        backends = GaugeMetricFamily("homelab_backends", "Backends by whether they answer.", labels=["state"])
        down = sum(1 for reason in report.backends.values() if reason) if report else 0
        backends.add_metric(["up"], len(report.backends) - down if report else 0)
        backends.add_metric(["down"], down)
        yield from (resources, drift, pending, backends)
        yield from self._kept()

    def _kept(self) -> Iterator[Metric]:
        """What the store knows; a store that does not answer has no numbers, and says so."""
        store, found = self._look.store, list[Metric]()
        try:
            proposals, quarantines = waiting_proposals(store), len(store.quarantined())
        except HomelabError:
            yield GaugeMetricFamily("homelab_store_up", "Whether the store answers.", value=0)
            return
        found.append(GaugeMetricFamily("homelab_pending_proposals", "Proposals that wait for a person.", value=proposals))
        found.append(
            GaugeMetricFamily("homelab_open_quarantines", "Failed rollouts that are not tried again.", value=quarantines)
        )
        yield from (*found, GaugeMetricFamily("homelab_store_up", "Whether the store answers.", value=1))


class _Certificates(Collector):
    """Until when the certificates hold that visitors get, as the last pass saw them."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._known: tuple[object, Mapping[str, float]] = (None, {})

    def collect(self) -> Iterator[Metric]:
        """Read by Prometheus's registry; worked out once for each look."""
        name, words = "homelab_certificate_expiry_timestamp_seconds", "End of the certificate that visitors of a host get."
        found = GaugeMetricFamily(name, words, labels=["host"])
        shown = self._look.reconciler.shown
        if shown is not None and shown is not self._known[0]:
            ends = {host.host: host.certificate.until for host in domains_of(shown).hosts if host.certificate is not None}
            self._known = shown, {host: until for host, until in ends.items() if until is not None}
        for host, until in self._known[1].items():
            found.add_metric([host], until)
        yield found


class _Asked(Collector):
    """Requests to others."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def collect(self) -> Iterator[Metric]:
        """Read by Prometheus's registry."""
        words = "Requests to others by how they ended: an HTTP status, ok, refused, or error (no answer)."
        found = CounterMetricFamily("homelab_provider_requests", words, labels=["provider", "code"])
        for (provider, code), count in sorted(self._asked().items()):
            found.add_metric([provider, code], count)
        yield found


class _Listening(Collector):
    """Who listens to events."""

    streams: Streams | None = None

    def collect(self) -> Iterator[Metric]:
        """Read by Prometheus's registry."""
        if self.streams is None:
            return
        yield GaugeMetricFamily("homelab_event_listeners", "Open event streams.", value=self.streams.listeners())
        words = "Event streams that were ended because nobody read them."
        yield CounterMetricFamily("homelab_event_listeners_dropped", words, value=self.streams.dropped)
