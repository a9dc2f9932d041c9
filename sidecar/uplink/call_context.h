#pragma once

// What every call to a collector carries, of whatever kind it is. Owner: the call.

#include <grpcpp/client_context.h>

#include <memory>
#include <string>

#include "base/clock.h"

namespace sidecar {

struct CallTerms {
  Duration deadline;  // from now on
  std::string token;  // goes as metadata `authentication`, as SkyWalking's agents send it; empty: none
};

// A context with these terms, and the metadata that name us.
std::unique_ptr<grpc::ClientContext> make_call_context(const CallTerms& terms);

}  // namespace sidecar
