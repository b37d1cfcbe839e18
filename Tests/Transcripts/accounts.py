"""Who may do what: an ordinary user, and one that may say `sudo akios-exec`. The accounts exist only in this process's mount
namespace, by copies that cover /etc/passwd and its kind."""

import contextlib
import os
import pathlib
import shutil
import struct
import subprocess

from checks import Skip, expect, expect_equal
from product import Ground, Upstream, accept_tier, binary, caged, run_rootless, state_variables, verify

UID, NAME = 4242, "akios-range"
WHO = """
import os
open("made", "w").write("x")
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
print("uid", os.getuid(), "groups", os.getgroups(), *(n + "=" + status[n].strip() for n in ("CapEff", "NoNewPrivs", "Seccomp")))
"""
CONFINED = "CapEff=0000000000000000 NoNewPrivs=1 Seccomp=2"


@contextlib.contextmanager
def account(ground):
    """A second user with the right to run akios-exec by sudo, for as long as the block lasts, in this mount namespace only."""
    if os.geteuid() != 0 or os.environ.get("AKIOS_TRANSCRIPTS") != "1":
        raise Skip("needs root for a mount namespace of its own")
    if not shutil.which("sudo"):
        raise Skip("sudo is not installed")
    home = ground.folder / "home"
    home.mkdir()
    os.chown(home, UID, UID)
    covers = {
        "/etc/passwd": f"{NAME}:x:{UID}:{UID}:range:{home}:/bin/sh\n",
        "/etc/group": f"{NAME}:x:{UID}:\n",
        "/etc/shadow": f"{NAME}:*:19000:0:99999:7:::\n",
    }
    mounted = []
    try:
        for path, line in covers.items():
            real = pathlib.Path(path)
            copy = ground.folder / real.name
            copy.write_text(real.read_text() + line)
            shutil.copystat(real, copy)
            os.chown(copy, real.stat().st_uid, real.stat().st_gid)
            subprocess.run(["mount", "--bind", str(copy), path], check=True)
            mounted.append(path)
        # Under sudo the state folder is /var/lib/akios: here one that vanishes.
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "state", "/var/lib"], check=True)
        mounted.append("/var/lib")
        # And control sockets are in /run/akios.
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "run", "/run"], check=True)
        mounted.append("/run")
        sudoers = ground.folder / "sudoers.d"
        sudoers.mkdir(mode=0o755)
        rule = sudoers / NAME
        rule.write_text(f"{NAME} ALL=(root) NOPASSWD: {binary('akios-exec')}\n")
        rule.chmod(0o440)
        subprocess.run(["mount", "--bind", str(sudoers), "/etc/sudoers.d"], check=True)
        mounted.append("/etc/sudoers.d")
        yield home
    finally:
        for path in reversed(mounted):
            subprocess.run(["umount", path], check=True)


def as_user(*words):
    return ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", *words]


def project(home):
    """A project folder: the home folder itself is never granted."""
    work = home / "project"
    work.mkdir()
    os.chown(work, UID, UID)
    return work


