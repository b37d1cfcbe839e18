"""A throw-away virtual machine with Debian's own kernel and this machine's files.

qemu boots /boot/vmlinuz-*-cloud-amd64 with an initramfs of busybox and a handful of modules; the host's root is shared
by virtiofsd and lies read-only under a tmpfs overlay, so nothing that happens inside reaches the host. A fresh ext4 disk holds
the workspaces. No image is built or downloaded; the initramfs is kept in .build-vm/ and made anew when its parts change."""

import glob
import hashlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
CACHE = ROOT / ".build-vm"

VIRTIOFSD = "/usr/lib/qemu/virtiofsd"
MODULES = """
    virtio_pci virtio_blk virtio_rng virtiofs overlay ext4
    nf_tables nft_tproxy nf_tproxy_ipv4 nf_tproxy_ipv6 nft_reject_inet nft_limit nft_log nfnetlink_log nft_objref
    vsock vsock_loopback
""".split()


class Missing(Exception):
    """A part of the host that a VM needs is not installed; the text names the Debian package."""


def kernel():
    images = sorted(glob.glob("/boot/vmlinuz-*-cloud-amd64"), key=os.path.getmtime)
    if not images:
        raise Missing("no /boot/vmlinuz-*-cloud-amd64: apt install linux-image-cloud-amd64")
    image = images[-1]
    return image, image.removeprefix("/boot/vmlinuz-")


