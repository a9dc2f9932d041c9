#pragma once

// Who this process is for the sidecar: random numbers of its own, made when a tracer is
// opened and again in a child after a fork, and the names under which it is known. The
// numbers are constant; the names are written by the holder of the core (intake.h) and
// read by any thread.

#include <unistd.h>

#include <cstdint>
#include <string_view>

#include "sidecar/detail/config.h"
#include "sidecar/detail/control_writer.h"
#include "sidecar/detail/process.h"
#include "sidecar/detail/told_text.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

class Identity {
 public:
  explicit Identity(const Config& config) noexcept : config_(config) {}

  std::int64_t process_id() const noexcept { return process_id_; }

  // The names under which the collector knows this process, as far as we were told.
  std::string_view service() const noexcept {
    const std::string_view told = service_.get();
    return told.empty() ? std::string_view(config_.options.service) : told;
  }
  std::string_view instance() const noexcept {
    if (const std::string_view told = instance_.get(); !told.empty()) return told;
    return config_.options.instance.empty() ? config_.default_instance : config_.options.instance;
  }
  // What stands before an address in the headers of calls.
  std::string_view peer_prefix() const noexcept { return peer_prefix_.get(); }

  // Holder. An empty name is one that was not told.
  void remember(std::string_view service, std::string_view instance, std::string_view peer_prefix) noexcept {
    if (!service.empty()) service_.remember(service, ipc_protocol::kMaxName);
    if (!instance.empty()) instance_.remember(instance, ipc_protocol::kMaxName);
    peer_prefix_.remember(peer_prefix, ipc_protocol::kMaxPeer);
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
  ToldText service_, instance_, peer_prefix_;
};

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
