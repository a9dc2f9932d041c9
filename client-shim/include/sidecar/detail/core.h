#pragma once

// Core is what one tracer has in one process: ids, builders, counters, and, for the
// one thread that holds it at a time, the ring and the link. It is made when the
// tracer is opened and again in a child after a fork (state.h), and never destroyed.
//
// How a finished segment leaves, without a lock and without a thread of ours:
//
//   finishing thread:  encode into the builder -> push it on the intake -> try to become the holder
//   holder:            intake -> ring (gives the number) -> socket; lets go; looks again
//
// Who does not become the holder returns at once: the holder looks at the intake again
// after it has let go, so nothing is left there. Members under "holder" belong to it
// alone; everything else is constant, or atomic.

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "sidecar/detail/builders.h"
#include "sidecar/detail/config.h"
#include "sidecar/detail/control_reader.h"
#include "sidecar/detail/control_writer.h"
#include "sidecar/detail/link.h"
#include "sidecar/detail/page.h"
#include "sidecar/detail/ring.h"
#include "sidecar/detail/sampler.h"
#include "sidecar/detail/segment_writer.h"
#include "sidecar/detail/stats.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

struct State;

class Core {
 public:
  // Why somebody wants a holder even if there is nothing new.
  enum Wish : std::uint32_t { kNothing = 0, kLook = 1, kRead = 2, kConnect = 4 };

  static constexpr std::int64_t kFirstRetryMs = 50;
  static constexpr std::int64_t kLastRetryMs = 30'000;
  static constexpr std::int64_t kRejectedRetryMs = 600'000;  // after a REJECT that is permanent
  static constexpr std::int64_t kUnreachableMs = 10'000;     // the buffer full for so long: build no more
  static constexpr std::int64_t kLookMs = 250;               // how often to look whether that is over
  static constexpr std::int64_t kStatsMs = 1000;             // at most one STATS frame in that time
  static constexpr std::uint32_t kMaxIntake = 4096;          // segments that may wait for the holder

  // `parents`: of the process that forked us, or null; kept, since threads' handles may still lead to it.
  Core(const State* state, const Config& config, Core* parents) noexcept
      : state_(state), config_(config), parents_(parents) {}

  // False: no memory; such a core is not used.
  bool open() noexcept {
    process_id_ = random_id();
    uuid_high_ = random_number();
    uuid_low_ = random_number();
    process_epoch_ = random_number();
    random_ = random_number();
    last_beat_ms_ = monotonic_ms();
    return builders_.open() && page_.open();
  }

  const State* state() const noexcept { return state_; }
  Core* parents() const noexcept { return parents_; }
  const Config& config() const noexcept { return config_; }
  CutCounters& cut() noexcept { return cut_; }
  std::int64_t process_id() const noexcept { return process_id_; }
  std::uint64_t new_thread_number() noexcept { return next_thread_.fetch_add(1, std::memory_order_relaxed); }
  Builder* take_builder() noexcept { return builders_.take(this); }
  void give_back(Builder* builder) noexcept {
    builder->serial.fetch_add(1, std::memory_order_release);
    builders_.give_back(builder);
  }
  void count_bad_header() noexcept { count(bad_headers_); }
  void count_misuse() noexcept { count(misused_); }
  void count_unsampled() noexcept { count(unsampled_); }

  // The name under which the collector knows this process, as far as we were told.
  std::string_view instance() const noexcept {
    if (!config_.options.instance.empty()) return config_.options.instance;
    const char* const told = instance_.load(std::memory_order_acquire);
    return told == nullptr ? std::string_view(config_.default_instance) : std::string_view(told);
  }

  // Whether spans are to be built. If not, looks now and then whether that has changed.
  bool recording() noexcept {
    if (page_.enabled() && !unreachable_.load(std::memory_order_relaxed)) return true;
    const std::int64_t now = monotonic_ms();
    std::int64_t last = last_look_ms_.load(std::memory_order_relaxed);
    if (now - last >= kLookMs && last_look_ms_.compare_exchange_strong(last, now, std::memory_order_relaxed)) {
      drain(kLook | kRead);
    }
    return false;
  }
  bool sample(bool continued) noexcept {
    const std::int64_t allowed = page_.sampling();
    return allowed < 0 || sampler_.take(allowed, monotonic_ms(), continued);
  }

