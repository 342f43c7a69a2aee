"""The loop: one queue, one worker, one writer, and what wakes them. Read: queue, lease, worker, triggers, chronicle, loop."""
