// The cage's file tree. Sources are looked up below the old root and targets below the new one, each with openat2, so
// that no link leads from one into the other; nothing is ever created on a file system that init did not mount itself.
#define _GNU_SOURCE
#include "init.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { at_recursive = 0x8000, most_own = 32 };

static int old_root = -1, new_root = -1, empty_directory = -1, empty_file = -1;
static dev_t own[most_own];
static int own_count;

static int openat2_(int directory, const char *path, uint64_t flags, uint64_t resolve) {
    struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

static int open_tree_(int fd, unsigned flags) {
    return (int)syscall(SYS_open_tree, fd, "", flags | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
}

static int setattr_(int fd, uint64_t attributes, unsigned flags) {
    struct mount_attr attr = {.attr_set = attributes};
    return (int)syscall(SYS_mount_setattr, fd, "", flags | AT_EMPTY_PATH, &attr, sizeof attr);
}

static int move_(int tree, int target) {
    return (int)syscall(SYS_move_mount, tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

static int closing(int fd, int result) {
    int code = errno;
    if (fd >= 0) close(fd);
    errno = code;
    return result;
}

static bool is_own(int fd) {
    struct stat facts;
    if (fstat(fd, &facts) != 0) return false;
    for (int i = 0; i < own_count; i++)
        if (own[i] == facts.st_dev) return true;
    return false;
}

static int add_own(int fd) {
    struct stat facts;
    if (fstat(fd, &facts) != 0) return -1;
    if (own_count == most_own) {
        errno = ENOSPC;
        return -1;
    }
    own[own_count++] = facts.st_dev;
    return 0;
}

int open_inside(const char *path) {
    return openat2_(new_root, path, O_PATH | O_NOFOLLOW, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
}

// The directory that holds `path` in the new root, made where it is missing and ours; *name gets the last component.
static int open_parent(const char *path, char name[256]) {
    errno = EINVAL;
    if (path[0] != '/' || path[1] == 0) return -1;
    int at = fcntl(new_root, F_DUPFD_CLOEXEC, 0);
    while (at >= 0) {
        path++;
        const char *end = strchrnul(path, '/');
        size_t length = (size_t)(end - path);
        if (length == 0 || length > 255 || (path[0] == '.' && (length == 1 || (length == 2 && path[1] == '.')))) {
            errno = EINVAL;
            return closing(at, -1);
        }
        memcpy(name, path, length);
        name[length] = 0;
        if (*end == 0) return at;
        int next = openat(at, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
        if (next < 0 && errno == ENOENT) {
            if (!is_own(at)) errno = EROFS; // it would appear on the host
            else if (mkdirat(at, name, 0755) == 0) next = openat(at, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
        }
        closing(at, 0);
        at = next;
        path = end;
    }
    return -1;
}

// A mount point of the wanted kind at `path`.
static int open_target(const char *path, bool directory) {
    char name[256];
    int parent = open_parent(path, name);
    if (parent < 0) return -1;
    int target = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (target < 0 && errno == ENOENT) {
        if (!is_own(parent)) errno = EROFS;
        else if ((directory ? mkdirat(parent, name, 0755) : mknodat(parent, name, S_IFREG | 0444, 0)) == 0)
            target = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    }
    return closing(parent, target);
}

static int attach(int tree, const char *path) {
    struct stat facts;
    if (fstat(tree, &facts) != 0) return -1;
    int target = open_target(path, S_ISDIR(facts.st_mode));
    return target < 0 ? -1 : closing(target, move_(tree, target));
}

// Mounts a new file system of `type` with "key=value,…" options; the mount's descriptor, or -1.
static int fresh(const char *type, const char *options, uint64_t attributes) {
    int context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
    if (context < 0) return -1;
    while (options && *options) {
        char pair[128];
        const char *end = strchrnul(options, ',');
        size_t length = (size_t)(end - options);
        if (length >= sizeof pair) {
            errno = EINVAL;
            return closing(context, -1);
        }
        memcpy(pair, options, length);
        pair[length] = 0;
        char *value = strchr(pair, '=');
        if (value) *value++ = 0;
        if (syscall(SYS_fsconfig, context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, pair, value, 0) != 0)
            return closing(context, -1);
        options = *end ? end + 1 : end;
    }
    if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0) return closing(context, -1);
    return closing(context, (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes));
}

// A scaffold first: a tmpfs that becomes the root with the old tree at /old, so that the new tree at /new can be
// built from sources anywhere, the place that the scaffold was mounted on included.
int do_root(const struct step *step) {
    const char *options = text(step, 0);
    if (!options || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return -1;
    int scaffold = fresh("tmpfs", "mode=0755,size=64k,nr_inodes=16", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    if (scaffold < 0) return -1;
    if (syscall(SYS_move_mount, scaffold, "", AT_FDCWD, "/tmp", MOVE_MOUNT_F_EMPTY_PATH) != 0 || fchdir(scaffold) != 0 ||
        mkdir("old", 0755) != 0 || mkdir("new", 0755) != 0 || mkdir("empty", 0555) != 0 ||
        mknod("nothing", S_IFREG | 0444, 0) != 0 || syscall(SYS_pivot_root, ".", "old") != 0 || chdir("/") != 0)
        return closing(scaffold, -1);
    close(scaffold);
    int root = fresh("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    if (root < 0) return -1;
    if (syscall(SYS_move_mount, root, "", AT_FDCWD, "/new", MOVE_MOUNT_F_EMPTY_PATH) != 0) return closing(root, -1);
    new_root = root;
    old_root = open("/old", O_PATH | O_DIRECTORY | O_CLOEXEC);
    empty_directory = open("/empty", O_PATH | O_DIRECTORY | O_CLOEXEC);
    empty_file = open("/nothing", O_PATH | O_CLOEXEC);
    if (old_root < 0 || empty_directory < 0 || empty_file < 0) return -1;
    return add_own(new_root);
}

int do_mount(const struct step *step) {
    const char *type = text(step, 0), *target = text(step, 1), *options = step->text_length[2] ? text(step, 2) : "";
    if (!type || !target || !options) return -1;
    if (strcmp(type, "tmpfs") && strcmp(type, "proc") && strcmp(type, "devpts") && strcmp(type, "mqueue") && strcmp(type, "overlay")) {
        errno = EINVAL;
        return -1;
    }
    int tree = fresh(type, options, step->number[0]);
    if (tree < 0) return -1;
    int result = attach(tree, target);
    if (result == 0 && strcmp(type, "tmpfs") == 0) result = add_own(tree);
    return closing(tree, result);
}

// number: attributes, device, inode. A source that is not the file the supervisor looked at is ESTALE.
int do_bind(const struct step *step) {
    const char *source = text(step, 0), *target = text(step, 1);
    if (!source || !target) return -1;
    int fd = step->flags & step_inside ? open_inside(source) : openat2_(old_root, source, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    if (fd < 0) return -1;
    struct stat facts;
    if (fstat(fd, &facts) != 0) return closing(fd, -1);
    if (step->number[2] != 0 && (facts.st_dev != step->number[1] || facts.st_ino != step->number[2])) {
        errno = ESTALE;
        return closing(fd, -1);
    }
    // Recursive: the kernel refuses to uncover what a mount of a more privileged namespace covers.
    int tree = closing(fd, open_tree_(fd, OPEN_TREE_CLONE | at_recursive));
    if (tree < 0) return -1;
    if (setattr_(tree, step->number[0], at_recursive) != 0) return closing(tree, -1);
    return closing(tree, attach(tree, target));
}

// number: attributes, slot. The tree was made by the supervisor, with its id map.
int do_attach(const struct step *step) {
    const char *target = text(step, 1);
    if (!target) return -1;
    if (step->number[1] >= most_attached) {
        errno = EINVAL;
        return -1;
    }
    int tree = first_attached_fd + (int)step->number[1];
    if (setattr_(tree, step->number[0], at_recursive) != 0) return -1;
    return closing(tree, attach(tree, target));
}

int do_directory(const struct step *step) {
    const char *path = text(step, 0);
    char name[256];
    int parent = path ? open_parent(path, name) : -1;
    if (parent < 0) return -1;
    if (!is_own(parent)) {
        errno = EROFS;
        return closing(parent, -1);
    }
    int result = mkdirat(parent, name, step->number[0] & 01777);
    if (result != 0 && errno == EEXIST) result = 0;
    return closing(parent, result);
}

// Content is text 1 and may hold any byte. number: mode.
int do_file(const struct step *step) {
    const char *path = text(step, 0);
    char name[256];
    int parent = path ? open_parent(path, name) : -1;
    if (parent < 0) return -1;
    if (!is_own(parent)) {
        errno = EROFS;
        return closing(parent, -1);
    }
    int file = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, step->number[0] & 0777);
    closing(parent, 0);
    if (file < 0) return -1;
    const char *content = (const char *)(step + 1) + step->text_length[0] + 1;
    size_t left = step->text_length[1];
    while (left > 0) {
        ssize_t written = write(file, content, left);
        if (written <= 0) return closing(file, -1);
        content += written;
        left -= (size_t)written;
    }
    return closing(file, 0);
}

int do_link(const struct step *step) {
    const char *path = text(step, 0), *target = text(step, 1);
    char name[256];
    int parent = path && target ? open_parent(path, name) : -1;
    if (parent < 0) return -1;
    if (!is_own(parent)) {
        errno = EROFS;
        return closing(parent, -1);
    }
    return closing(parent, symlinkat(target, parent, name));
}

// Covers what is there with nothing. What is not there, or is a link (its target is masked by name), needs no cover.
int do_mask(const struct step *step) {
    const char *path = text(step, 0);
    if (!path) return -1;
    int target = open_inside(path);
    if (target < 0) return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : -1;
    struct stat facts;
    if (fstat(target, &facts) != 0) return closing(target, -1);
    if (S_ISLNK(facts.st_mode)) return closing(target, 0);
    int tree = open_tree_(S_ISDIR(facts.st_mode) ? empty_directory : empty_file, OPEN_TREE_CLONE);
    if (tree < 0) return closing(target, -1);
    int result = setattr_(tree, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0);
    if (result == 0) result = move_(tree, target);
    return closing(target, closing(tree, result));
}

// A read-only copy of the mount over itself: an id map and submounts stay as they are.
int do_readonly(const struct step *step) {
    const char *path = text(step, 0);
    if (!path) return -1;
    int target = open_inside(path);
    if (target < 0) return -1;
    int tree = open_tree_(target, OPEN_TREE_CLONE | at_recursive);
    if (tree < 0) return closing(target, -1);
    int result = setattr_(tree, MOUNT_ATTR_RDONLY | step->number[0], at_recursive);
    if (result == 0) result = move_(tree, target);
    return closing(target, closing(tree, result));
}

// Written and read back: some values are taken and rounded, and a container's /proc/sys may swallow the write.
int do_sysctl(const struct step *step) {
    const char *path = text(step, 0), *value = text(step, 1);
    if (!path || !value) return -1;
    int fd = openat2_(new_root, path, O_RDWR, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
    if (fd < 0) return -1;
    char back[128] = {0};
    size_t length = step->text_length[1];
    if (write(fd, value, length) != (ssize_t)length || pread(fd, back, sizeof back - 1, 0) < 0) return closing(fd, -1);
    close(fd);
    for (char *c = back; *c; c++)
        if (*c == '\t') *c = ' ';
    if (strncmp(back, value, length) == 0 && (back[length] == '\n' || back[length] == 0)) return 0;
    errno = EBADE;
    return -1;
}

int do_pivot(const struct step *step) {
    (void)step;
    if (fchdir(new_root) != 0 || syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
        return -1;
    close(old_root);
    close(empty_directory);
    close(empty_file);
    old_root = empty_directory = empty_file = -1;
    // The same mount as before, looked up through the process' new root.
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) return -1;
    close(new_root);
    new_root = root;
    return 0;
}

// Text 0: the file, made empty by an earlier step. number: the slot that the supervisor must name, the most bytes.
int do_receive(const struct step *step) {
    const char *path = text(step, 0);
    if (!path) return -1;
    struct order order;
    int content;
    int answer = take_order(&order, &content);
    if (answer == 0) _exit(125); // the supervisor is gone
    if (answer < 0) return -1;
    if (order.kind != order_content || (uint64_t)order.number != step->number[0] || content < 0) {
        errno = EPROTO;
        return closing(content, -1);
    }
    struct stat facts;
    if (fstat(content, &facts) != 0) return closing(content, -1);
    if (!S_ISREG(facts.st_mode) || facts.st_size <= 0 || (uint64_t)facts.st_size > step->number[1]) {
        errno = EFBIG;
        return closing(content, -1);
    }
    int file = openat2_(new_root, path, O_WRONLY | O_TRUNC, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
    if (file < 0 || !is_own(file)) return closing(content, closing(file, -1));
    off_t offset = 0;
    while (offset < facts.st_size) {
        ssize_t copied = sendfile(file, content, &offset, (size_t)(facts.st_size - offset));
        if (copied <= 0) return closing(content, closing(file, -1));
    }
    return closing(content, closing(file, 0));
}

int do_seal(const struct step *step) {
    (void)step;
    return setattr_(new_root, MOUNT_ATTR_RDONLY, 0);
}