  // Takes a segment over whose last span has ended; no handle may reach it any more.
  void finish(Builder* builder) noexcept {
    count(created_);
    if (exited_.load(std::memory_order_relaxed)) return drop(builder, dropped_.exit_deadline);
    if (!page_.enabled()) return drop(builder, dropped_.disabled);
    if (!SegmentWriter(*builder).write(max_record_.load(std::memory_order_relaxed), cut_)) {
      return drop(builder, dropped_.too_large);
    }
    if (intake_count_.fetch_add(1, std::memory_order_relaxed) >= kMaxIntake) {
      intake_count_.fetch_sub(1, std::memory_order_relaxed);
      return drop(builder, dropped_.buffer_full);
    }
    builder->next = intake_.load(std::memory_order_relaxed);
    while (!intake_.compare_exchange_weak(builder->next, builder, std::memory_order_seq_cst)) {
    }
    drain(kNothing);
  }

  // Does what there is to do, unless another thread is at it, which then does it.
  void drain(std::uint32_t wish) noexcept {
    if (wish != kNothing) wishes_.fetch_or(wish, std::memory_order_seq_cst);
    do {
      if (held_.exchange(true, std::memory_order_seq_cst)) return;
      work();
      held_.store(false, std::memory_order_seq_cst);
    } while (intake_.load(std::memory_order_seq_cst) != nullptr || wishes_.load(std::memory_order_seq_cst) != 0);
  }

  // True: the sidecar has taken over all that was finished before. Waits for at most `deadline_ms`; if
  // `give_up_early`, only as long as somebody is there.
  bool flush(std::int64_t deadline_ms, bool give_up_early) noexcept {
    constexpr std::int64_t kLongestMs = std::int64_t{1} << 40;
    const std::int64_t end = monotonic_ms() + (deadline_ms < kLongestMs ? deadline_ms : kLongestMs);
    const std::uint64_t lost = dropped_total();
    const std::uint64_t target = created_.load(std::memory_order_relaxed);
    std::uint32_t wish = kLook | kRead | kConnect;  // once without regard to the back-off
    for (;;) {
      drain(wish);
      const std::uint64_t lost_now = dropped_total();
      if (intake_count_.load(std::memory_order_acquire) == 0 &&
          accepted_.load(std::memory_order_relaxed) + lost_now >= target) {
        return lost_now == lost;
      }
      const std::int64_t left = end - monotonic_ms();
      const int fd = fd_.load(std::memory_order_relaxed);
      if (left <= 0 || (give_up_early && fd < 0) || exited_.load(std::memory_order_relaxed)) return false;
      wait(fd, left < 2 ? static_cast<int>(left) : 2);
      wish = kLook | kRead;
    }
  }

  int fd() noexcept {
    drain(kLook | kConnect);
    return fd_.load(std::memory_order_relaxed);
  }

  // The end of the process: what can still be sent is sent, and BYE. Later segments are counted as dropped.
  void exit() noexcept {
    if (created_.load(std::memory_order_relaxed) > 0 || fd_.load(std::memory_order_relaxed) >= 0) {
      flush(config_.exit_flush_ms, true);
    }
    exited_.store(true, std::memory_order_seq_cst);
    for (int tries = 0; held_.exchange(true, std::memory_order_seq_cst); ++tries) {
      if (tries == 20) return;  // who holds it does not come back: it did not live to see this
      wait(-1, 1);
    }
    take_intake();
    say_bye();
    held_.store(false, std::memory_order_seq_cst);
  }

  // In a child: the parent's connection is not ours. Nothing else of this core is used any more.
  void leave_to_parent() noexcept { link_.close(); }

  Stats stats() noexcept {
    Stats s;
    const auto read = [](const std::atomic<std::uint64_t>& value) { return value.load(std::memory_order_relaxed); };
    s.created = read(created_);
    s.waiting = read(waiting_) + intake_count_.load(std::memory_order_relaxed);
    s.sent = read(sent_);
    s.accepted = read(accepted_);
    s.settled = read(settled_);
    s.dropped = dropped();
    s.cut.spans = read(cut_.spans);
    s.cut.tags = read(cut_.tags);
    s.cut.logs = read(cut_.logs);
    s.cut.refs = read(cut_.refs);
    s.cut.values = read(cut_.values);
    s.cut.segments = read(cut_.segments);
    s.replay_evicted = read(replay_evicted_);
    s.send_blocked = read(send_blocked_);
    s.connects = read(connects_);
    s.reconnects = s.connects == 0 ? 0 : s.connects - 1;
    s.bad_headers = read(bad_headers_);
    s.bad_frames = read(bad_frames_);
    s.misused = read(misused_);
    s.unsampled = read(unsampled_);
    s.rejected = rejected_.load(std::memory_order_relaxed);
    return s;
  }

