// Metering: see docs/modules.md
