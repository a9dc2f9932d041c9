#include "lifecycle/reload.h"

#include <doctest/doctest.h>

#include "control/route.h"
#include "fake_loop.h"
#include "lifecycle/reload_routes.h"
#include "log/log.h"

using namespace sidecar;
using namespace std::chrono_literals;

namespace {

struct Fixture : Reload::Listener {
  Fixture() { reload.set_listener(this); }
  ~Fixture() { start_log(LogOptions{}); }

  LoadedConfig load() const {
    return parse_config((whole ? "" : "collector: {addresses: [a:1]}\n") + file, "f.yaml", {});
  }
  void on_reload_begins() override { told += "<"; }
  void on_reload_ends(const Reload::Outcome& outcome) override { told += outcome.applied() ? "+>" : "->"; }
  Response ask(const std::string& path, const std::string& body = "{}", uid_t uid = 0) {
    std::string allow;
    return answer(routes, {"POST", path, body, uid}, 100, allow);
  }

  FakeLoop loop;
  std::string file;
  bool whole = false;  // the file is all there is
  std::vector<Config> applied;
  std::string told;
  bool stopping = false;
  Reload reload{load(), loop,
                [this] {
                  told += "L";
                  return load();
                },
                [this](const Config& config) { applied.push_back(config); }};
  std::vector<Route> routes = reload_routes(reload, [this] { return stopping; });
};

}  // namespace

TEST_SUITE("lifecycle/reload") {
  TEST_CASE("a changed file is applied once, with the old values of what needs a restart") {
    Fixture f;
    f.file = "batch: {age: 1s}\ncarrier: {channels: 16}\n";
    const Reload::Outcome outcome = f.reload.run();
    CHECK(outcome.applied());
    CHECK(outcome.changes.size() == 2);
    REQUIRE(f.applied.size() == 1);
    CHECK(f.applied[0].pipeline.batch_age == 1s);
    CHECK(f.applied[0].carrier.channels == 8);
    CHECK(f.reload.in_force().pipeline.batch_age == 1s);
    CHECK(f.reload.in_force().carrier.channels == 8);
    REQUIRE(f.reload.status().pending.size() == 1);
    CHECK(f.reload.status().pending[0].path == "carrier.channels");
    f.file.clear();
    f.reload.run();
    CHECK(f.reload.status().pending.empty());
    CHECK(f.reload.in_force().pipeline.batch_age == 250ms);
  }

  TEST_CASE("a file with a mistake changes nothing, and its errors are shown until one is accepted") {
    Fixture f;
    f.loop.advance(1h);
    f.file = "batch: {age: 1s, segments: many}\nsize: 7\n";
    const Reload::Outcome outcome = f.reload.run();
    CHECK_FALSE(outcome.applied());
    CHECK(f.applied.empty());
    CHECK(f.reload.in_force().pipeline.batch_age == 250ms);
    REQUIRE(outcome.errors.size() == 2);
    CHECK(outcome.errors[0] == "f.yaml:2:28: batch.segments: expected an integer from 1 to 2000, got 'many'");
    CHECK(f.reload.status().errors == outcome.errors);
    f.loop.advance(2s);
    nlohmann::json part = config_part(f.reload, "f.yaml", f.loop.now());
    CHECK(part["errors"].size() == 2);
    CHECK(part["refused_ms_ago"] == 2000);
    CHECK(part["loaded_ms_ago"] == 3'602'000);
    CHECK(part["refusals"] == 1);
    f.file.clear();
    f.reload.run();
    part = config_part(f.reload, "f.yaml", f.loop.now());
    CHECK(part["errors"].empty());
    CHECK(part["refused_ms_ago"].is_null());
    CHECK(part["loaded_ms_ago"] == 0);
    CHECK(part["reloads"] == 2);
  }

  TEST_CASE("a thousand mistakes are cut to what can be read") {
    Fixture f;
    for (int i = 0; i < 300; ++i) f.file += "key" + std::to_string(i) + ": 1\n";
    const Reload::Outcome outcome = f.reload.run();
    REQUIRE(outcome.errors.size() == 51);
    CHECK(outcome.errors.back() == "and 250 more");
  }

  TEST_CASE("requests of one turn are one reload, one that comes during a reload is another, none is lost") {
    Fixture f;
    f.reload.request();
    f.reload.request();
    CHECK(f.told.empty());
    f.loop.run_until_idle();
    CHECK(f.told == "<L+>");
    struct Again : Reload::Listener {
      explicit Again(Reload& r) : reload(r) {}
      void on_reload_begins() override { begun += 1; }
      void on_reload_ends(const Reload::Outcome&) override {
        if (begun == 1) reload.request();
      }
      Reload& reload;
      int begun = 0;
    } again(f.reload);
    f.reload.set_listener(&again);
    f.reload.request();
    f.loop.run_until_idle();
    CHECK(again.begun == 2);
  }

  TEST_CASE("the listener hears of the beginning and the end of every reload, also of one that is refused") {
    Fixture f;
    f.file = "nonsense";
    f.ask("/reload");
    f.file.clear();
    f.ask("/reload");
    CHECK(f.told == "<L-><L+>");
  }

  TEST_CASE("a level set by hand lasts until the next reload, which says what it changes") {
    Fixture f;
    const Response set = f.ask("/log-level", R"({"level":"debug"})");
    CHECK(set.status == 200);
    CHECK(set.body["from"] == "info");
    CHECK(log_enabled(LogLevel::debug));
    f.file = "nonsense";
    f.reload.run();
    CHECK(f.reload.in_force().log.level == LogLevel::debug);
    f.file.clear();
    const Reload::Outcome outcome = f.reload.run();
    REQUIRE(outcome.changes.size() == 1);
    CHECK(sentence(outcome.changes[0]) == "log.level: debug -> info (default)");
    REQUIRE(f.applied.size() == 1);
    CHECK(f.applied[0].log.level == LogLevel::info);
  }
}

