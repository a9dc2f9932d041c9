// Many registrations at once, and any events in any order.

#include <doctest/doctest.h>

#include "registering_world.h"
#include "uplink/v2/pacer.h"

using namespace sidecar;
using namespace sidecar::v2;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_SUITE("uplink/v2/registrations_load") {
  // Whatever a collector answers, in whatever order: then one that behaves.
  TEST_CASE("after any storm all are registered, and only answers by name ever let segments out") {
    std::mt19937 random(7);
    const auto below = [&](unsigned limit) { return static_cast<unsigned>(random()) % limit; };
    for (int round = 0; round < 60; ++round) {
      World world;
      std::vector<Registrations::Handle> all;
      std::vector<Registrations::Question> open;
      const auto any = [&] { return all.empty() ? 0 : all[below(static_cast<unsigned>(all.size()))]; };
      for (int event = 0; event < 400; ++event) {
        world.now += milliseconds(below(2000));
        std::size_t confirmed = 0;
        const auto count = [&] {
          std::size_t sum = 0;
          for (const auto handle : all)
            if (world.registrations.confirmed(handle).instance != 0) ++sum;
          return sum;
        };
        confirmed = count();
        bool answered = false;
        switch (below(9)) {
          case 0:
            all.push_back(world.add("s" + std::to_string(below(3)), "i" + std::to_string(below(6))));
            break;
          case 1:
            if (below(4) == 0) world.registrations.remove(any());
            break;
          case 2:
            if (below(4) == 0) world.registrations.on_lost();
            break;
          case 3:
            world.registrations.on_connected(world.now);
            break;
          case 4:
            world.registrations.on_reset(any(), world.now);
            break;
          case 5:
            if (below(4) == 0) world.registrations.on_doubt(world.now);
            break;
          case 6:
            if (open.empty()) break;
            world.registrations.failed(open[below(static_cast<unsigned>(open.size()))], below(2) == 0, world.now);
            break;
          case 7: {
            if (open.empty()) break;
            std::vector<std::string> names;
            for (unsigned i = 0; i < 6; ++i) names.push_back("NAME:i" + std::to_string(i));
            for (unsigned i = 0; i < 4; ++i) names.push_back("s" + std::to_string(i));
            std::vector<Mapping> answer;
            for (unsigned i = below(12); i > 0; --i)
              answer.push_back({names[below(10)], static_cast<std::int64_t>(below(6)) - 1});
            answered = true;
            world.registrations.answered(open[below(static_cast<unsigned>(open.size()))], answer, world.now);
            break;
          }
          default:
            if (auto question = world.registrations.next(world.now)) open.push_back(std::move(question));
        }
        if (!answered) REQUIRE(count() <= confirmed);
      }
      world.registrations.on_connected(world.now);
      world.run(minutes(2));
      for (const auto handle : all) {
        if (world.registrations.get(handle) == nullptr) continue;
        CAPTURE(round);
        CHECK(world.registrations.confirmed(handle).instance != 0);
        CHECK(world.registrations.get(handle)->number == world.registrations.number());
      }
    }
  }

  TEST_CASE("a thousand instances are registered within thirty seconds by 200 calls a second at most") {
    for (const bool again : {false, true}) {
      World world;
      for (int i = 0; i < 1000; ++i)
        world.add("service-" + std::to_string(i % 300), "instance-" + std::to_string(i) + "@host");
      Pacer pacer(200, 10);
      const auto registered = [&] {
        world.registrations.on_connected(world.now);
        const Tick start = world.now;
        std::vector<Tick> calls;
        while (world.registrations.due() < start + seconds(60)) {
          world.now = std::max({world.now, world.registrations.due(), pacer.next()});
          REQUIRE(pacer.take(world.now));
          REQUIRE(world.server.serve(world.registrations, world.now));
          calls.push_back(world.now);
        }
        for (std::size_t i = 200 + 10; i < calls.size(); ++i) CHECK(calls[i] - calls[i - 210] >= seconds(1));
        std::size_t confirmed = 0;
        for (Registrations::Handle handle = 1; handle <= 1000; ++handle)
          if (world.registrations.confirmed(handle).instance != 0) ++confirmed;
        CHECK(confirmed == 1000);
        const Duration took = calls.back() - start;
        MESSAGE(calls.size() << " calls, " << std::chrono::duration_cast<milliseconds>(took).count() << " ms");
        CHECK(took < seconds(30));
      };
      registered();
      CHECK(world.server.most_names == Registrations::kMaxServices);
      world.registrations.on_lost();
      if (again) world.server.wipe();
      registered();
      CHECK(world.registrations.number() == (again ? 2 : 1));
    }
  }
}

TEST_SUITE("uplink/v2/pacer") {
  TEST_CASE("calls go at the rate, and a few at once after a pause") {
    Pacer pacer(100, 3);
    Tick now{seconds(5)};
    for (int i = 0; i < 3; ++i) CHECK(pacer.take(now));
    CHECK_FALSE(pacer.take(now));
    CHECK(pacer.next() == now + milliseconds(10));
    CHECK_FALSE(pacer.take(now + milliseconds(9)));
    CHECK(pacer.take(now + milliseconds(10)));
    CHECK_FALSE(pacer.take(now + milliseconds(10)));
    now += seconds(100);
    for (int i = 0; i < 3; ++i) CHECK(pacer.take(now));
    CHECK_FALSE(pacer.take(now));
  }
}
