// CagePlan: see docs/modules.md
