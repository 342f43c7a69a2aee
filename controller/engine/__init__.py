"""The engine: pure except through ports, one verb per file; `reconcile` reads like the sentence in docs/architecture.md."""
