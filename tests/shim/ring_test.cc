#include <doctest/doctest.h>
#include <sidecar/shim.h>

#include <deque>
#include <random>

using sidecar::detail::Ring;

namespace {

// A record as the ring knows it: a length, then bytes that tell which it is.
std::vector<unsigned char> record(std::uint64_t seq, std::size_t size) {
  std::vector<unsigned char> bytes(size, static_cast<unsigned char>(seq));
  const auto prefix = static_cast<std::uint32_t>(size - 4);
  std::memcpy(bytes.data(), &prefix, 4);
  return bytes;
}

}  // namespace

TEST_SUITE_BEGIN("shim/ring");

TEST_CASE("it behaves as a queue with three marks, whatever is done to it") {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    Ring ring;
    REQUIRE(ring.open(65536));
    std::deque<std::pair<std::uint64_t, std::size_t>> held;
    std::uint64_t head = 1;
    std::uint64_t next = 1;
    for (int step = 0; step < 5000; ++step) {
      const unsigned what = random() % 10;
      if (what < 5) {
        const std::size_t size = 40 + random() % (random() % 20 == 0 ? 30'000 : 900);
        const auto bytes = record(head, size);
        if (ring.add(bytes.data(), bytes.size())) {
          held.emplace_back(head++, size);
        } else {
          CHECK(ring.used() + 2 * size > 30'000);  // it was rather full
        }
      } else if (what < 7) {
        const Ring::Run run = ring.to_send(1 + random() % 8000, 1 + random() % 64);
        std::size_t at = 0;
        for (unsigned i = 0; i < run.count; ++i) {
          const std::size_t size = held[static_cast<std::size_t>(next + i - held.front().first)].second;
          std::uint32_t prefix = 0;
          std::memcpy(&prefix, run.data + at, 4);
          REQUIRE(prefix == size - 4);
          REQUIRE(run.data[at + size - 1] == static_cast<unsigned char>(next + i));
          at += (size + 7) / 8 * 8;
        }
        REQUIRE(at == run.size);
        if (next < head) REQUIRE(run.count > 0);
        const unsigned sent = run.count == 0 ? 0 : random() % (run.count + 1);
        ring.sent(sent);
        next += sent;
      } else if (what == 7) {
        const std::uint64_t seq = next - std::min<std::uint64_t>(next, random() % 20);
        ring.forget_before(seq);
        while (!held.empty() && held.front().first < seq && held.front().first < next) held.pop_front();
      } else if (what == 8) {
        const std::uint64_t seq = ring.tail_seq() + random() % 3;
        if (ring.forget_oldest_before(seq)) {
          held.pop_front();
          next = std::max(next, held.empty() ? head : held.front().first);
        }
      } else if (random() % 4 == 0) {
        next = std::min(head, ring.tail_seq() + random() % 10);
        ring.send_from(next);
      }
      REQUIRE(ring.head_seq() == head);
      REQUIRE(ring.next_seq() == next);
      REQUIRE(ring.tail_seq() == (held.empty() ? head : held.front().first));
      REQUIRE(ring.used() <= ring.capacity());
      if (held.empty()) REQUIRE(ring.used() == 0);
    }
  }
}

TEST_CASE("what is removed leaves no gap in the numbers, wherever it lay") {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    Ring ring;
    REQUIRE(ring.open(65536));
    std::deque<std::uint64_t> held;  // what is not settled, by a number that no removal changes
    std::size_t sent = 0;            // of them
    std::uint64_t made = 0;
    std::uint64_t head = 1;
    for (int step = 0; step < 5000; ++step) {
      const unsigned what = random() % 8;
      if (what < 4) {
        const auto bytes = record(made, 40 + random() % 3000);
        if (ring.add(bytes.data(), bytes.size())) held.push_back(made++), ++head;
      } else if (what == 4) {
        if (sent < held.size()) held.erase(held.begin() + static_cast<std::ptrdiff_t>(sent)), --head;
        ring.remove_next();
      } else if (what < 7) {
        const Ring::Run run = ring.to_send(1, 1);
        REQUIRE((run.count == 1) == (sent < held.size()));
        if (run.count == 1) {
          REQUIRE(run.data[run.size - 8] == static_cast<unsigned char>(held[sent]));
          ring.sent(1);
          ++sent;
        }
      } else {
        const std::size_t count = random() % (sent + 1);
        ring.forget_before(ring.tail_seq() + count);
        held.erase(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(count));
        sent -= count;
      }
      REQUIRE(ring.head_seq() == head);
      REQUIRE(ring.tail_seq() == head - held.size());
      REQUIRE(ring.next_seq() == ring.tail_seq() + sent);
      REQUIRE(ring.used() <= ring.capacity());
      if (held.empty()) REQUIRE(ring.used() == 0);
    }
  }
}

TEST_SUITE_END();
