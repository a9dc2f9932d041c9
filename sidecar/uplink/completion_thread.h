#pragma once

// CompletionThread is the one thread that waits for gRPC. It does nothing but
// post what completed to the loop, where all state lives.
//
// Owner: a dialect. Its functions belong to the loop thread.

#include <grpcpp/completion_queue.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "loop/event_loop.h"

namespace sidecar {

class CompletionThread {
 public:
  // What gRPC is given as a tag.
  class Event {
   public:
    virtual ~Event() = default;
    // On the completion thread, first: lets go of what gRPC lent. The loop may be slow
    // to come, and a call keeps its channel alive.
    virtual void settled() {}
    // On the loop. Not called any more once the loop is being destroyed.
    virtual void completed(bool ok) = 0;
  };

  explicit CompletionThread(EventLoop& loop);
  // Waits until every outstanding event is through: cancel calls and drop channels before.
  ~CompletionThread();
  CompletionThread(const CompletionThread&) = delete;
  CompletionThread& operator=(const CompletionThread&) = delete;

  grpc::CompletionQueue& queue() { return queue_; }

  // The tag for an operation that is about to be started; keeps `event` alive until it has completed.
  void* tag(std::shared_ptr<Event> event);

 private:
  void run();
  std::shared_ptr<Event> take(void* tag);

  EventLoop& loop_;
  grpc::CompletionQueue queue_;
  // Tags are numbers, and what they stand for goes from one thread to the other under
  // a mutex of ours: gRPC's own are invisible to TSan, which would see races here and,
  // with those suppressed, no others.
  std::mutex mutex_;  // guards the two below
  std::unordered_map<std::uintptr_t, std::shared_ptr<Event>> events_;
  std::uintptr_t last_tag_ = 0;
  std::thread thread_;  // last: it uses the others
};

}  // namespace sidecar
