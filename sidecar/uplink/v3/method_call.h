#pragma once

// MethodCall is one call of a method of generation v3: by the route that worked last
// on this connection, and by the others, one after the other, where that does not exist.
// It tells its collector what the answer means before it tells whoever called.
//
// A call keeps the connection it began on, with its deadline, when its collector moves on to another.
//
// Owner: whoever made the call; not after its collector. Thread: loop. Does not try
// again what failed: that is the caller's.

#include <grpcpp/support/byte_buffer.h>

#include <memory>

#include "uplink/rpc.h"
#include "uplink/stream_rpc.h"
#include "uplink/v3/collector_v3.h"
#include "uplink/v3/methods.h"

namespace sidecar::v3 {

class CollectorV3::MethodCall final : public Call {
 public:
  // `plainer`, if it is valid, is what is sent instead when the server refuses `request`.
  MethodCall(CollectorV3& owner, Method method, grpc::ByteBuffer request, Answered answered,
             grpc::ByteBuffer plainer = {});

 private:
  // Answers in a later turn, without a call.
  void refuse();
  // By the route whose turn it is.
  void send();
  // `whole`: the server cannot have answered before everything was on its way.
  void on_answer(const grpc::Status& status, const grpc::ByteBuffer& answer, bool whole);
  Route route() const { return route_at(first_, tried_); }

  CollectorV3& owner_;
  const Method method_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer plainer_;
  Answered answered_;
  const std::shared_ptr<GrpcLink> link_;  // the one it began on, also when later calls go elsewhere
  const Route first_;
  std::size_t tried_ = 0;  // routes that do not exist there
  std::unique_ptr<Rpc> rpc_;
  std::unique_ptr<StreamRpc> stream_;
  std::unique_ptr<Timer> timer_;  // refuses later, or tells that nobody has answered for long
};

}  // namespace sidecar::v3