 private:
  using Counter = std::atomic<std::uint64_t>;
  struct Dropped {
    Counter buffer_full{0}, too_large{0}, exit_deadline{0}, disabled{0};
  };

  Stats::Dropped dropped() const noexcept {
    Stats::Dropped d;
    d.buffer_full = dropped_.buffer_full.load(std::memory_order_relaxed);
    d.too_large = dropped_.too_large.load(std::memory_order_relaxed);
    d.exit_deadline = dropped_.exit_deadline.load(std::memory_order_relaxed);
    d.disabled = dropped_.disabled.load(std::memory_order_relaxed);
    return d;
  }
  std::uint64_t dropped_total() const noexcept { return dropped().total(); }

  void drop(Builder* builder, Counter& reason) noexcept {
    count(reason);
    give_back(builder);
  }

  // --- Holder: from here on ---

  void work() noexcept {
    const std::uint32_t wishes = wishes_.exchange(0, std::memory_order_seq_cst);
    take_intake();
    if (exited_.load(std::memory_order_relaxed)) return;
    now_ms_ = monotonic_ms();
    take_marks();
    if (link_.open() && !link_.ours()) {
      link_.forget();
      lost();
    }
    if (link_.open() && stop_sending_ms_ != 0 && now_ms_ >= stop_sending_ms_ && now_ms_ >= not_before_ms_) lost();
    if (link_.open() && ((wishes & kRead) != 0 || frames_wait())) read_frames();
    if (!link_.open() && wants_connection(wishes)) connect();
    send_waiting();
    publish();
  }

  void take_intake() noexcept {
    Builder* list = intake_.exchange(nullptr, std::memory_order_seq_cst);
    Builder* first = nullptr;
    while (list != nullptr) {  // it is in reverse order
      Builder* const next = list->next;
      list->next = first;
      first = list;
      list = next;
    }
    while (first != nullptr) {
      Builder* const next = first->next;
      keep(first);
      intake_count_.fetch_sub(1, std::memory_order_release);
      first = next;
    }
  }

  void keep(Builder* builder) noexcept {
    if (exited_.load(std::memory_order_relaxed)) return drop(builder, dropped_.exit_deadline);
    if (!ring_.is_open() && !ring_.open(config_.buffer_bytes)) return drop(builder, dropped_.buffer_full);
    const std::size_t size = builder->encoded.size();
    const std::uint64_t accepted = accepted_.load(std::memory_order_relaxed);
    while (ring_.used() + size > ring_.capacity() / 4 * 3 && ring_.forget_oldest_before(accepted + 1)) {
      count(replay_evicted_);
    }
    if (ring_.add(builder->encoded.data(), size)) {
      waiting_.store(ring_.head_seq() - ring_.next_seq(), std::memory_order_relaxed);
      if (ring_.used() > high_water_) high_water_ = ring_.used();
      return give_back(builder);
    }
    const std::int64_t now = monotonic_ms();
    if (full_since_ms_ == 0) full_since_ms_ = now;
    if (now - full_since_ms_ >= kUnreachableMs) unreachable_.store(true, std::memory_order_relaxed);
    drop(builder, dropped_.buffer_full);
  }

  void take_marks() noexcept {
    if (paged_) set_marks(page_.accepted(), page_.settled());
  }
  // Marks only grow, and never pass what was sent: they are the sidecar's word, which is not trusted with our memory.
  void set_marks(std::uint64_t accepted, std::uint64_t settled) noexcept {
    if (accepted > last_sent_) accepted = last_sent_;
    if (settled > accepted) settled = accepted;
    if (accepted > accepted_.load(std::memory_order_relaxed)) {
      accepted_.store(accepted, std::memory_order_relaxed);
      somebody_is_there();  // there is room again, even if nothing is left to be sent
    }
    if (settled <= settled_.load(std::memory_order_relaxed)) return;
    settled_.store(settled, std::memory_order_relaxed);
    if (ring_.next_seq() <= settled) ring_.send_from(settled + 1);  // known to have arrived: no need to send again
    ring_.forget_before(settled + 1);
  }

