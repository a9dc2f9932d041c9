#pragma once

// Sender keeps finished segments in the ring and hands them, and control frames, to the
// link. It knows numbers and marks, and what the sidecar has been told of losses; when
// to connect, and what the sidecar says, is the session's business (session.h).
//
// Owner: the holder of the core (intake.h), alone; `max_record` is read by any thread.
// Nothing here reads from the connection or closes it: when a send fails it is
// `broken`, and the session sees to it.

#include <errno.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "sidecar/detail/clock.h"
#include "sidecar/detail/config.h"
#include "sidecar/detail/control_writer.h"
#include "sidecar/detail/ledger.h"
#include "sidecar/detail/link.h"
#include "sidecar/detail/ring.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

class Sender {
 public:
  static constexpr std::int64_t kUnreachableMs = 10'000;  // the buffer full for so long: build no more
  static constexpr std::int64_t kStatsMs = 1000;          // at most one STATS frame in that time

  Sender(const Config& config, Ledger& ledger) noexcept : config_(config), ledger_(ledger) {}

  Link& link() noexcept { return link_; }
  const Ring& ring() const noexcept { return ring_; }
  bool broken() const noexcept { return broken_; }
  std::size_t max_frame() const noexcept { return max_frame_; }
  // Of the next segment; any thread.
  std::size_t max_record() const noexcept { return max_record_.load(std::memory_order_relaxed); }
  // Whether nobody took anything for so long that nothing more should be built; any thread.
  bool unreachable() const noexcept { return unreachable_.load(std::memory_order_relaxed); }
  void somebody_is_there() noexcept {
    full_since_ms_ = 0;
    unreachable_.store(false, std::memory_order_relaxed);
  }

  // False: there is no room.
  bool keep(const unsigned char* record, std::size_t size) noexcept {
    if (!ring_.is_open() && !ring_.open(config_.buffer_bytes)) return false;
    const std::uint64_t accepted = Ledger::read(ledger_.accepted);
    while (ring_.used() + size > ring_.capacity() / 4 * 3 && ring_.forget_oldest_before(accepted + 1)) {
      count(ledger_.replay_evicted);
    }
    if (ring_.add(record, size)) {
      ledger_.waiting.store(ring_.head_seq() - ring_.next_seq(), std::memory_order_relaxed);
      if (ring_.used() > high_water_) high_water_ = ring_.used();
      return true;
    }
    const std::int64_t now = monotonic_ms();
    if (full_since_ms_ == 0) full_since_ms_ = now;
    if (now - full_since_ms_ >= kUnreachableMs) unreachable_.store(true, std::memory_order_relaxed);
    return false;
  }

  // Marks only grow, and never pass what was sent: they are the sidecar's word, which is not trusted with our memory.
  void set_marks(std::uint64_t accepted, std::uint64_t settled) noexcept {
    if (accepted > last_sent_) accepted = last_sent_;
    if (settled > accepted) settled = accepted;
    if (accepted > Ledger::read(ledger_.accepted)) {
      ledger_.accepted.store(accepted, std::memory_order_relaxed);
      somebody_is_there();  // there is room again, even if nothing is left to be sent
    }
    if (settled <= Ledger::read(ledger_.settled)) return;
    ledger_.settled.store(settled, std::memory_order_relaxed);
    skip_to(settled);  // known to have arrived: no need to send again
    ring_.forget_before(settled + 1);
  }
  // What another sidecar had accepted may have died with it.
  void forget_accepted() noexcept { ledger_.accepted.store(Ledger::read(ledger_.settled), std::memory_order_relaxed); }
  // Those up to `seq` need not be sent.
  void skip_to(std::uint64_t seq) noexcept {
    if (ring_.next_seq() <= seq) ring_.send_from(seq + 1);
  }
  // All that is not settled goes out again.
  void start_over() noexcept { ring_.send_from(Ledger::read(ledger_.settled) + 1); }

  void on_connected() noexcept {
    broken_ = false;
    limit_frames(link_.max_frame());
  }
  void disconnect() noexcept {
    link_.close();
    broken_ = false;
    start_over();
  }
  // To what the socket takes, or the sidecar grants. Less than this is no limit but nonsense: what is too large shows.
  void limit_frames(std::size_t size) noexcept {
    constexpr std::size_t kLeast = 4096;
    max_frame_ = size < kLeast ? kLeast : size;
    max_record_.store(max_frame_ - ipc_protocol::kHeaderSize - 8, std::memory_order_relaxed);
  }

  // In order, until there is nothing left, or the socket has no room.
  void send_waiting() noexcept {
    unsigned max_count = ipc_protocol::kMaxRecordsPerFrame;
    while (link_.open() && !broken_) {
      const Ring::Run run = ring_.to_send(max_frame_ - ipc_protocol::kHeaderSize, max_count);
      if (run.count == 0) return;
      const int error = send_run(run);
      if (error == EAGAIN || error == ENOBUFS) return count(ledger_.send_blocked);
      if (error == EMSGSIZE && run.count > 1) {
        max_count = 1;
      } else if (error == EMSGSIZE) {
        drop_too_large();
      } else if (error != 0) {
        broken_ = true;
      }
    }
  }

  // --- Control frames; in the memory of `frame_` ---

