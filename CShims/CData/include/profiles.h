// The shipped profiles as bytes of this program.
#pragma once
#include <stddef.h>
#include <stdint.h>

void akios_data_profile_base(const uint8_t *_Nonnull *_Nonnull bytes, size_t *_Nonnull count);
void akios_data_profile_standard(const uint8_t *_Nonnull *_Nonnull bytes, size_t *_Nonnull count);
void akios_data_profile_strict(const uint8_t *_Nonnull *_Nonnull bytes, size_t *_Nonnull count);

// The JSON Schema of the language.
void akios_data_profile_schema(const uint8_t *_Nonnull *_Nonnull bytes, size_t *_Nonnull count);