  void somebody_is_there() noexcept {
    full_since_ms_ = 0;
    unreachable_.store(false, std::memory_order_relaxed);
  }

  bool frames_wait() noexcept {
    if (!paged_) {
      if (now_ms_ == last_read_ms_) return false;  // nobody tells us: ask, but not each time
      last_read_ms_ = now_ms_;
      return true;
    }
    if (page_.frames() != frames_read_) return true;
    const std::uint64_t beat = page_.beat();
    if (beat != last_beat_) {
      last_beat_ = beat;
      last_beat_ms_ = now_ms_;
      return false;
    }
    if (now_ms_ - last_beat_ms_ < ipc_protocol::kBeatStillMs) return false;
    last_beat_ms_ = now_ms_;
    return true;
  }

  bool wants_connection(std::uint32_t wishes) const noexcept {
    if ((wishes & kConnect) != 0) return now_ms_ >= not_before_ms_;
    const bool something = ring_.tail_seq() != ring_.head_seq() || (wishes & kLook) != 0;
    return something && now_ms_ >= next_attempt_ms_ && now_ms_ >= not_before_ms_;
  }

  void connect() noexcept {
    if (!link_.connect(config_.options.socket, config_.options.trusted_uid)) return back_off();
    count(connects_);
    attempts_ = attempts_ < 20 ? attempts_ + 1 : attempts_;  // until it has proved good: lost() looks at it
    connected_ms_ = now_ms_;
    fd_.store(link_.fd(), std::memory_order_relaxed);
    limit_frames(link_.max_frame());
    paged_ = welcomed_ = false;
    frames_read_ = 0;
    last_read_ms_ = -1;
    stop_sending_ms_ = 0;
    say_hello();
  }

  // To what the socket takes, or the sidecar grants. Less than this is no limit but nonsense: what is too large shows.
  void limit_frames(std::size_t size) noexcept {
    constexpr std::size_t kLeast = 4096;
    max_frame_ = size < kLeast ? kLeast : size;
    max_record_.store(max_frame_ - ipc_protocol::kHeaderSize - 8, std::memory_order_relaxed);
  }

  void back_off() noexcept {
    const unsigned shift = attempts_ < 10 ? attempts_ : 10;
    std::int64_t wait = kFirstRetryMs << shift;
    if (wait > kLastRetryMs) wait = kLastRetryMs;
    attempts_ = attempts_ < 20 ? attempts_ + 1 : attempts_;
    next_attempt_ms_ = now_ms_ + wait / 2 + jitter(wait / 2);
  }
  std::int64_t jitter(std::int64_t below) noexcept {
    if (below <= 0) return 0;
    return static_cast<std::int64_t>(next_random(random_) % static_cast<std::uint64_t>(below));
  }

  // The connection is gone, and what is not settled waits again. One that had served for a while is made again at once.
  void lost() noexcept {
    link_.close();
    broken_ = false;
    fd_.store(-1, std::memory_order_relaxed);
    ring_.send_from(settled_.load(std::memory_order_relaxed) + 1);
    const bool good = welcomed_ && now_ms_ - connected_ms_ >= 2 * kFirstRetryMs;
    if (good) attempts_ = 0;
    if (good) {
      next_attempt_ms_ = now_ms_;
    } else {
      back_off();
    }
    paged_ = welcomed_ = false;
  }

  // False: the socket had no room, and nothing else may go out before it has.
  bool say_hello() noexcept {
    using namespace ipc_protocol;
    HelloFields f;
    f.capabilities = kCapReplay | kCapPage | kCapDynamicSampling | kCapDrain | kCapRehello | kCapProbe;
    f.service = config_.options.service;
    f.instance = config_.options.instance;
    f.layer = config_.options.layer;
    f.properties = &config_.options.properties;
    f.exe = config_.exe;
    f.uuid_high = uuid_high_;
    f.uuid_low = uuid_low_;
    f.process_epoch = process_epoch_;
    f.oldest_seq = ring_.tail_seq();
    f.next_seq = ring_.head_seq();
    f.pid = static_cast<std::uint32_t>(::getpid());
    f.start_time_us = config_.start_time_us;
    f.slot = slot_;
    f.retention_bytes = static_cast<std::uint32_t>(config_.buffer_bytes);
    f.boottime_us = read_clock_ns(CLOCK_BOOTTIME) / 1000;
    f.realtime_us = realtime_us();
    f.sidecar_epoch = sidecar_epoch_;
    f.created = created_.load(std::memory_order_relaxed);
    f.dropped = dropped();
    hello_due_ = !send_control(ControlWriter(frame_).hello(f, lost_before()));
    return !hello_due_;
  }

