#pragma once

// How many descriptors this process may have, and what that leaves for clients.

namespace sidecar {

// Raises the soft limit to the hard one, once at the start. Returns the limit now in force.
unsigned long raise_descriptor_limit();

// The connections that the limit in force allows for: each takes up to four
// descriptors (socket, process, and two in passing), and 256 are for everything
// else. At least 1.
unsigned connections_within_limit();

}  // namespace sidecar
