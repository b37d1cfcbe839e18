// Extended attributes: glibc's module leaves their header out.
#pragma once
#include <sys/xattr.h>
