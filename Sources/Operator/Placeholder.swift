// Operator: see docs/modules.md
