// What init's files share. Every function that returns int gives 0, or -1 with errno, unless it says otherwise.
#pragma once
#include "plan.h"
#include <stddef.h>
#include <stdbool.h>

const char *text(const struct step *step, int index); // NULL with EINVAL where it holds a NUL or is empty
void report(enum report_kind kind, int number);
enum { most_reported = 7 };
int report_with(enum report_kind kind, int number, const int *fds, size_t count); // our copies stay open
int take_order(struct order *order, int *fd); // blocks; 1 for an order, 0 for the supervisor's end
extern uint32_t current_step;

// mounts.c
int do_root(const struct step *step);
int do_mount(const struct step *step);
int do_bind(const struct step *step);
int do_attach(const struct step *step);
int do_directory(const struct step *step);
int do_file(const struct step *step);
int do_link(const struct step *step);
int do_mask(const struct step *step);
int do_readonly(const struct step *step);
int do_sysctl(const struct step *step);
int do_pivot(const struct step *step);
int do_receive(const struct step *step);
int do_seal(const struct step *step);
int open_inside(const char *path); // O_PATH, no links followed, nothing outside the new root

// network.c
int do_loopback(const struct step *step);
int do_ruleset(const struct step *step);
int do_listeners(const struct step *step);

// confine.c
int do_landlock(const struct step *step);
int do_allow(const struct step *step);
int do_allowstdio(const struct step *step);
int do_enforce(const struct step *step);
int do_limit(const struct step *step);
int do_identity(const struct step *step);
int do_lockdown(const struct step *step);
int load_filter(const struct step *step);
int do_socketfilter(const struct step *step);

// agent.c: never returns once the agent runs
int do_run(const struct step *step, const struct step *init_filter, const struct step *agent_filter, const char *directory);
