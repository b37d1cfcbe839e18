// JSONBytes: see docs/modules.md
