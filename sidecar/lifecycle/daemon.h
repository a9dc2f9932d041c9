#pragma once

// Daemon is the composition root: it makes every part, ties them together at the
// ports, and takes them down again. The members stand in the order in which they
// are made; each uses only what stands above it.
//
//   Server -> Carrier -> Pipeline -> Collector           segments
//   Server -> SessionManager -> Collector                registration, heartbeat
//   Collector -> UpstreamWatch -> Server                 the collector's state, for the pages
//   Pipeline -> Ledger -> Server                         settled marks, looked at with each tick
//   ControlServer -> status_report                       the operator
//   ServiceReport -> service_status                      the service manager
//   Server -> Succession -> ServiceReport                 connections that outlive us
//   ControlServer -> Reload -> all of them               other settings
//
// Owner: main(). Thread: loop.

#include <memory>
#include <optional>

#include "agents/agent_table.h"
#include "base/random.h"
#include "carrier/carrier.h"
#include "config/config.h"
#include "control/control_server.h"
#include "ipc/server.h"
#include "lifecycle/reload.h"
#include "lifecycle/shutdown.h"
#include "lifecycle/status_report.h"
#include "lifecycle/succession.h"
#include "lifecycle/upstream_watch.h"
#include "loop/event_loop.h"
#include "pipeline/pipeline.h"
#include "session/session_manager.h"
#include "systemd/from_manager.h"
#include "systemd/service_report.h"

namespace sidecar {

class Daemon : private Reload::Listener {
 public:
  // `loop` outlives the daemon. `loaded`, without errors, is what was read from `source`, which is read again at
  // reloads. `manager`: what the service manager gave us; its sockets are used instead of those of the configuration.
  Daemon(LoadedConfig loaded, ConfigSource source, EventLoop& loop, FromManager manager = {});
  ~Daemon();

  // Opens the sockets and begins to connect. On an error nothing was taken from anybody.
  Result<void> start();

  // Begins to stop; `stopped` is called once everything has been sent or the deadline has passed.
  void shut_down(std::function<void()> stopped);
  // Where applications connect to.
  const std::string& socket() const { return facts_.socket; }

  bool shutting_down() const { return shutdown_.has_value(); }

  // Reads the configuration again, in a turn of its own (reload.h); not while shutting down.
  void request_reload();

  // What was not delivered; logs it by instance.
  Left report_left() const { return sidecar::report_left(carrier_, *pipeline_, unread_.value_or(server_->unread())); }

 private:
  // Reload::Listener, for the service manager
  void on_reload_begins() override { service_->reloading(); }
  void on_reload_ends(const Reload::Outcome&) override { service_->reloaded(); }

  void apply(const Config& config);
  void housekeeping();
  nlohmann::json status() const;
  StatusSources sources() const;

  FromManager manager_;
  EventLoop& loop_;
  const ConfigSource source_;
  Reload reload_;  // has the configuration in force
  const HostFacts host_;
  SystemRandom random_;
  DaemonFacts facts_;
  AgentTable agents_;
  Carrier carrier_;
  std::unique_ptr<Collector> collector_;
  std::unique_ptr<SessionManager> sessions_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<ServiceReport> service_;
  std::unique_ptr<UpstreamWatch> upstream_;
  const StateDirectory state_;
  std::unique_ptr<Succession> succession_;
  std::unique_ptr<ControlServer> control_;
  std::unique_ptr<Timer> housekeeping_;
  bool unbalanced_ = false;
  std::optional<Shutdown> shutdown_;
  std::optional<std::size_t> unread_;  // sockets not read to their end, once the shutdown is through
};

}  // namespace sidecar
