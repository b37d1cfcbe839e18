#pragma once
#include <stddef.h>
#include <stdint.h>

/// The embedded pattern database; its bytes live as long as the program.
const uint8_t *_Nonnull akios_patterns(size_t *_Nonnull length);
