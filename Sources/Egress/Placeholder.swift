// Egress: see docs/modules.md
