#pragma once

// UpstreamWatch passes the state of the connection to the collector on to the
// applications' pages. Owner: Daemon. Thread: loop.

#include "ipc/server.h"
#include "uplink/collector.h"

namespace sidecar {

class UpstreamWatch final : public CollectorListener {
 public:
  // Both outlive the watch.
  UpstreamWatch(Collector& collector, Server& server) : server_(server) { collector.add_listener(*this); }

  void on_collector_ready() override { server_.set_upstream(ipc_protocol::UpstreamState::up); }
  void on_collector_lost() override { server_.set_upstream(ipc_protocol::UpstreamState::down); }

 private:
  Server& server_;
};

}  // namespace sidecar
