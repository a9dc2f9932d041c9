#pragma once

namespace sidecar {

// From here on gRPC writes to our log, at level debug: what matters of its complaints is in
// the status of a call or the state of a connection, and a peer can cause as many as it likes.
// Otherwise it would write lines of its own to stderr. Before the first channel is made.
void take_over_grpc_log();

}  // namespace sidecar
