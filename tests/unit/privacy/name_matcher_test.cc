#include "privacy/name_matcher.h"

#include <doctest/doctest.h>

#include <random>

using namespace sidecar;

namespace {

char folded(char c) { return c == '_' ? '-' : c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string folded(std::string text) {
  for (char& c : text) c = folded(c);
  return text;
}

// By the definition.
bool matches(const std::string& name, std::string pattern) {
  const bool front = pattern.size() > 1 && pattern.front() == '*';
  const bool back = !pattern.empty() && pattern.back() == '*';
  if (front) pattern.erase(0, 1);
  if (back) pattern.pop_back();
  const std::string text = folded(name), core = folded(pattern);
  if (front && back) return text.find(core) != std::string::npos;
  if (front) return text.size() >= core.size() && text.compare(text.size() - core.size(), core.size(), core) == 0;
  if (back) return text.compare(0, core.size(), core) == 0;
  return text == core;
}

bool one(const std::string& name, const std::string& pattern) { return NameMatcher({{1, {pattern}}}).find(name) == 1; }

}  // namespace

TEST_SUITE("privacy/name_matcher") {
  TEST_CASE("a pattern is a whole name, a beginning, an end or a part") {
    CHECK(one("cookie", "cookie"));
    CHECK_FALSE(one("cookies", "cookie"));
    CHECK_FALSE(one("a cookie", "cookie"));
    CHECK(one("cookies", "cookie*"));
    CHECK_FALSE(one("a cookie", "cookie*"));
    CHECK(one("set-cookie", "*cookie"));
    CHECK_FALSE(one("set-cookies", "*cookie"));
    CHECK(one("my cookies", "*cookie*"));
    CHECK_FALSE(one("my cooky", "*cookie*"));
    CHECK(one("cocookie", "*cookie"));
  }

  TEST_CASE("a star alone is every name, and a star inside is a star") {
    CHECK(one("", "*"));
    CHECK(one("anything", "*"));
    CHECK(one("", "**"));
    CHECK(one("a*b", "a*b"));
    CHECK_FALSE(one("axb", "a*b"));
    CHECK(one("", ""));
    CHECK_FALSE(one("a", ""));
  }

  TEST_CASE("case, - and _ make no difference") {
    CHECK(one("X_API-Key", "x-api_KEY"));
    CHECK_FALSE(one("x.api.key", "x-api-key"));
  }

  TEST_CASE("no pattern, no name") {
    CHECK(NameMatcher({}).find("a") == 0);
    CHECK(NameMatcher({}).find("") == 0);
  }

  TEST_CASE("random names are in exactly the sets of their patterns") {
    std::mt19937 random(7);
    const auto text = [&](std::size_t max, const char* letters, std::size_t count) {
      std::string made;
      for (std::size_t i = random() % (max + 1); i > 0; --i) made += letters[random() % count];
      return made;
    };
    unsigned hits = 0;
    for (int round = 0; round < 2000; ++round) {
      std::vector<NameMatcher::Set> sets;
      for (int bit = 0; bit < 3; ++bit) {
        sets.push_back({static_cast<NameMatcher::Sets>(1 << bit), {}});
        for (std::size_t i = random() % 5; i > 0; --i)
          sets.back().patterns.push_back((random() % 2 ? "*" : "") + text(4, "abAB-_", 6) + (random() % 2 ? "*" : ""));
      }
      const NameMatcher matcher(sets);
      for (int i = 0; i < 20; ++i) {
        const std::string name = text(8, "abAB-_c\xFF", 8);
        NameMatcher::Sets expected = 0;
        for (const NameMatcher::Set& set : sets)
          for (const std::string& pattern : set.patterns)
            if (matches(name, pattern)) expected |= set.bit;
        CAPTURE(name);
        REQUIRE(matcher.find(name) == expected);
        hits += expected != 0;
      }
    }
    CHECK(hits > 1000);
  }

  TEST_CASE("the most patterns that a configuration can hold are all found") {
    std::vector<std::string> patterns;
    for (int i = 0; i < 64; ++i) {
      std::string pattern;
      std::mt19937 random(static_cast<unsigned>(i));
      for (int letter = 0; letter < 98; ++letter) pattern += static_cast<char>('!' + random() % 90);
      patterns.push_back("*" + pattern + "*");
    }
    const NameMatcher matcher({{1, patterns}, {2, patterns}});
    for (const std::string& pattern : patterns) CHECK(matcher.find("x" + pattern.substr(1, 98) + "x") == 3);
  }
}
