#include "ipc/server.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <fstream>

#include "ipc/descriptor_limit.h"
#include "server_fixture.h"

using namespace sidecar;
using client::HelloSpec;
using ipc_protocol::RejectCode;
namespace layout = ipc_protocol::page;

namespace {

using Client = std::unique_ptr<client::RawClient>;

client::Bytes one(std::uint64_t seq) { return client::segments(seq, {client::segment()}); }

HelloSpec session(std::uint64_t epoch) {
  HelloSpec spec;
  spec.process_epoch = epoch;
  return spec;
}

// Takes all descriptors away while it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const int lowest_free = dup(0);
    REQUIRE(lowest_free >= 0);
    close(lowest_free);
    rlimit none = before_;
    none.rlim_cur = static_cast<rlim_t>(lowest_free);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  }
  ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_ = {};
};

}  // namespace

TEST_SUITE("ipc/server") {
  TEST_CASE("a client that does not say HELLO goes after its time") {
    ServerFixture f;
    const Client silent = f.connect();
    f.turn();
    CHECK(f.status().unhelloed == 1);
    f.loop.advance(std::chrono::milliseconds(ipc_protocol::kHelloTimeoutMs - 50));
    const Client late = f.connect();
    f.turn();
    CHECK_FALSE(silent->closed());
    f.loop.advance(std::chrono::milliseconds(50));
    CHECK(silent->rejected() == RejectCode::hello_timeout);
    CHECK_FALSE(silent->permanent);
    CHECK_FALSE(late->closed());
    f.loop.advance(std::chrono::seconds(1));
    CHECK(late->rejected() == RejectCode::hello_timeout);
    CHECK(f.status().connections == 0);
    CHECK(f.loop.next_due() == Tick::max());  // without clients nothing runs
  }

  TEST_CASE("a HELLO that lies there when the time is up counts") {
    IpcOptions options;
    options.drain_interval = std::chrono::hours(1);  // nobody looks before
    ServerFixture f(options);
    const Client client = f.connect();
    f.loop.run_until_idle();
    REQUIRE(client->send(client::hello()));
    f.loop.advance(std::chrono::milliseconds(ipc_protocol::kHelloTimeoutMs));
    const auto heard = client->hear();
    REQUIRE(heard);
    CHECK(heard->type == client::FrameType::welcome);
    CHECK(f.refused(RejectCode::hello_timeout) == 0);
  }

  TEST_CASE("beyond the cap clients are told to come back") {
    IpcOptions options;
    options.max_connections = 2;
    options.max_per_user = 2;
    ServerFixture f(options);
    const Client first = f.greet(session(1));
    Client second = f.greet(session(2));
    const Client third = f.connect();
    f.turn();
    CHECK(third->rejected() == RejectCode::busy);
    CHECK(third->retry_after_ms >= 1000);
    CHECK(third->retry_after_ms <= 2000);
    CHECK_FALSE(third->permanent);
    CHECK(f.status().connections == 2);
    second->close();
    f.turn();
    const Client fourth = f.greet(session(4));
    CHECK(f.status().connections == 2);
    CHECK(f.refused(RejectCode::busy) == 1);
  }

  TEST_CASE("one user has half of the places unless told otherwise") {
    IpcOptions options;
    options.max_connections = 4;
    ServerFixture f(options);
    CHECK(f.status().max_per_user == 2);
    const Client first = f.greet(session(1));
    const Client second = f.greet(session(2));
    const Client third = f.connect();
    f.turn();
    CHECK(third->rejected() == RejectCode::busy);
  }

  TEST_CASE("the caps follow the descriptor limit") {
    rlimit before = {};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(raise_descriptor_limit() == before.rlim_max);
    rlimit small = {296, before.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &small) == 0);
    CHECK(connections_within_limit() == 10);
    {
      ServerFixture f;
      CHECK(f.status().max_connections == 10);
      CHECK(f.status().max_per_user == 5);
    }
    small.rlim_cur = 100;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &small) == 0);
    CHECK(connections_within_limit() == 1);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  }

  TEST_CASE("of too many silent clients the oldest makes way, and none that has spoken") {
    raise_descriptor_limit();
    ServerFixture f;
    const Client speaks = f.connect();
    f.loop.run_until_idle();
    REQUIRE(speaks->send(client::hello()));  // not read yet
    std::vector<Client> silent;
    for (unsigned i = 0; i < Server::kMaxUnhelloed + 1; ++i) {
      silent.push_back(f.connect());
      if (i % 32 == 0) f.loop.run_until_idle();
    }
    f.loop.run_until_idle();
    const auto heard = speaks->hear();
    REQUIRE(heard);
    CHECK(heard->type == client::FrameType::welcome);
    CHECK(f.status().unhelloed == Server::kMaxUnhelloed);
    CHECK(f.status().counters.evicted == 1);
    CHECK(silent.front()->rejected() == RejectCode::busy);
    CHECK_FALSE(silent[1]->closed());
  }

  TEST_CASE("without descriptors clients are told to come back, and accepting goes on when there are some") {
    ServerFixture f;
    const Client served = f.greet(session(1));
    const Client turned_away = f.connect();
    {
      const NoDescriptors none;
      f.loop.run_until_idle();
      CHECK(turned_away->rejected() == RejectCode::busy);
      CHECK(f.status().counters.paused_accepts == 1);
      // those who are here are served
      REQUIRE(served->send(one(1)));
      f.turn();
      CHECK(f.seqs() == std::vector<std::uint64_t>{1});
    }
    const Client waits = f.connect();
    REQUIRE(waits->send(client::hello(session(2))));
    f.turn();
    CHECK_FALSE(waits->hear());
    f.loop.advance(Acceptor::kPause);
    const auto heard = waits->hear();
    REQUIRE(heard);
    CHECK(heard->type == client::FrameType::welcome);
    CHECK(f.status().counters.paused_accepts == 1);
  }

  TEST_CASE("a second server on the same path is refused, the first is unharmed") {
    ServerFixture f;
    const Client client = f.greet();
    Server second(f.options, f.loop, f.random, f.agents, f.sink, f.listener, 2);
    const auto started = second.start();
    REQUIRE_FALSE(started);
    CHECK(started.error().code == Errc::busy);
    CHECK(started.error().message.find(f.options.path) != std::string::npos);
    second.stop();
    const Client another = f.greet(session(2));
    REQUIRE(client->send(one(1)));
    f.turn();
    CHECK(f.sink.records.size() == 1);
  }

  TEST_CASE("what is in the way and not a socket stays, and the server does not start") {
    const ScratchDirectory directory;
    IpcOptions options;
    options.path = directory.at("ingest.sock");
    FakeLoop loop;
    FixedRandom random;
    AgentTable agents("host");
    KeepingSink sink;
    KeepingListener listener;
    Server server(options, loop, random, agents, sink, listener, 1);
    std::ofstream(options.path) << "precious";
    const auto started = server.start();
    REQUIRE_FALSE(started);
    CHECK(started.error().code == Errc::invalid_argument);
    std::string content;
    std::ifstream(options.path) >> content;
    CHECK(content == "precious");
  }

  TEST_CASE("the socket has its mode, and goes with the server unless another took its name") {
    IpcOptions options;
    options.mode = 0660;
    ServerFixture f(options);
    struct stat status = {};
    REQUIRE(lstat(f.options.path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0660);
    f.server->stop();
    CHECK(lstat(f.options.path.c_str(), &status) == -1);
    REQUIRE(f.server->start());  // and can come back
    std::filesystem::remove(f.options.path);
    std::ofstream(f.options.path) << "another's";
    f.server->stop();
    CHECK(lstat(f.options.path.c_str(), &status) == 0);
  }

  TEST_CASE("a busy client does not hold up the others") {
    ServerFixture f;
    const Client busy = f.greet(session(1));
    const Client modest = f.greet(session(2));
    for (std::uint64_t seq = 1; seq <= 60; ++seq) REQUIRE(busy->send(one(seq)));
    REQUIRE(modest->send(one(1000)));
    f.turn();
    const auto seqs = f.seqs();
    REQUIRE(seqs.size() == 61);  // the rest came in later turns of the same moment
    const auto at = std::find(seqs.begin(), seqs.end(), 1000) - seqs.begin();
    CHECK(at <= Connection::kTurnFrames);
  }

  TEST_CASE("what a flood leaves of a turn waits for the next, and others come in between") {
    ServerFixture f;
    // some sixty frames fit a socket: enough clients to fill a turn
    constexpr std::uint64_t kClients = 40;
    std::vector<Client> flood;
    for (std::uint64_t epoch = 1; epoch <= kClients; ++epoch) flood.push_back(f.greet(session(epoch)));
    for (const Client& client : flood)
      for (std::uint64_t seq = 1; seq <= 60; ++seq) REQUIRE(client->send(one(seq)));
    bool others_ran = false;
    const auto other =
        f.loop.make_timer([&] { others_ran = !f.sink.records.empty() && f.sink.records.size() < 60 * kClients; });
    other->start(f.options.drain_interval + std::chrono::milliseconds(1));
    f.loop.advance(f.options.drain_interval);
    CHECK(f.sink.records.size() >= Server::kTurnFrames);
    CHECK(f.sink.records.size() <= Server::kTurnFrames + 2 * Connection::kTurnFrames);
    f.loop.advance(f.options.drain_interval);
    CHECK(others_ran);
    CHECK(f.sink.records.size() == 60 * kClients);
  }

  TEST_CASE("a share is limited in bytes too") {
    ServerFixture f;
    const Client busy = f.greet(session(1));
    const Client modest = f.greet(session(2));
    const int size = 4 << 20;
    setsockopt(busy->fd(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    client::SegmentSpec large;
    large.tags = 5;
    large.value = 30 * 1024;
    for (std::uint64_t seq = 1; seq <= 2; ++seq) REQUIRE(busy->send(client::segments(seq, {client::segment(large)})));
    REQUIRE(busy->send(one(3)));
    REQUIRE(modest->send(one(1000)));
    f.turn();
    CHECK(f.seqs() == std::vector<std::uint64_t>{1, 2, 1000, 3});
  }

  TEST_CASE("after a quiet second the loop waits, and the next frame wakes it") {
    ServerFixture f;
    CHECK(f.status().idle);
    const Client client = f.greet();
    CHECK_FALSE(f.status().idle);
    f.loop.advance(LookTimer::kQuiet / 2);
    CHECK_FALSE(f.status().idle);
    f.loop.advance(LookTimer::kQuiet);
    CHECK(f.status().idle);
    REQUIRE(client->send(one(1)));
    f.loop.run_until_idle();  // no time passes
    CHECK(f.seqs() == std::vector<std::uint64_t>{1});
    CHECK_FALSE(f.status().idle);
    // and while traffic flows, what is sent waits for the tick
    REQUIRE(client->send(one(2)));
    f.loop.run_until_idle();
    CHECK(f.sink.records.size() == 1);
    f.turn();
    CHECK(f.sink.records.size() == 2);
  }

  TEST_CASE("the page beats, also when all is quiet") {
    ServerFixture f;
    const Client client = f.connect();
    REQUIRE(client->send(client::hello()));
    f.turn();
    const auto welcome = client->hear();
    REQUIRE(welcome);
    const client::MappedPage page(welcome->fd.get());
    const auto now_ms = [&] {
      return static_cast<std::uint64_t>(
          std::chrono::duration_cast<std::chrono::milliseconds>(f.loop.now().time_since_epoch()).count());
    };
    for (int i = 0; i < 20; ++i) {
      f.loop.advance(std::chrono::milliseconds(ipc_protocol::kBeatPeriodMs));
      CHECK(page.word(layout::kBeat) + ipc_protocol::kBeatPeriodMs >= now_ms());
      CHECK(page.word(layout::kBeat) <= now_ms());
    }
  }

  TEST_CASE("settings go down through the page, also to those who come later") {
    IpcOptions options;
    options.sampling = 5;
    ServerFixture f(options);
    f.server->set_upstream(ipc_protocol::UpstreamState::up);
    const Client client = f.connect();
    REQUIRE(client->send(client::hello()));
    f.turn();
    const auto welcome = client->hear();
    REQUIRE(welcome);
    CHECK(welcome->as<fbs::Welcome>().sampling() == 5);
    CHECK(welcome->as<fbs::Welcome>().upstream() == 1);
    const client::MappedPage page(welcome->fd.get());
    CHECK(page.word(layout::kSampling) == 5);
    CHECK(page.word(layout::kUpstream) == 1);
    f.server->set_sampling(-1);
    f.server->set_enabled(false);
    f.server->set_upstream(ipc_protocol::UpstreamState::down);
    CHECK(page.word(layout::kSampling) == ~std::uint64_t{0});
    CHECK(page.word(layout::kFlags) == 0);
    CHECK(page.word(layout::kUpstream) == 3);
  }

  TEST_CASE("other ignored operations are told to everyone at once, and also that there are none any more") {
    ServerFixture f;
    const Client client = f.greet();
    IpcOptions options = f.options;
    options.ignore = {{".png"}, {"/health/**"}};
    f.server->apply(options);
    auto config = client->hear();
    REQUIRE(config);
    REQUIRE(config->type == client::FrameType::config);
    const std::uint64_t version = config->as<fbs::Config>().version();
    CHECK(config->as<fbs::Config>().ignore_patterns()->Get(0)->str() == "/health/**");
    f.server->apply(options);
    CHECK_FALSE(client->hear());  // nothing new
    options.ignore = {};
    options.ignore.suffixes.clear();
    f.server->apply(options);
    config = client->hear();
    REQUIRE(config);
    CHECK(config->as<fbs::Config>().version() > version);
    const auto* const patterns = config->as<fbs::Config>().ignore_patterns();
    CHECK((patterns == nullptr || patterns->size() == 0));
    CHECK_FALSE(client->closed());
  }

  TEST_CASE("what does not fit into a client's queue is told again when it has read") {
    ServerFixture f;
    const Client client = f.greet();
    IpcOptions options = f.options;
    options.ignore.patterns.assign(20, std::string(200, '/'));
    for (int i = 0; i < 100; ++i) {
      options.ignore.patterns[0] = "/" + std::to_string(i);
      f.server->apply(options);
    }
    CHECK(f.status().counters.unsent > 0);
    std::string last;
    const auto read = [&] {
      while (const auto frame = client->hear())
        if (frame->type == client::FrameType::config) last = frame->as<fbs::Config>().ignore_patterns()->Get(0)->str();
    };
    read();
    CHECK(last != "/99");
    f.loop.advance(Server::kBeat);
    read();
    CHECK(last == "/99");
  }

  TEST_CASE("other caps count for newcomers, and nobody is thrown out") {
    ServerFixture f;
    const Client first = f.greet({.process_epoch = 1});
    const Client second = f.greet({.process_epoch = 2});
    IpcOptions options = f.options;
    options.max_per_user = options.max_connections = 2;
    options.sampling = 3;
    options.drain_interval = std::chrono::milliseconds(5);
    f.server->apply(options);
    CHECK(f.status().max_connections == 2);
    const Client third = f.connect();
    f.turn();
    const auto refusal = third->hear();
    REQUIRE(refusal);
    CHECK(refusal->type == client::FrameType::reject);
    CHECK(f.status().connections == 2);
    options.max_per_user = options.max_connections = 3;
    f.server->apply(options);
    const Client fourth = f.connect();
    REQUIRE(fourth->send(client::hello({.process_epoch = 4})));
    f.turn();
    const auto welcome = fourth->hear();
    REQUIRE(welcome);
    CHECK(welcome->as<fbs::Welcome>().sampling() == 3);
  }

  TEST_CASE("draining tells everyone, refuses newcomers and reads on") {
    ServerFixture f;
    const Client client = f.connect();
    REQUIRE(client->send(client::hello()));
    f.turn();
    const auto welcome = client->hear();
    REQUIRE(welcome);
    const client::MappedPage page(welcome->fd.get());
    const Client silent = f.connect();
    f.turn();
    f.server->begin_drain(std::chrono::milliseconds(500), std::chrono::seconds(2), std::chrono::seconds(3));
    CHECK(page.word(layout::kFlags) == (ipc_protocol::kPageEnabled | ipc_protocol::kPageDraining));
    CHECK(page.word(layout::kFramesWaiting) == 3);
    auto heard = client->hear();
    REQUIRE(heard);
    REQUIRE(heard->type == client::FrameType::config);
    heard = client->hear();
    REQUIRE(heard);
    REQUIRE(heard->type == client::FrameType::drain);
    CHECK(heard->as<fbs::Drain>().send_within_ms() == 500);
    CHECK(heard->as<fbs::Drain>().reconnect_after_ms() == 2000);
    CHECK(heard->as<fbs::Drain>().jitter_ms() == 3000);
    const Client newcomer = f.connect();
    f.turn();
    CHECK(newcomer->rejected() == RejectCode::shutting_down);
    CHECK(newcomer->retry_after_ms == 2000);
    REQUIRE(silent->send(client::hello(session(2))));
    REQUIRE(client->send(one(1)));
    f.turn();
    CHECK(silent->rejected() == RejectCode::shutting_down);
    CHECK(f.seqs() == std::vector<std::uint64_t>{1});
    CHECK(f.status().draining);
  }

  TEST_CASE("stopping shows the last marks and leaves what is unread to the client") {
    ServerFixture f;
    const Client client = f.connect();
    REQUIRE(client->send(client::hello()));
    REQUIRE(client->send(one(1)));
    f.turn();
    const auto welcome = client->hear();
    REQUIRE(welcome);
    const client::MappedPage page(welcome->fd.get());
    REQUIRE(client->send(one(2)));
    f.listener.connected[0]->ledger.deliver(1);
    f.server->stop();
    CHECK(page.word(layout::kAccepted) == 1);
    CHECK(page.word(layout::kSettled) == 1);
    CHECK(client->closed());
    CHECK(f.listener.disconnected.empty());
    CHECK_FALSE(f.listener.connected[0]->connected);
    CHECK(f.loop.next_due() == Tick::max());
    f.server->on_room();
    f.loop.advance(std::chrono::seconds(1));
    CHECK(f.sink.records.size() == 1);
  }

  TEST_CASE("many short-lived clients all arrive") {
    ServerFixture f;
    constexpr std::uint64_t kClients = 500;
    for (std::uint64_t epoch = 1; epoch <= kClients; ++epoch) {
      client::RawClient client(f.options.path);
      REQUIRE(client.connected());
      REQUIRE(client.send(client::hello(session(epoch))));
      REQUIRE(client.send(one(1)));
      REQUIRE(client.send(client::bye(1)));
      client.close();
      if (epoch % 100 == 0) f.turn();
    }
    f.turn();
    CHECK(f.sink.records.size() == kClients);
    CHECK(f.listener.disconnected.size() == kClients);
    CHECK(f.status().connections == 0);
    CHECK(f.agents.totals().received == kClients);
  }
}