  // False: it did not go out, for whatever reason.
  bool say_hello(HelloFields f) noexcept {
    f.oldest_seq = ring_.tail_seq();
    f.next_seq = ring_.head_seq();
    f.created = Ledger::read(ledger_.created);
    f.dropped = ledger_.drops();
    return send_control(ControlWriter(frame_).hello(f, lost_before()));
  }
  // After drops, by reason; the next frame's lost_before tells only how many.
  void say_stats(std::int64_t now_ms) noexcept {
    const std::uint64_t dropped = ledger_.dropped_total();
    if (stats_told_ == dropped || now_ms - last_stats_ms_ < kStatsMs) return;
    last_stats_ms_ = now_ms;
    stats_told_ = dropped;
    publish();
    send_control(ControlWriter(frame_).stats(ledger_.stats(0), high_water_, lost_before()));
  }
  void answer_probe(std::uint64_t token) noexcept {
    send_control(ControlWriter(frame_).probe_reply(token, lost_before()));
  }
  // What was not sent is dropped; then BYE, and the end of the connection.
  void say_bye() noexcept {
    skip_to(Ledger::read(ledger_.accepted));
    const std::uint64_t left = ring_.head_seq() - ring_.next_seq();
    const std::uint64_t last_seq = ring_.next_seq() - 1;
    count(ledger_.dropped.exit_deadline, left);
    abandoned_ += left;
    ring_.send_from(ring_.head_seq());
    if (link_.open() && link_.ours()) {
      send_control(ControlWriter(frame_).bye(last_seq, Ledger::read(ledger_.created), ledger_.drops(), lost_before()));
    }
    link_.close();
    publish();
  }

  // For the next small frame, or what is received.
  unsigned char* frame() noexcept { return frame_; }
  static constexpr std::size_t kFrameSize = ipc_protocol::kMaxControlFrame;

  // Makes the ledger agree with the ring.
  void publish() noexcept {
    const std::uint64_t waiting = ring_.head_seq() - ring_.next_seq();
    ledger_.waiting.store(waiting, std::memory_order_relaxed);
    ledger_.sent.store(ring_.head_seq() - 1 - waiting - abandoned_, std::memory_order_relaxed);
  }

 private:
  int send_run(const Ring::Run& run) noexcept {
    const std::uint64_t lost = ledger_.dropped_total();
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
    header.lost_before = lost_before(lost);
    const int error = send_frame(header, run);
    if (error != 0) return error;
    ring_.sent(run.count);
    if (ring_.next_seq() - 1 > last_sent_) last_sent_ = ring_.next_seq() - 1;
    lost_told_ = lost;
    somebody_is_there();
    return 0;
  }

  // A frame of one part costs the kernel less than one of two, by more than copying a small one costs us.
  int send_frame(const ipc_protocol::FrameHeader& header, const Ring::Run& run) noexcept {
    if (run.size > kFrameSize - sizeof header) return link_.send(&header, sizeof header, run.data, run.size);
    std::memcpy(frame_, &header, sizeof header);
    std::memcpy(frame_ + sizeof header, run.data, run.size);
    return link_.send(frame_, sizeof header + run.size);
  }

  // The next record is larger than the socket takes: its buffer is smaller than we were told when it was made.
  void drop_too_large() noexcept {
    count(ledger_.dropped.too_large);
    const std::uint64_t seq = ring_.next_seq();
    if (seq > last_sent_) return ring_.remove_next();  // nobody knows its number yet, so that the next may have it
    ++abandoned_;
    ring_.sent(1);
    ring_.forget_before(seq + 1);  // this sidecar has the ones before it, and shall be told not to wait for this one
    broken_ = true;
  }

  bool send_control(std::size_t size) noexcept {
    if (size == 0 || broken_) return false;
    const std::uint64_t lost = ledger_.dropped_total();
    const int error = link_.send(frame_, size);
    if (error == 0) lost_told_ = lost;
    if (error != 0 && error != EAGAIN && error != ENOBUFS) broken_ = true;
    return error == 0;
  }

  std::uint32_t lost_before() const noexcept { return lost_before(ledger_.dropped_total()); }
  std::uint32_t lost_before(std::uint64_t dropped) const noexcept {
    const std::uint64_t lost = dropped - lost_told_;
    return lost > 0xFFFFFFFFu ? 0xFFFFFFFFu : static_cast<std::uint32_t>(lost);
  }

  const Config& config_;
  Ledger& ledger_;
  std::atomic<bool> unreachable_{false};
  std::atomic<std::size_t> max_record_{ipc_protocol::kMaxSegment};
  Ring ring_;
  Link link_;
  std::uint64_t last_sent_ = 0;   // highest number that ever went out
  std::uint64_t abandoned_ = 0;   // numbered, but dropped
  std::uint64_t lost_told_ = 0;   // drops that the sidecar has been told of
  std::uint64_t stats_told_ = 0;  // the same, by a STATS frame
  std::uint64_t high_water_ = 0;  // of the ring, in bytes
  std::int64_t full_since_ms_ =
      0;  // when the buffer refused a segment for the first time since anything went out; or 0
  std::int64_t last_stats_ms_ = 0;
  std::size_t max_frame_ = ipc_protocol::kMaxFrame;
  bool broken_ = false;  // a send failed
  alignas(8) unsigned char frame_[kFrameSize];
};

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
