// Redaction: see docs/modules.md
