// Embeds the dated price table. `#embed` is tracked like an include, so a changed table rebuilds this file.
#include "prices.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const uint8_t prices[] = {
#embed "../../profiles/prices/2026-11-01.tsv"
};

void akios_data_prices(const uint8_t *_Nullable *_Nonnull bytes, size_t *_Nonnull count) {
    *bytes = prices;
    *count = sizeof prices;
}

const char *_Nonnull akios_data_prices_date(void) { return "2026-11-01"; }
