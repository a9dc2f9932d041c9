// The server on a socket that somebody else opened before it, and keeps when it ends.

#include <sys/un.h>

#include "server_fixture.h"

using namespace sidecar;
using namespace sidecar::client;
using namespace std::chrono_literals;

namespace {

struct HandedOver : ServerFixture {
  HandedOver() {
    server.reset();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    options.path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(bind(opener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(opener.get(), 8) == 0);
  }
  void start_daemon() {
    server = std::make_unique<Server>(options, loop, random, agents, sink, listener, kEpoch);
    REQUIRE(server->start(ScopedFd(dup(opener.get()))));
    loop.run_until_idle();
  }

  ScopedFd opener{socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
};

}  // namespace

TEST_SUITE("ipc/handed_over") {
  TEST_CASE("who connected and sent before the daemon ran is served, whether or not the kernel names the sender") {
    HandedOver fixture;
    const auto client = fixture.connect();
    REQUIRE(client->send(hello({})));
    REQUIRE(client->send(segments(1, {segment(), segment(), segment()})));
    fixture.start_daemon();
    // SO_PASSCRED of this connection is set with its accept only: newer kernels left these without a sender.
    fixture.turn();
    REQUIRE(client->hear());
    CHECK(fixture.seqs() == std::vector<std::uint64_t>{1, 2, 3});
    REQUIRE(client->send(segments(4, {segment()})));
    fixture.turn();
    CHECK(fixture.seqs().size() == 4);
    CHECK(fixture.refused(RejectCode::inherited) == 0);
  }

  TEST_CASE("the name stays when the server stops, and who connects waits for the next one") {
    HandedOver fixture;
    fixture.start_daemon();
    CHECK(fixture.server->path() == fixture.options.path);
    const auto client = fixture.greet();
    fixture.server->stop();
    const auto late = fixture.connect();
    REQUIRE(late->send(hello({.process_epoch = 2})));
    CHECK_FALSE(late->closed());
    fixture.start_daemon();
    fixture.turn();
    const auto heard = late->hear();
    REQUIRE(heard);
    CHECK(heard->type == FrameType::welcome);
  }

  TEST_CASE("who connects while the daemon stops is left to its successor instead of refused") {
    HandedOver fixture;
    fixture.start_daemon();
    const auto client = fixture.greet();
    fixture.server->begin_drain(200ms, 500ms, 1s);
    const auto late = fixture.connect();
    REQUIRE(late->send(hello({.process_epoch = 2})));
    fixture.turn();
    CHECK_FALSE(late->hear());
    CHECK_FALSE(late->closed());
    CHECK(fixture.refused(RejectCode::shutting_down) == 0);
    REQUIRE(client->send(segments(1, {segment()})));  // who was there is read on
    fixture.turn();
    CHECK(fixture.seqs().size() == 1);
    fixture.server->stop();
    fixture.start_daemon();
    fixture.turn();
    REQUIRE(late->hear());
  }

  TEST_CASE("a socket of another type is refused and its owner's listener is unharmed") {
    HandedOver fixture;
    Server server(fixture.options, fixture.loop, fixture.random, fixture.agents, fixture.sink, fixture.listener, 1);
    const auto started = server.start(ScopedFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)));
    REQUIRE_FALSE(started);
    CHECK(started.error().message == "is SOCK_STREAM, and SOCK_SEQPACKET is needed");
    CHECK(fixture.connect()->connected());
  }

  TEST_CASE("frames of unnamed senders pass only until the kernel has named one") {
    ServerFixture fixture;
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    const ScopedFd client(ends[0]);
    const auto say = [&](const Bytes& frame) {
      REQUIRE(send(client.get(), frame.data(), frame.size(), MSG_DONTWAIT) == static_cast<ssize_t>(frame.size()));
    };
    IpcShared shared(fixture.loop, fixture.agents, fixture.sink, fixture.listener, 1);
    struct NoClaims : SessionClaims {
      bool claim(const Agent&, const Connection&) override { return false; }
    } claims;
    say(hello());  // nobody asked for its sender yet
    REQUIRE_FALSE(ask_for_senders(ends[1]));
    REQUIRE(ask_for_senders(ends[1]));
    Peer peer;
    peer.pid = getpid();
    Connection connection(1, ScopedFd(ends[1]), std::move(peer), shared, claims);
    bool allowed = false;
    SUBCASE("not allowed: refused") {}
    SUBCASE("allowed") { allowed = true; }
    if (allowed) connection.allow_unnamed_senders();
    CHECK((connection.serve() == Connection::Progress::ended) == !allowed);
    if (!allowed) return;
    say(segments(1, {segment()}));
    CHECK(connection.serve() == Connection::Progress::idle);
    CHECK(fixture.sink.records.size() == 1);
    // From now on a frame without a sender is somebody else's.
    const int off = 0;
    setsockopt(ends[1], SOL_SOCKET, SO_PASSCRED, &off, sizeof off);
    say(segments(2, {segment()}));
    CHECK(connection.serve() == Connection::Progress::ended);
    CHECK(fixture.sink.records.size() == 1);
  }
}
