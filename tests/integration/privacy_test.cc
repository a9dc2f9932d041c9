// Secrets of a real application do not reach the collector, and what was changed is counted exactly.

#include <doctest/doctest.h>

#include "app_process.h"
#include "test_collector.h"

using namespace sidecar;
using namespace sidecar::test;

namespace {

const std::string kSecret = "hunter2hunter2";

// Runs the careless application; returns what arrived, as the bytes of all segments.
std::string run_careless(const Daemon& daemon, const TestCollector& collector) {
  CHECK(run({program("secrets_app"), "careless", kSecret}, nullptr, {"SW_SIDECAR_SOCKET=" + daemon.socket()}) == 0);
  CHECK(wait_until([&] { return collector.store().segment_count() == 2; }));
  std::string bytes;
  for (const auto& segment : collector.store().segments()) bytes += segment.SerializeAsString();
  return bytes;
}

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// Once everything is delivered.
nlohmann::json changed(const Daemon& daemon) {
  CHECK(wait_until([&] { return daemon.totals().value("delivered", 0) == 2; }));
  return daemon.status()["collector"]["changed"];
}

}  // namespace

TEST_SUITE("integration/privacy") {
  TEST_CASE("by default no usual secret leaves the host, and everything else does") {
    TestCollector collector;
    Daemon daemon(collector.address(), "privacy: {drop_tags: [card]}\n");
    daemon.start();
    const std::string arrived = run_careless(daemon, collector);
    CHECK(occurrences(arrived, kSecret) == 0);
    for (const char* part :
         {"GET:/login?user=joe&access_token=***", "https://***@shop.example/login?user=joe&password=***#top",
          "user=[joe]\npassword=***", "Authorization", "set-cookie", "client_secret",
          "GET https://api.example/?api_key=*** answered 503", "redis://***@cache.example:6379",
          "get cart where id = 5"}) {
      CAPTURE(part);
      CHECK(occurrences(arrived, part) == 1);
    }
    CHECK(occurrences(arrived, "card") == 0);
    CHECK(occurrences(arrived, std::string(150, 'x')) == 0);  // cut, with what stands before
    const nlohmann::json counts = changed(daemon);
    CAPTURE(counts.dump());
    CHECK(counts["tags_dropped"] == 2);
    CHECK(counts["tags_masked"] == 3);
    CHECK(counts["urls_masked"] == 5);
    CHECK(counts["endpoint_names_cut"] == 1);
    CHECK(counts["peers_cut"] == 0);
    std::string text;
    CHECK(run({program("sidecarctl"), "--socket", daemon.control(), "status"}, &text) == 0);
    CHECK(text.find("2 tags dropped, 3 tags masked, 5 URLs masked, 1 endpoint names cut") != std::string::npos);
    CHECK(daemon.log().find(kSecret) == std::string::npos);
  }

  TEST_CASE("a list of one's own replaces the usual one, and keeping everything keeps everything") {
    TestCollector collector;
    Daemon daemon(collector.address(), "privacy: {mask_tags: [], urls: keep}\n");
    daemon.start();
    CHECK(occurrences(run_careless(daemon, collector), kSecret) == 11);
    const nlohmann::json counts = changed(daemon);
    CHECK(counts["tags_dropped"] == 0);
    CHECK(counts["tags_masked"] == 0);
    CHECK(counts["urls_masked"] == 0);
  }
}
