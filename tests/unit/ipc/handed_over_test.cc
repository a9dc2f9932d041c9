// The server on a socket that somebody else opened before it, and keeps when it ends.

#include <sys/un.h>

#include <algorithm>

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

  // A connection that a predecessor had: its client's end is kept, ours goes to the next server.
  struct Left {
    explicit Left(ServerFixture& fixture) {
      int ends[2];
      REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
      client.reset(ends[0]);
      ours.reset(ends[1]);
      ask_for_senders(ends[1]);
      AgentIdentity identity;
      identity.key = {0x1111, 0x2222, 1};
      identity.service = "shop";
      identity.instance = "shop@host";
      identity.said.service = "shop";
      identity.slot = 0;
      identity.uid = getuid();
      identity.pid = getpid();
      agent = fixture.agents.add_again(identity, fixture.agents.naming_mark(), 30, fixture.loop.now());
    }
    void say(const Bytes& frame) const {
      REQUIRE(send(client.get(), frame.data(), frame.size(), MSG_DONTWAIT) == static_cast<ssize_t>(frame.size()));
    }
    FrameType hear() const {
      FrameHeader header{};
      REQUIRE(recv(client.get(), &header, sizeof header, MSG_DONTWAIT) == sizeof header);
      return static_cast<FrameType>(header.type);
    }
    bool silent() const { return recv(client.get(), nullptr, 0, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN; }

    ScopedFd client;
    ScopedFd ours;
    AgentPtr agent;
  };

  TEST_CASE("a predecessor's connection goes on: what lies in it is read, its session is there, HELLO is asked for") {
    ServerFixture fixture;
    Left left(fixture);
    left.say(segments(41, {segment(), segment()}));
    REQUIRE(fixture.server->resume(std::move(left.ours), left.agent) != 0);
    REQUIRE(fixture.listener.connected.size() == 1);
    CHECK(fixture.listener.connected[0] == left.agent);
    fixture.turn();
    CHECK(fixture.seqs() == std::vector<std::uint64_t>{41, 42});
    CHECK(left.hear() == FrameType::rehello);
    fixture.turn();
    CHECK(left.silent());  // marks wait for HELLO
    // It has what was not settled, and nothing below; what lies between is gone.
    HelloSpec spec;
    spec.oldest_seq = 36;
    spec.next_seq = 43;
    left.say(hello(spec));
    left.say(segments(36, {segment(), segment(), segment(), segment(), segment()}));
    fixture.turn();
    CHECK(left.hear() == FrameType::welcome);
    CHECK(left.agent->ledger.accepted() == 42);
    CHECK(fixture.seqs().size() == 7);
    CHECK(left.agent->ledger.counts().duplicate == 0);
  }

  TEST_CASE("HELLO that was an answer to a predecessor lies before the one that answers us, and both are taken") {
    ServerFixture fixture;
    Left left(fixture);
    left.say(hello());
    REQUIRE(fixture.server->resume(std::move(left.ours), left.agent) != 0);
    fixture.turn();
    CHECK(left.hear() == FrameType::rehello);
    CHECK(left.hear() == FrameType::welcome);
    left.say(hello());
    left.say(segments(31, {segment()}));
    fixture.turn();
    CHECK(left.hear() == FrameType::config);  // after the first WELCOME
    CHECK(left.hear() == FrameType::welcome);
    CHECK(fixture.seqs() == std::vector<std::uint64_t>{31});
    for (unsigned i = 0; i < Connection::kMaxHellosLeft; ++i) left.say(hello());
    fixture.turn();
    fixture.turn();
    CHECK(fixture.refused(RejectCode::identity_changed) == 1);  // not for ever
  }

  TEST_CASE("one whose client has gone is read to its end") {
    ServerFixture fixture;
    Left left(fixture);
    left.say(segments(31, {segment()}));
    left.client.reset();
    REQUIRE(fixture.server->resume(std::move(left.ours), left.agent) != 0);
    fixture.turn();
    fixture.turn();
    CHECK(fixture.seqs() == std::vector<std::uint64_t>{31});
    CHECK(fixture.listener.disconnected.size() == 1);
    CHECK(fixture.status().connections == 0);
  }

  TEST_CASE("one that is not its session's process, or whose session is here already, is closed") {
    ServerFixture fixture;
    Left left(fixture);
    AgentIdentity other = left.agent->identity;
    other.key.process_epoch = 2;
    SUBCASE("another process") { ++other.pid; }
    SUBCASE("another user") { ++other.uid; }
    SUBCASE("connected already") {
      const AgentPtr connected = fixture.agents.add(other, -1, 0, fixture.loop.now());
      connected->connected = true;
      CHECK(fixture.server->resume(std::move(left.ours), connected) == 0);
      return;
    }
    const AgentPtr agent = fixture.agents.add(other, -1, 0, fixture.loop.now());
    CHECK(fixture.server->resume(std::move(left.ours), agent) == 0);
    CHECK_FALSE(agent->connected);
    CHECK(fixture.listener.connected.empty());
    CHECK(recv(left.client.get(), nullptr, 0, MSG_DONTWAIT) == 0);
  }

  TEST_CASE("a keeper is told of each end, but not when the server stops") {
    ServerFixture fixture;
    struct Keeper : ConnectionKeeper {
      void on_connection_ended(std::uint64_t id) override { ended.push_back(id); }
      bool keeps(std::uint64_t id) const override { return id == kept; }
      std::vector<std::uint64_t> ended;
      std::uint64_t kept = 0;
    } keeper;
    fixture.server->set_keeper(&keeper);
    auto first = fixture.greet();
    HelloSpec spec;
    spec.process_epoch = 2;
    const auto second = fixture.greet(spec);
    std::vector<std::uint64_t> lasting;
    fixture.server->for_each_agent([&](const Server::Lasting& client) { lasting.push_back(client.id); });
    CHECK(lasting.size() == 2);
    first.reset();
    fixture.turn();
    REQUIRE(keeper.ended.size() == 1);
    CHECK(std::find(lasting.begin(), lasting.end(), keeper.ended[0]) != lasting.end());
    fixture.server->stop();
    CHECK(keeper.ended.size() == 1);
  }

  TEST_CASE("a client whose connection outlives us hears nothing of our end, and what it sends late is left in it") {
    ServerFixture fixture;
    struct Keeper : ConnectionKeeper {
      void on_connection_ended(std::uint64_t) override {}
      bool keeps(std::uint64_t id) const override { return id == kept; }
      std::uint64_t kept = 0;
    } keeper;
    fixture.server->set_keeper(&keeper);
    const auto kept = fixture.greet();
    fixture.server->for_each_agent([&](const Server::Lasting& client) { keeper.kept = client.id; });
    HelloSpec spec;
    spec.process_epoch = 2;
    const auto other = fixture.greet(spec);
    fixture.server->begin_drain(200ms, 500ms, 1s);
    CHECK_FALSE(kept->hear());
    const auto heard = other->hear();
    REQUIRE(heard);
    CHECK(heard->type == FrameType::drain);
    REQUIRE(kept->send(segments(1, {segment()})));
    fixture.turn();
    CHECK(fixture.seqs() == std::vector<std::uint64_t>{1});
    fixture.server->leave_kept();
    REQUIRE(kept->send(segments(2, {segment()})));
    REQUIRE(other->send(segments(1, {segment()})));
    fixture.turn();
    fixture.turn();
    CHECK(fixture.seqs() == std::vector<std::uint64_t>{1, 1});
    CHECK(fixture.server->unread() == 0);
    fixture.server->set_keeper(nullptr);
  }
}
