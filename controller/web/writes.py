"""Writing operations: each is one use case, done in the name of whoever asks."""

from __future__ import annotations

from controller.core.errors import SourceError
from controller.core.key import Key
from controller.usecases.importing_sketch import Handle
from controller.usecases.passed import pass_now
from controller.usecases.renewing import renew as renewed
from controller.usecases.rollback import WayBack
from controller.usecases.rollback_proposal import instead
from controller.web.answers import Digests, Keys, SecretNames, SecretValues, SyncAnswer, Taken, WentBack
from controller.web.call import Call, Face, Reply
from controller.web.problem import Problem
from controller.web.reads import naming


def sync(face: Face, call: Call) -> Reply:
    """A pass: soon, or now and waited for."""
    writing, after = face.sync(), face.desk.look.last_event()
    if call.query.wait:
        return Reply(SyncAnswer(after, pass_now(face.desk.look, writing, call.by)))
    face.desk.kick("asked")
    return Reply(SyncAnswer(after), 202)


def approve(face: Face, call: Call) -> Reply:
    """Yes to exactly these rollouts; a pass follows."""
    digests = face.sync().approve(call.body.digests, call.by, call.body.reason)
    face.desk.kick("approval")
    return Reply(Digests(digests))


def reject(face: Face, call: Call) -> Reply:
    """No to these rollouts."""
    digests = face.sync().reject(call.body.digests, call.by, call.body.reason)
    face.desk.kick("rejection")
    return Reply(Digests(digests))


def retry(face: Face, call: Call) -> Reply:
    """Lift a quarantine; a pass follows."""
    digests = face.sync().retry(call.body.target, call.by)
    face.desk.kick("retry")
    return Reply(Digests(digests))


def renew(face: Face, call: Call) -> Reply:
    """Have a certificate renewed, and wait until it is served."""
    return Reply(renewed(face.sync(), Key.parse(call.body.key), call.by))


def suspend(face: Face, call: Call) -> Reply:
    """Leave a key alone."""
    key = Key.parse(call.body.key)
    face.sync().suspend(key, call.by, call.body.reason)
    face.desk.kick("suspend")
    return Reply(Keys((str(key),)), 201)


def resume(face: Face, call: Call) -> Reply:
    """Take a key up again; a pass follows."""
    try:
        key = Key.parse(f"{call.path['kind']}/{call.path['name']}")
    except ValueError as error:
        raise Problem(404, "not-found", str(error)) from error
    face.sync().resume(key, call.by)
    face.desk.kick("resume")
    return Reply(Keys((str(key),)))


def detach(face: Face, call: Call) -> Reply:
    """Let go of keys; they keep running."""
    if call.body.all == bool(call.body.keys):
        raise Problem(422, "invalid-body", "name keys, or say all: true")
    keys = None if call.body.all else [Key.parse(key) for key in call.body.keys]
    gone = face.sync().detach(keys, call.by)
    face.desk.kick("detach")
    return Reply(gone)


def way_back(face: Face, call: Call) -> Reply:
    """What a rollback would do."""
    return Reply(_way(face, call.query.target))


def go_back(face: Face, call: Call) -> Reply:
    """A rollback: the commit that was shown, and the pass that follows it."""
    rollback, writing = face.rollback(), face.sync()
    way = _way(face, call.body.target)
    if call.body.plan not in (None, way.plan.digest):
        raise Problem(409, "refused", "the way back is not the one that was shown (any more); look at its plan again")
    after = face.desk.look.last_event()
    try:
        revision = rollback.commit(way, call.by)
    except SourceError as error:
        assert call.actor is not None  # noqa: S101 (the operation has a scope)
        why, steps = instead(face.desk.propose, rollback, way, call.actor.author, error)
        raise Problem(409, "not-writable", why, by_hand=steps) from error
    if call.query.wait:
        return Reply(WentBack(revision.id, way, after, pass_now(face.desk.look, writing, call.by, "rollback")))
    face.desk.kick("rollback")
    return Reply(WentBack(revision.id, way, after), 202)


def _way(face: Face, target: str) -> WayBack:
    if ".." in target:
        raise Problem(422, "invalid-target", "name a revision, a key, or nothing")
    with naming(face):
        return face.rollback().prepare(target)


def adopt(face: Face, call: Call) -> Reply:
    """Take over what runs, exactly as it is; a pass follows."""
    face.sync()
    adopted, left = face.importing().adopt([Handle(item.key, item.handle) for item in call.body.objects], call.by)
    face.desk.kick("adopt")
    return Reply(Taken(adopted, left))


def secrets(face: Face, _call: Call) -> Reply:
    """The vault by reference."""
    return Reply(SecretNames(face.secrets().list()))


def set_secret(face: Face, call: Call) -> Reply:
    """Keep a value; a pass follows."""
    view = face.secrets().set(call.body.ref, call.body.value.get_secret_value(), call.by)
    face.desk.kick("secret")
    return Reply(view)


def rotate_secret(face: Face, call: Call) -> Reply:
    """Generate a new value; a pass follows."""
    view = face.secrets().rotate(call.body.ref, call.by, call.body.length)
    face.desk.kick("secret")
    return Reply(view)


def export_secrets(face: Face, call: Call) -> Reply:
    """Every value."""
    return Reply(SecretValues(dict(face.secrets().export(call.by))))
