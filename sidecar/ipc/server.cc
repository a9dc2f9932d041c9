#include "ipc/server.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "ipc/descriptor_limit.h"

namespace sidecar {

using ipc_protocol::RejectCode;

namespace {

// As many as the kernel lets wait (net.core.somaxconn permitting): a host starts its services together.
constexpr int kBacklog = 4096;
// Those refused for want of room come back after this and as much again at random.
constexpr Duration kBusyRetry = std::chrono::seconds(1);
constexpr Duration kHelloTimeout = std::chrono::milliseconds(ipc_protocol::kHelloTimeoutMs);
// When there is more to do: not at once, since libuv runs a timer of no delay again
// before it looks at anything else, and a flood would have the loop for itself.
constexpr Duration kNextTurn = std::chrono::milliseconds(1);
// An old connection of a session that has come back is read for this many turns, more than its socket holds.
constexpr unsigned kMaxFarewellTurns = 256;

}  // namespace

Server::Server(const IpcOptions& options, EventLoop& loop, Random& random, AgentTable& agents, RecordSink& sink,
               AgentListener& listener, std::uint64_t sidecar_epoch, KernelFeatures features)
    : options_(options),
      loop_(loop),
      random_(random),
      features_(features),
      shared_(loop, agents, sink, listener, sidecar_epoch),
      turn_timer_(loop.make_timer([this] { turn(); })),
      room_timer_(loop.make_timer([this] { resume_blocked(); })),
      hello_timer_(loop.make_timer([this] { refuse_silent(); })),
      beat_timer_(loop.make_timer([this] { beat(); })) {
  shared_.settings.sampling = options.sampling;
  set_ignore(options.ignore);
  shared_.settings.peer_prefix = options.peer_prefix;
}

Server::~Server() { stop(); }

Result<void> Server::start(ScopedFd handed_over) {
  set_caps();
  if (auto opened = poll_.open(); !opened) return opened;
  auto socket = handed_over ? SocketFile::adopt(std::move(handed_over), SOCK_SEQPACKET)
                            : SocketFile::create(options_.path, SOCK_SEQPACKET, options_.mode, kBacklog);
  if (!socket) return tl::unexpected<Error>(std::move(socket.error()));
  // Connections inherit it, so that every datagram carries its sender; take() sees to those that came before.
  const int on = 1;
  if (setsockopt(socket->fd(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
    return fail(Errc::unavailable, fmt::format("{}: SO_PASSCRED: {}", options_.path, std::strerror(errno)));
  socket_ = std::move(*socket);
  look_timer_ = std::make_unique<LookTimer>(loop_, poll_.fd(), options_.drain_interval, [this] { tick(); });
  acceptor_ = std::make_unique<Acceptor>(
      loop_, socket_->fd(), [this](ScopedFd client) { take(std::move(client)); },
      [this](ScopedFd client) { turn_away(std::move(client)); });
  return {};
}

void Server::set_caps() {
  const unsigned within_limit = connections_within_limit();
  max_connections_ = std::min(options_.max_connections, within_limit);
  max_per_user_ = std::min(options_.max_per_user.value_or(std::max(max_connections_ / 2, 1u)), max_connections_);
  if (within_limit < options_.max_connections)
    log_info("connections are limited to {} by the descriptor limit (configured: {})", within_limit,
             options_.max_connections);
}

void Server::stop() {
  write_owed_marks();  // the clients may still look at their pages
  acceptor_.reset();
  look_timer_.reset();
  for (Timer* timer : {turn_timer_.get(), room_timer_.get(), hello_timer_.get(), beat_timer_.get()}) timer->stop();
  clients_.clear();
  per_user_.clear();
  silent_.clear();
  ready_.clear();
  blocked_.clear();
  owed_.clear();
  socket_.reset();
}

// --- Arrivals ---------------------------------------------------------------

void Server::take(ScopedFd socket) {
  auto peer = identify_peer(socket.get(), features_);
  if (!peer) return;
  const bool named = ask_for_senders(socket.get());
  refuse_descriptors(socket.get(), features_);
  ++shared_.counters.accepted;
  const std::uint64_t id = next_id_++;
  const uid_t uid = peer->uid;
  SessionClaims& claims = *this;
  auto connection = std::make_unique<Connection>(id, std::move(socket), std::move(*peer), shared_, claims);
  if (!named) connection->allow_unnamed_senders();
  if (shared_.settings.draining)
    return connection->refuse(
        {RejectCode::shutting_down, "the sidecar is stopping", shared_.settings.draining->reconnect_after});
  if (clients_.size() >= max_connections_)
    return connection->refuse(busy(fmt::format("{} connections are open already", max_connections_)));
  if (const auto own = per_user_.find(uid); own != per_user_.end() && own->second >= max_per_user_)
    return connection->refuse(busy(fmt::format("user {} has {} connections already", uid, max_per_user_)));
  make_room_for_silent();
  if (!poll_.add(connection->fd(), id)) return connection->refuse(busy("no memory to watch one more connection"));

  add_client(id, std::move(connection));
  silent_[id] = loop_.now() + kHelloTimeout;
  serve(id);  // it may have said HELLO already
  arm_hello_timer();
}

void Server::add_client(std::uint64_t id, std::unique_ptr<Connection> connection) {
  ++per_user_[connection->uid()];
  Client& client = clients_[id];
  client.connection = std::move(connection);
  client.polled = true;
  if (!beat_timer_->armed()) beat_timer_->start_every(kBeat);
  look_timer_->note_traffic();
}

std::uint64_t Server::resume(ScopedFd socket, AgentPtr agent) {
  auto peer = identify_peer(socket.get(), features_);
  if (!peer || clients_.size() >= max_connections_) return 0;
  const std::uint64_t id = next_id_++;
  SessionClaims& claims = *this;
  auto connection = std::make_unique<Connection>(id, std::move(socket), std::move(*peer), shared_, claims);
  if (!poll_.add(connection->fd(), id)) return 0;
  if (!connection->resume(std::move(agent))) {
    poll_.remove(connection->fd());
    return 0;
  }
  add_client(id, std::move(connection));
  enqueue(id, clients_.at(id));
  return id;
}

void Server::for_each_agent(const std::function<void(const Lasting&)>& visit) const {
  for (const auto& [id, client] : clients_)
    if (const Agent* const agent = client.connection->agent(); agent != nullptr)
      visit({id, client.connection->fd(), *agent});
}

void Server::turn_away(ScopedFd socket) {
  auto peer = identify_peer(socket.get(), KernelFeatures{false, false});
  if (!peer) return;
  ++shared_.counters.accepted;
  Connection(next_id_++, std::move(socket), std::move(*peer), shared_, *this)
      .refuse(busy("the sidecar has no descriptor left"));
}

Refusal Server::busy(std::string why) {
  const auto jitter = static_cast<Duration::rep>(random_.fraction() * static_cast<double>(kBusyRetry.count()));
  return {RejectCode::busy, std::move(why), kBusyRetry + Duration(jitter)};
}

void Server::make_room_for_silent() {
  while (silent_.size() >= kMaxUnhelloed) {
    const std::uint64_t oldest = silent_.begin()->first;
    serve(oldest);  // its HELLO may lie there
    if (silent_.empty() || silent_.begin()->first != oldest) continue;
    ++shared_.counters.evicted;
    clients_.at(oldest).connection->refuse(busy("too many connections that have not said HELLO"));
    remove(oldest);
  }
}

void Server::refuse_silent() {
  while (!silent_.empty() && silent_.begin()->second <= loop_.now()) {
    const std::uint64_t oldest = silent_.begin()->first;
    serve(oldest);  // its HELLO may lie there
    if (silent_.empty() || silent_.begin()->first != oldest) continue;
    clients_.at(oldest).connection->refuse({RejectCode::hello_timeout, "no HELLO in time", Duration::zero()});
    remove(oldest);
  }
  arm_hello_timer();
}

void Server::arm_hello_timer() {
  if (silent_.empty()) return hello_timer_->stop();
  hello_timer_->start(silent_.begin()->second - loop_.now());
}

// --- Reading ----------------------------------------------------------------

void Server::tick() {
  if (looking_ && fullest_ > 0) end_look();  // the last one is not through yet
  begin_look();
  for (const std::uint64_t id : poll_.ready()) {
    const auto at = clients_.find(id);
    if (at != clients_.end()) enqueue(id, at->second);
  }
  turn();
  write_owed_marks();
  if (ready_.empty()) look_timer_->note_empty();
}

void Server::turn() {
  const std::uint64_t last_frame = shared_.counters.frames + kTurnFrames;
  const std::uint64_t last_byte = shared_.counters.bytes + kTurnBytes;
  // Round and round, a share each, so that those that have more come after those that have waited.
  while (!ready_.empty() && shared_.counters.frames < last_frame && shared_.counters.bytes < last_byte) {
    const std::uint64_t id = ready_.front();
    ready_.pop_front();
    const auto at = clients_.find(id);
    if (at == clients_.end()) continue;
    at->second.queued = false;
    serve(id);
  }
  if (!ready_.empty())
    turn_timer_->start(kNextTurn);
  else if (looking_)
    end_look();
}

void Server::begin_look() {
  looking_ = true;
  fullest_ = 0;
  ++look_;
}

void Server::end_look() {
  looking_ = false;
  look_timer_->note_fill(std::min(1.0, static_cast<double>(fullest_) / static_cast<double>(kClientBuffer)));
}

Connection::Progress Server::serve(std::uint64_t id) {
  const auto at = clients_.find(id);
  if (at == clients_.end()) return Connection::Progress::ended;
  Client& client = at->second;  // stays: serving removes others at most
  if (client.left) return Connection::Progress::idle;
  Connection& connection = *client.connection;
  const std::uint64_t before = shared_.counters.frames;
  const Connection::Progress progress = connection.serve();
  if (shared_.counters.frames != before) look_timer_->note_traffic();
  if (std::exchange(client.look, look_) != look_) client.found = 0;
  client.found += connection.take_found();
  fullest_ = std::max(fullest_, client.found);
  if (connection.said_hello()) silent_.erase(id);
  if (progress == Connection::Progress::ended) {
    remove(id);
    return progress;
  }
  if (connection.write_marks()) owed_.insert(id);
  if (progress == Connection::Progress::blocked) {
    // Out of the set: it would be ready all the time, also by its hang-up.
    if (std::exchange(client.polled, false)) poll_.remove(connection.fd());
    if (!std::exchange(client.blocked, true)) blocked_.push_back(id);
    return progress;
  }
  if (!client.polled) client.polled = poll_.add(connection.fd(), id);
  if (!client.polled) {
    connection.refuse(busy("no memory to watch the connection"));
    remove(id);
    return Connection::Progress::ended;
  }
  if (progress == Connection::Progress::more) enqueue(id, client);
  return progress;
}

void Server::enqueue(std::uint64_t id, Client& client) {
  if (std::exchange(client.queued, true)) return;
  ready_.push_back(id);
  // The next tick may be far away, or there is none.
  if (!turn_timer_->armed()) turn_timer_->start(kNextTurn);
}

bool Server::claim(const Agent& agent, const Connection& by) {
  const auto old = std::find_if(clients_.begin(), clients_.end(), [&](const auto& client) {
    return client.second.connection->agent() == &agent && client.second.connection.get() != &by;
  });
  if (old == clients_.end()) return true;
  const std::uint64_t id = old->first;
  // Or a client that sends on its old connection would keep us here.
  old->second.connection->take_no_more();
  Connection::Progress progress = Connection::Progress::more;
  for (unsigned i = 0; i < kMaxFarewellTurns && progress == Connection::Progress::more; ++i) progress = serve(id);
  if (progress == Connection::Progress::blocked) return false;
  if (progress == Connection::Progress::ended) return true;
  clients_.at(id).connection->end();
  remove(id);
  return true;
}

void Server::on_room() {
  if (!blocked_.empty() && !room_timer_->armed()) room_timer_->start(kNextTurn);
}

void Server::resume_blocked() {
  std::deque<std::uint64_t> waiting;
  waiting.swap(blocked_);
  for (const std::uint64_t id : waiting) {
    const auto at = clients_.find(id);
    if (at == clients_.end()) continue;
    at->second.blocked = false;
    enqueue(id, at->second);
  }
  turn();
}

void Server::remove(std::uint64_t id) {
  if (keeper_ != nullptr) keeper_->on_connection_ended(id);
  const auto at = clients_.find(id);
  Client& client = at->second;
  if (client.polled) poll_.remove(client.connection->fd());
  const auto own = per_user_.find(client.connection->uid());
  if (--own->second == 0) per_user_.erase(own);
  silent_.erase(id);
  owed_.erase(id);
  clients_.erase(at);
  if (clients_.empty()) beat_timer_->stop();
}

}  // namespace sidecar
