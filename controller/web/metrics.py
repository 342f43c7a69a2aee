"""Metrics: counts for Prometheus. No text that a person or a backend wrote is ever a label."""

from __future__ import annotations

import platform
from collections import Counter as Tally
from collections.abc import Callable, Iterator
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from controller.core.event import Report, Sync

TEXT = "text/plain; version=0.0.4; charset=utf-8"
RESULTS = ("ok", "held", "failed", "unknown", "refused", "error")
_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)


class Meter:
    """Counts passes, and reads the rest from the last report when it is asked. Usable from many threads."""

    def __init__(self, last: Callable[[], Report | None], world: str) -> None:
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
        self._registry.register(_Standing(last))

    def passed(self, report: Report | None, seconds: float) -> None:
        """Count a pass that ended; None = it raised."""
        self._passes.labels(_result(report)).inc()
        self._duration.observe(seconds)
        if report is not None and not report.reason:
            self._success.set(report.at)

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
    """How the house stands in the last report."""

    def __init__(self, last: Callable[[], Report | None]) -> None:
        self._last = last

    def collect(self) -> Iterator[Metric]:
        """Read by Prometheus's registry."""
        report = self._last()
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
