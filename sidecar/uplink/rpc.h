#pragma once

// Rpc is one unary call by method path, bytes in, bytes out. Destroying it cancels
// the call, and its answer does not arrive.
//
// Owner: whoever made the call. Thread: loop. Knows no retries and no meaning of a status.

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>

#include <functional>
#include <memory>
#include <string>

#include "uplink/call_context.h"
#include "uplink/completion_thread.h"

namespace sidecar {

class Rpc {
 public:
  // `answer` is meaningful if `status` is OK. The callback may destroy its Rpc.
  using Done = std::function<void(const grpc::Status& status, const grpc::ByteBuffer& answer)>;

  // Starts the call; fails at once where there is no connection. `path` begins with '/'.
  Rpc(CompletionThread& completions, grpc::GenericStub& stub, const std::string& path, const grpc::ByteBuffer& request,
      const CallTerms& terms, Done done);
  ~Rpc();
  Rpc(const Rpc&) = delete;
  Rpc& operator=(const Rpc&) = delete;

 private:
  class Pending;
  std::shared_ptr<Pending> pending_;
};

}  // namespace sidecar
