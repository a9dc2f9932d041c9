#pragma once

// What every call to a collector carries, of whatever kind it is. Owner: the call.

#include <grpcpp/client_context.h>

#include <memory>

#include "base/clock.h"

namespace sidecar {

// A context with `deadline` from now on, and the metadata that name us.
std::unique_ptr<grpc::ClientContext> make_call_context(Duration deadline);

}  // namespace sidecar
