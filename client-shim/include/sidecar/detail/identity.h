#pragma once

// Who this process is for the sidecar: random numbers of its own, made when a tracer is
// opened and again in a child after a fork, and the name under which it is known. The
// numbers are constant; the name is written by the holder of the core (intake.h) and
// read by any thread.

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "sidecar/detail/config.h"
#include "sidecar/detail/control_writer.h"
#include "sidecar/detail/process.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

class Identity {
 public:
  explicit Identity(const Config& config) noexcept : config_(config) {}

  std::int64_t process_id() const noexcept { return process_id_; }

  // The name under which the collector knows this process, as far as we were told.
  std::string_view instance() const noexcept {
    if (!config_.options.instance.empty()) return config_.options.instance;
    const char* const told = instance_.load(std::memory_order_acquire);
    return told == nullptr ? std::string_view(config_.default_instance) : std::string_view(told);
  }

  // Holder. Old names are not freed, since any thread may be reading one: a sidecar seldom gives another.
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

  // What HELLO says of a process, whatever became of its segments.
  HelloFields hello() const noexcept {
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
    f.pid = static_cast<std::uint32_t>(::getpid());
    f.start_time_us = config_.start_time_us;
    f.retention_bytes = static_cast<std::uint32_t>(config_.buffer_bytes);
    f.boottime_us = read_clock_ns(CLOCK_BOOTTIME) / 1000;
    f.realtime_us = realtime_us();
    return f;
  }

 private:
  const Config& config_;
  const std::int64_t process_id_ = random_id();
  const std::uint64_t uuid_high_ = random_number();
  const std::uint64_t uuid_low_ = random_number();
  const std::uint64_t process_epoch_ = random_number();
  std::atomic<const char*> instance_{nullptr};
  unsigned names_ = 0;
};

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
