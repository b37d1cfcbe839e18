// LogStore: see docs/modules.md
