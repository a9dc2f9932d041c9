#include "systemd/notifier.h"

#include "fake_loop.h"
#include "manager_socket.h"
#include "scratch_directory.h"

using namespace sidecar;

namespace {

struct Fixture {
  Fixture() { start_log(LogOptions{LogLevel::error}); }
  const ScratchDirectory directory;
  const std::string path = directory.at("notify");
  FakeLoop loop;
};

}  // namespace

TEST_SUITE("systemd/notifier") {
  TEST_CASE("each state is a line of its own") {
    Fixture f;
    ManagerSocket manager(f.path);
    Notifier notifier(f.loop, f.path);
    CHECK(notifier.enabled());
    notifier.ready();
    CHECK(manager.hear() == "READY=1\n");
    notifier.status("up: 1 instance");
    CHECK(manager.hear() == "STATUS=up: 1 instance\n");
    notifier.alive();
    CHECK(manager.hear() == "WATCHDOG=1\n");
    notifier.stopping();
    CHECK(manager.hear() == "STOPPING=1\n");
    CHECK(manager.hear().empty());
    CHECK_FALSE(f.loop.next_due() < f.loop.now() + std::chrono::hours(1));
  }

  TEST_CASE("an abstract address works") {
    Fixture f;
    const std::string name = "@" + f.path;  // as unique as the directory
    ManagerSocket manager(name);
    Notifier notifier(f.loop, name);
    notifier.alive();
    CHECK(manager.hear() == "WATCHDOG=1\n");
  }

  TEST_CASE("a manager that does not read never holds us up, and is told the newest of each kind when it does") {
    Fixture f;
    ManagerSocket manager(f.path);
    Notifier notifier(f.loop, f.path);
    // More than its queue takes (net.unix.max_dgram_qlen), whatever that is.
    unsigned sent = 0;
    const auto waits = [&f] { return f.loop.next_due() <= f.loop.now() + Notifier::kRetry; };
    for (; sent < 100'000 && !waits(); ++sent) notifier.status("old");
    REQUIRE(waits());
    notifier.status("older than the last");
    notifier.ready();
    notifier.alive();
    notifier.alive();
    notifier.status("newest");
    f.loop.advance(Notifier::kRetry * 3);  // still full
    const std::string old = manager.hear_all();
    CHECK(count(old, "STATUS=old\n") == sent - 1);
    CHECK(count(old, "READY") == 0);
    f.loop.advance(Notifier::kRetry);
    CHECK(manager.hear() == "READY=1\nWATCHDOG=1\nSTATUS=newest\n");
    f.loop.advance(Notifier::kRetry * 3);
    CHECK(manager.hear().empty());
  }

  TEST_CASE("a manager that comes back is told what it missed") {
    Fixture f;
    Notifier notifier(f.loop, f.path);
    notifier.ready();
    ManagerSocket manager(f.path);
    CHECK(manager.hear().empty());
    f.loop.advance(Notifier::kRetry);
    CHECK(manager.hear() == "READY=1\n");
  }

  TEST_CASE("text cannot add a line of its own, nor grow without bound") {
    Fixture f;
    ManagerSocket manager(f.path);
    Notifier notifier(f.loop, f.path);
    notifier.status("a\nMAINPID=1\x1b");
    CHECK(manager.hear() == "STATUS=a\\x0aMAINPID=1\\x1b\n");
    notifier.status(std::string(10'000, 'x'));
    CHECK(manager.hear().size() <= Notifier::kMaxStatus + sizeof "STATUS=");
  }

  TEST_CASE("without a manager, or with an address that is none, nothing is sent") {
    Fixture f;
    for (const std::string& address : {std::string(), std::string("notify"), std::string("@"), std::string("vsock:2:1"),
                                       "/" + std::string(200, 'x')}) {
      Notifier notifier(f.loop, address);
      CHECK_FALSE(notifier.enabled());
      notifier.ready();
      CHECK_FALSE(f.loop.next_due() < f.loop.now() + std::chrono::hours(1));
    }
  }

  TEST_CASE("the longest path that is an address works whole") {
    Fixture f;
    const std::string longest = f.directory.at(std::string(107 - f.directory.path().size() - 1, 'n'));
    ManagerSocket manager(longest);
    Notifier notifier(f.loop, longest);
    notifier.alive();
    CHECK(manager.hear() == "WATCHDOG=1\n");
  }

  TEST_CASE("a descriptor is stored under its name until it is removed") {
    Fixture f;
    ManagerSocket manager(f.path);
    Notifier notifier(f.loop, f.path);
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    const ScopedFd other(ends[1]);
    {
      const ScopedFd one(ends[0]);
      REQUIRE(notifier.store("cabcdefg", one.get()));
      manager.hear_all();
    }
    REQUIRE(manager.store().contains("cabcdefg"));
    // Ours is closed, theirs is the same socket.
    CHECK(send(other.get(), "x", 1, MSG_NOSIGNAL) == 1);
    REQUIRE(notifier.remove("cabcdefg"));
    manager.hear_all();
    CHECK(manager.store().empty());
    CHECK(send(other.get(), "x", 1, MSG_NOSIGNAL) == -1);
  }

  TEST_CASE("without a manager that listens, nothing is stored and whoever asks is told") {
    Fixture f;
    Notifier nobody(f.loop, "");
    CHECK_FALSE(nobody.store("c", 0));
    CHECK_FALSE(nobody.remove("c"));
    Notifier away(f.loop, f.path);
    CHECK_FALSE(away.store("c", 0));
    CHECK_FALSE(away.remove("c"));
  }
}
