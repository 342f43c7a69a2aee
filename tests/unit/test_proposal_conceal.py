"""What a proposal would do is shown without any value that the vault keeps, wherever somebody wrote it in plain text."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from controller.core.edit import SetValue
from controller.core.errors import Refused, SpecError
from controller.core.key import Key
from controller.usecases.concealing_effects import concealed_effects
from controller.usecases.proposing_files import Change
from controller.usecases.views import ChangeView, DiagnosticView, FieldView, NoteView, RolloutView
from tests.support.house import OpenVault
from tests.support.proposing import BO, proposing

VALUE = "canary-5e55"


@pytest.fixture
def _kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A vault that keeps the value."""
    monkeypatch.setattr(OpenVault, "conceal", lambda _, text: text.replace(VALUE, "•••"))


@pytest.mark.usefixtures("_kept")
def test_a_value_that_is_proposed_in_plain_text_is_in_no_rollout(tmp_path: Path) -> None:
    house = proposing(tmp_path)
    shown = house.open(web={"image": f"registry:{VALUE}"})
    [rollout] = shown.rollouts
    assert FieldView("image", "web:1", "registry:•••") in rollout.changes[0].fields
    assert shown.digests == (rollout.digest,)
    assert VALUE not in json.dumps(asdict(shown))
    house.approve(shown)
    assert VALUE in house.work.read("web.yaml"), "only what is shown differs"


@pytest.mark.usefixtures("_kept")
def test_a_value_in_a_line_that_is_refused_is_in_no_finding(tmp_path: Path) -> None:
    shown = proposing(tmp_path).open(edits={"web.yaml": f"kind: Box\nname: web\nspec:\n  imgae: {VALUE}\n".encode()})
    assert shown.diagnostics
    assert shown.problem
    assert any("•••" in found.snippet for found in shown.diagnostics)
    assert VALUE not in json.dumps(asdict(shown))


@pytest.mark.usefixtures("_kept")
def test_a_value_is_in_no_refusal(tmp_path: Path) -> None:
    house = proposing(tmp_path)
    rule = {"name": "never", "match": {"names": ["web"]}, "verdict": "deny", "reason": f"not with {VALUE}"}
    house.work.commit({"policy/mine.yaml": json.dumps({"kind": "Policy", "name": "mine", "spec": {"rules": [rule]}})})
    shown = house.open(web={"image": "web:2"})
    with pytest.raises(Refused, match=r"denied by never: .*not with •••") as refused:
        house.approve(shown)
    assert VALUE not in str(refused.value)
    with pytest.raises(SpecError) as wrong:
        house.propose.open("No", "", BO, Change(edits=[SetValue(Key("box", "web"), (VALUE, "a"), 1)]))
    assert "there is no key `•••` here" in str(wrong.value)
    assert VALUE not in json.dumps([str(wrong.value), *(event.message for event in house.store.events(limit=500))])


def test_every_sentence_and_value_is_concealed_and_nothing_else() -> None:
    field = FieldView(f"env.{VALUE}", [VALUE, 1], {"deep": (VALUE, None)})
    change = ChangeView("box/a", "update", "changed", "p", VALUE, "exact", (field,), (), (), f"do {VALUE}", {"a": VALUE}, VALUE)
    rollouts = [RolloutView(VALUE, "hold", "brake", f"because {VALUE}", (change,), ("loss",))]
    notes = [NoteView("box/b", "foreign", f"has {VALUE}")]
    findings = [DiagnosticView("error", f"not {VALUE}", "a.yaml", 1, 2, f"say {VALUE}", f"  x: {VALUE}")]
    found = concealed_effects(rollouts, notes, findings, lambda text: text.replace(VALUE, "•••"))
    shown = FieldView(f"env.{VALUE}", ["•••", 1], {"deep": ["•••", None]})
    other = ChangeView("box/a", "update", "changed", "p", VALUE, "exact", (shown,), (), (), "do •••", {"a": "•••"}, "•••")
    assert found == (
        (RolloutView(VALUE, "hold", "brake", "because •••", (other,), ("loss",)),),
        (NoteView("box/b", "foreign", "has •••"),),
        (DiagnosticView("error", "not •••", "a.yaml", 1, 2, "say •••", "  x: •••"),),
    )
