// The flat plan that the supervisor hands to init, and the messages between them. CagePlan writes the plan
// (Sources/CagePlan/Encoding.swift); a test compares the numbers here with the ones there.
#pragma once
#include <stdint.h>

enum { control_fd = 3, plan_fd = 4, first_attached_fd = 5, most_attached = 64 };
enum { plan_version = 1, plan_limit = 16 << 20, texts = 3, numbers = 5 };

// Little-endian, as the only machines this is built for. Every text is followed by one NUL that its length does not count.
struct plan_head {
    char magic[8]; // "AKIOSPLN"
    uint32_t version, count;
    uint64_t size; // of everything, this head included
};

struct step {
    uint32_t op, flags, size; // size: this record, its texts and padding to eight bytes
    uint32_t text_length[texts];
    uint64_t number[numbers];
};

enum step_flag { step_optional = 1, step_terminal = 2, step_groups = 4, step_inside = 8 };

// Names as in CagePlan's Opcode.
enum opcode {
    op_hostname = 1,
    op_root = 2,
    op_mount = 3,
    op_bind = 4,
    op_attach = 5,
    op_directory = 6,
    op_file = 7,
    op_link = 8,
    op_mask = 9,
    op_readonly = 10,
    op_sysctl = 11,
    op_pivot = 12,
    op_loopback = 13,
    op_ruleset = 14,
    op_listeners = 15,
    op_receive = 16,
    op_seal = 17,
    op_landlock = 18,
    op_allow = 19,
    op_allowstdio = 20,
    op_limit = 21,
    op_identity = 22,
    op_lockdown = 23,
    op_await = 24,
    op_enforce = 25,
    op_initfilter = 26,
    op_agentfilter = 27,
    op_directoryofwork = 28,
    op_run = 29,
    op_socketfilter = 30,
};

// init to supervisor, one packet each.
struct report {
    uint32_t kind;
    int32_t number; // errno, status, signal or listener mask
    uint64_t step;
};
enum report_kind {
    report_failed = 1,
    report_absent = 2,
    report_listeners = 3,
    report_ready = 4,
    report_agent = 5, // from the agent's process before exec: its credentials give the supervisor the pid
    report_started = 6,
    report_stopped = 7,
    report_continued = 8,
    report_exited = 9,
    report_signalled = 10,
    report_noexec = 11,
    report_watch = 12, // with the listener of the socket filter
};

// Supervisor to init, one packet each.
struct order {
    uint32_t kind;
    int32_t number;
};
enum order_kind { order_go = 1, order_content = 2, order_signal = 3, order_kill = 4 };
