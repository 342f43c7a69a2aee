"""HomeLabHub: GitOps for a home. Rooms and import rules: docs/architecture.md."""
