#include "uplink/call_context.h"

#include "base/version.h"

namespace sidecar {

std::unique_ptr<grpc::ClientContext> make_call_context(const CallTerms& terms) {
  auto context = std::make_unique<grpc::ClientContext>();
  // a span of time, so that a step of the wall clock does not move it
  const gpr_timespec length = gpr_time_from_nanos(terms.deadline.count(), GPR_TIMESPAN);
  context->set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), length));
  // as the Java agent names itself to the collector
  context->AddMetadata("agent-version", kVersion);
  if (!terms.token.empty()) context->AddMetadata("authentication", terms.token);
  return context;
}

}  // namespace sidecar
