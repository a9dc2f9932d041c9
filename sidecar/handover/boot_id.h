#pragma once

// The kernel's boot id: what was written under another one speaks of processes that are no more. Any thread.

#include <string_view>

#include "handover/identity_table.h"

namespace sidecar {

// Of "8-4-4-4-12" hexadecimal digits, or the same without hyphens; zero for anything else.
BootId parse_boot_id(std::string_view text);

// From /proc, or else `told`: in a service with ProcSubset=pid the file is not there, and its manager says it. Zero
// where neither is one.
BootId read_boot_id(std::string_view told = {});

}  // namespace sidecar
