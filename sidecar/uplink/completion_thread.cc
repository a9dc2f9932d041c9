#include "uplink/completion_thread.h"

namespace sidecar {

CompletionThread::CompletionThread(EventLoop& loop) : loop_(loop), thread_([this] { run(); }) {}

CompletionThread::~CompletionThread() {
  queue_.Shutdown();
  thread_.join();
}

void CompletionThread::run() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
    const std::unique_ptr<std::shared_ptr<Event>> event(static_cast<std::shared_ptr<Event>*>(tag));
    (*event)->settled();
    loop_.post([event = std::move(*event), ok] { event->completed(ok); });
  }
}

}  // namespace sidecar
