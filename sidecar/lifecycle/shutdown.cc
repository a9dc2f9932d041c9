#include "lifecycle/shutdown.h"

#include <algorithm>
#include <map>

#include "carrier/carrier.h"
#include "ipc/server.h"
#include "log/log.h"
#include "pipeline/pipeline.h"
#include "session/session_manager.h"

namespace sidecar {

Shutdown::Shutdown(Parts parts, Duration deadline, std::function<void()> stopped)
    : parts_(parts),
      end_(parts.loop.now() + deadline),
      stopped_(std::move(stopped)),
      timer_(parts.loop.make_timer([this] { close(); })) {
  parts_.server.begin_drain(kDrainWindow, kReconnectAfter, kReconnectJitter);
  timer_->start(std::min(kDrainWindow, deadline));
}

void Shutdown::close() {
  parts_.carrier.close();
  parts_.sessions.stop();  // from here on only segments go out
  parts_.pipeline.drain(std::max(Duration::zero(), end_ - parts_.loop.now()), [this] { finish(); });
}

void Shutdown::finish() {
  // Clients see the last marks before their connection ends.
  parts_.server.stop();
  stopped_();
}

std::uint64_t report_left(const Carrier& carrier, const Pipeline& pipeline) {
  struct Left {
    std::uint64_t segments = 0;
    bool connected = false;
  };
  std::map<std::pair<std::string, std::string>, Left> left;
  std::uint64_t total = 0;
  const auto count = [&](const Record& record) {
    const Agent& agent = record.agent();
    Left& of = left[{agent.identity.service, agent.identity.instance}];
    ++of.segments;
    of.connected = of.connected || !agent.gone;
    ++total;
  };
  carrier.for_each(count);
  pipeline.for_each_held(count);
  for (const auto& [name, of] : left)
    log_warning("not delivered: {} segments of {} ({}), {}", of.segments, printable(name.first), printable(name.second),
                of.connected ? "which its process keeps while it lives, and sends again"
                             : "lost, because its process has ended");
  return total;
}

}  // namespace sidecar
