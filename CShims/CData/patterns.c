// patterns: the pattern database that akios-patterns builds from the detectors' anchors (make patterns).
#include "CDataPatterns.h"

#pragma clang diagnostic ignored "-Wc23-extensions"
// Vectorscan wants a serialized database aligned; it follows a header of 16 bytes.
static const uint8_t patterns[] __attribute__((aligned(64))) = {
#embed "patterns.db"
};

const uint8_t *akios_patterns(size_t *length) {
    *length = sizeof patterns;
    return patterns;
}