TEST_SUITE("lifecycle/reload_routes") {
  TEST_CASE("a reload is answered with every change, or with every mistake") {
    Fixture f;
    f.file = "batch: {age: 1s}\n";
    const Response good = f.ask("/reload");
    CHECK(good.status == 200);
    REQUIRE(good.body["changes"].size() == 1);
    const nlohmann::json& change = good.body["changes"][0];
    CHECK(change["key"] == "batch.age");
    CHECK(change["from"] == "250ms");
    CHECK(change["to"] == "1s");
    CHECK(change["origin"] == "f.yaml:2:9");
    CHECK(change["fate"] == "applied");
    f.file = "batch: {age: 1}\n";
    const Response bad = f.ask("/reload");
    CHECK(bad.status == 422);
    CHECK(bad.body["errors"].size() == 1);
    CHECK(f.reload.in_force().pipeline.batch_age == 1s);
  }

  TEST_CASE("files that are named and cannot be read are told, and the reload counts") {
    Fixture f;
    f.file = "collector: {addresses: [a:1], token_file: /nowhere/token}\n";
    f.whole = true;
    const Response answer = f.ask("/reload");
    CHECK(answer.status == 200);
    REQUIRE(answer.body["cautions"].size() == 1);
    CHECK(answer.body["cautions"][0].get<std::string>().find("collector.token_file") != std::string::npos);
  }

  TEST_CASE("only root and the daemon's own user may") {
    Fixture f;
    for (const char* path : {"/reload", "/log-level"}) {
      CHECK(f.ask(path, R"({"level":"debug"})", 1000).status == 403);
      CHECK(f.ask(path, R"({"level":"debug"})", 100).status == 200);
    }
    CHECK(f.ask("/reload", "{}", 1000).body["error"] == "only root and user 100 may ask this, not user 1000; use sudo");
    CHECK(f.applied.size() == 1);
  }

  TEST_CASE("a level that is none, or no request, is refused") {
    Fixture f;
    for (const char* body : {"", "{}", "[]", "7", R"({"level":7})", R"({"level":"loud"})", "{\"level\":\"\xff\"}"}) {
      CAPTURE(body);
      CHECK(f.ask("/log-level", body).status == 400);
    }
    CHECK(f.reload.in_force().log.level == LogLevel::info);
  }

  TEST_CASE("a daemon that is stopping changes no more") {
    Fixture f;
    f.stopping = true;
    CHECK(f.ask("/reload").status == 409);
    CHECK(f.ask("/log-level", R"({"level":"debug"})").status == 409);
    CHECK(f.told.empty());
  }
}
