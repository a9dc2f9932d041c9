#pragma once

// How long to wait between two looks at the clients' sockets. Pure.
//
// A look that finds little has cost a wake-up for nothing; one that comes late finds a
// socket full, and what its application finishes meanwhile waits there and costs it a
// second attempt. So the interval follows the fullest socket: it aims at a third of
// what a socket takes and comes down at once when one got fuller.

#include <cstddef>

#include "base/clock.h"

namespace sidecar {

// The loop waits on the sockets themselves: even a millisecond would be too long.
inline constexpr Duration kAtOnce = Duration::zero();
inline constexpr Duration kShortestInterval = std::chrono::milliseconds(1);

// The interval after a look that came `interval` after the one before and found the fullest socket
// `fill` full (1: full). Whole milliseconds from kShortestInterval to `longest`, or kAtOnce.
Duration next_interval(Duration interval, double fill, Duration longest);

// What a datagram of `size` bytes takes of a socket's send buffer: the kernel keeps each in an allocation of its
// own, rounded up to a power of two, and charges what it keeps with it. About; Linux 6.1 on 64 bits.
std::size_t buffer_charge(std::size_t size);

// What a client's send buffer holds: the kernel's default. A client may choose another; this is for pace, not for
// bounds.
inline constexpr std::size_t kClientBuffer = 212'992;

}  // namespace sidecar
