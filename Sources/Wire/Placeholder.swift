// Wire: see docs/modules.md
