// What a careless operator and a hostile client do to the real daemon.

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <random>

#include "app_process.h"
#include "arrivals.h"

using namespace sidecar;
using namespace sidecar::test;

namespace {

int connect_to(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? fd : -1;
}

// Runs the daemon on this configuration; it must refuse it. What it printed.
std::string refusal(const std::string& yaml, int expected = 2) {
  TemporaryDirectory directory;
  std::string output;
  CHECK(run({program("sw-sidecar"), "--config", directory.write("sidecar.yaml", yaml)}, &output) == expected);
  return output;
}

}  // namespace

TEST_SUITE("integration/bad_input") {
  TEST_CASE("every mistake in a configuration is named by line and column, in one pass") {
    const std::string output = refusal("colector: {addresses: [a:1]}\ncarrier:\n  slots: many\n");
    CAPTURE(output);
    CHECK(output.find("sidecar.yaml:1:1: colector: ") != std::string::npos);
    CHECK(output.find("did you mean 'collector'") != std::string::npos);
    CHECK(output.find("sidecar.yaml:3:10: carrier.slots: ") != std::string::npos);
    CHECK(output.find("collector.addresses") != std::string::npos);
  }

  TEST_CASE("a configuration that is no YAML, missing, or a directory") {
    CHECK(refusal("a: [1\n").find("sidecar.yaml:2:") != std::string::npos);
    std::string output;
    CHECK(run({program("sw-sidecar"), "--config", "/nonexistent/sidecar.yaml"}, &output) == 2);
    CHECK(output.find("/nonexistent/sidecar.yaml") != std::string::npos);
    CHECK(run({program("sw-sidecar"), "--config", "/"}, &output) == 2);
    CHECK(output.find("directory") != std::string::npos);
  }

  TEST_CASE("--check-config says yes or no and starts nothing") {
    TemporaryDirectory directory;
    const std::string good = directory.write("good.yaml", "collector:\n  addresses: [\"127.0.0.1:11800\"]\n");
    std::string output;
    CHECK(run({program("sw-sidecar"), "--check-config", "--config", good}, &output) == 0);
    CHECK(output.find("valid") != std::string::npos);
    const std::string doubtful = directory.write(
        "doubtful.yaml", "collector:\n  addresses: [\"127.0.0.1:11800\"]\n  token_file: /nonexistent/token\n");
    CHECK(run({program("sw-sidecar"), "--check-config", "--config", doubtful}, &output) == 0);
    CHECK(output.find("doubtful.yaml:3:3: warning: collector.token_file: /nonexistent/token: no such file") !=
          std::string::npos);
    const std::string bad = directory.write("bad.yaml", "collector:\n  addresses: []\n");
    CHECK(run({program("sw-sidecar"), "--check-config", "--config", bad}, &output) == 2);
  }

  TEST_CASE("unknown options end with 2, --help and --version with 0") {
    std::string output;
    CHECK(run({program("sw-sidecar"), "--bogus"}, &output) == 2);
    CHECK(run({program("sw-sidecar"), "--help"}, &output) == 0);
    CHECK(output.find("--check-config") != std::string::npos);
    CHECK(run({program("sw-sidecar"), "--version"}, &output) == 0);
    CHECK(output.find("sw-sidecar 0.") != std::string::npos);
  }

  TEST_CASE("clients that send garbage are refused, counted, and harm nobody") {
    TestCollector collector;
    Daemon daemon(collector.address());
    daemon.start();
    IdleApp app(daemon.socket(), "polite", 5);
    std::mt19937 random(20261124);
    for (int i = 0; i < 200; ++i) {
      const int fd = connect_to(daemon.socket());
      REQUIRE(fd >= 0);
      std::string bytes(1 + random() % 3000, '\0');
      for (char& c : bytes) c = static_cast<char>(random());
      if (i % 4 == 0)
        bytes.replace(0, std::min<std::size_t>(bytes.size(), 8),
                      std::string("SWS\x01\x04\x41\0\0", 8).substr(0, bytes.size()));
      CHECK(send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
      close(fd);
    }
    app.finish(5);
    CHECK(wait_until([&] {
      app.flush(500);
      return all_arrived_once(collector, "polite", 10);
    }));
    CHECK(wait_until([&] {
      const nlohmann::json all = daemon.status();
      std::uint64_t refused = 0;
      for (const auto& [code, count] : all["socket"]["refused"].items()) refused += count.get<std::uint64_t>();
      return refused == 200;
    }));
    CHECK(daemon.stop() == 0);
    // no flood in the log, whatever was thrown at it
    CHECK(daemon.log().size() < 20'000);
  }
}
