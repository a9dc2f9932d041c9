#pragma once

// One call to the test collector, and what all of them share. A call finishes exactly once: what is parked is finished
// by whoever takes it out of ParkedCalls, everything else by the reaction that runs. Threads: gRPC's.

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "misbehaviour.h"
#include "protocol.h"
#include "store.h"
#include "worker.h"

namespace sidecar {

class CallReactor;

// Calls that hang or wait for their delay.
class ParkedCalls {
 public:
  // A number of its own for each call.
  std::uint64_t next_id() { return ++last_id_; }
  // False: `cancelled()` holds, which is asked where no unpark() can come between.
  bool park(std::uint64_t id, CallReactor* call, const std::function<bool()>& cancelled);
  // Whoever gets the call must finish it; null: somebody else has.
  CallReactor* unpark(std::uint64_t id);
  // Lets each have its answer.
  void release_all();
  std::size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::uint64_t, CallReactor*> calls_;
  std::atomic<std::uint64_t> last_id_{0};
};

// What a call needs of its server; outlives all calls, and changes only while there are none.
struct CallContext {
  Protocol* protocol;
  Store& store;
  MisbehaviourList& misbehaviours;
  ParkedCalls& parked;
  Worker& worker;
  std::size_t max_message;
  std::function<std::string()> token;  // wanted now; empty: none
  std::function<void()> reopen;        // closes the server and opens it again
};

// Deletes itself when done.
class CallReactor final : public grpc::ServerGenericBidiReactor {
 public:
  CallReactor(CallContext& server, grpc::GenericCallbackServerContext& context);

  void start();
  // Of a parked call, after unpark(): what it would have been without the delay.
  void proceed();

 private:
  void OnReadDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override { delete this; }

  bool token_fits() const;
  // Empty if it did not come.
  std::string metadata(const char* name) const;
  // Takes the message over, unless that was done.
  void take();
  void misbehave(const Misbehaviour& how);
  void park();
  void reset();
  void finish_ok(std::string bytes);
  void finish_unknown_method();
  void finish(const grpc::Status& status);
  void count(const std::string& status);

  CallContext& server_;
  grpc::GenericCallbackServerContext& context_;
  const std::uint64_t id_;
  const std::string path_;
  Protocol::Method method_;
  bool counted_ = false;
  grpc::ByteBuffer bytes_;
  Protocol::Message message_;               // the last one
  Protocol::Reply reply_;                   // to it
  std::optional<Misbehaviour> distortion_;  // of the answer
  grpc::ByteBuffer answer_;
};

}  // namespace sidecar