  void say_bye() noexcept {
    now_ms_ = monotonic_ms();
    if (ring_.next_seq() <= accepted_.load(std::memory_order_relaxed)) {
      ring_.send_from(accepted_.load(std::memory_order_relaxed) + 1);
    }
    const std::uint64_t left = ring_.head_seq() - ring_.next_seq();
    const std::uint64_t last_seq = ring_.next_seq() - 1;
    count(dropped_.exit_deadline, left);
    abandoned_ += left;
    ring_.send_from(ring_.head_seq());
    if (link_.open() && link_.ours()) {
      send_control(ControlWriter(frame_).bye(last_seq, created_.load(std::memory_order_relaxed), dropped(),
                                             lost_before()));
    }
    link_.close();
    fd_.store(-1, std::memory_order_relaxed);
    publish();
  }

  // After drops, by reason; the next frame's lost_before tells only how many.
  void say_stats() noexcept {
    if (stats_told_ == dropped_total() || now_ms_ - last_stats_ms_ < kStatsMs) return;
    last_stats_ms_ = now_ms_;
    stats_told_ = dropped_total();
    publish();
    send_control(ControlWriter(frame_).stats(stats(), high_water_, lost_before()));
  }

  std::uint32_t lost_before() const noexcept {
    const std::uint64_t lost = dropped_total() - lost_told_;
    return lost > 0xFFFFFFFFu ? 0xFFFFFFFFu : static_cast<std::uint32_t>(lost);
  }

  bool send_control(std::size_t size) noexcept {
    const std::uint64_t lost = dropped_total();
    if (size == 0) return false;
    const int error = link_.send(frame_, size, nullptr, 0);
    if (error == 0) lost_told_ = lost;
    if (error != 0 && error != EAGAIN && error != ENOBUFS) send_failed();
    return error == 0;
  }

  void send_waiting() noexcept {
    if (stop_sending_ms_ != 0 && now_ms_ >= stop_sending_ms_) return;
    if (hello_due_ && (!link_.open() || !say_hello())) return;
    if (link_.open()) say_stats();
    unsigned max_count = ipc_protocol::kMaxRecordsPerFrame;
    while (link_.open()) {
      const Ring::Run run = ring_.to_send(max_frame_ - ipc_protocol::kHeaderSize, max_count);
      if (run.count == 0) return;
      const std::uint64_t lost = dropped_total();
      const std::uint64_t first = ring_.next_seq();
      ipc_protocol::FrameHeader header{};
      header.magic = ipc_protocol::kMagic;
      header.header_words = ipc_protocol::kHeaderWords;
      header.type = static_cast<std::uint8_t>(ipc_protocol::FrameType::segments);
      header.flags = first <= last_sent_ ? std::uint16_t{ipc_protocol::kFlagReplay} : std::uint16_t{0};
      header.payload_size = static_cast<std::uint32_t>(run.size);
      header.first_seq = first;
      header.count = static_cast<std::uint16_t>(run.count);
      header.schema = ipc_protocol::kSchemaSegment;
      header.revision = ipc_protocol::kSegmentRevision;
      header.lost_before = lost_before();
      const int error = link_.send(&header, sizeof header, run.data, run.size);
      if (error == 0) {
        ring_.sent(run.count);
        if (ring_.next_seq() - 1 > last_sent_) last_sent_ = ring_.next_seq() - 1;
        lost_told_ = lost;
        somebody_is_there();
      } else if (error == EAGAIN || error == ENOBUFS) {
        count(send_blocked_);
        return;
      } else if (error == EMSGSIZE && run.count > 1) {
        max_count = 1;
      } else if (error == EMSGSIZE) {
        drop_too_large();
      } else {
        return send_failed();
      }
    }
  }

  // The next record is larger than the socket takes: its buffer is smaller than we were told when it was made.
  void drop_too_large() noexcept {
    count(dropped_.too_large);
    const std::uint64_t seq = ring_.next_seq();
    if (seq > last_sent_) return ring_.remove_next();  // nobody knows its number yet, so that the next may have it
    ++abandoned_;
    ring_.sent(1);
    ring_.forget_before(seq + 1);  // this sidecar has the ones before it, and shall be told not to wait for this one
    lost();
  }

