#include "uplink/completion_thread.h"

#include <utility>

#include "base/check.h"

namespace sidecar {

CompletionThread::CompletionThread(EventLoop& loop) : loop_(loop), thread_([this] { run(); }) {}

CompletionThread::~CompletionThread() {
  queue_.Shutdown();
  thread_.join();
}

void* CompletionThread::tag(std::shared_ptr<Event> event) {
  const std::lock_guard lock(mutex_);
  events_.emplace(++last_tag_, std::move(event));
  return reinterpret_cast<void*>(last_tag_);
}

void CompletionThread::run() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
    std::shared_ptr<Event> event = take(tag);
    event->settled();
    loop_.post([event = std::move(event), ok] { event->completed(ok); });
  }
}

std::shared_ptr<CompletionThread::Event> CompletionThread::take(void* tag) {
  const std::lock_guard lock(mutex_);
  const auto found = events_.find(reinterpret_cast<std::uintptr_t>(tag));
  CHECK(found != events_.end());
  std::shared_ptr<Event> event = std::move(found->second);
  events_.erase(found);
  return event;
}

}  // namespace sidecar
