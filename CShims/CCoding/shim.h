// zlib's input pointer is const only when asked for.
#define ZLIB_CONST
#include <zlib.h>
#include <brotli/decode.h>
#include <brotli/encode.h>
#include <zstd.h>
#include <zstd_errors.h>
