#include "pipeline/lane.h"

#include <algorithm>

#include "pipeline/batcher.h"

namespace sidecar {

std::string_view to_text(LaneState state) {
  switch (state) {
    case LaneState::idle:
      return "idle";
    case LaneState::sending:
      return "sending";
    case LaneState::backing_off:
      return "backing off";
    case LaneState::waiting_for_collector:
      return "waiting for the collector";
  }
  return "?";
}

Lane::Lane(LaneContext& context, std::size_t channel)
    : context_(context), channel_(channel), timer_(context.loop.make_timer([this] {
        if (state_ == LaneState::backing_off) state_ = LaneState::idle;
        wake();
      })) {}

void Lane::wake() {
  // Each round sends, or gets rid of a batch that cannot be encoded.
  while (state_ == LaneState::idle) {
    if (batches_.empty() && context_.carrier.channel(channel_).empty()) return;
    if (!context_.collector.ready()) {
      // The records stay where they are; a batch that was tried before waits here.
      if (!batches_.empty()) state_ = LaneState::waiting_for_collector;
      return timer_->stop();
    }
    if (batches_.empty() && !take()) return;
    take_witness();
    if (send()) return;
  }
}

void Lane::on_collector_ready() {
  if (state_ == LaneState::waiting_for_collector || (state_ == LaneState::backing_off && retrying_)) {
    timer_->stop();
    state_ = LaneState::idle;
  }
  wake();
}

void Lane::on_options() {
  if (state_ != LaneState::idle) return;
  timer_->stop();
  wake();
}

void Lane::on_drain() {
  if (state_ == LaneState::backing_off) {
    timer_->stop();
    state_ = LaneState::idle;
  }
  wake();
}

bool Lane::take() {
  const PipelineOptions& options = context_.options;
  const Channel& channel = context_.carrier.channel(channel_);
  Waiting waiting{channel.size(), channel.bytes(), {}};
  if (waiting.count > 0) waiting.oldest = channel.front().arrived();
  const auto wait = time_to_close(waiting, options, context_.loop.now(), context_.draining);
  if (!wait) return false;
  if (*wait > Duration::zero()) {
    if (!timer_->armed()) timer_->start(*wait);
    return false;
  }
  timer_->stop();
  batches_.push_back({context_.carrier.take_batch(channel_, options.batch_segments, options.batch_bytes), {}});
  return true;
}

void Lane::take_witness() {
  const PipelineOptions& options = context_.options;
  // Two suspects are no witnesses for each other; and they may not fill the lane with what the carrier should hold.
  const auto waits = [](const Batch& batch) { return waits_for_witness(batch.tries, batch.records.size()); };
  if (batches_.size() > options.batch_segments || !std::all_of(batches_.begin(), batches_.end(), waits)) return;
  std::vector<Record> next = context_.carrier.take_batch(channel_, options.batch_segments, options.batch_bytes);
  if (!next.empty()) batches_.push_front({std::move(next), {}});
}

bool Lane::send() {
  Batch& batch = batches_.front();
  if (std::exchange(batch.tries.unknown, false))
    for (const Record& record : batch.records) record.agent().ledger.count_resent();
  Collector::Encoding encoding;
  call_ = context_.collector.send_segments(batch.records, encoding, [this](Outcome outcome) { on_answer(outcome); });

  if (encoding.taken < batch.records.size()) {
    const auto rest = batch.records.begin() + static_cast<std::ptrdiff_t>(encoding.taken);
    Batch later{{std::make_move_iterator(rest), std::make_move_iterator(batch.records.end())}, batch.tries};
    batch.records.erase(rest, batch.records.end());
    batches_.insert(batches_.begin() + 1, std::move(later));
  }
  // deque::insert may have moved the first batch: `batch` is not used below
  std::vector<Record>& records = batches_.front().records;
  if (!encoding.unencodable.empty()) {
    std::vector<Record> gone;
    for (auto index = encoding.unencodable.rbegin(); index != encoding.unencodable.rend(); ++index) {
      const auto at = records.begin() + static_cast<std::ptrdiff_t>(*index);
      gone.push_back(std::move(*at));
      records.erase(at);
    }
    for (const Record& record : gone) record.agent().ledger.drop(record.seq(), DropReason::encode);
  }
  if (call_ == nullptr) {
    batches_.pop_front();
    context_.progress();
    return false;
  }
  state_ = LaneState::sending;
  return true;
}

void Lane::on_answer(const Outcome& outcome) {
  const CallPtr finished = std::move(call_);
  state_ = LaneState::idle;
  Batch& batch = batches_.front();
  last_error_ = outcome.detail;
  switch (decide(batch.tries, outcome.verdict, batch.records.size(), context_.ok_calls)) {
    case Next::settle:
      settle_front();
      break;
    case Next::drop:
      drop_front(outcome.detail);
      break;
    case Next::bisect:
      bisect_front();
      retrying_ = false;
      go_on();
      break;
    case Next::step_back:
      retrying_ = false;
      if (has_company()) {
        step_back();
        go_on();
      } else {
        back_off();
      }
      break;
    case Next::again:
      retrying_ = batch.tries.unknown;
      if (outcome.content)
        go_on();
      else
        back_off();
      break;
    case Next::hold:
      // Usually not ready now, and wake() makes it wait. Ready again so soon: no hurry.
      if (!context_.collector.ready()) break;
      retrying_ = true;
      back_off();
      break;
  }
  wake();
}

void Lane::settle_front() {
  ++context_.ok_calls;
  back_offs_ = at_once_ = 0;
  const Batch done = std::move(batches_.front());
  batches_.pop_front();
  ++batches_delivered_;
  segments_delivered_ += done.records.size();
  for (const Record& record : done.records) record.agent().ledger.deliver(record.seq());
  context_.progress();
}

void Lane::drop_front(const std::string& detail) {
  const Batch done = std::move(batches_.front());
  batches_.pop_front();
  const Record& record = done.records.front();
  if (context_.rejected_log.pass(context_.loop.now())) {
    const AgentIdentity& who = record.agent().identity;
    log_warning({.service = who.service, .instance = who.instance, .reason = to_text(DropReason::rejected)},
                "the collector refuses segment {}, number {} of {} {} (process epoch {:x}): {}; dropped{}",
                to_text(record.id()), record.seq(), printable(who.service), printable(who.instance),
                who.key.process_epoch, printable(detail, 300), context_.rejected_log.suffix());
  }
  for (const Record& r : done.records) r.agent().ledger.drop(r.seq(), DropReason::rejected);
  context_.progress();
}

void Lane::bisect_front() {
  Batch whole = std::move(batches_.front());
  batches_.pop_front();
  const std::size_t cut = whole.records.size() / 2;
  const auto middle = std::make_move_iterator(whole.records.begin() + static_cast<std::ptrdiff_t>(cut));
  Batch first{{std::make_move_iterator(whole.records.begin()), middle}, half()};
  Batch second{{middle, std::make_move_iterator(whole.records.end())}, half()};
  batches_.push_front(std::move(second));
  batches_.push_front(std::move(first));
}

void Lane::step_back() {
  Batch suspect = std::move(batches_.front());
  batches_.pop_front();
  batches_.push_back(std::move(suspect));
}

bool Lane::has_company() const { return batches_.size() > 1 || !context_.carrier.channel(channel_).empty(); }

void Lane::go_on() {
  if (++at_once_ > kMostAtOnce) back_off();
}

void Lane::back_off() {
  Duration delay = context_.options.backoff.delay(++back_offs_, context_.random);
  if (context_.draining) {
    // several tries within what is left
    constexpr Duration kLeast = std::chrono::milliseconds(10);
    const Duration left = std::max(context_.drain_until - context_.loop.now(), Duration::zero());
    delay = std::min(delay, std::max(left / 8, kLeast));
  }
  state_ = LaneState::backing_off;
  timer_->start(delay);
}

void Lane::clear(DropReason reason, const Agent* agent) {
  std::vector<Record> gone;
  const std::size_t first = call_ != nullptr ? 1 : 0;
  for (std::size_t i = first; i < batches_.size(); ++i) {
    std::vector<Record>& records = batches_[i].records;
    std::vector<Record> kept;
    for (Record& record : records)
      (agent != nullptr && &record.agent() != agent ? kept : gone).push_back(std::move(record));
    records = std::move(kept);
  }
  batches_.erase(std::remove_if(batches_.begin() + static_cast<std::ptrdiff_t>(first), batches_.end(),
                                [](const Batch& batch) { return batch.records.empty(); }),
                 batches_.end());
  for (const Record& record : gone) record.agent().ledger.drop(record.seq(), reason);
  if (gone.empty() || !batches_.empty()) return;
  timer_->stop();
  state_ = LaneState::idle;
  wake();
}

void Lane::for_each(const std::function<void(const Record&)>& visit) const {
  for (const Batch& batch : batches_)
    for (const Record& record : batch.records) visit(record);
}

LaneStatus Lane::status() const {
  LaneStatus status;
  status.channel = channel_;
  status.state = state_;
  status.batches = batches_delivered_;
  status.segments = segments_delivered_;
  status.last_error = last_error_;
  for (const Batch& batch : batches_) status.records += batch.records.size();
  if (!batches_.empty()) status.attempt = batches_.front().tries.failures;
  return status;
}

}  // namespace sidecar
