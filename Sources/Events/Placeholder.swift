// Events: see docs/modules.md
