#pragma once

// Session is the conversation with the sidecar: connect, say HELLO, hear what it says and
// do it, and begin again when the connection is lost. After a reconnect to the same
// sidecar sending goes on after what it had accepted; another one gets everything that
// is not settled. It decides when the sender sends.
//
// Owner: the holder of the core (intake.h), alone; `fd` is read by any thread. What is read is hostile until it
// has been checked (control_reader.h, page.h).

#include <errno.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "sidecar/detail/backoff.h"
#include "sidecar/detail/config.h"
#include "sidecar/detail/control_reader.h"
#include "sidecar/detail/identity.h"
#include "sidecar/detail/ignore_rules.h"
#include "sidecar/detail/intake.h"
#include "sidecar/detail/ledger.h"
#include "sidecar/detail/page.h"
#include "sidecar/detail/sender.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

class Session {
 public:
  Session(const Config& config, Identity& identity, Ledger& ledger, Page& page, IgnoreRules& ignore,
          Sender& sender) noexcept
      : config_(config),
        identity_(identity),
        ledger_(ledger),
        page_(page),
        ignore_(ignore),
        sender_(sender),
        link_(sender.link()) {}

  void open(std::int64_t now_ms) noexcept {
    backoff_.seed(random_number());
    last_beat_ms_ = now_ms;
  }

  // -1: there is no connection. Any thread.
  int fd() const noexcept { return fd_.load(std::memory_order_relaxed); }

  // Whether a sidecar has ever told us who we are. Any thread.
  bool introduced() const noexcept { return introduced_.load(std::memory_order_relaxed); }

  // One turn: hear the sidecar if it has something to say, connect if need be, send what waits.
  void work(std::uint32_t wishes, std::int64_t now_ms) noexcept {
    now_ms_ = now_ms;
    if (paged_) sender_.set_marks(page_.accepted(), page_.settled());
    if (link_.open() && !link_.ours()) {
      link_.forget();
      lost();
    }
    if (link_.open() && drained() && backoff_.allowed(now_ms_)) lost();
    if (link_.open() && ((wishes & Intake::kRead) != 0 || frames_wait())) read_frames();
    if (!link_.open() && wants_connection(wishes)) connect();
    send();
    sender_.publish();
  }

  void end() noexcept {
    sender_.say_bye();
    fd_.store(-1, std::memory_order_relaxed);
  }

 private:
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
  // The sidecar said DRAIN, and its time is over.
  bool drained() const noexcept { return stop_sending_ms_ != 0 && now_ms_ >= stop_sending_ms_; }

  // --- Connecting ---

  bool wants_connection(std::uint32_t wishes) const noexcept {
    if ((wishes & Intake::kConnect) != 0) return backoff_.allowed(now_ms_);
    const Ring& ring = sender_.ring();
    const bool something = ring.tail_seq() != ring.head_seq() || (wishes & Intake::kLook) != 0;
    return something && backoff_.due(now_ms_);
  }

  void connect() noexcept {
    if (!link_.connect(config_.options.socket, config_.options.trusted_uid)) return backoff_.failed(now_ms_);
    count(ledger_.connects);
    backoff_.connected(now_ms_);
    fd_.store(link_.fd(), std::memory_order_relaxed);
    sender_.on_connected();
    paged_ = welcomed_ = false;
    hello_due_ = true;
    frames_read_ = 0;
    last_read_ms_ = -1;
    stop_sending_ms_ = 0;
  }

  // The connection is gone, and what is not settled waits again.
  void lost() noexcept {
    sender_.disconnect();
    fd_.store(-1, std::memory_order_relaxed);
    backoff_.lost(now_ms_, welcomed_);
    paged_ = welcomed_ = false;
  }

  // HELLO comes before everything else, and must have found room.
  void send() noexcept {
    if (drained() || !link_.open()) return;
    if (hello_due_) {
      HelloFields hello = identity_.hello();
      hello.slot = slot_;
      hello.sidecar_epoch = sidecar_epoch_;
      hello_due_ = !sender_.say_hello(hello);
    }
    if (!hello_due_) {
      sender_.say_stats(now_ms_);
      sender_.send_waiting();
    }
    if (sender_.broken()) read_frames();  // a REJECT may still be queued
  }

  // --- What the sidecar says ---

