#pragma once
#include "CDataSyscalls.h"
#include "prices.h"
#include "profiles.h"
#include "CDataPatterns.h"
