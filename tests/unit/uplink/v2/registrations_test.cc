#include "uplink/v2/registrations.h"

#include <doctest/doctest.h>

#include "registering_world.h"

using namespace sidecar;
using namespace sidecar::v2;
using State = RegistrationState;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_SUITE("uplink/v2/registrations") {
  TEST_CASE("nothing is asked before there is a connection, then the service and the instance, with growing pauses") {
    World world;
    const auto shop = world.add("shop", "shop@host");
    CHECK(world.registrations.due() == Tick::max());
    CHECK_FALSE(world.registrations.next(world.now + minutes(60)));
    world.registrations.on_connected(world.now);
    const Tick start = world.now;
    std::vector<Duration> at;
    while (world.state(shop) != State::confirmed) {
      world.now = std::max(world.now, world.registrations.due());
      at.push_back(world.now - start);
      REQUIRE(world.server.serve(world.registrations, world.now));
      REQUIRE(at.size() < 20);
      if (world.state(shop) != State::confirmed) CHECK(world.registrations.confirmed(shop).service == 0);
    }
    REQUIRE(at.size() == 6);
    CHECK(at[1] >= milliseconds(200));
    CHECK(at[1] <= milliseconds(400));
    CHECK(at[2] - at[1] >= milliseconds(400));
    CHECK(at[3] == at[2]);  // the instance at once
    CHECK(at[5] < seconds(10));
    CHECK(world.registrations.confirmed(shop).service == 2);
    CHECK(world.registrations.confirmed(shop).instance == 3);
    CHECK(world.registrations.number() == 1);
  }

  TEST_CASE("what stays unanswered is asked at the tick, never faster") {
    World world;
    world.server.attempts = 1'000'000;
    world.add("shop", "shop@host");
    world.registrations.on_connected(world.now);
    world.run(minutes(10));
    CHECK(world.server.calls > 600 / 4);
    CHECK(world.server.calls < 600 / 2);
  }

  TEST_CASE("a failing call is repeated ever later") {
    World world;
    world.add("shop", "shop@host");
    world.registrations.on_connected(world.now);
    std::size_t calls = 0;
    const Tick end = world.now + minutes(10);
    for (; world.registrations.due() < end; ++calls) {
      world.now = std::max(world.now, world.registrations.due());
      world.registrations.failed(world.registrations.next(world.now), false, world.now);
    }
    CHECK(calls > 20);
    CHECK(calls < 50);
  }

  TEST_CASE("ids are confirmed by name each ten minutes and with each connection, and no segment goes meanwhile") {
    World world;
    const auto shop = world.add("shop", "shop@host");
    world.registrations.on_connected(world.now);
    world.run(seconds(30));
    const std::size_t before = world.server.calls;
    world.run(minutes(8));
    CHECK(world.server.calls == before);
    world.run(minutes(3));
    CHECK(world.server.calls == before + 2);
    CHECK(world.registrations.confirmed(shop).instance == 3);

    world.registrations.on_lost();
    CHECK(world.state(shop) == State::unconfirmed);
    CHECK(world.registrations.confirmed(shop).instance == 0);
    CHECK(world.registrations.get(shop)->ids.instance == 3);
    CHECK(world.registrations.due() == Tick::max());
    world.registrations.on_connected(world.now);
    REQUIRE(world.server.serve(world.registrations, world.now));
    CHECK(world.registrations.confirmed(shop).instance == 0);
    REQUIRE(world.server.serve(world.registrations, world.now));
    CHECK(world.registrations.confirmed(shop).instance == 3);
    CHECK(world.registrations.number() == 1);  // the same ids: what was learnt stays
  }

  TEST_CASE("other ids after a reconnect are a new registration, once for all instances") {
    World world;
    std::vector<Registrations::Handle> all;
    for (int i = 0; i < 10; ++i) all.push_back(world.add("service-" + std::to_string(i % 3), "i" + std::to_string(i)));
    world.registrations.on_connected(world.now);
    world.run(seconds(30));
    world.registrations.on_lost();
    world.server.wipe(100);
    world.server.attempts = 1;
    world.registrations.on_connected(world.now);
    world.run(seconds(30));
    CHECK(world.registrations.number() == 2);
    for (const auto handle : all) CHECK(world.registrations.confirmed(handle).instance >= 100);
  }

  // The ids are the same numbers as before, so only the missing answer tells.
  TEST_CASE("a known name without an id is a new registration, even if the same ids come back") {
    World world;
    const auto shop = world.add("shop", "shop@host");
    world.registrations.on_connected(world.now);
    world.run(seconds(30));
    const auto before = world.registrations.confirmed(shop);
    world.registrations.on_lost();
    world.server.wipe();
    world.registrations.on_connected(world.now);
    world.run(seconds(30));
    CHECK(world.registrations.confirmed(shop).service == before.service);
    CHECK(world.registrations.confirmed(shop).instance == before.instance);
    CHECK(world.registrations.number() == 2);
  }

  TEST_CASE("where one instance's ids turn out void in the ten minutes' check, all others are confirmed again") {
    World world;
    const auto shop = world.add("shop", "shop@host"), stock = world.add("stock", "stock@host");
    world.registrations.on_connected(world.now);
    world.run(seconds(30));
    const auto stock_before = world.registrations.confirmed(stock);
    world.server.forget_instance("NAME:shop@host");
    std::size_t held = 0;
    for (int i = 0; i < 700; ++i) {
      world.run(seconds(1));
      if (world.registrations.number() == 2 && world.registrations.confirmed(stock).instance == 0) ++held;
    }
    CHECK(world.registrations.number() == 2);
    CHECK(held <= 1);
    CHECK(world.registrations.confirmed(stock).instance == stock_before.instance);
    CHECK(world.registrations.get(stock)->number == 2);
    CHECK(world.registrations.confirmed(shop).instance > stock_before.instance);
  }

  TEST_CASE("a reset command unregisters, and registers again within five seconds") {
    World world;
    const auto shop = world.add("shop", "shop@host");
    world.registrations.on_connected(world.now);
    world.run(seconds(30));
    world.registrations.on_reset(shop, world.now);
    CHECK(world.state(shop) == State::unregistered);
    CHECK(world.registrations.number() == 2);
    CHECK(world.registrations.get(shop)->ids.service == 0);
    CHECK(world.registrations.due() <= world.now + seconds(5));
    world.registrations.on_reset(shop, world.now);  // a second ping's answer
    CHECK(world.registrations.number() == 2);
    world.run(seconds(5));
    CHECK(world.state(shop) == State::confirmed);
    world.registrations.on_reset(12345, world.now);
  }

  TEST_CASE("an instance of a service that the collector does not know leads back to the service, after a pause") {
    World world;
    const auto shop = world.add("shop", "shop@host");
    world.registrations.on_connected(world.now);
    world.server.attempts = 1;
    REQUIRE(world.server.serve(world.registrations, world.now));
    REQUIRE(world.state(shop) == State::asking_instance);
    world.server.wipe(50);
    REQUIRE(world.server.serve(world.registrations, world.now));
    CHECK(world.state(shop) == State::asking_service);
    CHECK(world.registrations.due() > world.now);
    world.run(seconds(5));
    CHECK(world.registrations.confirmed(shop).service == 50);
  }

  TEST_CASE("an instance that the collector cannot bear is asked alone and holds up nobody") {
    World world;
    std::vector<Registrations::Handle> all;
    for (int i = 0; i < 15; ++i) all.push_back(world.add("shop", "i" + std::to_string(i)));
    world.server.attempts = 1;
    world.registrations.on_connected(world.now);
    const auto bad = all[7];
    const Tick end = world.now + minutes(2);
    std::size_t calls = 0;
    for (; world.registrations.due() < end; ++calls) {
      world.now = std::max(world.now, world.registrations.due());
      const auto question = world.registrations.next(world.now);
      REQUIRE(question);
      const bool has_bad = std::count(question.askers.begin(), question.askers.end(), bad) != 0;
      if (question.what == Registrations::Question::instances && has_bad)
        world.registrations.failed(question, true, world.now);
      else
        world.server.answer(world.registrations, question, world.now);
    }
    for (const auto handle : all) CHECK((world.state(handle) == State::confirmed) == (handle != bad));
    CHECK(world.registrations.by_state()[static_cast<std::size_t>(State::confirmed)] == 14);
    CHECK(calls < 130);
    CHECK(world.registrations.number() == 1);
  }

  TEST_CASE("answers are judged, counted, and believed only if asked for") {
    World world;
    const auto shop = world.add("shop", "a"), stock = world.add("stock", "b"), mail = world.add("mail", "c");
    world.registrations.on_connected(world.now);
    const auto question = world.registrations.next(world.now);
    REQUIRE(question.askers.size() == 3);
    const std::vector<Mapping> answer = {{"shop", 5},  {"shop", 5},   {"other", 6},
                                         {"stock", 0}, {"stock", -4}, {"stock", std::int64_t{1} << 32 | 7},
                                         {"mail", 8},  {"mail", 9}};
    world.registrations.answered(question, answer, world.now);
    CHECK(world.state(shop) == State::asking_instance);
    CHECK(world.registrations.get(shop)->ids.service == 5);
    CHECK(world.state(stock) == State::asking_service);
    CHECK(world.state(mail) == State::asking_service);
    const LearntCounts& counts = world.registrations.learnt();
    CHECK(counts[Learnt::id] == 2);
    CHECK(counts[Learnt::duplicate] == 1);
    CHECK(counts[Learnt::foreign] == 1);
    CHECK(counts[Learnt::out_of_range] == 3);
    CHECK(counts[Learnt::changed] == 1);
    CHECK(counts[Learnt::stale] == 0);
    world.registrations.answered(question, answer, world.now);  // twice
    CHECK(counts[Learnt::stale] == answer.size());
    CHECK(world.registrations.get(shop)->ids.service == 5);
  }

  TEST_CASE("answers of a former connection change nothing") {
    World world;
    const auto shop = world.add("shop", "a");
    world.registrations.on_connected(world.now);
    const auto before = world.registrations.next(world.now);
    world.registrations.on_lost();
    world.registrations.answered(before, std::vector<Mapping>{{"shop", 5}}, world.now);
    CHECK(world.state(shop) == State::unregistered);
    world.registrations.on_connected(world.now);
    world.registrations.answered(before, std::vector<Mapping>{{"shop", 5}}, world.now);
    world.registrations.failed(before, true, world.now);
    CHECK(world.state(shop) == State::asking_service);
    CHECK(world.registrations.get(shop)->ids.service == 0);
    CHECK(world.registrations.due() == world.now);
  }

  TEST_CASE("an instance is there once, can be found and removed, also while it is asked for") {
    World world;
    world.registrations.on_connected(world.now);
    const auto shop = world.add("shop", "a");
    CHECK(world.add("shop", "a") == shop);
    CHECK(world.registrations.find("shop", "a") == shop);
    CHECK(world.registrations.find("sho", "pa") == 0);
    const auto question = world.registrations.next(world.now);
    world.registrations.remove(shop);
    world.registrations.remove(shop);
    CHECK(world.registrations.find("shop", "a") == 0);
    CHECK(world.registrations.get(shop) == nullptr);
    CHECK(world.registrations.confirmed(shop).service == 0);
    world.registrations.answered(question, std::vector<Mapping>{{"shop", 5}}, world.now);
    world.registrations.failed(question, true, world.now);
    CHECK(world.registrations.due() == Tick::max());
    CHECK(world.registrations.size() == 0);
    CHECK(world.add("shop", "a") != shop);
  }

  TEST_CASE("instances of one UUID are never in one call") {
    World world;
    const auto one = world.registrations.add({"shop", "a", "uuid"}, world.now);
    const auto two = world.registrations.add({"stock", "b", "uuid"}, world.now);
    world.server.attempts = 1;
    world.registrations.on_connected(world.now);
    REQUIRE(world.server.serve(world.registrations, world.now));
    REQUIRE(world.state(one) == State::asking_instance);
    REQUIRE(world.state(two) == State::asking_instance);
    CHECK(world.registrations.next(world.now).askers.size() == 1);
    CHECK(world.registrations.next(world.now).askers.size() == 1);
  }
}
