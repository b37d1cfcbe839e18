// Providers: see docs/modules.md
