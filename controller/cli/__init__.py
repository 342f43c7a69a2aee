"""The `homelab` command: one small file per group of verbs, loaded only when asked for."""
