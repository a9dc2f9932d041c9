// The free list of builders when memory runs out. Replaces new(nothrow) of its program by
// one that fails when told to, and lets "another thread" in between.

#include <doctest/doctest.h>
#include <sidecar/shim.h>

#include <set>

using sidecar::detail::Builder;
using sidecar::detail::Builders;

namespace {

bool fail_next = false;
Builders* taken_from_meanwhile = nullptr;
Builder* taken_meanwhile = nullptr;

}  // namespace

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  if (!fail_next) return std::malloc(size);
  fail_next = false;
  if (taken_from_meanwhile != nullptr) taken_meanwhile = taken_from_meanwhile->take(nullptr);
  return nullptr;
}
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

TEST_SUITE_BEGIN("shim/builders");

TEST_CASE("a builder that could not be made leaves no place that two others share") {
  static Builders builders;  // what it made lives for ever
  REQUIRE(builders.open());
  fail_next = true;
  taken_from_meanwhile = &builders;
  CHECK(builders.take(nullptr) == nullptr);
  REQUIRE(taken_meanwhile != nullptr);
  std::set<std::uint32_t> indices = {taken_meanwhile->index};
  for (int i = 0; i < 4; ++i) {
    Builder* const builder = builders.take(nullptr);
    REQUIRE(builder != nullptr);
    CHECK(indices.insert(builder->index).second);
  }
}

TEST_CASE("a builder that grew large gives its memory back, in whatever part it grew") {
  static Builders builders;  // what it made lives for ever
  REQUIRE(builders.open());
  Builder* const builder = builders.take(nullptr);
  sidecar::detail::LogData log;
  for (int i = 0; i < 20'000; ++i) builder->logs.add(log);
  REQUIRE(builder->footprint() > Builders::kLarge);
  builders.give_back(builder);
  CHECK(builder->footprint() == 0);
  CHECK(builders.take(nullptr) == builder);
}

TEST_SUITE_END();