  // After ECONNRESET a REJECT may still be queued. Who is reading already goes on to the end.
  void send_failed() noexcept {
    broken_ = true;
    if (!reading_) read_frames();
  }

  void read_frames() noexcept {
    reading_ = true;
    read_turn();
    reading_ = false;
    if (broken_ && link_.open()) lost();
  }

  void read_turn() noexcept {
    constexpr int kMaxFrames = 64;    // a turn; more wait for the next
    constexpr int kMaxAtEnd = 1024;   // of a connection that is broken: there is no next
    const std::uint64_t announced = paged_ ? page_.frames() : 0;
    bool reset = false;
    for (int i = 0; i < (broken_ ? kMaxAtEnd : kMaxFrames) && link_.open(); ++i) {
      int descriptor = -1;
      const ssize_t got = link_.receive(frame_, sizeof frame_, &descriptor);
      if (got < 0 && errno == ECONNRESET && !reset) {
        reset = true;
        continue;
      }
      if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        if (reset) return lost();
        frames_read_ = paged_ ? announced : 0;
        return;
      }
      if (got <= 0) {
        if (descriptor >= 0) ::close(descriptor);
        return lost();
      }
      on_frame(read_server_frame(frame_, static_cast<std::size_t>(got)), descriptor);
      if (descriptor >= 0) ::close(descriptor);
    }
  }

  void on_frame(const ServerFrame& frame, int descriptor) noexcept {
    using Kind = ServerFrame::Kind;
    switch (frame.kind) {
      case Kind::bad:
        return count(bad_frames_);
      case Kind::skip:
        return;
      case Kind::welcome:
        return on_welcome(frame, descriptor);
      case Kind::ack:
        if (!paged_ && welcomed_) set_marks(frame.accepted, frame.settled);
        return;
      case Kind::drain:
        stop_sending_ms_ = now_ms_ + frame.send_within_ms;
        not_before_ms_ = now_ms_ + at_most(frame.reconnect_after_ms) + jitter(at_most(frame.jitter_ms));
        return;
      case Kind::reject:
        return on_reject(frame);
      case Kind::rehello:
        paged_ = welcomed_ = false;  // the old page is nobody's any more
        stop_sending_ms_ = 0;
        if (frame.sidecar_epoch != sidecar_epoch_) {  // what the old one had accepted may have died with it
          ring_.send_from(settled_.load(std::memory_order_relaxed) + 1);
        }
        say_hello();
        return;
      case Kind::probe:
        send_control(ControlWriter(frame_).probe_reply(frame.token, lost_before()));
        return;
    }
  }

  void on_welcome(const ServerFrame& frame, int descriptor) noexcept {
    const bool same = frame.known && frame.sidecar_epoch == sidecar_epoch_;
    sidecar_epoch_ = frame.sidecar_epoch;
    slot_ = frame.slot;
    welcomed_ = true;
    somebody_is_there();
    if (frame.max_frame != 0 && frame.max_frame < max_frame_) limit_frames(frame.max_frame);
    rejected_.store(0, std::memory_order_relaxed);
    not_before_ms_ = 0;
    remember_instance(frame.instance);
    if (!same) {  // what another sidecar had accepted may have died with it
      accepted_.store(settled_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    }
    if (frame.known) {
      set_marks(frame.accepted, frame.settled);
      const std::uint64_t accepted = accepted_.load(std::memory_order_relaxed);
      if (ring_.next_seq() <= accepted) ring_.send_from(accepted + 1);
    }
    if (descriptor >= 0 && page_.install(descriptor)) {
      paged_ = true;
      last_beat_ = page_.beat();
      last_beat_ms_ = now_ms_;
      frames_read_ = 0;
    } else {
      page_.use_own(frame.sampling, frame.enabled);
    }
  }

  void on_reject(const ServerFrame& frame) noexcept {
    rejected_.store(frame.code, std::memory_order_relaxed);
    lost();
    const std::int64_t wait = frame.permanent ? kRejectedRetryMs : at_most(frame.retry_after_ms);
    if (wait > 0) {
      not_before_ms_ = now_ms_ + wait + jitter(wait / 4);
    }
  }

  static std::int64_t at_most(std::uint32_t ms) noexcept {
    return ms < kRejectedRetryMs ? std::int64_t{ms} : kRejectedRetryMs;
  }

  // Old names are not freed, since any thread may be reading one: a sidecar seldom gives another.
  void remember_instance(std::string_view name) noexcept {
    constexpr unsigned kMaxNames = 64;
    if (name.empty() || name.size() > ipc_protocol::kMaxName || !clean_text(name) || name == instance() ||
        names_ == kMaxNames) {
      return;
    }
    auto* const copy = static_cast<char*>(std::malloc(name.size() + 1));
    if (copy == nullptr) return;
    std::memcpy(copy, name.data(), name.size());
    copy[name.size()] = 0;
    ++names_;
    instance_.store(copy, std::memory_order_release);
  }

  void publish() noexcept {
    const std::uint64_t waiting = ring_.head_seq() - ring_.next_seq();
    waiting_.store(waiting, std::memory_order_relaxed);
    sent_.store(ring_.head_seq() - 1 - waiting - abandoned_, std::memory_order_relaxed);
  }

  // For what happens on `fd` (the page changes without it), or, without one, just so long.
  static void wait(int fd, int ms) noexcept {
    pollfd item{fd, POLLIN, 0};
    ::poll(&item, fd < 0 ? 0 : 1, ms);
  }

  const State* const state_;
  const Config& config_;
  Core* const parents_;
  std::int64_t process_id_ = 0;
  std::uint64_t uuid_high_ = 0;
  std::uint64_t uuid_low_ = 0;
  std::uint64_t process_epoch_ = 0;

  std::atomic<std::uint64_t> next_thread_{1};
  Builders builders_;
  Page page_;
  Sampler sampler_;
  CutCounters cut_;
  Dropped dropped_;
  Counter created_{0}, bad_headers_{0}, misused_{0}, unsampled_{0};
  std::atomic<bool> exited_{false};
  std::atomic<std::int64_t> last_look_ms_{0};
  std::atomic<std::size_t> max_record_{ipc_protocol::kMaxSegment};

  alignas(64) std::atomic<Builder*> intake_{nullptr};
  std::atomic<std::uint32_t> intake_count_{0};
  std::atomic<std::uint32_t> wishes_{0};
  std::atomic<bool> held_{false};

  // --- Written by the holder, read by any thread ---
  std::atomic<bool> unreachable_{false};
  std::atomic<int> fd_{-1};
  std::atomic<const char*> instance_{nullptr};
  std::atomic<std::uint32_t> rejected_{0};
  Counter waiting_{0}, sent_{0}, accepted_{0}, settled_{0}, replay_evicted_{0}, send_blocked_{0}, connects_{0},
      bad_frames_{0};

  // --- The holder's alone ---
  Ring ring_;
  Link link_;
  std::uint64_t random_ = 1;
  std::uint64_t last_sent_ = 0;   // highest number that ever went out
  std::uint64_t abandoned_ = 0;   // numbered, but dropped at the exit
  std::uint64_t lost_told_ = 0;   // drops that the sidecar has been told of
  std::uint64_t stats_told_ = 0;  // the same, by a STATS frame
  std::uint64_t high_water_ = 0;  // of the ring, in bytes
  std::uint64_t sidecar_epoch_ = 0;
  std::uint64_t frames_read_ = 0;  // what page_.frames() was when the socket had been read empty
  std::uint64_t last_beat_ = 0;
  std::int64_t last_beat_ms_ = 0;  // when it was seen to change, or the socket was read because it did not
  std::int64_t now_ms_ = 0;
  std::int64_t last_read_ms_ = -1;
  std::int64_t full_since_ms_ = 0;  // when the buffer refused a segment for the first time since anything went out; or 0
  std::int64_t last_stats_ms_ = 0;
  std::int64_t connected_ms_ = 0;
  std::int64_t next_attempt_ms_ = 0;
  std::int64_t not_before_ms_ = 0;    // the sidecar asked to stay away until then
  std::int64_t stop_sending_ms_ = 0;  // after DRAIN; 0: go on
  std::int32_t slot_ = -1;
  unsigned attempts_ = 0;
  unsigned names_ = 0;
  std::size_t max_frame_ = ipc_protocol::kMaxFrame;
  bool reading_ = false;
  bool broken_ = false;     // a send failed; there may be something to be read
  bool hello_due_ = false;  // the socket had no room for it
  bool welcomed_ = false;
  bool paged_ = false;  // the page is this connection's
  alignas(8) unsigned char frame_[ipc_protocol::kMaxControlFrame];
};

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
