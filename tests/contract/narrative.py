"""The story that every provider tells: the laws of `core.ports.Provider`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.core.errors import Conflict, Transient
from controller.core.ports import Adapts
from controller.core.state import Absent, Present, Target, Unknown
from tests.contract.yard import NO, MemoryHands, Yard


class Narrative:
    """What holds for every kind on every backend. A file that tells it has a fixture `yard` and a class below this one."""

    def test_create_change_delete(self, yard: Yard) -> None:
        assert isinstance(yard.look(), Absent)
        made = yard.make(yard.first)
        assert made.handle
        assert yard.differing(yard.desired(yard.first)[1]) == []
        if yard.second is not None:
            changed = yard.make(yard.second)
            assert yard.differing(yard.desired(yard.second)[1]) == []
            assert yard.differing(yard.desired(yard.first)[1]) != []
            assert changed.state is not None
        yard.commit(gone := yard.change(None), yard.provider.apply(gone, NO))
        assert isinstance(yard.look(), Absent)

    def test_what_is_asked_twice_is_done_once(self, yard: Yard) -> None:
        create = yard.change(yard.first)
        first = yard.provider.apply(create, NO)
        assert yard.provider.apply(create, NO) == first
        done = yard.commit(create, first)
        assert yard.commit(create, done) == done
        delete = yard.change(None)
        gone = yard.provider.apply(delete, NO)
        assert yard.provider.apply(delete, NO).state is None
        assert yard.commit(delete, gone).state is None
        assert yard.commit(delete, gone).state is None
        assert isinstance(yard.look(), Absent)

    def test_a_swapped_change_puts_back_what_was(self, yard: Yard) -> None:
        create = yard.change(yard.first)
        yard.commit(
            create.inverse(), yard.provider.apply(replace(create.inverse(), handle=yard.provider.apply(create, NO).handle), NO)
        )
        assert isinstance(yard.look(), Absent)
        yard.make(yard.first)
        before = yard.shown()
        if yard.second is not None:
            change = yard.change(yard.second)
            receipt = yard.provider.apply(change, NO)
            assert yard.differing(before) != []
            back = replace(change.inverse(), handle=receipt.handle)
            yard.commit(back, yard.provider.apply(back, NO))
            assert yard.differing(before) == []
        delete = yard.change(None)
        yard.provider.apply(delete, NO)
        assert isinstance(yard.look(), Absent)
        restored = yard.provider.apply(delete.inverse(), NO)
        assert yard.differing(before) == []
        assert restored.handle

    def test_what_somebody_changed_meanwhile_is_left_alone(self, yard: Yard) -> None:
        yard.make(yard.first)
        change = yard.change(yard.second if yard.second is not None else None)
        yard.hands.edit(yard)
        edited = yard.shown()
        with pytest.raises(Conflict):
            yard.provider.apply(change, NO)
        assert yard.shown() == edited

    def test_what_exists_is_not_created_over(self, yard: Yard) -> None:
        create = yard.change(yard.first)
        yard.make(yard.first)
        yard.hands.edit(yard)
        edited = yard.shown()
        with pytest.raises(Conflict):
            yard.provider.apply(create, NO)
        assert yard.shown() == edited

    def test_what_is_gone_is_not_changed(self, yard: Yard) -> None:
        yard.make(yard.first)
        delete = yard.change(None)
        update = yard.change(yard.second) if yard.second is not None else None
        yard.hands.remove(yard)
        assert yard.provider.apply(delete, NO).state is None
        if update is not None:
            with pytest.raises(Conflict):
                yard.provider.apply(update, NO)
        assert isinstance(yard.look(), Absent)

    def test_a_backend_that_does_not_answer_is_unknown(self, yard: Yard) -> None:
        yard.make(yard.first)
        delete = yard.change(None)
        yard.hands.cut()
        found = yard.provider.observe([Target(yard.key, yard.address)])
        assert not found.complete
        assert isinstance(found.of(yard.key), Unknown)
        with pytest.raises(Transient):
            yard.provider.apply(delete, NO)
        if isinstance(yard.provider, Adapts) and yard.kind == "service":
            with pytest.raises(Transient):
                yard.provider.adapt(yard.specs.resolve(yard.kind, "it", yard.first).state, None)
        yard.hands.mend()
        assert isinstance(yard.look(), Present)

    def test_a_lost_reply_is_made_good_by_asking_again(self, yard: Yard) -> None:
        create = yard.change(yard.first)
        if isinstance(yard.hands, MemoryHands):
            yard.hands.lose()
            with pytest.raises(Transient):
                yard.provider.apply(create, NO)
        else:
            yard.provider.apply(create, NO)
        again = yard.provider.apply(create, NO)
        done = yard.commit(create, again)
        assert done.handle == again.handle
        assert yard.differing(create.after or {}) == []

    def test_a_look_tells_the_same_objects_while_nothing_moved(self, yard: Yard) -> None:
        yard.make(yard.first)
        first, second = yard.look(), yard.look()
        assert isinstance(first, Present)
        assert first.state == second.state  # type: ignore[union-attr]
