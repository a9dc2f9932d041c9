#include "log/line_writer.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>

using namespace sidecar;

namespace {

struct Pair {
  explicit Pair(bool sockets) {
    int both[2];
    REQUIRE((sockets ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) : pipe2(both, O_CLOEXEC)) == 0);
    reader.reset(both[0]);
    writer.reset(both[1]);
  }
  std::string read_some() {
    std::string text(1u << 20, '\0');
    const ssize_t size = read(reader.get(), text.data(), text.size());
    return text.substr(0, size < 0 ? 0 : static_cast<std::size_t>(size));
  }
  ScopedFd reader, writer;
};

std::string line(int number) { return std::to_string(number) + std::string(500, 'x') + "\n"; }

}  // namespace

TEST_SUITE("log/line_writer") {
  TEST_CASE("a reader that sleeps costs lines and no time, and is not waited for") {
    for (const bool sockets : {false, true}) {
      CAPTURE(sockets);
      Pair pair(sockets);
      LineWriter writer(pair.writer.get());
      int taken = 0;
      while (taken < 100'000 && writer.write(line(taken))) ++taken;
      REQUIRE(taken > 10);
      REQUIRE(taken < 100'000);
      CHECK_FALSE(writer.write(line(taken)));
      // Whoever shares the descriptor waits as before.
      CHECK((fcntl(pair.writer.get(), F_GETFL) & O_NONBLOCK) == 0);
      CHECK(pair.read_some().size() > 8 * line(0).size());
      CHECK(writer.write("after\n"));
    }
  }

  TEST_CASE("what was taken is whole lines, in order") {
    Pair pair(true);
    LineWriter writer(pair.writer.get());
    int taken = 0;
    std::string expected;
    for (; writer.write(line(taken)); ++taken) expected += line(taken);
    std::string all;
    while (all.size() < expected.size()) {
      all += pair.read_some();
      writer.write("");  // what was begun is finished
    }
    CHECK(all == expected);
  }

  TEST_CASE("a reader that has gone, or a descriptor that is none, takes nothing and ends nobody") {
    std::signal(SIGPIPE, SIG_IGN);
    Pair pair(false);
    LineWriter writer(pair.writer.get());
    pair.reader.reset();
    CHECK_FALSE(writer.write("x\n"));
    CHECK_FALSE(LineWriter(-1).write("x\n"));
  }
}
