// Embeds profiles/*.yaml. `#embed` is tracked like an include, so a changed profile rebuilds this file.
#include "profiles.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

#define EMBEDDED(function, ...)                                                                                        \
    void function(const uint8_t **bytes, size_t *count) {                                                              \
        *bytes = (__VA_ARGS__);                                                                                        \
        *count = sizeof(__VA_ARGS__);                                                                                  \
    }

static const uint8_t base_yaml[] = {
#embed "../../profiles/base.yaml"
};
static const uint8_t standard_yaml[] = {
#embed "../../profiles/standard.yaml"
};
static const uint8_t strict_yaml[] = {
#embed "../../profiles/strict.yaml"
};

EMBEDDED(akios_data_profile_base, base_yaml)
EMBEDDED(akios_data_profile_standard, standard_yaml)
EMBEDDED(akios_data_profile_strict, strict_yaml)

static const uint8_t schema_json[] = {
#embed "../../profiles/schema/akios-v1.json"
};

EMBEDDED(akios_data_profile_schema, schema_json)
