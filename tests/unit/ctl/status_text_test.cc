#include "ctl/status_text.h"

#include <doctest/doctest.h>

#include <functional>
#include <limits>

#include "ctl/fields.h"

using namespace sidecar;
using nlohmann::json;

namespace {

json ledger(int received, int delivered, int held, json dropped = json::object()) {
  int total = 0;
  for (const auto& value : dropped) total += value.get<int>();
  return {{"received", received},   {"delivered", delivered}, {"held", held}, {"dropped", dropped},
          {"dropped_total", total}, {"duplicate", 0},         {"resent", 0},  {"balanced", true}};
}

// A daemon to which nothing is wrong.
json healthy() {
  return {{"schema", 1},
          {"version", "0.1.0"},
          {"daemon", {{"state", "serving"}, {"pid", 4711}, {"uptime_ms", 11'520'000}, {"host", "web-1"}}},
          {"collector",
           {{"state", "up"},
            {"address", "oap:11800"},
            {"dialect", "v3"},
            {"spelling", "collectInSync"},
            {"since_ms", 60'000},
            {"last_error", ""},
            {"last_ok_ms_ago", 200},
            {"calls_ok", 12},
            {"calls_failed", 0},
            {"undecodable_answers", 0}}},
          {"totals", ledger(10, 9, 1)},
          {"instances",
           {{{"service", "shop"},
             {"instance", "shop@web-1"},
             {"layer", "GENERAL"},
             {"registration", "live"},
             {"registration_ms", 61'000},
             {"registration_error", ""},
             {"last_segment_ms_ago", 1500},
             {"ledger", ledger(10, 9, 1)},
             {"sessions",
              {{{"pid", 5},
                {"connected", true},
                {"container", {{"id", ""}}},
                {"client", {{"created", 10}, {"dropped", 0}, {"lost_before", 0}}}}}}}}},
          {"channels",
           {{{"index", 0},
             {"records", 0},
             {"slots", 4096},
             {"in_flight", 0},
             {"state", "idle"},
             {"attempt", 0},
             {"last_error", ""}},
            {{"index", 1},
             {"records", 1},
             {"slots", 4096},
             {"high_water", 3},
             {"in_flight", 0},
             {"state", "sending"},
             {"attempt", 0},
             {"last_error", ""}}}},
          {"carrier", {{"held", 1}, {"bytes", 1500}, {"memory", 33'554'432}, {"strategy", "blocking"}}},
          {"socket", {{"connections", 1}, {"refused", json::object()}}}};
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// The one warning about a healthy daemon of which one field was changed.
std::string warning(const char* pointer, const json& value) {
  json status = healthy();
  status[json::json_pointer(pointer)] = value;
  const auto found = warnings(status);
  REQUIRE(found.size() == 1);
  CHECK(contains(status_text(status, {}), "warning: " + found[0] + "\n"));
  return found[0];
}

// All documents that differ from `whole` in one value, replaced by `value` or taken away.
void for_each_mutation(const json& whole, const json* value, const std::function<void(const json&)>& visit) {
  const json flat = whole.flatten();
  for (const auto& [pointer, ignored] : flat.items()) {
    for (json::json_pointer at(pointer); !at.empty(); at.pop_back()) {
      json changed = whole;
      if (value != nullptr)
        changed[at] = *value;
      else if (json& parent = changed[at.parent_pointer()]; parent.is_object())
        parent.erase(at.back());
      visit(changed);
    }
  }
}

}  // namespace

TEST_SUITE("ctl/status_text") {
  TEST_CASE("of several collectors each is shown, with what is wrong; and what is wrong with the files of secrets") {
    json status = healthy();
    status["collector"]["collectors"] = {
        {{"address", "oap:11800"}, {"in_use", true}, {"addresses", 3}, {"rests_ms", nullptr}, {"last_error", ""}},
        {{"address", "b:11800"}, {"in_use", false}, {"addresses", 1}, {"rests_ms", 7000}, {"last_error", "no answer"}}};
    status["collector"]["problems"] = {"collector.token_file: /t: no such file"};
    const std::string text = status_text(status, {});
    CHECK(contains(text, "           collector.token_file: /t: no such file\n"));
    CHECK(contains(text, "           * oap:11800, 3 addresses\n"));
    CHECK(contains(text, "           - b:11800, rests for 7.0s: no answer\n"));
    // A list of one says nothing new.
    status["collector"]["collectors"].erase(1);
    CHECK_FALSE(contains(status_text(status, {}), "* oap:11800"));
  }

  TEST_CASE("a healthy daemon is readable at a glance and has no warning") {
    CHECK(status_text(healthy(), {}) ==
          "sw-sidecar 0.1.0, up 3h12m, serving (pid 4711, host web-1)\n"
          "collector  oap:11800  up for 1m00s, v3, collectInSync; 12 calls ok, 0 failed, last ok 200ms ago\n"
          "segments   10 received = 9 delivered + 1 held + 0 dropped\n"
          "queues     2 (blocking), 1 segments, 1.5 KiB of 32.0 MiB\n"
          "           1: 1/4096 waiting (most 3), 0 in flight, sending\n"
          "\n"
          "SERVICE  INSTANCE    STATE  FOR    CONNECTED  RECEIVED  DELIVERED  HELD  LAST SEGMENT  DROPPED\n"
          "shop     shop@web-1  live   1m01s        1/1        10          9     1      1.5s ago  0\n");
    CHECK(warnings(healthy()).empty());
  }

  TEST_CASE("a daemon without applications says so") {
    json status = healthy();
    status["instances"] = json::array();
    CHECK(contains(status_text(status, {}), "no application has connected yet"));
  }

  TEST_CASE("instances in containers stand with the short number of theirs") {
    json status = healthy();
    status["instances"][0]["sessions"][0]["container"]["id"] = "0123456789abcdef0123";
    status["instances"].push_back(healthy()["instances"][0]);
    const std::string text = status_text(status, {});
    CHECK(contains(text, "  DROPPED  CONTAINER\n"));
    CHECK(contains(text, "  0        0123456789ab\n"));
    CHECK(contains(text, "  0        -\n"));
  }

  TEST_CASE("drops stand with their reasons") {
    json status = healthy();
    status["instances"][0]["ledger"] = ledger(10, 5, 1, {{"rejected", 3}, {"reset", 1}, {"encode", 0}});
    CHECK(contains(status_text(status, {}), "  4 (rejected 3, reset 1)\n"));
  }

  TEST_CASE("what was changed in segments is counted in a line, once there is something") {
    json status = healthy();
    CHECK(status_text(status, {}).find("changed") == std::string::npos);
    json& changed = status["collector"]["changed"];
    changed = {
        {"tags_dropped", 0}, {"tags_masked", 12}, {"urls_masked", 3}, {"endpoint_names_cut", 0}, {"peers_cut", 1}};
    CHECK(status_text(status, {}).find("\nchanged    12 tags masked, 3 URLs masked, 1 peers cut\n") !=
          std::string::npos);
  }

  TEST_CASE("whatever is wrong has a warning") {
    CHECK(warning("/daemon/state", "draining") == "the daemon is stopping");
    CHECK(warning("/collector/state", "down") == "no connection to the collector oap:11800 for 1m00s");
    CHECK(contains(warning("/collector/state", "auth"), "refuses us"));
    CHECK(contains(warning("/names_cut/service", 2), "of services 2 times, of instances 0 times"));
    CHECK(contains(warning("/names_cut/instance", 1), "of services 0 times, of instances 1 times"));
    CHECK(contains(warning("/collector/state", "wrong_server"), "no SkyWalking collector"));
    CHECK(warning("/collector/undecodable_answers", 2) == "the collector gave 2 answers that cannot be decoded");
    CHECK(contains(warning("/totals/balanced", false), "does not balance"));
    CHECK(contains(warning("/instances/0/ledger/balanced", false), "the account of shop@web-1 does not balance"));
    CHECK(warning("/totals", ledger(10, 6, 1, {{"malformed", 3}})) == "3 segments were dropped: malformed 3");
    CHECK(contains(warning("/instances/0/sessions/0/client/dropped", 5), "shop@web-1 says that it lost 5 segments"));
    CHECK(
        contains(warning("/instances/0/sessions/0/client/lost_before", 6), "shop@web-1 says that it lost 6 segments"));
    CHECK(contains(warning("/collector/last_ok_ms_ago", 12'000),
                   "1 segments are held, and the collector has answered nothing for 12 s"));
    CHECK(contains(warning("/channels/1/records", 3'500), "the queues are 87 % full"));
    CHECK(contains(warning("/carrier/bytes", 31u << 20), "the queues are 96 % full"));
    CHECK(warning("/socket/refused", {{"busy", 7}}) == "connections of applications were refused: busy 7");
    json status = healthy();
    status["instances"][0]["registration"] = "waiting";
    status["instances"][0]["registration_error"] = "UNKNOWN: no";
    REQUIRE(warnings(status).size() == 1);
    CHECK(warnings(status)[0] == "shop@web-1 is not registered: UNKNOWN: no");
  }

  TEST_CASE("a thousand instances in trouble do not hide the rest") {
    json status = healthy();
    status["instances"][0]["ledger"]["balanced"] = false;
    for (int i = 0; i < 1000; ++i) status["instances"].push_back(status["instances"][0]);
    const auto found = warnings(status);
    CHECK(found.size() == 11);
    CHECK(contains(found.back(), "991 more"));
  }

  TEST_CASE("names of applications cannot reach the terminal") {
    json status = healthy();
    status["instances"][0]["service"] = "a\x1b[2J\nb";
    status["collector"]["last_error"] = "\x1b]0;title\x07";
    status["totals"]["dropped"] = {{"\x1b[31m", 1}};
    status["totals"]["dropped_total"] = 1;
    status["instances"][0]["ledger"]["dropped"] = {{"\x1b[31m", 1}};
    const std::string out = status_text(status, {});
    CHECK_FALSE(contains(out, "\x1b"));
    CHECK_FALSE(contains(out, "\x07"));
    CHECK(contains(out, "a\\x1b[2J\\x0ab"));
  }

  TEST_CASE("whatever a document lacks or holds instead, there is a text") {
    for_each_mutation(healthy(), nullptr, [](const json& changed) {
      CHECK_FALSE(status_text(changed, {80, true}).empty());
    });
    const std::vector<json> strange = {json(),         json(-1),      json(1.5),
                                       json("x"),      json::array(), json::array({1}),
                                       json::object(), json(true),    json(std::numeric_limits<std::uint64_t>::max())};
    for (const json& value : strange)
      for_each_mutation(healthy(), &value, [](const json& changed) {
        CHECK_FALSE(status_text(changed, {80, true}).empty());
      });
    for (const json& value : strange) CHECK_FALSE(status_text(value, {}).empty());
  }

  TEST_CASE("on a terminal no line but a warning is wider than it") {
    json status = healthy();
    status["instances"][0]["service"] = std::string(100, 's');
    status["instances"][0]["instance"] = std::string(100, 'i');
    for (std::size_t width : {1, 20, 80, 120}) {
      const std::string out = status_text(status, {width, false});
      for (std::size_t begin = 0; begin < out.size();) {
        const std::size_t end = out.find('\n', begin);
        CHECK(columns(out.substr(begin, end - begin)) <= std::max<std::size_t>(width, 31));
        begin = end + 1;
      }
    }
  }

  TEST_CASE("colour comes only when asked for, and changes nothing else") {
    const std::string plain = status_text(healthy(), {});
    std::string coloured = status_text(healthy(), {0, true});
    CHECK_FALSE(contains(plain, "\x1b"));
    CHECK(contains(coloured, "\x1b["));
    for (std::size_t at; (at = coloured.find('\x1b')) != std::string::npos;)
      coloured.erase(at, coloured.find('m', at) - at + 1);
    CHECK(coloured == plain);
  }
}

TEST_SUITE("ctl/layout") {
  TEST_CASE("text is cut by code points and says that it was") {
    CHECK(cut("abcdef", 0) == "abcdef");
    CHECK(cut("abcdef", 6) == "abcdef");
    CHECK(cut("abcdef", 5) == "ab...");
    CHECK(cut("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", 3) == "...");
    CHECK(cut("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9fx", 4) == "\xc3\xa4...");
    CHECK(cut("abc", 1) == ".");
  }

  TEST_CASE("flexible columns give way first") {
    const std::string out = table({{std::string(30, 'a'), "12345"}, {"b", "1"}}, {0}, {1}, {20, false});
    CHECK(out == "aaaaaaaaaa...  12345\nb                  1\n");
  }
}
