// What Server tells its clients, by their pages and by frames, and what it says of itself.

#include "ipc/server.h"

namespace sidecar {

void Server::write_owed_marks() {
  for (auto at = owed_.begin(); at != owed_.end();)
    at = clients_.at(*at).connection->write_marks() ? std::next(at) : owed_.erase(at);
}

void Server::beat() {
  for (auto& [id, client] : clients_) client.connection->write_beat();
  write_owed_marks();
}

void Server::write_settings() {
  for (auto& [id, client] : clients_) client.connection->write_settings();
}

void Server::set_upstream(ipc_protocol::UpstreamState state) {
  shared_.settings.upstream = state;
  write_settings();
}

void Server::set_sampling(std::int64_t traces) {
  shared_.settings.sampling = traces;
  write_settings();
}

void Server::set_enabled(bool enabled) {
  shared_.settings.enabled = enabled;
  write_settings();
}

void Server::set_ignore(const IgnoreRules& rules) {
  shared_.settings.ignore = rules;
  shared_.ignored.set(rules);
  shared_.settings.config = config_frame(rules, ++config_version_);
  for (auto& [id, client] : clients_) client.connection->send_config();
}

void Server::apply(const IpcOptions& options) {
  const bool other_caps =
      options.max_connections != options_.max_connections || options.max_per_user != options_.max_per_user;
  options_ = options;
  if (other_caps) set_caps();
  look_timer_->set_longest(options.drain_interval);
  if (options.ignore != shared_.settings.ignore) set_ignore(options.ignore);
  set_sampling(options.sampling);
}

void Server::begin_drain(Duration send_within, Duration reconnect_after, Duration jitter) {
  shared_.settings.draining = DrainTerms{send_within, reconnect_after, jitter};
  if (socket_ && socket_->adopted()) acceptor_.reset();  // it goes on listening, for our successor
  for (auto& [id, client] : clients_) {
    client.kept = keeper_ != nullptr && keeper_->keeps(id);
    if (client.kept) client.connection->stay_open();
  }
  write_settings();
  for (auto& [id, client] : clients_) client.connection->send_drain();
}

void Server::leave_kept() {
  for (auto& [id, client] : clients_) {
    if (!client.kept) continue;
    client.left = true;
    client.queued = client.blocked = false;
    if (std::exchange(client.polled, false)) poll_.remove(client.connection->fd());
  }
  const auto is_left = [this](std::uint64_t id) {
    const auto at = clients_.find(id);
    return at != clients_.end() && at->second.left;
  };
  std::erase_if(ready_, is_left);
  std::erase_if(blocked_, is_left);
}

void Server::ask_hello_again() {
  for (auto& [id, client] : clients_) client.connection->ask_hello_again();
}

IpcStatus Server::status() const {
  IpcStatus status;
  status.counters = shared_.counters;
  status.counters.paused_accepts = acceptor_ ? acceptor_->pauses() : 0;
  status.connections = static_cast<unsigned>(clients_.size());
  status.unhelloed = static_cast<unsigned>(silent_.size());
  status.blocked = static_cast<unsigned>(
      std::count_if(clients_.begin(), clients_.end(), [](const auto& client) { return client.second.blocked; }));
  status.max_connections = max_connections_;
  status.max_per_user = max_per_user_;
  status.interval = look_timer_ == nullptr ? Duration::zero() : look_timer_->interval();
  status.idle = look_timer_ == nullptr || look_timer_->quiet();
  status.draining = shared_.settings.draining.has_value();
  return status;
}

}  // namespace sidecar
