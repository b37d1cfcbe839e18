// Audit: see docs/modules.md
