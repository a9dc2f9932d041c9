#include "systemd/service_report.h"

#include "fake_loop.h"
#include "manager_socket.h"
#include "scratch_directory.h"

using namespace sidecar;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  explicit Fixture(Duration watchdog = 0s)
      : manager(directory.at("notify")), report(loop, directory.at("notify"), watchdog, [this] {
          ++asked;
          return text;
        }) {}

  const ScratchDirectory directory;
  FakeLoop loop;
  ManagerSocket manager;
  std::string text = "up";
  unsigned asked = 0;
  ServiceReport report;
};

}  // namespace

TEST_SUITE("systemd/service_report") {
  TEST_CASE("READY comes when the loop turns, not before") {
    Fixture f;
    f.loop.run_until_idle();
    f.report.refresh();
    CHECK(f.manager.hear_all().empty());
    f.report.serving();
    CHECK(f.manager.hear_all().empty());
    f.loop.run_until_idle();
    CHECK(f.manager.hear_all() == "READY=1\nSTATUS=up\n");
  }

  TEST_CASE("the line is refreshed each ten seconds, and at once when something has changed") {
    Fixture f;
    f.report.serving();
    f.loop.run_until_idle();
    f.manager.hear_all();
    f.text = "collector away";
    f.loop.advance(9s);
    CHECK(f.manager.hear_all().empty());
    f.loop.advance(1s);
    CHECK(f.manager.hear_all() == "STATUS=collector away\n");
    f.text = "up";
    f.report.refresh();
    CHECK(f.manager.hear_all() == "STATUS=up\n");
  }

  TEST_CASE("signs of life come at least twice in the watchdog's time, also while stopping") {
    Fixture f(3s);
    f.report.serving();
    f.loop.run_until_idle();
    std::size_t signs = 0;
    for (unsigned second = 0; second < 30; ++second) {
      f.loop.advance(1s);
      signs += count(f.manager.hear_all(), "WATCHDOG=1\n");
    }
    CHECK(signs == 30);
    f.report.stopping();
    f.loop.advance(3s);
    const std::string said = f.manager.hear_all();
    CHECK(count(said, "STOPPING=1\n") == 1);
    CHECK(count(said, "WATCHDOG=1\n") >= 2);
  }

  TEST_CASE("without a watchdog there are none") {
    Fixture f;
    f.report.serving();
    f.loop.advance(60s);
    CHECK(count(f.manager.hear_all(), "WATCHDOG") == 0);
  }

  TEST_CASE("without a manager nothing is asked and no timer runs") {
    FakeLoop loop;
    unsigned asked = 0;
    ServiceReport report(loop, "", 3s, [&asked] {
      ++asked;
      return std::string();
    });
    report.serving();
    report.refresh();
    report.stopping();
    loop.advance(60s);
    CHECK(asked == 0);
    CHECK_FALSE(loop.next_due() < loop.now() + 1h);
  }

  TEST_CASE("A reload is told with its time, and ended; before READY it is nothing to speak of") {
    Fixture f;
    f.report.reloading();
    f.report.reloaded();
    CHECK(f.manager.hear_all().empty());
    f.report.serving();
    f.loop.run_until_idle();
    f.manager.hear_all();
    f.report.reloading();
    const std::string told = f.manager.hear_all();
    CHECK(told.starts_with("RELOADING=1\nMONOTONIC_USEC="));
    f.text = "up, with other settings";
    f.report.reloaded();
    CHECK(f.manager.hear_all() == "READY=1\nSTATUS=up, with other settings\n");
  }
}
