#pragma once

// StreamRpc is one client-streaming call by method path: messages out one after the
// other, one answer in. Destroying it cancels the call, and its answer does not arrive.
//
// gRPC puts hinted messages together and sends them with the next one that has no hint:
// a third of the processor time (measured with 16 at a time). The last message closes
// our side, which sends everything. A server may end the call before it has seen all;
// what it has kept then, nobody knows.
//
// Owner: whoever made the call. Thread: loop. Knows no retries and no meaning of a status.

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "uplink/call_context.h"
#include "uplink/completion_thread.h"

namespace sidecar {

class StreamRpc {
 public:
  // `answer` is meaningful if `status` is OK; it is empty if the server sent none. `whole`: every
  // message had been given to gRPC before the server answered. The callback may destroy its StreamRpc.
  using Done = std::function<void(const grpc::Status& status, const grpc::ByteBuffer& answer, bool whole)>;

  // Starts the call; fails at once where there is no connection. `path` begins with '/'. The deadline
  // is that of the whole call. Without messages the stream is closed as soon as it is open.
  StreamRpc(CompletionThread& completions, grpc::GenericStub& stub, const std::string& path,
            std::vector<grpc::ByteBuffer> messages, const CallTerms& terms, Done done);
  ~StreamRpc();
  StreamRpc(const StreamRpc&) = delete;
  StreamRpc& operator=(const StreamRpc&) = delete;

 private:
  class Pending;
  std::shared_ptr<Pending> pending_;
};

}  // namespace sidecar
