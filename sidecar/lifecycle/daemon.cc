#include "lifecycle/daemon.h"

#include "handover/boot_id.h"
#include "ipc/descriptor_limit.h"
#include "lifecycle/held.h"
#include "lifecycle/reload_routes.h"
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

Daemon::Daemon(LoadedConfig loaded, ConfigSource source, EventLoop& loop, FromManager manager)
    : manager_(std::move(manager)),
      loop_(loop),
      source_(std::move(source)),
      reload_(
          std::move(loaded), loop, [this] { return load_config(source_); },
          [this](const Config& config) { apply(config); }),
      host_(facts_of_host(reload_.in_force().naming)),
      agents_(Naming(reload_.in_force().naming, name_of(host_, reload_.in_force().lifecycle), host_.first_ip())),
      carrier_(reload_.in_force().carrier),
      state_(reload_.in_force().lifecycle.state_directory, manager_.state_directory, read_boot_id(manager_.boot_id)) {
  const Config& config = reload_.in_force();
  facts_.started = loop.now();
  facts_.started_wall = loop.wall_now();
  facts_.sidecar_epoch = random_.next() | 1;  // never 0, which means none
  facts_.host = name_of(host_, config.lifecycle);
  facts_.config = source_.path;
  facts_.socket = config.ipc.path;

  collector_ = make_collector(config.uplink, loop, random_);
  sessions_ = std::make_unique<SessionManager>(config.session, host_, loop, *collector_, random_);
  sessions_->set_max_away(connections_within_limit());
  server_ = std::make_unique<Server>(config.ipc, loop, random_, agents_, carrier_, *sessions_, facts_.sidecar_epoch);
  pipeline_ = std::make_unique<Pipeline>(config.pipeline, loop, carrier_, *collector_, random_);
  service_ = std::make_unique<ServiceReport>(loop, manager_.notify_socket, manager_.watchdog,
                                             [this] { return service_status(sources(), facts_); });
  succession_ = std::make_unique<Succession>(
      Succession::Parts{loop, random_, agents_, *server_, *sessions_, service_->notifier(), state_},
      facts_.sidecar_epoch);
  upstream_ = std::make_unique<UpstreamWatch>(*collector_, *server_, [this] { service_->refresh(); });
  std::vector<Route> routes = reload_routes(reload_, [this] { return shutting_down(); });
  routes.insert(routes.begin(),
                {"GET", "/status", "the daemon, the collector, every instance with its ledger, the channels",
                 [this](const Request&) { return Response::ok(status()); }});
  control_ = std::make_unique<ControlServer>(config.control, loop, std::move(routes));

  reload_.set_listener(this);
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
  if (const std::string& wanted = reload_.in_force().ipc.path; facts_.socket != wanted)
    log_warning(
        "the service manager handed over {}, so socket.path ({}) is not used; applications look there, or at "
        "what they are told",
        printable(facts_.socket), printable(wanted));
  if (auto started = control_->start(std::move(manager_.control)); !started) return started;
  collector_->start();
  succession_->start(std::move(manager_.stored));
  housekeeping_->start_every(kHousekeepingPeriod);
  service_->serving();
  return {};
}

void Daemon::shut_down(std::function<void()> stopped) {
  if (shutdown_) return;
  facts_.draining = true;
  service_->stopping();
  shutdown_.emplace(Shutdown::Parts{loop_, carrier_, *pipeline_, *sessions_, *server_},
                    reload_.in_force().lifecycle.shutdown_deadline,
                    [this, stopped = std::move(stopped)](std::size_t unread) {
                      unread_ = unread;
                      succession_->leave();
                      stopped();
                    });
}

void Daemon::request_reload() {
  if (shutting_down()) return log_warning("asked to reload while stopping: the successor reads the configuration");
  reload_.request();
}

void Daemon::apply(const Config& config) {
  start_log(config.log);
  collector_->apply(config.uplink);
  carrier_.apply(config.carrier);
  sessions_->apply(config.session);
  server_->apply(config.ipc);
  pipeline_->apply(config.pipeline);
}

void Daemon::housekeeping() {
  tell_lost_log_lines();
  agents_.forget_old(loop_.now());
  const bool unbalanced = agents_.totals().owed() != Held::walk(carrier_, *pipeline_).total();
  if (unbalanced && !unbalanced_)
    log_error("the ledger does not balance: `sidecarctl status` names the instance; this is a bug of sw-sidecar");
  unbalanced_ = unbalanced;
}

nlohmann::json Daemon::status() const {
  DaemonFacts facts = facts_;
  facts.stored = succession_->stored();
  facts.inherited = succession_->inherited();
  facts.awaited = succession_->awaited();
  nlohmann::json report = status_report(sources(), facts);
  report["daemon"]["log_lines_lost"] = lost_log_lines();
  report["config"] = config_part(reload_, source_.path, loop_.now());
  return report;
}

StatusSources Daemon::sources() const {
  return {loop_, agents_, carrier_, *pipeline_, *collector_, *sessions_, *server_};
}

}  // namespace sidecar
