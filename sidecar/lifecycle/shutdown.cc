#include "lifecycle/shutdown.h"

#include <algorithm>
#include <map>

#include "carrier/carrier.h"
#include "ipc/server.h"
#include "log/log.h"
#include "pipeline/pipeline.h"
#include "session/session_manager.h"

namespace sidecar {
namespace {

constexpr std::size_t kMaxNamed = 50;  // instances, one by one

}  // namespace

Shutdown::Shutdown(Parts parts, Duration deadline, std::function<void(std::size_t unread)> stopped)
    : parts_(parts),
      end_(parts.loop.now() + deadline),
      stopped_(std::move(stopped)),
      timer_(parts.loop.make_timer([this] { send(); })) {
  parts_.server.begin_drain(kDrainWindow, kReconnectAfter, kReconnectJitter);
  timer_->start(std::min(kDrainWindow, deadline));
}

void Shutdown::send() {
  parts_.server.leave_kept();
  parts_.sessions.stop();  // from here on only segments go out
  parts_.pipeline.drain(std::max(Duration::zero(), end_ - parts_.loop.now()), [] {});
  timer_ = parts_.loop.make_timer([this] { finish_if_done(); });
  timer_->start(Duration::zero());
}

void Shutdown::finish_if_done() {
  const bool done = parts_.carrier.held() == 0 && parts_.pipeline.held() == 0 && parts_.server.unread() == 0;
  const Duration left = end_ - parts_.loop.now();
  if (!done && left > Duration::zero()) return timer_->start(std::min(kLook, left));
  const std::size_t unread = parts_.server.unread();
  parts_.server.stop();  // clients see the last marks before their connection ends
  stopped_(unread);
}

Left report_left(const Carrier& carrier, const Pipeline& pipeline, std::size_t unread) {
  struct OfInstance {
    std::uint64_t segments = 0;
    bool lives = false;
  };
  std::map<std::pair<std::string, std::string>, OfInstance> by_instance;
  Left left{0, unread};
  const auto count = [&](const Record& record) {
    const Agent& agent = record.agent();
    OfInstance& of = by_instance[{agent.identity.service, agent.identity.instance}];
    ++of.segments;
    of.lives = of.lives || !agent.gone;
    ++left.segments;
  };
  carrier.for_each(count);
  pipeline.for_each_held(count);
  std::size_t named = 0;
  for (const auto& [name, of] : by_instance) {
    if (++named > kMaxNamed) {
      log_warning("not delivered: segments of {} more instances", by_instance.size() - kMaxNamed);
      break;
    }
    log_warning(
        {.service = name.first, .instance = name.second, .reason = of.lives ? "undelivered" : "lost"},
        "not delivered: {} segments of {} ({}), {}", of.segments, printable(name.first), printable(name.second),
        of.lives ? "which its process keeps while it lives, and sends again" : "lost, because its process has ended");
  }
  if (unread > 0)
    log_warning("not read: what is left in the sockets of {} applications; it is lost if their processes have ended",
                unread);
  return left;
}

}  // namespace sidecar
