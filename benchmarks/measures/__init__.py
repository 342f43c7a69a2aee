"""One measure a module, each with `measure(stage)` that yields rows."""
