// CLinux: constants and one-line wrappers that glibc's module hides. One header a topic, listed here.
#pragma once
#include "calls.h"
#include "signals.h"
#include "memfile.h"
#include "space.h"
#include "attributes.h"
#include "probe.h"
#include "notices.h"
#include "local.h"