def need(path, package):
    found = path if os.path.isabs(path) and os.path.exists(path) else shutil.which(path, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not found:
        raise Missing(f"no {path}: apt install {package}")
    return found


def module_files(version):
    """Paths of the modules and all they depend on, in the order to load them. Built-in ones need no file."""
    order = []
    for name in MODULES:
        done = subprocess.run(
            [need("modprobe", "kmod"), "-S", version, "--show-depends", "--ignore-install", name], capture_output=True, text=True)
        if done.returncode != 0:
            raise Missing(f"kernel module {name} of {version}: {done.stderr.strip()}")
        for line in done.stdout.splitlines():
            word, _, path = line.partition(" ")
            if word == "insmod" and path.strip() not in order:
                order.append(path.strip().split()[0])
    return order


def initramfs(version):
    """The cached archive, rebuilt when busybox, the init script or the list of modules changed."""
    busybox = need("busybox", "busybox-static")
    if b"statically linked" not in subprocess.run(["file", "-L", busybox], capture_output=True).stdout:
        raise Missing("busybox is not static: apt install busybox-static")
    modules = module_files(version)
    script = (HERE / "init").read_text()
    key = hashlib.sha256("\n".join([version, script, busybox, str(os.path.getmtime(busybox)), *modules]).encode()).hexdigest()[:16]
    archive = CACHE / f"initramfs-{key}.cpio"
    if archive.exists():
        return archive
    CACHE.mkdir(exist_ok=True)
    for old in CACHE.glob("initramfs-*"):
        old.unlink()
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        tree = pathlib.Path(folder)
        for name in ("bin", "proc", "sys", "dev", "host", "over", "new", "modules"):
            (tree / name).mkdir()
        shutil.copy(busybox, tree / "bin/busybox")
        names = []
        for index, path in enumerate(modules):
            name = f"{index:03}-{os.path.basename(path)}"
            shutil.copy(path, tree / "modules" / name)
            names.append(name)
        (tree / "init").write_text(script)
        (tree / "init").chmod(0o755)
        listing = subprocess.run(["find", ".", "-print0"], cwd=tree, capture_output=True, check=True).stdout
        packed = subprocess.run(
            [need("cpio", "cpio"), "--null", "-o", "-H", "newc", "-R", "0:0", "--quiet"], cwd=tree, input=listing, capture_output=True, check=True)
        draft = archive.with_suffix(".new")
        draft.write_bytes(packed.stdout)
        draft.rename(archive)
    return archive


class Machine:
    """One boot. `run` gives the lines that the script inside printed, as they come."""

    def __init__(self, memory="1536M", cpus=2, accel=None):
        self.image, self.version = kernel()
        self.archive = initramfs(self.version)
        self.memory, self.cpus = memory, cpus
        self.accel = accel or os.environ.get("AKIOS_VM_ACCEL") or "tcg"
        self.seconds = 0.0

    def run(self, script, arguments=(), timeout=300):
        """Boots, runs `script` (a path below the repository) inside as root, yields its lines, powers off. A machine that is not
        off after `timeout` seconds is killed; the last line is then `watchdog: ...`."""
        qemu = need("qemu-system-x86_64", "qemu-system-x86")
        need(VIRTIOFSD, "qemu-system-common")
        start = time.monotonic()
        children = []
        # A short path: a Unix socket's name has 107 bytes.
        with tempfile.TemporaryDirectory(prefix="akios-vm-") as folder:
            try:
                share = self._share(folder, children)
                disk = self._disk(folder)
                words = " ".join(["console=ttyS0", "quiet", "panic=-1", "rdinit=/init", f"akios.root={ROOT}", f"akios.script={script}"])
                if arguments:
                    words += " akios.args=" + ",".join(arguments)
                if os.environ.get("AKIOS_BIN"):
                    words += " akios.bin=" + os.path.realpath(os.environ["AKIOS_BIN"])
                machine = subprocess.Popen(
                    [
                        qemu, "-machine", "q35", "-accel", self.accel, "-cpu", "max", "-smp", str(self.cpus), "-m", self.memory,
                        "-object", f"memory-backend-memfd,id=memory,size={self.memory},share=on", "-numa", "node,memdev=memory",
                        "-kernel", self.image, "-initrd", str(self.archive), "-append", words,
                        "-nodefaults", "-no-reboot", "-display", "none", "-net", "none",
                        "-chardev", f"socket,id=share,path={share}", "-device", "vhost-user-fs-pci,chardev=share,tag=host",
                        "-drive", f"file={disk},format=raw,if=virtio,cache=unsafe", "-device", "virtio-rng-pci",
                        "-serial", f"file:{folder}/console", "-serial", "stdio", "-monitor", "none",
                    ],
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                children.append(machine)
                yield from self._lines(machine, start + timeout)
                console = pathlib.Path(folder, "console")
                self.console = console.read_text(errors="replace") if console.exists() else ""
            finally:
                self.seconds = time.monotonic() - start
                for child in reversed(children):
                    if child.poll() is None:
                        child.kill()
                    child.wait()
                for child in children:
                    if child.stdout:
                        child.stdout.close()

    def _lines(self, machine, deadline):
        os.set_blocking(machine.stdout.fileno(), False)
        rest = b""
        while True:
            try:
                piece = os.read(machine.stdout.fileno(), 65536)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    yield "watchdog: the machine did not power off in time"
                    return
                time.sleep(0.02)
                continue
            if not piece:
                break
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield line.decode(errors="replace").rstrip("\r")
        if rest:
            yield rest.decode(errors="replace").rstrip("\r")

    def _share(self, folder, children):
        """virtiofsd on the host's root. It runs in a mount namespace where `/` is read-only, so that a fault in it or a
        machine that mounts the share writable still changes nothing."""
        path = f"{folder}/share"
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        listener.listen(1)
        server = subprocess.Popen(
            [
                "unshare", "--mount", "sh", "-c", 'mount -o remount,bind,ro / && exec "$@"', "sh",
                VIRTIOFSD, f"--fd={listener.fileno()}", "-f", "-o", "source=/,sandbox=chroot,cache=always,no_posix_lock,log_level=err",
            ],
            pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        listener.close()
        children.append(server)
        return path

    def _disk(self, folder):
        path = f"{folder}/disk"
        with open(path, "wb") as disk:
            disk.truncate(1 << 30)
        subprocess.run([need("mkfs.ext4", "e2fsprogs"), "-q", "-F", path], check=True)
        return path