  void read_frames() noexcept {
    constexpr int kMaxFrames = 64;   // a turn; more wait for the next
    constexpr int kMaxAtEnd = 1024;  // of a connection that is broken: there is no next
    const std::uint64_t announced = paged_ ? page_.frames() : 0;
    bool reset = false;
    for (int i = 0; i < (sender_.broken() ? kMaxAtEnd : kMaxFrames) && link_.open(); ++i) {
      int descriptor = -1;
      const ssize_t got = link_.receive(sender_.frame(), Sender::kFrameSize, &descriptor);
      if (got < 0 && errno == ECONNRESET && !reset) {
        reset = true;  // once more
        continue;
      }
      if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        if (reset) return lost();
        frames_read_ = paged_ ? announced : 0;
        break;
      }
      if (got > 0) on_frame(read_server_frame(sender_.frame(), static_cast<std::size_t>(got)), descriptor);
      if (descriptor >= 0) ::close(descriptor);
      if (got <= 0) return lost();
    }
    if (sender_.broken()) lost();
  }

  void on_frame(const ServerFrame& frame, int descriptor) noexcept {
    using Kind = ServerFrame::Kind;
    switch (frame.kind) {
      case Kind::bad:
        return count(ledger_.bad_frames);
      case Kind::skip:
        return;
      case Kind::welcome:
        return on_welcome(frame, descriptor);
      case Kind::ack:
        if (!paged_ && welcomed_) sender_.set_marks(frame.accepted, frame.settled);
        return;
      case Kind::config:
        return ignore_.replace(frame.ignore_suffixes, frame.ignore_patterns);
      case Kind::drain:
        stop_sending_ms_ = now_ms_ + frame.send_within_ms;
        return backoff_.stay_away(now_ms_, frame.reconnect_after_ms, frame.jitter_ms);
      case Kind::reject:
        return on_reject(frame);
      case Kind::rehello:
        return on_rehello(frame);
      case Kind::probe:
        return sender_.answer_probe(frame.token);
    }
  }

  void on_welcome(const ServerFrame& frame, int descriptor) noexcept {
    const bool same = frame.known && frame.sidecar_epoch == sidecar_epoch_;
    sidecar_epoch_ = frame.sidecar_epoch;
    slot_ = frame.slot;
    welcomed_ = true;
    ledger_.rejected.store(0, std::memory_order_relaxed);
    backoff_.welcomed();
    identity_.remember(frame.service, frame.instance, frame.peer_prefix);
    introduced_.store(true, std::memory_order_relaxed);
    sender_.somebody_is_there();
    if (frame.max_frame != 0 && frame.max_frame < sender_.max_frame()) sender_.limit_frames(frame.max_frame);
    if (!same) sender_.forget_accepted();
    if (frame.known) {
      sender_.set_marks(frame.accepted, frame.settled);
      sender_.skip_to(Ledger::read(ledger_.accepted));
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

  void on_rehello(const ServerFrame& frame) noexcept {
    paged_ = welcomed_ = false;  // the old page is nobody's any more
    stop_sending_ms_ = 0;
    hello_due_ = true;
    if (frame.sidecar_epoch != sidecar_epoch_) sender_.start_over();
  }

  void on_reject(const ServerFrame& frame) noexcept {
    ledger_.rejected.store(frame.code, std::memory_order_relaxed);
    lost();
    const std::int64_t wait = frame.permanent ? Backoff::kLongestMs : std::int64_t{frame.retry_after_ms};
    if (wait > 0) backoff_.stay_away(now_ms_, wait, wait / 4);
  }

  const Config& config_;
  Identity& identity_;
  Ledger& ledger_;
  Page& page_;
  IgnoreRules& ignore_;
  Sender& sender_;
  Link& link_;  // the sender's
  std::atomic<int> fd_{-1};
  std::atomic<bool> introduced_{false};
  Backoff backoff_;
  std::uint64_t sidecar_epoch_ = 0;
  std::uint64_t frames_read_ = 0;  // what page_.frames() was when the socket had been read empty
  std::uint64_t last_beat_ = 0;
  std::int64_t last_beat_ms_ = 0;  // when it was seen to change, or the socket was read because it did not
  std::int64_t now_ms_ = 0;
  std::int64_t last_read_ms_ = -1;
  std::int64_t stop_sending_ms_ = 0;  // after DRAIN; 0: go on
  std::int32_t slot_ = -1;
  bool hello_due_ = false;
  bool welcomed_ = false;
  bool paged_ = false;  // the page is this connection's
};

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
