// Policy: see docs/modules.md
