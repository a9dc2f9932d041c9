#pragma once

// UpstreamWatch passes the state of the connection to the collector on to the
// applications' pages, and to whoever else shows it. Owner: Daemon. Thread: loop.

#include <functional>
#include <utility>

#include "ipc/server.h"
#include "uplink/collector.h"

namespace sidecar {

class UpstreamWatch final : public CollectorListener {
 public:
  // Both outlive the watch. `changed` is called after each change.
  UpstreamWatch(Collector& collector, Server& server, std::function<void()> changed)
      : server_(server), changed_(std::move(changed)) {
    collector.add_listener(*this);
  }

  void on_collector_ready() override { set(ipc_protocol::UpstreamState::up); }
  void on_collector_lost() override { set(ipc_protocol::UpstreamState::down); }

 private:
  void set(ipc_protocol::UpstreamState state) {
    server_.set_upstream(state);
    changed_();
  }

  Server& server_;
  const std::function<void()> changed_;
};

}  // namespace sidecar
