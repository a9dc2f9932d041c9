// Why a connection cannot be made, from listeners that really behave so.

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <deque>
#include <memory>
#include <string>

#include "base/scoped_fd.h"
#include "loop/uv_loop.h"
#include "test_collector.h"
#include "uplink/link.h"

using namespace sidecar;
using namespace std::chrono_literals;

namespace {

// Listens on 127.0.0.1 and answers what comes with `answer`; empty: never.
class RawListener {
 public:
  RawListener(EventLoop& loop, std::string answer)
      : answer_(std::move(answer)), socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(listen(socket_.get(), 8) == 0);
    REQUIRE(getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    watch_ = loop.watch_fd(socket_.get(), [this](bool, bool) {
      // Kept until the end: one that is closed with something unread is reset.
      peers_.emplace_back(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!answer_.empty()) send(peers_.back().get(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
    });
    watch_->start(true, false);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  const std::string answer_;
  ScopedFd socket_;
  std::deque<ScopedFd> peers_;
  std::uint16_t port_ = 0;
  std::unique_ptr<FdWatch> watch_;
};

struct Fixture {
  // Connects and returns what became of it: "" for ready.
  std::string connect(const std::string& address, bool tls) {
    LinkOptions options;
    options.connect_timeout = 500ms;
    if (tls) options.credentials = grpc::SslCredentials({});
    const HostPort where = parse_host_port(address);
    std::string what = "nothing";
    GrpcLink link({0, address, where.host, address, grpc_target(where.host, where.port), true}, options, loop,
                  completions, [&](Link::Event event, std::string why) {
                    what = event == Link::Event::ready ? "" : std::move(why);
                    loop.stop();
                  });
    const auto limit = loop.make_timer([this] { loop.stop(); });
    limit->start(20s);
    loop.run();
    return what;
  }
  bool says(const std::string& address, bool tls, const std::string& words) {
    const std::string what = connect(address, tls);
    CAPTURE(what);
    const bool found = what.find(words) != std::string::npos;
    CHECK(found);
    return found;
  }
  UvLoop loop;
  CompletionThread completions{loop};
};

}  // namespace

TEST_SUITE("contract/connect_failure") {
  TEST_CASE("a collector is connected to, and TLS to it is told to be wrong") {
    Fixture f;
    TestCollector server;
    CHECK(f.connect(server.address(), false).empty());
    f.says(server.address(), true, "does not speak TLS");
  }
  TEST_CASE("nothing listens") {
    Fixture f;
    TestCollector server;
    server.close();
    f.says(server.address(), false, "nothing listens");
  }
  TEST_CASE("an HTTP/1 server") {
    Fixture f;
    RawListener server(f.loop, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    f.says(server.address(), false, "HTTP/1");
  }
  TEST_CASE("a server of another kind") {
    Fixture f;
    RawListener server(f.loop, "SSH-2.0-OpenSSH_9.2p1\r\n");
    f.says(server.address(), false, "does not speak gRPC");
  }
  TEST_CASE("a server that never speaks") {
    Fixture f;
    RawListener server(f.loop, "");
    f.says(server.address(), false, "says nothing");
    f.says(server.address(), true, "does not answer a TLS handshake");
  }
}
