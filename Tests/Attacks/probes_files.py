"""Files: what lies outside, what is hidden, what is protected, what is left behind."""

from probe import Probe

ALL = (
    Probe("shadow", "read /etc/shadow", '''
def attack(): return open("/etc/shadow").readline()[:4]''', ("ENOENT", "EACCES")),
    Probe("ssh-key", "read a private key in the caller's home", '''
def attack(): return open(ARENA["home"] + "/.ssh/id_ed25519").read()''', ("ENOENT", "EACCES")),
    Probe("write-outside", "write beside the workspace", '''
def attack(): open("/media/akios-mark", "w").write("x"); return "written"''', ("ENOENT", "EACCES", "EROFS")),
    Probe("symlink-out", "write outside through a symlink in the workspace", '''
def attack():
    os.path.lexists("out") or os.symlink("/media/akios-mark", "out")
    open("out", "w").write("x"); return "written"''', ("ENOENT", "EACCES", "EROFS")),
    Probe("session-log", "change the session's own log", '''
def attack(): open(ARENA["session"] + "/audit.jsonl", "a").write("{}"); return "appended"''', ("ENOENT", "EACCES", "EROFS")),
    Probe("inherited-fd", "read a secret through a descriptor the caller forgot to close", '''
def attack(): return os.read(ARENA["fd"], 20)''', ("EBADF",)),
    Probe("set-id", "leave a set-user-id file in the workspace", '''
def attack():
    open("tool", "w").close(); os.chmod("tool", 0o4755)
    return oct(os.stat("tool").st_mode)'''),
    Probe("set-id-create", "create a file with the bit set", '''
def attack():
    os.umask(0); os.path.exists("tool2") and os.unlink("tool2")
    os.close(os.open("tool2", os.O_CREAT | os.O_WRONLY, 0o4755)); return oct(os.stat("tool2").st_mode)'''),
    Probe("open-by-handle", "open a file by handle, past every mount", '''
def attack():
    handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128)); mount = ctypes.c_int()
    call(303, ctypes.c_long(-100), b"/usr", handle, ctypes.byref(mount), 0)
    root = os.open("/usr", os.O_RDONLY)
    return "descriptor %d" % call(304, root, handle, os.O_RDONLY)''', absent=("EOPNOTSUPP",)),    Probe("hidden-file", "read a hidden file of the workspace, by every way that leads to it", '''
def attack():
    os.path.lexists("way") or os.symlink(".env", "way")
    for path in (".env", "way", "/proc/self/cwd/.env", "./x/../.env", "/proc/self/root" + os.getcwd() + "/.env"):
        try: text = open(path).read()
        except OSError: continue
        if "canary" in text: return path
    os.link(".env", "link")
    if "canary" in open("link").read(): return "a hard link"
    raise Refused("hidden")''', ("EXDEV", "EPERM", "EACCES", "Refused: hidden")),
    Probe("hidden-moved", "move a hidden file to where it is not hidden", '''
def attack():
    os.rename(".env", "moved")
    try:
        if "canary" in open("moved").read(): return "moved"
    finally: os.rename("moved", ".env")
    raise Refused("hidden")''', ("EBUSY", "EACCES", "EPERM", "ENOENT", "Refused: hidden")),
    Probe("git-hook", "leave a hook that the caller's next git commit runs", '''
def attack(): open(".git/hooks/pre-commit", "w").write("evil"); return "a hook"''', ("EROFS", "EACCES")),
    Probe("git-config", "have the caller's git run a program, by its configuration", '''
def attack(): open(".git/config", "a").write("[core]\\n\\tfsmonitor = evil\\n"); return "a setting"''', ("EROFS", "EACCES")),
    Probe("git-moved", "put a folder of its own in place of the one with the hooks", '''
def attack():
    os.rename(".git", "old"); os.makedirs(".git/hooks")
    open(".git/hooks/pre-commit", "w").write("evil"); return "a folder"''', ("EBUSY", "EACCES", "EXDEV")),
    Probe("shell-rc", "leave a line in the shell's start file of the caller", '''
def attack():
    path = os.path.expanduser("~/.bashrc")
    if not os.path.exists(path) or "canary" not in open(path).read(): raise Refused("a home of its own")
    open(path, "a").write("evil\\n"); return path''', ("Refused: a home of its own", "ENOENT", "EACCES", "EROFS")),
    Probe("device-node", "make a device of its own, a way to the disk", '''
def attack(): os.mknod("disk", 0o600 | 0o060000, os.makedev(7, 0)); os.unlink("disk"); return "a device"''', ("EPERM", "EACCES"), absent=("EPERM",)),
    Probe("file-capability", "leave a program with a capability", '''
def attack():
    open("able", "w").close()
    os.setxattr("able", "security.capability", struct.pack("<5I", 0x02000001, 1 << 7, 0, 0, 0)); return "set"''', ("EPERM", "EOPNOTSUPP")),
    Probe("shared-memory", "read what another program keeps in shared memory", '''
def attack():
    segment = libc.shmget(0x616b, 64, 0)
    if segment < 0: raise OSError(ctypes.get_errno(), "")
    libc.shmat.restype = ctypes.c_void_p
    return ctypes.string_at(libc.shmat(segment, None, 0o10000), 6)''', ("ENOENT", "EPERM")),
    Probe("shared-file", "read a file of /dev/shm", '''
def attack(): return open("/dev/shm/akios-arena").read()''', ("ENOENT", "EACCES")),
    Probe("environment", "read a secret of the caller's environment, or where its agents listen", '''
def attack():
    found = [name for name in ("AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "DOCKER_HOST", "NPM_TOKEN") if os.environ.get(name)]
    found += [name for name in ("HTTPS_PROXY", "https_proxy") if os.environ.get(name)]
    if not found: raise Refused("not there")
    return found''', ("Refused: not there",)),
)
