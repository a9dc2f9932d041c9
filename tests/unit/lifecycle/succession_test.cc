#include "lifecycle/succession.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/process.h"
#include "handover/boot_id.h"
#include "handover/snapshot.h"
#include "manager_socket.h"
#include "parts.h"

using namespace sidecar;
using namespace std::chrono_literals;

namespace {

// One daemon, and the manager that it stores with.
struct Reign {
  // `notify`: whether there is one. Several share a `state` directory.
  explicit Reign(const std::string& state = {}, bool notify = true)
      : manager(parts.directory.at("notify")),
        notifier(parts.loop, notify ? parts.directory.at("notify") : ""),
        directory(state.empty() ? parts.directory.path() : state, "", read_boot_id()),
        succession({parts.loop, parts.random, parts.agents, parts.server, parts.sessions, notifier, directory}, 7) {
    start_log(LogOptions{LogLevel::error});
  }
  // A client that has said HELLO; returns its end.
  ScopedFd connect(std::uint64_t epoch) {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    AgentIdentity identity = make_identity("shop", "shop-1", epoch);
    identity.uid = getuid();
    identity.pid = getpid();
    identity.start_ticks = start_ticks_of(getpid(), open_process(getpid(), getuid()).get());
    const AgentPtr agent = parts.agents.add(std::move(identity), -1, 30, parts.loop.now());
    REQUIRE(parts.server.resume(ScopedFd(ends[1]), agent) != 0);
    return ScopedFd(ends[0]);
  }
  // The manager reads now and then.
  void pass(Duration time) {
    for (; time > 0s; time -= 100ms) {
      parts.loop.advance(100ms);
      heard += manager.hear_all();
    }
  }
  // What a successor is given: copies, as the manager keeps its own.
  std::vector<HandedOver> left() {
    std::vector<HandedOver> all;
    for (const auto& [name, fd] : manager.store()) all.push_back({name, ScopedFd(dup(fd.get()))});
    return all;
  }
  std::size_t connections() {
    std::size_t count = 0;
    for (const auto& [name, fd] : manager.store()) count += name[0] == kConnectionLetter ? 1 : 0;
    return count;
  }

