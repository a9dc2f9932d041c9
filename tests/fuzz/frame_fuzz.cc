// A whole connection: the input is a row of datagrams, each with two bytes of
// length before it (the highest bit: let time pass first), sent through a real
// socket to a server-side session. Whatever comes, the ledger balances, no mark
// passes what was sent, and the end is told once for each beginning.

#include <sys/socket.h>

#include <cstring>
#include <vector>

#include "fake_loop.h"
#include "ipc/connection.h"
#include "require.h"

namespace {

using namespace sidecar;

struct Counting final : RecordSink, AgentListener {
  bool has_room(const Agent&) const override { return true; }
  void take(Record record) override {
    ++taken;
    record.agent().ledger.deliver(record.seq());
  }
  void on_agent_connected(const AgentPtr& agent, ScopedFd) override {
    require(agent->connected);
    ++connected;
  }
  void on_agent_disconnected(const AgentPtr& agent) override {
    require(!agent->connected);
    ++disconnected;
  }
  std::uint64_t taken = 0;
  unsigned connected = 0;
  unsigned disconnected = 0;
};

struct NoClaims final : SessionClaims {
  bool claim(const Agent&, const Connection&) override { return true; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool quiet = (start_log(LogOptions{LogLevel::error}), true);
  require(quiet);
  int ends[2];
  require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  ScopedFd client(ends[1]);
  ScopedFd server(ends[0]);
  const int on = 1;
  require(setsockopt(server.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0);
  auto peer = identify_peer(server.get(), {});
  require(peer.has_value());

  FakeLoop loop;
  AgentTable agents("host");
  Counting counting;
  NoClaims claims;
  IpcShared shared(loop, agents, counting, counting, 7);
  Connection connection(1, std::move(server), std::move(*peer), shared, claims);

  Connection::Progress progress = Connection::Progress::idle;
  const auto serve = [&] {
    do progress = connection.serve();
    while (progress == Connection::Progress::more);
    require(progress != Connection::Progress::blocked);
    connection.write_marks();
  };
  while (size >= 2 && progress != Connection::Progress::ended) {
    const std::size_t length = std::min<std::size_t>((data[0] | data[1] << 8) & 0x7FFF, size - 2);
    if ((data[1] & 0x80) != 0) loop.advance(std::chrono::seconds(20));
    send(client.get(), data + 2, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    data += 2 + length;
    size -= 2 + length;
    serve();
  }
  client.reset();
  if (progress != Connection::Progress::ended) serve();
  require(progress == Connection::Progress::ended);

  require(counting.connected == counting.disconnected && counting.connected <= 1);
  const LedgerCounts counts = agents.totals();
  require(counts.owed() == 0 && counts.delivered == counting.taken);
  agents.for_each([](const AgentPtr& agent) {
    require(!agent->connected);
    require(agent->ledger.settled() == agent->ledger.accepted());
  });
  return 0;
}
