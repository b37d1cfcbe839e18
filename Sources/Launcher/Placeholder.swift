// Launcher: see docs/modules.md
