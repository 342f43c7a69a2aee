"""Uptime and history by day on the command line, through a controller and after it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from controller.cli.show_days import history_days_lines, uptime_lines, uptimes_lines
from controller.cli.text import Paint
from tests.faces.command import empty
from tests.support.space import wait_until

PLAIN = Paint(False)


def test_a_controller_writes_down_what_can_be_read_without_it(tmp_path: Path) -> None:
    home = empty(tmp_path)
    home.commit("Days of Berlin", {"policy/house.yaml": "kind: Policy\nname: house\nspec: {timezone: Europe/Berlin}\n"})
    home.service("app:1")
    with home.controller():
        wait_until(lambda: "Healthy" in home("status").out, "the service")
        wait_until(lambda: home("status", "--uptime", "-o", "json").json["items"], "the first note")
        live = home("history", "--by-day", "--days", "2", "-o", "json").json
        assert (live["zone"], len(live["days"]), live["whole"]["applied"]) == ("Europe/Berlin", 2, 1)
        seen = home("show", "service/web", "--uptime", "--days", "3", "-o", "json").json
        assert (seen["key"], seen["zone"], len(seen["days"])) == ("service/web", "Europe/Berlin", 3)
        assert home("apply").code == 0, "one more look, some time after the first"
        last = home("status", "-o", "json").json["at"]
    kept = home("show", "service/web", "--uptime", "--days", "3", "-o", "json").json
    assert kept["zone"] == "Europe/Berlin"
    with closing(sqlite3.connect(home.state / "memory" / "state.db")) as store:
        assert store.execute("select max(until) from watches").fetchone()[0] >= last, (
            "the end of the watch was written at the end"
        )
    # What was looked at does not grow while nobody looks.
    assert 0 < kept["good"] + kept["degraded"] + kept["down"] < 3600
    assert home("show", "service/web", "--uptime", "--days", "3", "-o", "json").json["good"] == kept["good"]
    for asked in (("status", "--uptime"), ("show", "service/web", "--uptime")):
        said = home(*asked)
        assert (said.code, "not looked at" in said.out, "service/web" in said.out) == (0, True, True), said.err
    counted = home("history", "--by-day").out.splitlines()
    assert counted[0].split() == ["DAY", "RUNS", "APPLIED", "ROLLED", "BACK", "FAILED", "OTHER", "USUALLY", "TOOK", "LONGEST"]
    assert counted[-2].split()[:3] == ["all", "1", "1"]
    assert counted[-1] == "on 29 days nothing was done; days are those of Europe/Berlin"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("show", "HEAD", "--uptime"), "--uptime is for a key"),
        (("show", "service/web", "--days", "3"), "--days is for --uptime"),
        (("history", "--days", "3"), "--days is for --by-day"),
        (("history", "--by-day", "--days", "0"), "1<=x<=400"),
        (("show", "service/Web", "--uptime"), "service/Web"),
    ],
)
def test_what_does_not_fit_together_is_told(tmp_path: Path, asked: tuple[str, ...], said: str) -> None:
    found = empty(tmp_path)(*asked)
    assert found.code != 0
    assert said in found.err


def day(name: str, stands: str, good: float = 0, degraded: float = 0, down: float = 0, unseen: float = 0) -> dict[str, object]:
    return {"date": name, "stands": stands, "good": good, "degraded": degraded, "down": down, "unseen": unseen}


UPTIME = {
    "key": "service/web",
    "zone": "",
    "days": [
        day("2026-11-20", "unseen", unseen=86_400),
        day("2026-11-21", "good", 86_390, degraded=10),
        day("2026-11-22", "down", 82_800, down=3600),
        day("2026-11-23", "good", 36_000),
    ],
    "percent": 98.27,
    "good": 205_190,
    "degraded": 10,
    "down": 3600,
    "unseen": 86_400,
}
SHOWN = """\
service/web  98.27 % good of the 2 d that were observed in 4 days in local time
  2026-11-20  .|x|
  | good   ! degraded   x down   . not looked at

DAY         GOOD  DEGRADED  DOWN    NOT LOOKED AT
2026-11-21  24 h  10 s      -       -
2026-11-22  23 h  -         60 min  -"""


def test_an_uptime_is_drawn_with_signs() -> None:
    assert "\n".join(uptime_lines(UPTIME, PLAIN)) == SHOWN
    assert "\x1b[31mx\x1b[0m" in "\n".join(uptime_lines(UPTIME, Paint(True)))
    nothing = {**UPTIME, "days": [day("2026-11-23", "unseen", unseen=9)], "percent": None}
    assert next(iter(uptime_lines(nothing, PLAIN))) == "service/web  nobody looked at it in 1 day in local time"


def test_many_uptimes_are_a_line_each() -> None:
    assert list(uptimes_lines({"items": []}, PLAIN)) == ["nothing is recorded yet: a running controller does it"]
    item = {"key": "service/web", "percent": 99.9, "degraded": 60, "down": 0, "days": ["good", "degraded", "unseen", "down"]}
    found = {
        "zone": "UTC",
        "first": "2026-11-20",
        "last": "2026-11-23",
        "items": [item, {**item, "key": "service/\x1b", "percent": None}],
    }
    assert list(uptimes_lines(found, PLAIN)) == [
        "of the time that was observed from 2026-11-20 to 2026-11-23 in UTC",
        "",
        "KEY          GOOD     DEGRADED  DOWN  LAST 4 DAYS",
        "service/web  99.90 %  60 s      -     |!.x",
        "service/\\e            60 s      -     |!.x",
        "  | good   ! degraded   x down   . not looked at",
    ]


def test_days_without_a_run_are_counted_only() -> None:
    nothing = {
        "date": "2026-11-22",
        "runs": 0,
        "applied": 0,
        "rolled_back": 0,
        "failed": 0,
        "other": 0,
        "median": None,
        "longest": None,
    }
    assert list(history_days_lines({"zone": "", "days": [nothing], "whole": nothing}, PLAIN)) == ["nothing was done in 1 day"]
    some = {**nothing, "date": "2026-11-23", "runs": 3, "applied": 2, "failed": 1, "median": 1.5, "longest": 200.0}
    assert list(history_days_lines({"zone": "", "days": [nothing, some], "whole": {**some, "date": ""}}, PLAIN)) == [
        "DAY         RUNS  APPLIED  ROLLED BACK  FAILED  OTHER  USUALLY TOOK  LONGEST",
        "2026-11-23  3     2        -            1       -      1.5 s         3 min",
        "all         3     2        -            1       -      1.5 s         3 min",
        "on 1 day nothing was done; days are those of local time",
    ]
