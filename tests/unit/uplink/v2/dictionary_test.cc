#include "uplink/v2/dictionary.h"

#include <doctest/doctest.h>

#include <random>
#include <set>

using namespace sidecar;
using namespace sidecar::v2;

namespace {

using std::chrono::milliseconds;

constexpr Dictionary::Limits kRoomy{1000, 1000, 1u << 20};
constexpr Tick kStart{std::chrono::hours(1)};

std::vector<std::string> texts(const Dictionary::Batch& batch) {
  std::vector<std::string> out;
  for (const auto& name : batch.names) out.push_back(std::to_string(name.scope) + " " + std::string(name.text));
  return out;
}

using Texts = std::vector<std::string>;

// Asks for the one name that is due and answers it.
void learn(Dictionary& dictionary, std::int32_t scope, std::string_view text, std::int32_t id) {
  REQUIRE(dictionary.find(scope, text, true) == 0);
  const auto batch = dictionary.take(kStart, 100, 10'000);
  REQUIRE(dictionary.answer(batch, scope, text, id) == Learnt::id);
  dictionary.finish(batch, kStart);
}

}  // namespace

TEST_SUITE("uplink/v2/dictionary") {
  TEST_CASE("a name that is not known is asked for once, and known when it is answered") {
    Dictionary dictionary(kRoomy, 1);
    CHECK(dictionary.due() == Tick::max());
    CHECK(dictionary.find(2, "/a", true) == 0);
    CHECK(dictionary.find(2, "/a", true) == 0);
    CHECK(dictionary.due() <= kStart);
    const auto batch = dictionary.take(kStart, 100, 10'000);
    CHECK(texts(batch) == Texts{"2 /a"});
    CHECK(dictionary.due() == Tick::max());
    CHECK(dictionary.take(kStart, 100, 10'000).names.empty());  // in flight
    CHECK(dictionary.find(2, "/a", true) == 0);
    CHECK(dictionary.answer(batch, 2, "/a", 40) == Learnt::id);
    CHECK(dictionary.find(2, "/a", true) == 40);
    dictionary.finish(batch, kStart);
    CHECK(dictionary.find(2, "/a", true) == 40);
    CHECK(dictionary.due() == Tick::max());
    CHECK(dictionary.sizes().known == 1);
    CHECK(dictionary.sizes().pending == 0);
  }

  TEST_CASE("a name is another in another scope") {
    Dictionary dictionary(kRoomy, 1);
    learn(dictionary, 2, "/a", 40);
    CHECK(dictionary.find(3, "/a", false) == 0);
    CHECK(dictionary.find(2, "/A", false) == 0);
    CHECK(dictionary.find(2, "", false) == 0);
    CHECK(dictionary.sizes().pending == 0);
  }

  TEST_CASE("what stays unanswered is asked ever later") {
    Dictionary dictionary(kRoomy, 1);
    dictionary.find(2, "/never", true);
    Tick now = kStart;
    Duration last{};
    for (int i = 0; i < 30; ++i) {
      const auto batch = dictionary.take(now, 100, 10'000);
      REQUIRE(batch.names.size() == 1);
      dictionary.finish(batch, now);
      const Duration wait = dictionary.due() - now;
      CHECK(wait >= milliseconds(300));
      CHECK(wait >= last);
      CHECK(wait <= std::chrono::minutes(5));
      CHECK(dictionary.take(dictionary.due() - milliseconds(1), 100, 10'000).names.empty());
      last = wait;
      now = dictionary.due();
    }
    CHECK(last == std::chrono::minutes(5));
  }

  TEST_CASE("scopes are asked in turn, and a batch is bounded in names and bytes") {
    Dictionary dictionary(kRoomy, 1);
    for (int i = 0; i < 100; ++i) dictionary.find(5, "/many/" + std::to_string(i), true);
    for (const int scope : {2, 9}) dictionary.find(scope, "/one", true);
    const auto first = texts(dictionary.take(kStart, 4, 10'000));
    CHECK(first == Texts{"2 /one", "5 /many/0", "9 /one", "5 /many/1"});
    CHECK(dictionary.take(kStart, 100, 25).names.size() == 3);  // 8 bytes each
    dictionary.find(6, std::string(500, 'x'), true);
    CHECK(dictionary.take(kStart, 100, 25).names.size() == 1);  // one is always taken
    std::set<std::string> rest;
    for (auto batch = dictionary.take(kStart, 7, 10'000); !batch.names.empty();
         batch = dictionary.take(kStart, 7, 10'000))
      for (const std::string& text : texts(batch)) CHECK(rest.insert(text).second);
    CHECK(rest.size() == 100 - 2 - 3);
  }

  TEST_CASE("answers are judged, counted, and believed only if asked for") {
    Dictionary dictionary(kRoomy, 1);
    learn(dictionary, 2, "/known", 39);
    for (const char* text : {"/a", "/b"}) dictionary.find(2, text, true);
    const auto batch = dictionary.take(kStart, 100, 10'000);
    dictionary.find(2, "/wanted", true);
    CHECK(dictionary.answer(batch, 2, "/other", 41) == Learnt::foreign);
    CHECK(dictionary.answer(batch, 3, "/a", 41) == Learnt::foreign);
    CHECK(dictionary.answer(batch, 2, "/wanted", 41) == Learnt::foreign);
    CHECK(dictionary.answer(batch, 2, "/known", 41) == Learnt::foreign);
    for (const std::int64_t id : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{INT32_MIN},
                                  std::int64_t{INT32_MAX} + 1, (std::int64_t{1} << 32) + 5})
      CHECK(dictionary.answer(batch, 2, "/a", id) == Learnt::out_of_range);
    CHECK(dictionary.find(2, "/a", true) == 0);
    CHECK(dictionary.answer(batch, 2, "/a", INT32_MAX) == Learnt::id);
    CHECK(dictionary.answer(batch, 2, "/a", INT32_MAX) == Learnt::duplicate);
    CHECK(dictionary.answer(batch, 2, "/a", 41) == Learnt::changed);
    CHECK(dictionary.find(2, "/a", true) == INT32_MAX);
    dictionary.finish(batch, kStart);
    CHECK(dictionary.answer(batch, 2, "/b", 42) == Learnt::foreign);  // too late
    const LearntCounts& counts = dictionary.sizes().learnt;
    CHECK(counts[Learnt::id] == 2);
    CHECK(counts[Learnt::foreign] == 5);
    CHECK(counts[Learnt::duplicate] == 1);
    CHECK(counts[Learnt::changed] == 1);
    CHECK(counts[Learnt::out_of_range] == 5);
    CHECK(counts[Learnt::stale] == 0);
    CHECK(dictionary.sizes().known == 2);
    CHECK(dictionary.sizes().pending == 2);
  }

  TEST_CASE("a new registration keeps nothing, and answers of the former one are stale") {
    Dictionary dictionary(kRoomy, 1);
    learn(dictionary, 2, "/known", 39);
    dictionary.find(2, "/a", true);
    const auto before = dictionary.take(kStart, 100, 10'000);
    dictionary.find(2, "/wanted", true);
    dictionary.clear();
    CHECK(dictionary.sizes().known == 0);
    CHECK(dictionary.sizes().pending == 0);
    CHECK(dictionary.sizes().bytes == 0);
    CHECK(dictionary.due() == Tick::max());
    CHECK(dictionary.find(2, "/known", false) == 0);
    dictionary.find(2, "/a", true);
    const auto after = dictionary.take(kStart, 100, 10'000);
    CHECK(dictionary.answer(before, 2, "/a", 40) == Learnt::stale);
    dictionary.finish(before, kStart);
    CHECK(dictionary.find(2, "/a", true) == 0);
    CHECK(dictionary.answer(after, 2, "/a", 41) == Learnt::id);
    CHECK(dictionary.find(2, "/a", true) == 41);
  }

  TEST_CASE("a full dictionary takes no more names, keeps those it has, and counts") {
    Dictionary dictionary({5, 3, 1u << 20}, 1);
    for (int i = 0; i < 10; ++i) dictionary.find(1, "/" + std::to_string(i), true);
    CHECK(dictionary.sizes().pending == 3);
    for (int i = 0; i < 10; ++i) dictionary.find(2, "/" + std::to_string(i), true);
    CHECK(dictionary.sizes().pending == 5);
    CHECK(dictionary.sizes().refused == 7 + 8);
    const auto batch = dictionary.take(kStart, 100, 10'000);
    CHECK(batch.names.size() == 5);
    CHECK(dictionary.answer(batch, 1, "/0", 7) == Learnt::id);
    dictionary.finish(batch, kStart);
    dictionary.find(1, "/new", true);
    CHECK(dictionary.find(1, "/0", true) == 7);
    CHECK(dictionary.sizes().refused == 7 + 8 + 1);

    Dictionary narrow({1000, 1000, 2000}, 1);
    for (int i = 0; i < 1000; ++i) narrow.find(1, std::string(400, 'x') + std::to_string(i), true);
    CHECK(narrow.sizes().pending == 3);
    CHECK(narrow.sizes().bytes <= 2000);
  }

  // Against a plain map, whatever comes in whatever order.
  TEST_CASE("every name is known, pending or unknown, and counted so") {
    std::mt19937 random(6);
    Dictionary dictionary({60, 30, 1u << 20}, 77);
    std::map<std::pair<std::int32_t, std::string>, std::int32_t> known;
    std::vector<Dictionary::Batch> open;
    Tick now = kStart;
    std::size_t answered = 0;
    for (int step = 0; step < 20'000; ++step) {
      now += milliseconds(random() % 1000);
      const std::int32_t scope = 1 + static_cast<std::int32_t>(random() % 3);
      const std::string text = "/" + std::to_string(random() % 40);
      switch (random() % 8) {
        case 0:
          open.push_back(dictionary.take(now, random() % 8, 1000));
          break;
        case 1:
        case 2:
          if (open.empty()) break;
          for (const auto& name : open.back().names) {
            const auto id = static_cast<std::int32_t>(random() % 100) - 10;
            const Learnt learnt = dictionary.answer(open.back(), name.scope, std::string(name.text), id);
            CHECK(learnt == (id > 0 ? Learnt::id : Learnt::out_of_range));
            if (learnt == Learnt::id) known[{name.scope, std::string(name.text)}] = id, ++answered;
          }
          dictionary.finish(open.back(), now);
          open.pop_back();
          break;
        case 3:
          if (random() % 100 != 0) break;
          dictionary.clear();
          known.clear();
          open.clear();
          break;
        default: {
          const auto found = known.find({scope, text});
          REQUIRE(dictionary.find(scope, text, true) == (found == known.end() ? 0 : found->second));
        }
      }
      REQUIRE(dictionary.sizes().known == known.size());
      REQUIRE(dictionary.sizes().known + dictionary.sizes().pending <= 60);
    }
    CHECK(answered > 500);
  }
}
