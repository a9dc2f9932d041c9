#pragma once

// Which process is meant, by more than its number: a number is another's as soon as its process has died. All these
// look into /proc, and know nothing where that is hidden. Pure but for the kernel. Any thread; none waits.

#include <sys/types.h>

#include <cstdint>

#include "base/scoped_fd.h"

namespace sidecar {

// Of a pidfd; a zombie has died.
bool has_died(int process);

// When it began, in the kernel's ticks since the boot: the same at each look, whatever the clock does. `process`
// is its pidfd. 0: unknown.
std::uint64_t start_ticks_of(pid_t pid, int process);

// A pidfd of what has this number now, if that lives and belongs to `uid`; otherwise empty.
ScopedFd open_process(pid_t pid, uid_t uid);

// The same, if it began then (not 0).
ScopedFd open_process(pid_t pid, uid_t uid, std::uint64_t start_ticks);

}  // namespace sidecar
