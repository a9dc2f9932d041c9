#pragma once

// CollectorConnection keeps one gRPC channel to a collector: connects, tells when it became
// ready or was lost, and tries again with back-off and jitter, the next address at
// each failed attempt. A connection that is lost at once counts as a failed attempt, so
// that a server which accepts and hangs up is not asked for ever at the first pace. gRPC's own reconnecting is not
// used: a channel that failed is thrown away, so that the pace is ours and visible.
//
// Owner: a dialect. Thread: loop; events come in a turn of their own.

#include <grpcpp/channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <functional>
#include <memory>
#include <string>

#include "base/random.h"
#include "uplink/completion_thread.h"
#include "uplink/options.h"

namespace sidecar {

class CollectorConnection {
 public:
  enum class Event {
    ready,   // connected
    lost,    // was ready and is not any more
    failed,  // an attempt to connect failed
  };

  // The references outlive the connection.
  CollectorConnection(const UplinkOptions& options, EventLoop& loop, CompletionThread& completions, Random& random,
                      std::function<void(Event)> on_event);
  // Ends without a further event.
  ~CollectorConnection();
  CollectorConnection(const CollectorConnection&) = delete;
  CollectorConnection& operator=(const CollectorConnection&) = delete;

  // Begins to connect, once.
  void start();

  bool ready() const { return ready_; }
  // Of the current attempt, else of the next one; within an event, of what it is about.
  const std::string& address() const { return options_.addresses[address_]; }
  // Null while no attempt is under way; the pointer lives until the event that ends it is over.
  grpc::GenericStub* stub() const { return stub_.get(); }

  // How long an attempt may take.
  static constexpr Duration kConnectTimeout = std::chrono::seconds(10);
  // The largest answer that is read; longer ones end the call. Commands have some hundred bytes.
  static constexpr int kMaxAnswer = 64 << 10;

 private:
  class Watch;

  void connect();
  void watch(int last_seen);
  void on_change();
  // Throws the channel away and plans the next attempt.
  void retry();

  const UplinkOptions& options_;
  EventLoop& loop_;
  CompletionThread& completions_;
  Random& random_;
  const std::function<void(Event)> on_event_;

  std::size_t address_ = 0;
  unsigned attempts_ = 0;  // failed in a row
  bool ready_ = false;
  Tick ready_since_{};
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<grpc::GenericStub> stub_;
  std::shared_ptr<Watch> watch_;  // of channel_
  std::unique_ptr<Timer> timer_;  // next attempt, or the end of this one
};

}  // namespace sidecar
