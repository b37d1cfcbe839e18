// ProfileFile: see docs/modules.md
