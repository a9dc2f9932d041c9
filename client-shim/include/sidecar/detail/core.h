#pragma once

// Core is what one tracer has in one process: ids, builders, counters, and, for the
// one thread that holds it at a time, the sender and the session. It is made when the
// tracer is opened and again in a child after a fork (state.h), and never destroyed.
//
// A finished segment is encoded by the thread that finished it and handed to the
// holder (intake.h), who numbers it and sends it. Any thread, but for what says
// otherwise; nothing here waits but flush() and exit().

#include <poll.h>

#include <atomic>
#include <cstdint>
#include <string_view>

#include "sidecar/detail/builders.h"
#include "sidecar/detail/config.h"
#include "sidecar/detail/identity.h"
#include "sidecar/detail/ignore_rules.h"
#include "sidecar/detail/intake.h"
#include "sidecar/detail/ledger.h"
#include "sidecar/detail/page.h"
#include "sidecar/detail/sampler.h"
#include "sidecar/detail/segment_writer.h"
#include "sidecar/detail/sender.h"
#include "sidecar/detail/session.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

struct State;

class Core {
 public:
  static constexpr std::int64_t kLookMs = 250;  // how often to look whether there is a reason to record again

  // `parents`: of the process that forked us, or null; kept, since threads' handles may still lead to it.
  Core(const State* state, const Config& config, Core* parents) noexcept
      : state_(state),
        config_(config),
        parents_(parents),
        identity_(config),
        sender_(config, ledger_),
        session_(config, identity_, ledger_, page_, ignore_, sender_) {}

  // False: no memory; such a core is not used.
  bool open() noexcept {
    session_.open(monotonic_ms());
    return builders_.open() && page_.open();
  }
  // In a child: the parent's connection is not ours. Nothing else of this core is used any more.
  void leave_to_parent() noexcept { sender_.link().close(); }

  const State* state() const noexcept { return state_; }
  Core* parents() const noexcept { return parents_; }
  const Config& config() const noexcept { return config_; }
  CutCounters& cut() noexcept { return ledger_.cut; }
  std::int64_t process_id() const noexcept { return identity_.process_id(); }
  const Identity& identity() const noexcept { return identity_; }
  std::uint64_t new_thread_number() noexcept { return next_thread_.fetch_add(1, std::memory_order_relaxed); }
  void count_bad_header() noexcept { count(ledger_.bad_headers); }
  void count_misuse() noexcept { count(ledger_.misused); }
  void count_unsampled() noexcept { count(ledger_.unsampled); }

  // Whether a segment that begins with this operation is not to be recorded; counts it.
  bool ignores(std::string_view operation) noexcept {
    if (!ignore_.match(operation)) return false;
    count(ledger_.ignored);
    return true;
  }
  bool introduced() const noexcept { return session_.introduced(); }
  // Before the first header goes out: asks the sidecar who we are and what is to be ignored, unless it has said so
  // already. Does not wait for the answer; at most once a millisecond.
  void introduce() noexcept {
    if (session_.introduced()) return;
    const std::int64_t now = monotonic_ms();
    std::int64_t last = introduced_ms_.load(std::memory_order_relaxed);
    if (now != last && introduced_ms_.compare_exchange_strong(last, now, std::memory_order_relaxed)) {
      drain(Intake::kLook | Intake::kRead);
    }
  }

  // Whether spans are to be built. If not, looks now and then whether that has changed.
  bool recording() noexcept {
    if (page_.enabled() && !sender_.unreachable()) return true;
    const std::int64_t now = monotonic_ms();
    std::int64_t last = last_look_ms_.load(std::memory_order_relaxed);
    if (now - last >= kLookMs && last_look_ms_.compare_exchange_strong(last, now, std::memory_order_relaxed)) {
      drain(Intake::kLook | Intake::kRead);
    }
    return false;
  }
  bool sample(bool continued) noexcept {
    const std::int64_t allowed = page_.sampling();
    return allowed < 0 || sampler_.take(allowed, monotonic_ms(), continued);
  }

