#include "lifecycle/daemon.h"

#include "ipc/descriptor_limit.h"
#include "lifecycle/held.h"
#include "lifecycle/service_status.h"
#include "log/log.h"
#include "uplink/dialect.h"

namespace sidecar {
namespace {

constexpr Duration kHousekeepingPeriod = std::chrono::seconds(10);

std::string name_of(const HostFacts& host, const LifecycleOptions& options) {
  return options.host.empty() ? host.hostname : options.host;
}

HostFacts facts_of_host(const NamingOptions& naming) {
  HostFacts facts = HostFacts::read();
  facts.name_space = naming.name_space;
  facts.cluster = naming.cluster;
  return facts;
}

}  // namespace

Daemon::Daemon(const Config& config, const std::string& config_path, EventLoop& loop, FromManager manager)
    : config_(config),
      manager_(std::move(manager)),
      loop_(loop),
      host_(facts_of_host(config.naming)),
      agents_(Naming(config.naming, name_of(host_, config.lifecycle), host_.first_ip())),
      carrier_(config.carrier) {
  facts_.started = loop.now();
  facts_.started_wall = loop.wall_now();
  facts_.sidecar_epoch = random_.next() | 1;  // never 0, which means none
  facts_.host = name_of(host_, config.lifecycle);
  facts_.config = config_path;
  facts_.socket = config.ipc.path;

  collector_ = make_collector(config.uplink, loop, random_);
  sessions_ = std::make_unique<SessionManager>(config.session, host_, loop, *collector_, random_);
  sessions_->set_max_away(connections_within_limit());
  server_ = std::make_unique<Server>(config.ipc, loop, random_, agents_, carrier_, *sessions_, facts_.sidecar_epoch);
  pipeline_ = std::make_unique<Pipeline>(config.pipeline, loop, carrier_, *collector_, random_);
  service_ = std::make_unique<ServiceReport>(loop, manager_.notify_socket, manager_.watchdog,
                                             [this] { return service_status(sources(), facts_); });
  upstream_ = std::make_unique<UpstreamWatch>(*collector_, *server_, [this] { service_->refresh(); });
  control_ = std::make_unique<ControlServer>(
      config.control, loop,
      std::vector<Route>{{"GET", "/status", "the daemon, the collector, every instance with its ledger, the channels",
                          [this](const Request&) { return Response::ok(status()); }}});

  carrier_.set_room_listener(server_.get());
  carrier_.set_arrival_callback([this](std::size_t channel) { pipeline_->on_arrival(channel); });
  housekeeping_ = loop.make_timer([this] { housekeeping(); });
}

Daemon::~Daemon() = default;

Result<void> Daemon::start() {
  // The applications' socket first: its lock is what tells that another daemon serves here.
  facts_.activated = static_cast<bool>(manager_.ingest);
  if (auto started = server_->start(std::move(manager_.ingest)); !started) return started;
  facts_.socket = server_->path();
  if (facts_.socket != config_.ipc.path)
    log_warning(
        "the service manager handed over {}, so socket.path ({}) is not used; applications look there, or at "
        "what they are told",
        printable(facts_.socket), printable(config_.ipc.path));
  if (auto started = control_->start(std::move(manager_.control)); !started) return started;
  collector_->start();
  housekeeping_->start_every(kHousekeepingPeriod);
  service_->serving();
  return {};
}

void Daemon::shut_down(std::function<void()> stopped) {
  if (shutdown_) return;
  facts_.draining = true;
  service_->stopping();
  shutdown_.emplace(Shutdown::Parts{loop_, carrier_, *pipeline_, *sessions_, *server_},
                    config_.lifecycle.shutdown_deadline, [this, stopped = std::move(stopped)](std::size_t unread) {
                      unread_ = unread;
                      stopped();
                    });
}

void Daemon::housekeeping() {
  agents_.forget_old(loop_.now());
  const bool unbalanced = agents_.totals().owed() != Held::walk(carrier_, *pipeline_).total();
  if (unbalanced && !unbalanced_)
    log_error("the ledger does not balance: `sidecarctl status` names the instance; this is a bug of sw-sidecar");
  unbalanced_ = unbalanced;
}

nlohmann::json Daemon::status() const { return status_report(sources(), facts_); }

StatusSources Daemon::sources() const {
  return {loop_, agents_, carrier_, *pipeline_, *collector_, *sessions_, *server_};
}

}  // namespace sidecar
