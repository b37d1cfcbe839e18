// Embeds profiles/syscalls/*.list. `#embed` is tracked like an include, so a changed list rebuilds this file.
#include "CDataSyscalls.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

#define EMBEDDED(function, ...)                                                                                        \
    void function(const uint8_t **bytes, size_t *count) {                                                              \
        *bytes = (__VA_ARGS__);                                                                                        \
        *count = sizeof(__VA_ARGS__);                                                                                  \
    }

static const uint8_t strict_list[] = {
#embed "../../profiles/syscalls/strict.list"
};
static const uint8_t standard_list[] = {
#embed "../../profiles/syscalls/standard.list"
};
static const uint8_t groups_list[] = {
#embed "../../profiles/syscalls/groups.list"
};

EMBEDDED(akios_data_strict_list, strict_list)
EMBEDDED(akios_data_standard_list, standard_list)
EMBEDDED(akios_data_groups_list, groups_list)
