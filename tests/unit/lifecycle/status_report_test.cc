#include "lifecycle/status_report.h"

#include "parts.h"

using namespace sidecar;
using namespace std::chrono_literals;
using nlohmann::json;

TEST_SUITE("lifecycle/status_report") {
  TEST_CASE("the account of an instance is the sum of its sessions, and of the host that of all") {
    Parts parts;
    const AgentPtr one = parts.session("shop", 3);
    const AgentPtr other = parts.session("shop", 2);  // the same instance, another shared object
    parts.session("till", 4);
    one->ledger.drop(2, DropReason::malformed);  // nobody held it: shows as unbalanced below
    const json report = status_report(parts.sources(), DaemonFacts{});
    CHECK(report["totals"]["received"] == 9);
    CHECK(report["totals"]["held"] == 9);
    CHECK(report["totals"]["dropped"]["malformed"] == 1);
    CHECK(report["totals"]["balanced"] == false);
    REQUIRE(report["instances"].size() == 2);
    const json& shop = report["instances"][0];
    CHECK(shop["service"] == "shop");
    CHECK(shop["ledger"]["received"] == 5);
    CHECK(shop["ledger"]["held"] == 5);
    CHECK(shop["ledger"]["balanced"] == false);
    CHECK(shop["sessions"].size() == 2);
    CHECK(report["instances"][1]["ledger"]["balanced"] == true);
    CHECK(report["instances_left_out"] == 0);
  }

  TEST_CASE("what has never happened is null, and times are ages") {
    Parts parts;
    parts.session("quiet", 0)->last_record_at = Tick{};
    parts.loop.advance(90s);
    DaemonFacts daemon;
    daemon.started = parts.loop.now() - 2min;
    daemon.started_wall = WallTime(1'795'471'500s);
    const json report = status_report(parts.sources(), daemon);
    CHECK(report["daemon"]["uptime_ms"] == 120'000);
    CHECK(report["daemon"]["started"] == "2026-11-23T22:05:00Z");
    CHECK(report["daemon"]["state"] == "serving");
    CHECK(report["collector"]["last_ok_ms_ago"].is_null());
    CHECK(report["instances"][0]["last_segment_ms_ago"].is_null());
    CHECK(report["instances"][0]["sessions"][0]["age_ms"] == 90'000);
  }

  TEST_CASE("names stand as they are in force, with what the program said and how many were cut") {
    Parts parts;
    const std::string said(80, 's');
    parts.session(said, 1);
    const json report = status_report(parts.sources(), DaemonFacts{});
    CHECK(report["names_cut"]["service"] == 1);
    const json& instance = report["instances"][0];
    CHECK(instance["service"] == said.substr(0, 70));
    CHECK(instance["sessions"][0]["said"]["service"] == said);
    CHECK(instance["sessions"][0]["container"] == json{{"id", ""}, {"pod_uid", ""}, {"cgroup", ""}});
  }

  TEST_CASE("a host with very many instances lists a bounded number and says how many are missing") {
    Parts parts;
    for (std::size_t i = 0; i < kMaxListedInstances + 5; ++i) parts.session("s" + std::to_string(i), 1);
    const json report = status_report(parts.sources(), DaemonFacts{});
    CHECK(report["instances"].size() == kMaxListedInstances);
    CHECK(report["instances_left_out"] == 5);
    CHECK(report["totals"]["received"] == kMaxListedInstances + 5);
  }

  TEST_CASE("channels show what waits and what is under way") {
    Parts parts;
    parts.collector.hold_answers(true);
    parts.collector.set_ready(true);
    const AgentPtr agent = parts.session("shop", 3);
    parts.loop.advance(300ms);
    const json report = status_report(parts.sources(), DaemonFacts{});
    const json& channel = report["channels"][parts.carrier.channel_of(*agent)];
    CHECK(channel["in_flight"] == 3);
    CHECK(channel["records"] == 0);
    CHECK(channel["state"] == "sending");
    CHECK(channel["high_water"] == 3);
    parts.collector.answer_all();
  }
}
