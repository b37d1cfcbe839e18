// HostProbe: see docs/modules.md
