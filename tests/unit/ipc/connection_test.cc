#include "ipc/connection.h"

#include <fcntl.h>
#include <sys/wait.h>

#include <functional>

#include "server_fixture.h"

using namespace sidecar;
using client::HelloSpec;
using ipc_protocol::RejectCode;
namespace layout = ipc_protocol::page;

namespace {

using Client = std::unique_ptr<client::RawClient>;

client::Bytes one(std::uint64_t seq, std::uint32_t lost_before = 0) {
  return client::segments(seq, {client::segment()}, lost_before);
}

// A record whose boundaries are right and which is no segment.
client::Bytes bad_one(std::uint64_t seq) {
  client::Bytes record(60, 0xEE);
  const std::uint32_t length = 56;
  std::memcpy(record.data(), &length, sizeof length);
  return client::segments(seq, {record});
}

std::uint64_t malformed(const Agent& agent) {
  return agent.ledger.counts().dropped[static_cast<std::size_t>(DropReason::malformed)];
}

// Runs `body` in a forked process and waits for its end; true if it returned true.
bool in_child(const std::function<bool()>& body) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) _exit(body() ? 0 : 1);
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

unsigned open_descriptors() {
  unsigned count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

}  // namespace

TEST_SUITE("ipc/connection") {
  TEST_CASE("HELLO makes an agent, whose user and process are the kernel's word") {
    ServerFixture f;
    const Client client = f.connect();
    HelloSpec spec;
    spec.pid = 99999;
    REQUIRE(client->send(client::hello(spec)));
    f.turn();
    REQUIRE(f.listener.connected.size() == 1);
    const Agent& agent = *f.listener.connected[0];
    CHECK(agent.identity.uid == getuid());
    CHECK(agent.identity.pid == getpid());
    CHECK(agent.identity.pid_inside == 99999);
    CHECK(agent.identity.instance == "shop@host");
    CHECK(agent.identity.slot == 0);
    CHECK(agent.connected);
    const auto welcome = client->hear();
    REQUIRE(welcome);
    const auto& said = welcome->as<fbs::Welcome>();
    CHECK(said.sidecar_epoch() == ServerFixture::kEpoch);
    CHECK_FALSE(said.known());
    CHECK(said.accepted() == 0);
    CHECK(said.instance()->str() == "shop@host");
    CHECK(said.peer_uid() == getuid());
    CHECK(said.peer_pid() == static_cast<std::uint32_t>(getpid()));
    REQUIRE(welcome->fd);
    const client::MappedPage page(welcome->fd.get());
    CHECK(page.word(layout::kFramesWaiting) == 2);
    CHECK(page.word(layout::kFlags) == ipc_protocol::kPageEnabled);
    CHECK(f.status().connections == 1);
    CHECK(f.status().unhelloed == 0);
  }

  TEST_CASE("the process comes as a pidfd, with and without the kernel's newest help") {
    for (const bool newest : {true, false}) {
      CAPTURE(newest);
      KernelFeatures features;
      features.peer_pidfd = newest;
      ServerFixture f({}, features);
      const Client client = f.greet();
      REQUIRE(f.listener.processes.size() == 1);
      pollfd entry{f.listener.processes[0].get(), POLLIN, 0};
      REQUIRE(entry.fd >= 0);
      CHECK(poll(&entry, 1, 0) == 0);
      // of a process that ends it tells the end
      int said[2], go[2];
      REQUIRE(pipe(said) == 0);
      REQUIRE(pipe(go) == 0);
      const pid_t child = fork();
      REQUIRE(child >= 0);
      char byte = 0;
      if (child == 0) {
        client::RawClient own(f.options.path);
        HelloSpec spec;
        spec.process_epoch = 2;
        const bool done = own.send(client::hello(spec)) && write(said[1], "x", 1) == 1 && read(go[0], &byte, 1) == 1;
        _exit(done ? 0 : 1);
      }
      REQUIRE(read(said[0], &byte, 1) == 1);
      f.turn();
      REQUIRE(f.listener.processes.size() == 2);
      REQUIRE(write(go[1], "x", 1) == 1);
      REQUIRE(waitpid(child, nullptr, 0) == child);
      pollfd gone{f.listener.processes[1].get(), POLLIN, 0};
      REQUIRE(gone.fd >= 0);
      CHECK(poll(&gone, 1, 0) == 1);
      for (const int fd : {said[0], said[1], go[0], go[1]}) close(fd);
    }
  }

  TEST_CASE("segments right behind HELLO are taken in order, and the page says so") {
    ServerFixture f;
    const Client client = f.connect();
    REQUIRE(client->send(client::hello()));
    REQUIRE(client->send(client::segments(1, {client::segment(), client::segment()})));
    REQUIRE(client->send(one(3)));
    f.turn();
    CHECK(f.seqs() == std::vector<std::uint64_t>{1, 2, 3});
    const auto bytes = f.sink.records[0].bytes();
    CHECK(client::Bytes(bytes.begin(), bytes.end()) == client::segment());
    const auto welcome = client->hear();
    REQUIRE(welcome);
    const client::MappedPage page(welcome->fd.get());
    CHECK(page.word(layout::kAccepted) == 3);
    CHECK(page.word(layout::kSettled) == 0);
  }

  TEST_CASE("settled reaches the page although the client sends nothing more") {
    ServerFixture f;
    const Client client = f.connect();
    REQUIRE(client->send(client::hello()));
    REQUIRE(client->send(one(1)));
    f.turn();
    const auto welcome = client->hear();
    REQUIRE(welcome);
    const client::MappedPage page(welcome->fd.get());
    f.listener.connected[0]->ledger.deliver(1);
    f.turn();
    CHECK(page.word(layout::kSettled) == 1);
    // also after the server has gone quiet
    REQUIRE(client->send(one(2)));
    f.loop.advance(std::chrono::seconds(3));
    CHECK(f.status().idle);
    f.listener.connected[0]->ledger.deliver(2);
    f.loop.advance(std::chrono::milliseconds(ipc_protocol::kBeatPeriodMs));
    CHECK(page.word(layout::kSettled) == 2);
  }

  TEST_CASE("a client without a page hears the marks in ACK") {
    ServerFixture f;
    HelloSpec spec;
    spec.capabilities = client::kCapReplay;
    const Client client = f.greet(spec);
    REQUIRE(client->send(one(1)));
    f.turn();
    auto heard = client->hear();
    REQUIRE(heard);
    REQUIRE(heard->type == client::FrameType::ack);
    CHECK(heard->as<fbs::Ack>().accepted() == 1);
    f.listener.connected[0]->ledger.deliver(1);
    f.turn();
    heard = client->hear();
    REQUIRE(heard);
    CHECK(heard->as<fbs::Ack>().settled() == 1);
    f.turn();
    CHECK_FALSE(client->hear());
  }

  TEST_CASE("of a program that ends at once everything arrives before it counts as gone") {
    ServerFixture f;
    {
      const Client client = f.connect();
      REQUIRE(client->send(client::hello()));
      for (std::uint64_t seq = 1; seq <= 40; ++seq) REQUIRE(client->send(one(seq)));
      REQUIRE(client->send(client::bye(41, 1)));
    }
    f.turn();
    CHECK(f.sink.records.size() == 40);
    REQUIRE(f.listener.disconnected.size() == 1);
    CHECK(f.listener.disconnected[0]->said_bye);
    CHECK(f.listener.disconnected[0]->client.created == 41);
    CHECK(f.listener.disconnected[0]->client.dropped == 1);
    CHECK(f.status().connections == 0);
  }

  TEST_CASE("a client that closes without having read WELCOME loses nothing") {
    ServerFixture f;
    Client client = f.connect();
    REQUIRE(client->send(client::hello()));
    f.turn();  // WELCOME lies unread with the client: its close resets the connection
    REQUIRE(client->send(one(1)));
    client->close();
    f.turn();
    CHECK(f.seqs() == std::vector<std::uint64_t>{1});
    CHECK(f.listener.disconnected.size() == 1);
  }

  TEST_CASE("what was seen before is dropped silently and counted apart") {
    ServerFixture f;
    const Client client = f.greet();
    REQUIRE(client->send(client::segments(1, {client::segment(), client::segment()}, 4)));
    REQUIRE(client->send(client::segments(1, {client::segment(), client::segment()}, 4)));
    REQUIRE(client->send(client::segments(2, {client::segment(), client::segment()})));
    f.turn();
    CHECK(f.seqs() == std::vector<std::uint64_t>{1, 2, 3});
    const Agent& agent = *f.listener.connected[0];
    CHECK(agent.ledger.counts().received == 3);
    CHECK(agent.ledger.counts().duplicate == 3);
    CHECK(agent.client.lost_before == 4);  // said again by the frame sent again
  }

  TEST_CASE("numbers too scattered to keep send the client back to replay") {
    ServerFixture f;
    const Client client = f.greet();
    for (std::uint64_t i = 1; i <= Ledger::kMaxIntervals + 1; ++i) {
      REQUIRE(client->send(one(2 * i)));
      f.turn();
    }
    CHECK(client->rejected() == RejectCode::replay_needed);
    CHECK_FALSE(client->permanent);
    CHECK(f.sink.records.size() == Ledger::kMaxIntervals);
    CHECK(f.listener.connected[0]->ledger.counts().received == Ledger::kMaxIntervals);
  }

  TEST_CASE("a record that does not verify costs itself alone, and is settled") {
    ServerFixture f;
    const Client client = f.greet();
    REQUIRE(client->send(bad_one(1)));
    REQUIRE(client->send(one(2)));
    f.turn();
    const Agent& agent = *f.listener.connected[0];
    CHECK(malformed(agent) == 1);
    CHECK(agent.ledger.settled() == 1);
    CHECK(agent.ledger.accepted() == 2);
    CHECK(f.seqs() == std::vector<std::uint64_t>{2});
    CHECK(f.status().counters.bad_records == 1);
    CHECK_FALSE(client->closed());
  }

  TEST_CASE("many bad records within a minute are too many, spread out they are not") {
    ServerFixture f;
    const Client client = f.greet();
    std::uint64_t seq = 1;
    const auto send_bad = [&](unsigned count) {
      for (unsigned i = 0; i < count; ++i) REQUIRE(client->send(bad_one(seq++)));
      f.turn();
      f.turn();
    };
    send_bad(Connection::kMaxBadRecords - 1);
    f.loop.advance(Connection::kBadRecordPeriod);
    send_bad(Connection::kMaxBadRecords - 1);
    CHECK_FALSE(client->closed());
    send_bad(1);
    CHECK(client->rejected() == RejectCode::too_many_bad_records);
    CHECK(client->retry_after_ms == 60'000);
    CHECK(malformed(*f.listener.connected[0]) == 2 * Connection::kMaxBadRecords - 1);
    CHECK(f.listener.disconnected.size() == 1);
  }

  TEST_CASE("a frame that cannot be read costs the connection") {
    client::Bytes cut = one(1);
    cut.pop_back();
    client::Bytes unfilled = one(1);
    unfilled[24] = 2;  // count
    const client::Bytes garbage(100, 0xAB);
    const client::Bytes no_payload = client::frame(client::FrameType::stats, {});
    const client::Bytes bad_bye = client::frame(client::FrameType::bye, client::Bytes(40, 0xFF));
    const client::Bytes bad_probe = client::frame(client::FrameType::probe_reply, client::Bytes(40, 0xFF));
    const client::Bytes unknown = client::frame(static_cast<client::FrameType>(0x7F), {});
    std::uint64_t epoch = 1;
    ServerFixture f;
    for (const client::Bytes& frame : {cut, unfilled, garbage, no_payload, bad_bye, bad_probe, unknown}) {
      HelloSpec spec;
      spec.process_epoch = epoch++;
      const Client client = f.greet(spec);
      REQUIRE(client->send(frame));
      f.turn();
      CHECK(client->rejected() == RejectCode::bad_frame);
      CHECK(client->permanent);
    }
    CHECK(f.refused(RejectCode::bad_frame) == 7);
    CHECK(f.listener.disconnected.size() == 7);
    CHECK(f.sink.records.empty());
  }

  TEST_CASE("a datagram longer than a frame is refused, one as long is not") {
    ServerFixture f;
    const Client client = f.greet();
    const int size = 1 << 20;
    setsockopt(client->fd(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    client::FrameHeader header = client::header_for(static_cast<client::FrameType>(0x20), {});
    const client::Bytes payload(client::kMaxFrame - sizeof header, 0);
    header.payload_size = static_cast<std::uint32_t>(payload.size());
    client::Bytes frame = client::join(header, payload);
    REQUIRE(client->send(frame));
    f.turn();
    CHECK(f.status().counters.skipped_frames == 1);
    frame.push_back(0);
    REQUIRE(client->send(frame));
    f.turn();
    CHECK(client->rejected() == RejectCode::bad_frame);
  }

  TEST_CASE("another version of the protocol is told so") {
    ServerFixture f;
    Client client = f.connect();
    client::Bytes other = client::hello();
    other[3] = 2;
    REQUIRE(client->send(other));
    f.turn();
    CHECK(client->rejected() == RejectCode::unsupported_version);
    client = f.connect();
    HelloSpec spec;
    spec.protocol_min = spec.protocol_max = 3;
    REQUIRE(client->send(client::hello(spec)));
    f.turn();
    CHECK(client->rejected() == RejectCode::unsupported_version);
    CHECK(f.listener.connected.empty());
  }

  TEST_CASE("the first frame is HELLO") {
    ServerFixture f;
    for (const client::Bytes& first :
         {one(1), client::bye(0), client::frame(static_cast<client::FrameType>(0x21), {})}) {
      const Client client = f.connect();
      REQUIRE(client->send(first));
      f.turn();
      CHECK(client->rejected() == RejectCode::bad_hello);
    }
    CHECK(f.listener.connected.empty());
    CHECK(f.agents.size() == 0);
  }

  TEST_CASE("CONFIG follows WELCOME with the operations to ignore") {
    IpcOptions options;
    options.ignore = {{".ico"}, {"/health/**"}};
    options.peer_prefix = "east/";
    ServerFixture f(options);
    Client client = f.connect();
    REQUIRE(client->send(client::hello()));
    f.turn();
    const auto welcome = client->hear();
    REQUIRE(welcome);
    CHECK(welcome->as<fbs::Welcome>().service()->str() == "shop");
    CHECK(welcome->as<fbs::Welcome>().peer_prefix()->str() == "east/");
    const auto config = client->hear();
    REQUIRE(config);
    REQUIRE(config->type == client::FrameType::config);
    CHECK(config->as<fbs::Config>().ignore_suffixes()->Get(0)->str() == ".ico");
    CHECK(config->as<fbs::Config>().ignore_patterns()->Get(0)->str() == "/health/**");
    CHECK(client::MappedPage(welcome->fd.get()).word(layout::kFramesWaiting) == 2);
  }

  TEST_CASE("CONFIG comes without rules too, as those of another sidecar may be in force") {
    ServerFixture f;
    const Client client = f.connect();
    REQUIRE(client->send(client::hello()));
    f.turn();
    REQUIRE(client->hear());  // WELCOME
    const auto config = client->hear();
    REQUIRE(config);
    REQUIRE(config->type == client::FrameType::config);
    CHECK(config->as<fbs::Config>().ignore_suffixes()->size() == 0);
    CHECK(config->as<fbs::Config>().ignore_patterns()->size() == 0);
  }

  TEST_CASE("a segment of an ignored operation is dropped before it takes room, and the ledger knows") {
    IpcOptions options;
    options.ignore = {{}, {"x*"}};
    ServerFixture f(options);
    const Client client = f.greet();
    client::SegmentSpec other, nested;
    other.operation = 0;
    nested.parent_span_id = 7;  // has no root: nothing to tell it by
    REQUIRE(client->send(client::segments(1, {client::segment(), client::segment(other), client::segment(nested)})));
    REQUIRE(client->send(one(1)));
    f.turn();
    CHECK(f.seqs() == std::vector<std::uint64_t>{2, 3});
    CHECK(to_text(f.sink.records[0].id()) == "4.5.6");
    const Ledger& ledger = f.listener.connected[0]->ledger;
    CHECK(ledger.counts().received == 3);
    CHECK(ledger.counts().duplicate == 1);
    CHECK(ledger.counts().dropped[static_cast<std::size_t>(DropReason::ignored)] == 1);
    CHECK(ledger.counts().owed() == f.sink.records.size());
    CHECK(ledger.accepted() == 3);
    CHECK(ledger.settled() == 1);
  }

  TEST_CASE("operations that are not ignored any more are taken, however often the list has changed") {
    ServerFixture f;
    const Client client = f.greet();
    IpcOptions options = f.options;
    for (int i = 0; i < 16; ++i) {
      options.ignore = {{}, {"x*", "/" + std::to_string(i)}};
      f.server->apply(options);
    }
    options.ignore = {{}, {}};
    f.server->apply(options);
    REQUIRE(client->send(one(1)));
    f.turn();
    CHECK(f.seqs() == std::vector<std::uint64_t>{1});
  }

  TEST_CASE("a second HELLO is legal only when asked for, and with the same identity") {
    ServerFixture f;
    Client client = f.greet();
    f.server->ask_hello_again();
    auto heard = client->hear();
    REQUIRE(heard);
    CHECK(heard->type == client::FrameType::rehello);
    REQUIRE(client->send(client::hello()));
    REQUIRE(client->send(one(1)));
    f.turn();
    heard = client->hear();
    REQUIRE(heard);
    REQUIRE(heard->type == client::FrameType::welcome);
    CHECK(heard->as<fbs::Welcome>().known());
    const client::MappedPage page(heard->fd.get());
    CHECK(page.word(layout::kAccepted) == 1);
    CHECK(page.word(layout::kFramesWaiting) == 5);
    CHECK(f.listener.connected.size() == 1);
    CHECK(f.listener.disconnected.empty());
    // the permission is used up
    REQUIRE(client->send(client::hello()));
    f.turn();
    CHECK(client->rejected() == RejectCode::identity_changed);

    for (const auto& change : std::vector<std::function<void(HelloSpec&)>>{
             [](HelloSpec& s) { s.service = "bank"; }, [](HelloSpec& s) { s.process_epoch = 9; },
             [](HelloSpec& s) { s.instance = "other"; }, [](HelloSpec& s) { s.layer = "MESH"; }}) {
      client = f.greet();
      f.server->ask_hello_again();
      HelloSpec spec;
      change(spec);
      REQUIRE(client->send(client::hello(spec)));
      f.turn();
      CHECK(client->rejected() == RejectCode::identity_changed);
    }
    CHECK(f.agents.size() == 1);
  }

  TEST_CASE("who says HELLO again is known by what it said, not by the names in force") {
    const std::string start(70, 's');
    HelloSpec spec;
    spec.service = start + "a";
    spec.instance = start + "i";
    ServerFixture f;
    Client client = f.connect();
    REQUIRE(client->send(client::hello(spec)));
    f.turn();
    const auto welcome = client->hear();
    REQUIRE(welcome);
    CHECK(welcome->as<fbs::Welcome>().service()->str() == start);
    CHECK(welcome->as<fbs::Welcome>().instance()->str() == start);

    client = f.greet(spec);
    CHECK(f.agents.size() == 1);
    HelloSpec other = spec;
    other.service = start + "b";
    for (const HelloSpec& claimed : {other, [&] {
                                       HelloSpec s = spec;
                                       s.instance = start + "j";
                                       return s;
                                     }()}) {
      const Client thief = f.connect();
      REQUIRE(thief->send(client::hello(claimed)));
      f.turn();
      CHECK(thief->rejected() == RejectCode::identity_changed);
    }
  }

  TEST_CASE("a session cannot be taken over by another service or another process") {
    ServerFixture f;
    const Client client = f.greet();
    const Client thief = f.connect();
    HelloSpec spec;
    spec.service = "bank";
    REQUIRE(thief->send(client::hello(spec)));
    f.turn();
    CHECK(thief->rejected() == RejectCode::identity_changed);
    CHECK_FALSE(client->closed());
    CHECK(in_child([&] {
      client::RawClient own(f.options.path);
      return own.send(client::hello()) && own.send(one(1));
    }));
    f.turn();
    CHECK(f.refused(RejectCode::identity_changed) == 2);
    CHECK(f.sink.records.empty());
    REQUIRE(client->send(one(1)));
    f.turn();
    CHECK(f.seqs() == std::vector<std::uint64_t>{1});
  }

  TEST_CASE("a forked child that uses its parent's connection ends it") {
    ServerFixture f;
    const Client client = f.greet();
    REQUIRE(client->send(one(1)));
    CHECK(in_child([&] { return client->send(one(2)); }));
    REQUIRE(client->send(one(3)));
    f.turn();
    CHECK(f.seqs() == std::vector<std::uint64_t>{1});
    CHECK(client->rejected() == RejectCode::inherited);
    CHECK_FALSE(client->permanent);
    // what was behind it stays with the client, which comes back
    const Client again = f.greet();
    REQUIRE(again->send(one(2)));
    REQUIRE(again->send(one(3)));
    f.turn();
    CHECK(f.seqs() == std::vector<std::uint64_t>{1, 2, 3});
  }

  TEST_CASE("descriptors that come along are closed and refused") {
    KernelFeatures features;
    features.refuse_descriptors = false;
    ServerFixture f({}, features);
    const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    std::uint64_t epoch = 1;
    for (const std::size_t count : {std::size_t{1}, std::size_t{2}, std::size_t{253}}) {
      CAPTURE(count);
      HelloSpec spec;
      spec.process_epoch = epoch++;
      const Client client = f.greet(spec);
      const unsigned before = open_descriptors();
      REQUIRE(client->send(one(1), std::vector<int>(count, fd)));
      f.turn();
      CHECK(client->rejected() == RejectCode::bad_frame);
      CHECK(open_descriptors() == before - 1);  // the server's end of the connection
    }
    CHECK(f.status().counters.closed_descriptors >= 3);
    CHECK(f.sink.records.empty());
    // also in the very first frame
    const Client client = f.connect();
    REQUIRE(client->send(client::hello(), {fd}));
    f.turn();
    CHECK(client->rejected() == RejectCode::bad_frame);
    close(fd);
  }

  TEST_CASE("where the kernel can, it refuses descriptors itself") {
    ServerFixture f;
    const Client client = f.greet();
    if (!client->send(one(1), {0})) {
      CHECK(errno == EPERM);
      REQUIRE(client->send(one(1)));
      f.turn();
      CHECK(f.seqs() == std::vector<std::uint64_t>{1});
    } else {
      f.turn();
      CHECK(client->rejected() == RejectCode::bad_frame);
    }
  }

  TEST_CASE("an empty datagram is the end") {
    ServerFixture f;
    const Client client = f.greet();
    REQUIRE(client->send({}));
    f.turn();
    CHECK(client->closed());
    CHECK(f.listener.disconnected.size() == 1);
  }

  TEST_CASE("what the client says of itself is kept") {
    ServerFixture f;
    const Client client = f.greet();
    REQUIRE(client->send(one(1, 7)));
    REQUIRE(client->send(one(2, 0xFFFFFFFF)));
    REQUIRE(client->send(client::stats(50, 3, 4)));
    REQUIRE(client->send(client::probe_reply(1)));
    REQUIRE(client->send(client::frame(static_cast<client::FrameType>(0x21), client::Bytes(24, 0))));
    f.turn();
    const Agent& agent = *f.listener.connected[0];
    CHECK(agent.client.created == 50);
    CHECK(agent.client.dropped == 7);
    CHECK(agent.client.waiting == 5);
    CHECK(agent.client.blocked == 8);
    CHECK(agent.client.lost_before == 7 + std::uint64_t{0xFFFFFFFF});
    CHECK(agent.last_record_at == f.sink.records[1].arrived());
    CHECK(f.status().counters.probe_replies == 1);
    CHECK(f.status().counters.skipped_frames == 1);
    CHECK_FALSE(client->closed());
  }

  TEST_CASE("what a new session no longer holds counts as settled") {
    ServerFixture f;
    HelloSpec spec;
    spec.oldest_seq = 11;
    spec.next_seq = 20;
    const Client client = f.connect();
    REQUIRE(client->send(client::hello(spec)));
    REQUIRE(client->send(one(11)));
    f.turn();
    const auto welcome = client->hear();
    REQUIRE(welcome);
    CHECK_FALSE(welcome->as<fbs::Welcome>().known());
    CHECK(welcome->as<fbs::Welcome>().accepted() == 10);
    CHECK(welcome->as<fbs::Welcome>().settled() == 10);
    CHECK(f.listener.connected[0]->ledger.accepted() == 11);
    CHECK(f.listener.connected[0]->ledger.counts().received == 1);
  }

  TEST_CASE("a session that comes back goes on where it was") {
    ServerFixture f;
    Client client = f.greet();
    for (std::uint64_t seq = 1; seq <= 3; ++seq) REQUIRE(client->send(one(seq)));
    client->close();
    f.turn();
    REQUIRE(f.listener.disconnected.size() == 1);
    f.listener.connected[0]->ledger.deliver(1);
    client = f.connect();
    REQUIRE(client->send(client::hello()));
    REQUIRE(client->send(one(3)));
    REQUIRE(client->send(one(4)));
    f.turn();
    const auto welcome = client->hear();
    REQUIRE(welcome);
    CHECK(welcome->as<fbs::Welcome>().known());
    CHECK(welcome->as<fbs::Welcome>().accepted() == 3);
    CHECK(welcome->as<fbs::Welcome>().settled() == 1);
    CHECK(f.seqs() == std::vector<std::uint64_t>{1, 2, 3, 4});
    CHECK(f.listener.connected.size() == 2);
    CHECK(f.agents.size() == 1);
  }

  TEST_CASE("of two connections of one session the newer stays, after the older was read empty") {
    ServerFixture f;
    const Client old = f.greet();
    for (std::uint64_t seq = 1; seq <= 40; ++seq) REQUIRE(old->send(one(seq)));
    const Client client = f.connect();
    REQUIRE(client->send(client::hello()));
    f.turn();
    const auto welcome = client->hear();
    REQUIRE(welcome);
    CHECK(welcome->as<fbs::Welcome>().accepted() == 40);
    CHECK(old->closed());
    CHECK_FALSE(client->closed());
    CHECK(f.listener.connected.size() == 2);
    CHECK(f.listener.disconnected.size() == 1);
    CHECK(f.listener.connected[0]->connected);
    CHECK(f.status().connections == 1);
  }

  TEST_CASE("the newer one waits while the older cannot be read for want of room") {
    ServerFixture f;
    const Client old = f.greet();
    f.sink.room_for = 2;
    for (std::uint64_t seq = 1; seq <= 5; ++seq) REQUIRE(old->send(one(seq)));
    f.turn();
    const Client client = f.connect();
    REQUIRE(client->send(client::hello()));
    REQUIRE(client->send(one(6)));
    f.loop.advance(std::chrono::seconds(5));  // it has said HELLO: nobody holds its silence against it
    CHECK_FALSE(client->hear());
    CHECK(f.status().blocked == 2);
    f.sink.room_for = 0;
    f.server->on_room();
    f.turn();
    CHECK(f.seqs() == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6});
    REQUIRE(client->hear());
    CHECK(old->closed());
  }

  TEST_CASE("the older connection of a session that has come back takes no more, and what it took is read") {
    ServerFixture f;
    const Client old = f.greet();
    f.sink.room_for = 1;
    for (std::uint64_t seq = 1; seq <= 3; ++seq) REQUIRE(old->send(one(seq)));
    f.turn();
    const Client client = f.connect();
    REQUIRE(client->send(client::hello()));
    f.turn();
    CHECK_FALSE(old->send(one(4)));
    CHECK(errno == EPIPE);
    f.sink.room_for = 0;
    f.server->on_room();
    f.turn();
    CHECK(f.seqs() == std::vector<std::uint64_t>{1, 2, 3});
    CHECK(f.listener.disconnected.size() == 1);
    REQUIRE(client->hear());
  }

  TEST_CASE("without room nothing is read, and the end waits for what is queued") {
    ServerFixture f;
    f.sink.room_for = 2;
    Client client = f.greet();
    for (std::uint64_t seq = 1; seq <= 6; ++seq) REQUIRE(client->send(one(seq)));
    client->close();
    f.loop.advance(std::chrono::seconds(3));
    CHECK(f.seqs() == std::vector<std::uint64_t>{1, 2});
    CHECK(f.status().blocked == 1);
    CHECK(f.status().idle);  // a closed peer that cannot be read does not keep the loop busy
    CHECK(f.listener.disconnected.empty());
    CHECK(f.listener.connected[0]->connected);
    CHECK(f.sink.refused < 20);
    f.sink.room_for = 4;
    f.server->on_room();
    f.turn();
    CHECK(f.sink.records.size() == 4);
    CHECK(f.listener.disconnected.empty());
    f.sink.room_for = 0;
    f.server->on_room();
    f.turn();
    CHECK(f.seqs() == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6});
    CHECK(f.listener.disconnected.size() == 1);
  }
}