def register(suite):
    def sudo(ground, agent, profile, work, *options):
        return ground.run(agent, profile, options=options, workspace=work, wrap=as_user("sudo", "-n"), stored="/var/lib/akios")

    @suite.check("sudo: the agent runs as the caller, its files and copies are the caller's")
    def by_sudo():
        with Upstream() as upstream, Ground() as ground, account(ground) as home:
            work = project(home)
            accept = accept_tier()
            run = caged(sudo(
                ground, WHO, upstream.profile(), work, "--output", str(work / "out.json"), "--receipt", str(work / "receipt.json")))
            expect_equal(run.status, 0, run.tail())
            expect_equal(run.out.strip(), f"uid {UID} groups [] {CONFINED}", "the agent's state")
            for name in ("made", "out.json", "receipt.json"):
                expect_equal((work / name).stat().st_uid, UID, f"owner of {name}")
            expect_equal((run.session / "audit.jsonl").stat().st_uid, 0, "owner of the log")
            expect_equal(verify(run.session)[0], 0, "audit verify")
            return " ".join(accept)

    @suite.check("sudo is not a way to root: no other user, no file the caller may not read or write")
    def not_root():
        with Upstream() as upstream, Ground() as ground, account(ground) as home:
            work, good = project(home), upstream.profile()
            expect_equal(caged(sudo(ground, ["/bin/true"], good, work)).status, 0, "the honest run")

            secret = ground.folder / "secret.yaml"
            secret.write_text(good.read_text())
            secret.chmod(0o600)
            expect_equal(sudo_root(ground, secret).status, 0, "root cannot use the probe's profile")
            run = sudo(ground, ["/bin/true"], secret, work)
            expect(run.status == 125 and "secret.yaml" in run.err, "a profile that only root may read was used: " + run.tail())

            run = sudo(ground, ["/usr/bin/id"], good, work, "--user", "root")
            expect(run.status == 125 and "uid=0" not in run.out, "--user root was taken: " + run.tail())

            planted = ground.folder / "planted.json"
            run = sudo(ground, ["/bin/true"], good, work, "--output", str(planted))
            expect(not planted.exists(), f"--output wrote where the caller may not: {run.tail()}")

            folder = ground.folder / "planted"
            run = ground.run(
                ["/bin/true"], good, options=["--session-dir", str(folder)], workspace=work, wrap=as_user("sudo", "-n"), stored="/var/lib/akios")
            expect(run.status == 125 and not folder.exists(), f"--session-dir wrote where the caller may not: {run.tail()}")

            # One that is there, and that anybody may read: root would write in it.
            there = ground.folder / "there"
            there.mkdir(mode=0o755)
            run = ground.run(
                ["/bin/true"], good, options=["--session-dir", str(there)], workspace=work, wrap=as_user("sudo", "-n"), stored="/var/lib/akios")
            expect(run.status == 125 and not list(there.iterdir()), f"--session-dir wrote in a folder of root's: {run.tail()}")

            fake = work / "cgroup"
            fake.mkdir()
            (fake / "cgroup.controllers").write_text("cpu memory pids")
            os.chown(fake, UID, UID)
            run = sudo(ground, ["/bin/true"], good, work, "--cgroup-parent", str(fake))
            expect_equal([path.name for path in fake.iterdir()], ["cgroup.controllers"], "what root made in a folder that is no cgroup")

            evil = home / "evil.yaml"
            evil.write_text(upstream.profile("evil", sandbox="    filesystem: {read: [/etc/shadow]}").read_text())
            run = sudo(ground, ["cat", "/etc/shadow"], evil, work)
            expect("root:" not in run.out, "a profile of the caller's own granted /etc/shadow")

    @suite.check("sudo: a profile of the caller's own names root's key file in vain, and the message does not say what is in it")
    def broker_key():
        with Upstream() as upstream, Ground() as ground, account(ground) as home:
            work = project(home)
            key = ground.folder / "key"
            key.write_text("sk-root-only-0123456789")
            key.chmod(0o600)
            wanted = f"    credentials: [{{env: OPENAI_API_KEY, from: {{file: {key}}}, hosts: [api.openai.com]}}]"
            profile = upstream.profile(governance=wanted)
            run = sudo(ground, ["/bin/true"], profile, work)
            expect(run.status == 125 and "OPENAI_API_KEY" in run.err and "sk-root" not in run.err, "a caller's profile used root's key: " + run.tail())

    def sudo_root(ground, profile):
        """The same profile used by root itself: the probe must work for somebody."""
        return ground.run(["/bin/true"], profile)

    @suite.check("file capabilities on akios-exec: refused, for it would open what the caller may not")
    def capable():
        if os.geteuid() != 0:
            raise Skip("needs root to set file capabilities")
        with Ground() as ground:
            for name in ("akios-exec", "akios-init", "akios-egress"):
                shutil.copy(binary(name), ground.folder / name)
            secret = ground.folder / "secret.yaml"
            secret.write_text("akios-range-secret")
            secret.chmod(0o600)
            os.chown(ground.folder, UID, UID)
            work = ground.workspace()
            os.chown(work, UID, UID)

            def run():
                return subprocess.run(
                    as_user(ground.folder / "akios-exec", "--profile", secret, "--", "/bin/true"), cwd=work, capture_output=True,
                    text=True, timeout=60, env={**os.environ, "HOME": str(ground.folder), **state_variables(ground.folder / "state")})

            done = run()
            expect(done.returncode == 125 and "Permission denied" in done.stderr, f"{done.returncode} {done.stderr}")
            # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, permitted and effective (capabilities(7)).
            os.setxattr(ground.folder / "akios-exec", "security.capability", struct.pack("<5I", 0x2000001, 6, 0, 0, 0))
            done = run()
            expect(done.returncode == 125 and "error: akios-exec must not be installed with file capabilities" in done.stderr, done.stderr)

    @suite.check("root's public key is for everybody, whatever the umask of the first run")
    def published():
        with Ground() as ground:
            state = ground.folder / "state"
            caged(ground.run(
                ["/bin/true"], "standard", env=state_variables(state), stored=state, wrap=["sh", "-c", 'umask 077; exec "$@"', "sh"]))
            key = next((state / "pub").iterdir())
            modes = [oct(path.stat().st_mode & 0o777) for path in (state, state / "pub", key, state / "keys")]
            expect_equal(modes, ["0o751" if os.geteuid() == 0 else "0o700", "0o755", "0o644", "0o700"], "modes of state, pub, key, keys")

    @suite.check("rootless: an ordinary user's run, without sudo")
    def rootless():
        if os.geteuid() != 0:
            raise Skip("the other checks run rootless here")
        with Upstream() as upstream, Ground() as ground:
            run, work, (status, words) = run_rootless(ground, WHO, upstream.profile(), UID)
            expect_equal(run.status, 0, run.tail())
            expect_equal(run.output["tier"]["enforced"], "strong", "tier enforced")
            expect(CONFINED in run.out, f"the agent's state: {run.out}")
            expect_equal((work / "made").stat().st_uid, UID, "owner of the file")
            expect_equal(status, 0, f"audit verify: {words}")
