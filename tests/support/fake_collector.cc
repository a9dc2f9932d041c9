#include "fake_collector.h"

#include <algorithm>

namespace sidecar {

class FakeCollector::FakeCall final : public Call {
 public:
  FakeCall(FakeCollector& owner, std::uint64_t id) : owner_(owner), id_(id) {}
  ~FakeCall() override { owner_.cancelled_ += owner_.calls_.erase(id_); }

 private:
  FakeCollector& owner_;
  const std::uint64_t id_;
};

FakeCollector::FakeCollector(EventLoop& loop) : loop_(loop) { status_.dialect = "fake"; }

void FakeCollector::set_ready(bool ready) {
  ready_ = ready;
  status_.state = ready ? CollectorState::up : CollectorState::down;
  status_.since = loop_.now();
  loop_.post([this, ready] {
    for (CollectorListener* listener : listeners_) {
      if (ready)
        listener->on_collector_ready();
      else
        listener->on_collector_lost();
    }
  });
}

void FakeCollector::script(Kind kind, std::vector<Verdict> verdicts) {
  std::deque<Verdict>& queue = script_[kind];
  queue.insert(queue.end(), verdicts.begin(), verdicts.end());
}

void FakeCollector::answer_all(Verdict verdict) {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, waiting] : calls_) ids.push_back(id);
  for (const std::uint64_t id : ids) loop_.post([this, id, verdict] { answer(id, verdict); });
}

std::size_t FakeCollector::count(Kind kind) const {
  return static_cast<std::size_t>(
      std::count_if(asked_.begin(), asked_.end(), [&](const Asked& a) { return a.kind == kind; }));
}

CallPtr FakeCollector::report_properties(const InstanceName& name, const Properties& properties, Answered answered) {
  return call({Kind::properties, name, properties, {}, loop_.now()}, std::move(answered));
}

CallPtr FakeCollector::keep_alive(const InstanceName& name, Answered answered) {
  return call({Kind::keep_alive, name, {}, {}, loop_.now()}, std::move(answered));
}

CallPtr FakeCollector::send_segments(std::span<const Record> batch, Encoding& encoding, Answered answered) {
  encoding = Encoding{};
  Asked asked{Kind::segments, {}, {}, {}, loop_.now()};
  for (const Record& record : batch) {
    if (asked.segments.size() >= max_segments_) break;
    if (std::find(unencodable_.begin(), unencodable_.end(), record.seq()) != unencodable_.end())
      encoding.unencodable.push_back(encoding.taken);
    else
      asked.segments.emplace_back(record.agent().identity.key, record.seq());
    ++encoding.taken;
  }
  if (asked.segments.empty()) return nullptr;
  return call(std::move(asked), std::move(answered));
}

CallPtr FakeCollector::call(Asked asked, Answered answered) {
  const std::uint64_t id = ++last_id_;
  calls_.emplace(id, Waiting{asked_.size(), std::move(answered)});
  asked_.push_back(std::move(asked));
  if (!holding_) loop_.post([this, id] { answer(id, std::nullopt); });
  return std::make_unique<FakeCall>(*this, id);
}

void FakeCollector::answer(std::uint64_t id, std::optional<Verdict> verdict) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  const Waiting waiting = std::move(found->second);
  calls_.erase(found);
  const Asked& asked = asked_[waiting.asked];
  const Verdict given = verdict ? *verdict : next_verdict(asked);
  if (given == Verdict::delivered) {
    ++status_.calls_ok;
    for (const auto& [sender, seq] : asked.segments) delivered_.push_back(seq);
  } else {
    ++status_.calls_failed;
  }
  waiting.answered(
      {given, given == Verdict::delivered ? "" : "scripted", given == Verdict::suspect && blames_content_});
}

Verdict FakeCollector::next_verdict(const Asked& asked) {
  for (const auto& [sender, seq] : asked.segments)
    if (std::find(poisoned_.begin(), poisoned_.end(), seq) != poisoned_.end()) return Verdict::suspect;
  std::deque<Verdict>& queue = script_[asked.kind];
  if (queue.empty()) return Verdict::delivered;
  const Verdict next = queue.front();
  queue.pop_front();
  return next;
}

}  // namespace sidecar
