// The shipped price table (profiles/prices) as bytes of this program: no file to find, none to replace.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Points at the table and its length; valid for the life of the program.
void akios_data_prices(const uint8_t *_Nullable *_Nonnull bytes, size_t *_Nonnull count);
/// The date of the table, as in its file name.
const char *_Nonnull akios_data_prices_date(void);