  Builder* take_builder() noexcept { return builders_.take(this); }
  // Handles that lead to it are void from here on.
  void give_back(Builder* builder) noexcept {
    builder->serial.fetch_add(1, std::memory_order_release);
    builders_.give_back(builder);
  }
  // Takes a segment over whose last span has ended; no handle may reach it any more.
  void finish(Builder* builder) noexcept {
    count(ledger_.created);
    if (exited_.load(std::memory_order_relaxed)) return drop(builder, ledger_.dropped.exit_deadline);
    if (!page_.enabled()) return drop(builder, ledger_.dropped.disabled);
    if (!SegmentWriter(*builder).write(sender_.max_record(), ledger_.cut)) {
      return drop(builder, ledger_.dropped.too_large);
    }
    if (!intake_.push(builder)) return drop(builder, ledger_.dropped.buffer_full);
    drain(Intake::kNothing);
  }

  // Does what there is to do, unless another thread is at it, which then does it.
  void drain(std::uint32_t wishes) noexcept {
    intake_.wish(wishes);
    intake_.hold([this] {
      const std::uint32_t wished = intake_.take_wishes();
      take_intake();
      if (!exited_.load(std::memory_order_relaxed)) session_.work(wished, monotonic_ms());
    });
  }

  // True: the sidecar has taken over all that was finished before. Waits for at most `deadline_ms`; if
  // `give_up_early`, only as long as somebody is there.
  bool flush(std::int64_t deadline_ms, bool give_up_early) noexcept {
    constexpr std::int64_t kLongestMs = std::int64_t{1} << 40;
    const std::int64_t end = monotonic_ms() + (deadline_ms < kLongestMs ? deadline_ms : kLongestMs);
    const std::uint64_t lost = ledger_.dropped_total();
    const std::uint64_t target = Ledger::read(ledger_.created);
    std::uint32_t wishes = Intake::kLook | Intake::kRead | Intake::kConnect;  // once without regard to the back-off
    for (;;) {
      drain(wishes);
      const std::uint64_t lost_now = ledger_.dropped_total();
      if (intake_.count() == 0 && Ledger::read(ledger_.accepted) + lost_now >= target) return lost_now == lost;
      const std::int64_t left = end - monotonic_ms();
      const int fd = session_.fd();
      if (left <= 0 || (give_up_early && fd < 0) || exited_.load(std::memory_order_relaxed)) return false;
      wait(fd, left < 2 ? static_cast<int>(left) : 2);
      wishes = Intake::kLook | Intake::kRead;
    }
  }

  int fd() noexcept {
    drain(Intake::kLook | Intake::kConnect);
    return session_.fd();
  }

  // The end of the process: what can still be sent is sent, and BYE. Later segments are counted as dropped.
  void exit() noexcept {
    if (Ledger::read(ledger_.created) > 0 || session_.fd() >= 0) flush(config_.exit_flush_ms, true);
    exited_.store(true, std::memory_order_seq_cst);
    for (int tries = 0; !intake_.try_hold(); ++tries) {
      if (tries == 20) return;  // who holds it does not come back: it did not live to see this
      wait(-1, 1);
    }
    take_intake();
    session_.end();
    intake_.let_go();
  }

  Stats stats() const noexcept { return ledger_.stats(intake_.count()); }

 private:
  // Holder.
  void take_intake() noexcept {
    intake_.take_all([this](Builder* builder) {
      if (exited_.load(std::memory_order_relaxed)) return drop(builder, ledger_.dropped.exit_deadline);
      if (!sender_.keep(builder->encoded.data(), builder->encoded.size())) {
        return drop(builder, ledger_.dropped.buffer_full);
      }
      give_back(builder);
    });
  }
  void drop(Builder* builder, Ledger::Counter& reason) noexcept {
    count(reason);
    give_back(builder);
  }
  // For what happens on `fd` (the page changes without it), or, without one, just so long.
  static void wait(int fd, int ms) noexcept {
    pollfd item{fd, POLLIN, 0};
    ::poll(&item, fd < 0 ? 0 : 1, ms);
  }

  const State* const state_;
  const Config& config_;
  Core* const parents_;
  Identity identity_;
  std::atomic<std::uint64_t> next_thread_{1};
  Builders builders_;
  Page page_;
  IgnoreRules ignore_;
  Sampler sampler_;
  Ledger ledger_;
  std::atomic<bool> exited_{false};
  std::atomic<std::int64_t> last_look_ms_{0};
  std::atomic<std::int64_t> introduced_ms_{0};
  Intake intake_;
  Sender sender_;
  Session session_;
};

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
