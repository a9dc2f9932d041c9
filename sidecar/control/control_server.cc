#include "control/control_server.h"

#include <fcntl.h>
#include <microhttpd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

#include "control/schema.h"

namespace sidecar {
namespace {

constexpr int kBacklog = 64;
// What is sent beyond kMaxControlBody is read and forgotten, so that the client sees our answer; beyond this the
// connection is cut.
constexpr std::size_t kMaxDiscarded = 1024 * 1024;
// Turns of libmicrohttpd in one of ours.
constexpr int kMaxRuns = 16;

// One request while it arrives.
struct Arriving {
  std::string body;
  std::size_t received = 0;
};

// Unset: the kernel does not say who asks.
std::optional<uid_t> peer_uid(MHD_Connection* connection) {
  const MHD_ConnectionInfo* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  ucred peer{};
  socklen_t size = sizeof peer;
  if (info == nullptr || getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  return peer.uid;
}

MHD_Result send_response(MHD_Connection* connection, Response response, const std::string& allow) {
  response.body["schema"] = kControlSchema;
  std::string text = response.body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  text += '\n';
  MHD_Response* const out = MHD_create_response_from_buffer(text.size(), text.data(), MHD_RESPMEM_MUST_COPY);
  if (out == nullptr) return MHD_NO;
  MHD_add_response_header(out, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
  if (!allow.empty()) MHD_add_response_header(out, MHD_HTTP_HEADER_ALLOW, allow.c_str());
  const MHD_Result queued = MHD_queue_response(connection, response.status, out);
  MHD_destroy_response(out);
  return queued;
}

Response too_large() {
  return Response::error(413, "the request's body is too large; at most " + std::to_string(kMaxControlBody) + " bytes");
}

bool announces_too_much(MHD_Connection* connection) {
  const char* const header = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
  if (header == nullptr) return false;
  const std::string_view text(header);
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  return error != std::errc() || length > kMaxControlBody;
}

MHD_Result respond(const ControlServer& server, MHD_Connection* connection, const char* path, const char* method,
                   Arriving& arriving) {
  if (arriving.received > kMaxControlBody) return send_response(connection, too_large(), {});
  const auto uid = peer_uid(connection);
  if (!uid) return MHD_NO;
  std::string allow;
  Response response = answer(server.routes(), {method, path, std::move(arriving.body), *uid}, geteuid(), allow);
  return send_response(connection, std::move(response), allow);
}

// Called once when the headers are there, once for each piece of the body, and once at the end.
MHD_Result on_request(void* server, MHD_Connection* connection, const char* path, const char* method, const char*,
                      const char* data, std::size_t* size, void** state) {
  if (*state == nullptr) {
    *state = new Arriving;
    return announces_too_much(connection) ? send_response(connection, too_large(), {}) : MHD_YES;
  }
  Arriving& arriving = *static_cast<Arriving*>(*state);
  if (*size == 0) return respond(*static_cast<const ControlServer*>(server), connection, path, method, arriving);
  arriving.received += *size;
  if (arriving.received > kMaxDiscarded) return MHD_NO;
  if (arriving.received <= kMaxControlBody) arriving.body.append(data, *size);
  *size = 0;
  return MHD_YES;
}

void on_completed(void*, MHD_Connection*, void** state, MHD_RequestTerminationCode) {
  delete static_cast<Arriving*>(*state);
  *state = nullptr;
}

}  // namespace

void ControlServer::StopDaemon::operator()(MHD_Daemon* daemon) const { MHD_stop_daemon(daemon); }

ControlServer::ControlServer(const ControlOptions& options, EventLoop& loop, std::vector<Route> routes)
    : options_(options), loop_(loop), routes_(std::move(routes)) {}

ControlServer::~ControlServer() = default;

Result<void> ControlServer::start(ScopedFd handed_over) {
  auto socket = handed_over ? SocketFile::adopt(std::move(handed_over), SOCK_STREAM)
                            : SocketFile::create(options_.path, SOCK_STREAM, options_.mode, kBacklog);
  if (!socket) return tl::unexpected<Error>(std::move(socket.error()).with_prefix("control socket"));
  // libmicrohttpd closes what it is given; the name's owner keeps its own.
  ScopedFd own(fcntl(socket->fd(), F_DUPFD_CLOEXEC, 0));
  if (!own) return fail(Errc::unavailable, std::string("control socket: ") + std::strerror(errno));
  daemon_.reset(MHD_start_daemon(MHD_USE_EPOLL, 0, nullptr, nullptr, on_request, this,  //
                                 MHD_OPTION_LISTEN_SOCKET, own.get(),                   //
                                 MHD_OPTION_CONNECTION_LIMIT, kMaxConnections,          //
                                 MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds,           //
                                 MHD_OPTION_CONNECTION_MEMORY_LIMIT, kMaxHeader,        //
                                 MHD_OPTION_NOTIFY_COMPLETED, on_completed, nullptr,    //
                                 MHD_OPTION_END));
  if (!daemon_) return fail(Errc::unavailable, "control socket: libmicrohttpd does not start");
  own.release();
  const MHD_DaemonInfo* const info = MHD_get_daemon_info(daemon_.get(), MHD_DAEMON_INFO_EPOLL_FD);
  if (info == nullptr || info->epoll_fd < 0)
    return fail(Errc::internal, "control socket: libmicrohttpd has no epoll descriptor");
  socket_.emplace(std::move(*socket));
  timer_ = loop_.make_timer([this] { run(); });
  watch_ = loop_.watch_fd(info->epoll_fd, [this](bool, bool) { run(); });
  watch_->start(true, false);
  return {};
}

unsigned ControlServer::connections() const {
  const MHD_DaemonInfo* const info = MHD_get_daemon_info(daemon_.get(), MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
  return info == nullptr ? 0 : info->num_connections;
}

void ControlServer::run() {
  MHD_UNSIGNED_LONG_LONG milliseconds = 0;
  bool waits = true;
  bool closed = false;
  for (int i = 0; i < kMaxRuns && (closed || (waits && milliseconds == 0)); ++i) {
    const unsigned before = connections();
    MHD_run(daemon_.get());
    // At its limit it does not listen, and begins again only in the run after the one that closed a connection.
    closed = connections() < before;
    waits = MHD_get_timeout(daemon_.get(), &milliseconds) == MHD_YES;
  }
  if (closed) milliseconds = 0;
  waits = waits || closed;
  // Without a connection there is nothing to wait for, and no timer.
  if (waits)
    timer_->start(std::chrono::milliseconds(std::min<MHD_UNSIGNED_LONG_LONG>(milliseconds, 60'000)));
  else
    timer_->stop();
}

}  // namespace sidecar