  Parts parts;
  ManagerSocket manager;
  Notifier notifier;
  StateDirectory directory;
  Succession succession;
  std::string heard;
};

// Whether the other end was closed.
bool ended(const ScopedFd& client) {
  char bytes[256];
  for (;;) {
    const ssize_t size = recv(client.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (size <= 0) return size == 0 || errno == ECONNRESET;
  }
}

std::uint64_t generation(const ScopedFd& memory) {
  std::vector<std::uint8_t> bytes(65'536);
  REQUIRE(pread(memory.get(), bytes.data(), bytes.size(), 0) > 0);
  const auto table = decode_table(bytes);
  REQUIRE(table);
  return table->generation;
}

void spoil(const ScopedFd& table) {
  const char garbage[] = "half written";
  REQUIRE(pwrite(table.get(), garbage, sizeof garbage, 30) == sizeof garbage);
}

}  // namespace

TEST_SUITE("lifecycle/succession") {
  TEST_CASE("a connection is stored when it has lived for two seconds, after the table that names its session") {
    Reign reign;
    reign.succession.start({});
    const ScopedFd client = reign.connect(1);
    reign.pass(1900ms);
    CHECK(reign.manager.store().empty());
    reign.pass(1s);
    REQUIRE(reign.manager.store().size() == 2);
    CHECK(reign.succession.stored() == 1);
    CHECK(reign.heard.find("FDNAME=table") < reign.heard.find("FDNAME=c"));
    // By name: the connection's "c..." comes before "table1".
    const std::string name = reign.manager.store().begin()->first;
    CHECK(name.size() == kMaxConnectionName);
    const ScopedFd& memory = reign.manager.store().at("table1");
    std::vector<std::uint8_t> bytes(4096);
    REQUIRE(pread(memory.get(), bytes.data(), bytes.size(), 0) > 0);
    const auto table = decode_table(bytes);
    REQUIRE(table);
    REQUIRE(table->sessions.size() == 1);
    CHECK(table->sessions[0].connection == name);
    CHECK(table->sessions[0].settled == 30);
  }

  TEST_CASE("one that ends before is never stored, one that ends later is removed") {
    Reign reign;
    reign.succession.start({});
    ScopedFd brief = reign.connect(1);
    ScopedFd lasting = reign.connect(2);
    reign.pass(1s);
    brief.reset();
    reign.pass(3s);
    CHECK(reign.connections() == 1);
    lasting.reset();
    reign.pass(1s);
    CHECK(reign.connections() == 0);
    CHECK(reign.succession.stored() == 0);
    CHECK(count(reign.heard, "FDSTOREREMOVE=1") == 1);
  }

  TEST_CASE("a manager that does not keep up gets the rest later") {
    Reign reign;
    reign.succession.start({});
    std::vector<ScopedFd> clients;
    for (std::uint64_t epoch = 1; epoch <= 40; ++epoch) clients.push_back(reign.connect(epoch));
    reign.parts.loop.advance(3s);  // nobody reads
    CHECK(reign.succession.stored() < 40);
    for (unsigned look = 0; look < 60; ++look) reign.pass(1s);
    CHECK(reign.succession.stored() == 40);
    CHECK(reign.connections() == 40);
    // And the same when they all go at once.
    clients.clear();
    reign.parts.loop.advance(1s);
    for (unsigned look = 0; look < 60; ++look) reign.pass(1s);
    CHECK(reign.connections() == 0);
  }

  TEST_CASE("a successor goes on with each connection as its session, from its marks") {
    Reign first;
    first.succession.start({});
    const ScopedFd one = first.connect(1);
    const ScopedFd other = first.connect(2);
    first.pass(4s);
    first.parts.server.stop();
    CHECK_FALSE(ended(one));
    Reign second;
    second.succession.start(first.left());
    CHECK(second.succession.inherited() == 2);
    CHECK(second.succession.stored() == 2);
    const AgentPtr agent = second.parts.agents.find({0x1111, 0x2222, 1});
    REQUIRE(agent);
    CHECK(agent->connected);
    CHECK(agent->identity.instance == "shop-1");
    CHECK(agent->ledger.accepted() == 30);
    CHECK(second.parts.sessions.find(*agent) != nullptr);
    CHECK_FALSE(ended(one));
    // Its successor finds them under the names they have.
    second.pass(12s);
    CHECK(second.heard.find("FDNAME=c") == std::string::npos);
    CHECK(second.parts.server.status().connections == 2);
  }

  TEST_CASE("of two tables the newer whole one counts, and it goes on from there") {
    Reign first;
    first.succession.start({});
    const ScopedFd early = first.connect(1);
    first.pass(3s);
    const ScopedFd late = first.connect(2);
    first.pass(3s);
    REQUIRE(first.manager.store().contains("table0"));
    REQUIRE(first.manager.store().contains("table1"));
    std::size_t inherited = 2;
    SUBCASE("both whole") {}
    const bool first_is_newer =
        generation(first.manager.store().at("table0")) > generation(first.manager.store().at("table1"));
    const ScopedFd& newer = first.manager.store().at(first_is_newer ? "table0" : "table1");
    const ScopedFd& older = first.manager.store().at(first_is_newer ? "table1" : "table0");
    SUBCASE("the older one is spoilt") { spoil(older); }
    SUBCASE("the newer one is spoilt: who came since comes back by itself") {
      spoil(newer);
      inherited = 1;
    }
    SUBCASE("both are spoilt") {
      spoil(first.manager.store().at("table0"));
      spoil(first.manager.store().at("table1"));
      inherited = 0;
    }
    first.parts.server.stop();
    Reign second;
    second.succession.start(first.left());
    CHECK(second.succession.inherited() == inherited);
    CHECK(second.parts.server.status().connections == inherited);
    // Those of unknown sessions leave the store, or their clients would never hear of their end.
    second.pass(2s);
    CHECK(count(second.heard, "FDSTOREREMOVE=1") == 2 - inherited);
    first.manager.store().clear();
    CHECK(ended(late) == (inherited < 2));
    CHECK(ended(early) == (inherited < 1));
  }

  TEST_CASE("what is stored twice under a name is used once and not removed") {
    Reign first;
    first.succession.start({});
    const ScopedFd client = first.connect(1);
    first.pass(3s);
    first.parts.server.stop();
    std::vector<HandedOver> left = first.left();
    for (HandedOver& again : first.left()) left.push_back(std::move(again));
    Reign second;
    second.succession.start(std::move(left));
    CHECK(second.succession.inherited() == 1);
    second.pass(2s);
    CHECK(count(second.heard, "FDSTOREREMOVE") == 0);
    CHECK_FALSE(ended(client));
  }

  TEST_CASE("the marks are written again from time to time, and at the end") {
    Reign reign;
    reign.succession.start({});
    const ScopedFd client = reign.connect(1);
    reign.pass(3s);
    const AgentPtr agent = reign.parts.agents.find({0x1111, 0x2222, 1});
    REQUIRE(agent->ledger.receive(31) == Ledger::Receipt::fresh);
    agent->ledger.deliver(31);
    const auto newest = [&reign] {
      Reign next;
      next.succession.start(reign.left());
      return next.parts.agents.find({0x1111, 0x2222, 1})->ledger.settled();
    };
    SUBCASE("from time to time") { reign.pass(11s); }
    SUBCASE("at the end, when the server has stopped") {
      reign.parts.server.stop();
      reign.succession.leave();
      reign.manager.hear_all();
    }
    CHECK(newest() == 31);
  }

  TEST_CASE("without a manager nothing is kept and no timer runs") {
    Reign reign({}, false);
    reign.succession.start({});
    const ScopedFd client = reign.connect(1);
    reign.pass(60s);
    CHECK(reign.succession.stored() == 0);
    CHECK(reign.heard.empty());
  }

  // What the daemon that `first` was leaves in `state` when it ends.
  void end(Reign & first) {
    first.parts.server.stop();
    first.succession.leave();
  }

  TEST_CASE(
      "where no connection was kept, its session stays registered by the state directory, while its process lives") {
    const ScratchDirectory state;
    bool manager = true;
    SUBCASE("as after systemctl stop") {}
    SUBCASE("without a manager") { manager = false; }
    {
      Reign first(state.path(), manager);
      first.succession.start({});
      const ScopedFd client = first.connect(1);
      const ScopedFd young = first.connect(2);
      first.pass(5s);
      end(first);
    }
    CHECK(std::filesystem::exists(state.at(kSnapshotName)));
    {
      Reign second(state.path(), manager);
      second.succession.start({});
      CHECK_FALSE(std::filesystem::exists(state.at(kSnapshotName)));
      CHECK(second.succession.inherited() == 0);
      CHECK(second.succession.awaited() == 2);
      const AgentPtr agent = second.parts.agents.find({0x1111, 0x2222, 1});
      REQUIRE(agent);
      CHECK(agent->awaited);
      CHECK_FALSE(agent->connected);
      CHECK(agent->identity.instance == "shop-1");
      CHECK(agent->ledger.settled() == 30);
      CHECK(second.parts.sessions.find(*agent) != nullptr);
      // The next one is told the same, though nobody has connected meanwhile.
      end(second);
    }
    Reign third(state.path(), manager);
    third.succession.start({});
    CHECK(third.succession.awaited() == 2);
  }

  TEST_CASE("a snapshot that is not of this boot, or whose processes are others, is nobody's") {
    const ScratchDirectory state;
    const ScopedFd directory(open(state.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    IdentityTable table;
    table.boot = read_boot_id();
    LeftSession session;
    session.identity = make_identity("shop", "shop-1", 1);
    session.identity.said = {"shop", "shop-1"};
    session.identity.uid = getuid();
    session.identity.pid = getpid();
    session.identity.start_ticks = start_ticks_of(getpid(), open_process(getpid(), getuid()).get());
    std::size_t awaited = 0;
    SUBCASE("as it is") { awaited = 1; }
    SUBCASE("another boot") { ++table.boot.low; }
    SUBCASE("no boot known") { table.boot = {}; }
    SUBCASE("began at another time") { ++session.identity.start_ticks; }
    SUBCASE("began at a time that nobody knows") { session.identity.start_ticks = 0; }
    SUBCASE("a process that cannot be seen") { session.identity.pid = 0; }
    table.sessions.push_back(session);
    REQUIRE(write_snapshot(directory.get(), encode_table(table).bytes));
    Reign reign(state.path());
    reign.succession.start({});
    CHECK(reign.succession.awaited() == awaited);
    CHECK(reign.parts.agents.size() == awaited);
    CHECK_FALSE(std::filesystem::exists(state.at(kSnapshotName)));
  }

  TEST_CASE("what the manager kept counts before the state directory, which is cleared all the same") {
    const ScratchDirectory state;
    Reign first(state.path());
    first.succession.start({});
    const ScopedFd client = first.connect(1);
    first.pass(3s);
    end(first);
    first.manager.hear_all();
    std::vector<HandedOver> left = first.left();
    SUBCASE("all") {}
    SUBCASE("without the connection: the table has its session, which is awaited") {
      std::erase_if(left, [](const HandedOver& one) { return one.name[0] == kConnectionLetter; });
    }
    SUBCASE("nothing that can be read: the state directory has it") {
      for (const char* name : kTableNames)
        if (first.manager.store().contains(name)) spoil(first.manager.store().at(name));
    }
    Reign second(state.path());
    const bool whole = left.size() == first.manager.store().size();
    second.succession.start(std::move(left));
    CHECK(second.succession.inherited() + second.succession.awaited() == 1);
    if (whole) CHECK(second.succession.inherited() == 1);
    CHECK_FALSE(std::filesystem::exists(state.at(kSnapshotName)));
  }

  TEST_CASE("whatever stands in the state directory's place, or in the file's, a daemon begins and ends") {
    const ScratchDirectory scratch;
    std::string state = scratch.at("state");
    const std::string file = state + "/" + kSnapshotName;
    std::filesystem::create_directory(state);
    SUBCASE("garbage") { std::ofstream(file) << "no table"; }
    SUBCASE("a directory") { std::filesystem::create_directory(file); }
    SUBCASE("a link to elsewhere") { std::filesystem::create_symlink("/etc/hostname", file); }
    SUBCASE("a directory where the file is made") { std::filesystem::create_directory(file + ".new"); }
    SUBCASE("nothing") { std::filesystem::remove_all(state); }
    SUBCASE("a file") {
      std::filesystem::remove_all(state);
      std::ofstream(state) << "x";
    }
    Reign reign(state);
    reign.succession.start({});
    CHECK(reign.succession.awaited() == 0);
    const ScopedFd client = reign.connect(1);
    reign.pass(3s);
    end(reign);
  }
}
