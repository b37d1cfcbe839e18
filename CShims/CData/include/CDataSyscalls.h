// The system-call tables of profiles/syscalls as bytes of this program: no file to find, none to replace.
#pragma once
#include <stddef.h>
#include <stdint.h>

void akios_data_strict_list(const uint8_t *_Nullable *_Nonnull bytes, size_t *_Nonnull count);
void akios_data_standard_list(const uint8_t *_Nullable *_Nonnull bytes, size_t *_Nonnull count);
void akios_data_groups_list(const uint8_t *_Nullable *_Nonnull bytes, size_t *_Nonnull count);
