// LinuxSys: see docs/modules.md
