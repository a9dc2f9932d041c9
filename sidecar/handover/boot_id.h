#pragma once

// The kernel's boot id: what was written under another one speaks of processes that are no more. Any thread.

#include <string_view>

#include "handover/identity_table.h"

namespace sidecar {

// Of "8-4-4-4-12" hexadecimal digits; zero for anything else.
BootId parse_boot_id(std::string_view text);

// From /proc; zero where it cannot be read.
BootId read_boot_id();

}  // namespace sidecar
