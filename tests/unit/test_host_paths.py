"""Paths of this machine that a container is given: where they really lead is looked at before it is made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from controller.clients.blobs import BlobStore
from controller.core.errors import Permanent
from controller.kinds.service.delivery import Delivery
from controller.kinds.service.mounts import Roots


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    """The delivery of a controller with its state in `state`, and some folders and links around it."""
    for folder in ("state/blobs/laid-out", "state/data/app/ours", "state/data/other", "media", "outer/state-of-nothing"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "state/identity").write_text("AGE-SECRET-KEY-1")
    links = {
        "link-to-state": "state", "link-to-media": "media", "link-to-etc": "/etc", "state/data/app/out": "/etc",
        "state/data/app/up": "../..", "state/data/app/beside": "ours", "state/data/app/far": "../other",
    }  # fmt: skip
    for name, target in links.items():
        (tmp_path / name).symlink_to(target)
    blobs = BlobStore(tmp_path / "state/blobs")
    roots = Roots(str(tmp_path / "state/blobs/laid-out"), str(tmp_path / "state/data"))
    return Delivery(blobs, roots, lambda _version: "", lambda text: text)


def mounted(entry: Mapping[str, object]) -> dict[str, object]:
    return {"volumes": {"/x": {"read_only": False, **entry}}}


@pytest.mark.parametrize(
    ("path", "said", "reason"),
    [
        ("state", "holds the state of the controller or lies in it", "the keys and the socket"),
        ("state/identity", "holds the state of the controller or lies in it", "the key to every secret"),
        ("state/data/app", "holds the state of the controller or lies in it", "what another service keeps"),
        (".", "holds the state of the controller or lies in it", "the folder around it"),
        ("media/../state", "holds the state of the controller or lies in it", "a way around"),
        ("link-to-state", "holds the state of the controller or lies in it", "a link to it"),
        ("link-to-etc", "is a link to /etc", "a link to where policy would have asked"),
        ("media", "", "anything else"),
        ("link-to-media", "", "a link to anything else"),
        ("outer/state-of-nothing", "", "another folder with such a name"),
        ("not/there/yet", "", "a folder that the engine will make"),
    ],
)
def test_a_bind_that_gives_more_than_it_says_is_refused(
    delivery: Delivery, tmp_path: Path, path: str, said: str, reason: str
) -> None:
    state = mounted({"type": "bind", "source": f"{tmp_path}/{path}"})
    if not said:
        delivery.unmask(state)
        return
    with pytest.raises(Permanent) as caught:
        delivery.unmask(state)
    assert said in str(caught.value), reason


def test_what_policy_was_asked_about_is_not_asked_twice(delivery: Delivery) -> None:
    delivery.unmask(mounted({"type": "bind", "source": "/"}))


@pytest.mark.parametrize(
    ("source", "refused", "reason"),
    [
        ("app/ours", False, "a folder of its own"),
        ("app/new/deeper", False, "one that is made with the container"),
        ("app/beside", False, "a link that a container made inside"),
        ("app/far", False, "a link to another service stays among them"),
        ("app/out", True, "a link that a container made to the host"),
        ("app/out/ssl", True, "a folder behind it"),
        ("app/up", True, "a link to the state of the controller"),
        ("app/up/identity", True, "the key behind it"),
    ],
)
def test_a_link_does_not_lead_out_of_the_folders_of_services(delivery: Delivery, source: str, refused: bool, reason: str) -> None:
    state = mounted({"type": "data", "source": source})
    if not refused:
        delivery.unmask(state)
        return
    with pytest.raises(Permanent, match="out of the folders of services"):
        delivery.unmask(state)
    assert reason


def test_paths_of_another_machine_are_not_looked_for_here(delivery: Delivery, tmp_path: Path) -> None:
    far = Delivery(delivery.blobs, Roots("", str(tmp_path / "state/data")), delivery.reveal, delivery.conceal)
    far.unmask(mounted({"type": "bind", "source": str(tmp_path / "state")}))
    far.unmask(mounted({"type": "data", "source": "app/out"}))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{{"../../../outside": "{digest}"}}', "a way up"),
        ('{{"a/../../outside": "{digest}"}}', "a way up in the middle"),
        ('{{"/outside": "{digest}"}}', "a path from the root"),
        ('["{digest}"]', "no list of files"),
        ("kind: Service", "an ordinary file"),
    ],
)
def test_a_file_of_the_repository_cannot_pass_for_a_folder(tmp_path: Path, content: str, reason: str) -> None:
    blobs = BlobStore(tmp_path / "blobs")
    digest = blobs.put(content.format(digest=blobs.put(b"hostile")).encode())
    with pytest.raises(KeyError):
        blobs.laid_out("folder", digest)
    assert not list(tmp_path.rglob("outside")), reason
    assert blobs.folder(blobs.put_folder({"a/b..c": b"fine"})) == {"a/b..c": b"fine"}
