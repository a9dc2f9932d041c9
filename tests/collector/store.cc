#include "store.h"

namespace sidecar {

void Store::add(const wire::v3::InstanceProperties& properties) {
  const std::lock_guard lock(mutex_);
  StoredInstance& at = entry(properties.service(), properties.service_instance());
  ++at.property_reports;
  at.properties.clear();
  for (const auto& pair : properties.properties()) at.properties.emplace_back(pair.key(), pair.value());
  changed();
}

void Store::add(const wire::v3::InstancePing& ping) {
  const std::lock_guard lock(mutex_);
  StoredInstance& at = entry(ping.service(), ping.service_instance());
  ++at.keep_alives;
  at.layer = ping.layer().empty() ? "GENERAL" : ping.layer();
  changed();
}

void Store::add(const wire::v3::SegmentObject& segment) {
  const std::lock_guard lock(mutex_);
  ++entry(segment.service(), segment.service_instance()).segments;
  segments_.push_back(segment);
  if (segments_.size() > max_segments_) {
    segments_.pop_front();
    ++forgotten_;
  }
  changed();
}

void Store::count_call(StoredCall call) {
  const std::lock_guard lock(mutex_);
  // Made-up paths and peers must not grow without bound.
  if (calls_.size() < 10'000) ++calls_[{call.path, call.status}];
  if (peers_.size() < 100'000) peers_.insert(call.peer);
  version_ = call.version;
  if (call_log_.size() == kMaxCallLog) call_log_.pop_front();
  call_log_.push_back(std::move(call));
  changed();
}

std::vector<StoredCall> Store::call_log() const {
  const std::lock_guard lock(mutex_);
  return {call_log_.begin(), call_log_.end()};
}

void Store::wipe() {
  const std::lock_guard lock(mutex_);
  segments_.clear();
  instances_.clear();
  changed();
}

std::vector<wire::v3::SegmentObject> Store::segments() const {
  const std::lock_guard lock(mutex_);
  return {segments_.begin(), segments_.end()};
}

std::vector<std::string> Store::segment_ids() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> ids;
  for (const auto& segment : segments_) ids.push_back(segment.trace_segment_id());
  return ids;
}

std::size_t Store::segment_count() const {
  const std::lock_guard lock(mutex_);
  return segments_.size();
}

std::size_t Store::distinct_segments() const {
  const std::vector<std::string> ids = segment_ids();
  return std::set<std::string>(ids.begin(), ids.end()).size();
}

std::vector<StoredInstance> Store::instances() const {
  const std::lock_guard lock(mutex_);
  std::vector<StoredInstance> all;
  for (const auto& [key, instance] : instances_) all.push_back(instance);
  return all;
}

StoredInstance Store::instance(const std::string& service, const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = instances_.find({service, name});
  return found == instances_.end() ? StoredInstance{} : found->second;
}

std::map<std::pair<std::string, std::string>, unsigned> Store::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

unsigned Store::count_calls(const std::string& method, const std::string& status) const {
  unsigned sum = 0;
  for (const auto& [key, count] : calls()) {
    const auto& [path, outcome] = key;
    const bool same_method = method.empty() || path == method || path.ends_with("/" + method);
    if (same_method && (status.empty() || outcome == status)) sum += count;
  }
  return sum;
}

std::string Store::last_agent_version() const {
  const std::lock_guard lock(mutex_);
  return version_;
}

std::size_t Store::peers() const {
  const std::lock_guard lock(mutex_);
  return peers_.size();
}

std::size_t Store::forgotten() const {
  const std::lock_guard lock(mutex_);
  return forgotten_;
}

bool Store::wait_for(const std::function<bool()>& fact, std::chrono::milliseconds limit) const {
  const auto end = std::chrono::steady_clock::now() + limit;
  for (;;) {
    std::uint64_t seen;
    {
      const std::lock_guard lock(mutex_);
      seen = changes_;
    }
    if (fact()) return true;  // may ask this store, hence without the lock
    std::unique_lock lock(mutex_);
    if (!changed_.wait_until(lock, end, [&] { return changes_ != seen; })) {
      lock.unlock();
      return fact();
    }
  }
}

StoredInstance& Store::entry(const std::string& service, const std::string& name) {
  StoredInstance& at = instances_[{service, name}];
  at.service = service;
  at.instance = name;
  return at;
}

void Store::changed() {
  ++changes_;
  changed_.notify_all();
}

}  // namespace sidecar
