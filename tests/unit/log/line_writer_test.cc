#include "log/line_writer.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <sstream>
#include <thread>
#include <vector>

#include "log/log.h"

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

  TEST_CASE("a pipe of another user's, which cannot be opened anew, is asked first and not waited for either") {
    if (geteuid() != 0) return;  // only root can be another user
    Pair pair(false);
    REQUIRE(seteuid(65534) == 0);
    LineWriter writer(pair.writer.get());
    int taken = 0;
    while (taken < 100'000 && writer.write(line(taken))) ++taken;
    CHECK(seteuid(0) == 0);
    CHECK(taken > 10);
    CHECK(taken < 100'000);
    CHECK(pair.read_some().size() > 8 * line(0).size());
    CHECK(writer.write("after\n"));
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

  TEST_CASE("a file that is put in the descriptor's place is written to from then on") {
    Pair first(false), second(false);
    LineWriter writer(first.writer.get());
    CHECK(writer.write("one\n"));
    REQUIRE(dup2(second.writer.get(), first.writer.get()) >= 0);
    CHECK(writer.write("two\n"));
    CHECK(first.read_some() == "one\n");
    CHECK(second.read_some() == "two\n");
  }

  TEST_CASE("lines of several threads do not mix") {
    Pair pair(false);
    const ScopedFd own(dup(STDERR_FILENO));
    REQUIRE(dup2(pair.writer.get(), STDERR_FILENO) >= 0);
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 4; ++i)
        threads.emplace_back([i] {
          for (int n = 0; n < 50; ++n) log_info("thread {} says {} times {}", i, n, std::string(20, 'x'));
        });
    }
    REQUIRE(dup2(own.get(), STDERR_FILENO) >= 0);
    std::istringstream all(pair.read_some());
    int lines = 0;
    for (std::string line; std::getline(all, line); ++lines) {
      CAPTURE(line);
      CHECK(line.find(" info thread ") != std::string::npos);
      CHECK(line.ends_with(" times xxxxxxxxxxxxxxxxxxxx"));
    }
    CHECK(lines == 200);
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
