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

enum class Then { keep, close, reset };  // the connection

// Listens on 127.0.0.1 and answers what comes with `answer`; empty: with nothing. `read_first`: when the other side has
// said something.
class RawListener {
 public:
  RawListener(EventLoop& loop, std::string answer, Then then = Then::keep, bool read_first = false)
      : loop_(loop),
        answer_(std::move(answer)),
        then_(then),
        read_first_(read_first),
        socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(listen(socket_.get(), 8) == 0);
    REQUIRE(getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    watch_ = loop.watch_fd(socket_.get(), [this](bool, bool) { accept_one(); });
    watch_->start(true, false);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  struct Peer {
    ScopedFd fd;
    std::unique_ptr<FdWatch> watch;  // after what it watches
  };

  void accept_one() {
    Peer& peer = peers_.emplace_back();
    peer.fd = ScopedFd(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!read_first_) return answer(peer);
    peer.watch = loop_.watch_fd(peer.fd.get(), [this, &peer](bool, bool) {
      peer.watch->stop();
      answer(peer);
    });
    peer.watch->start(true, false);
  }
  void answer(Peer& peer) {
    if (!answer_.empty()) send(peer.fd.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
    // One that is closed with something unread is reset.
    char said[4096];
    if (then_ == Then::close)
      while (recv(peer.fd.get(), said, sizeof said, MSG_DONTWAIT) > 0) continue;
    const linger at_once{1, 0};
    if (then_ == Then::reset) setsockopt(peer.fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    if (then_ == Then::keep) return;
    peer.watch.reset();
    peer.fd.reset();
  }

  EventLoop& loop_;
  const std::string answer_;
  const Then then_;
  const bool read_first_;
  ScopedFd socket_;
  std::deque<Peer> peers_;
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
    Link link({address, where.host, address, grpc_target(where.host, where.port), true}, options, loop, completions,
              [&](const Link&, Link::Event event, std::string why) {
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
  TEST_CASE("an HTTP/1 server, also one that answers what it does not know as HTTP/0.9: with a page alone") {
    Fixture f;
    for (const char* answer : {"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
                               "HTTP/1.0 400 Bad Request\r\nServer: x\r\n\r\n<html>",
                               "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\">\n<html>\n"})
      for (const Then then : {Then::keep, Then::close}) {
        RawListener server(f.loop, answer, then, true);
        f.says(server.address(), false, "HTTP/1");
      }
  }
  TEST_CASE("a server of another kind") {
    Fixture f;
    RawListener server(f.loop, "SSH-2.0-OpenSSH_9.2p1\r\n");
    f.says(server.address(), false, "does not speak gRPC");
  }
  TEST_CASE("a server that ends the connection, politely or not, at once or when it has heard us") {
    Fixture f;
    for (const Then then : {Then::close, Then::reset})
      for (const bool read_first : {false, true})
        for (int i = 0; i < 3; ++i) {  // which system call meets the end is chance
          RawListener server(f.loop, "", then, read_first);
          f.says(server.address(), false, "does it want TLS");
          f.says(server.address(), true, "client certificate");
        }
  }
  TEST_CASE("a server that never speaks") {
    Fixture f;
    RawListener server(f.loop, "");
    f.says(server.address(), false, "says nothing");
    f.says(server.address(), true, "does not answer a TLS handshake");
  }
}
