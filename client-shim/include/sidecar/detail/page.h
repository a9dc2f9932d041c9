#pragma once

// The sidecar's page as the shim sees it: marks and settings, read from memory without
// a system call. There are two, each at one address for the whole life of the process,
// so that any thread may read at any time: one of our own, in force until the first
// WELCOME and while a sidecar gives none, and one over which is laid what the sidecar
// hands out. After a disconnect the last one stays in force.
//
// Written by the holder of the core (install, use_own); read by any thread. The
// sidecar's descriptor is checked before it is mapped: a memfd of the right size,
// sealed so that it cannot shrink under us.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

#include "sidecar_ipc/protocol.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

class Page {
 public:
  bool open() noexcept {
    void* const memory =
        ::mmap(nullptr, 2 * ipc_protocol::kPageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return false;
    ::madvise(memory, 2 * ipc_protocol::kPageSize, MADV_DONTFORK);
    own_ = static_cast<unsigned char*>(memory);
    theirs_ = own_ + ipc_protocol::kPageSize;
    use_own(-1, true);
    return true;
  }

  // Maps the sidecar's page. Does not close `fd`. False: it is not what it should be, nothing changed.
  bool install(int fd) noexcept {
    constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    struct ::stat info;
    std::uint32_t head[2] = {0, 0};
    if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) ||
        info.st_size != static_cast<off_t>(ipc_protocol::kPageSize)) {
      return false;
    }
    const int seals = ::fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & kSeals) != kSeals) return false;
    if (::pread(fd, head, sizeof head, 0) != static_cast<ssize_t>(sizeof head)) return false;
    if (head[0] != ipc_protocol::kPageMagic || head[1] < ipc_protocol::page::kUsedWords) return false;
    if (!map_over(fd)) return false;
    ::madvise(theirs_, ipc_protocol::kPageSize, MADV_DONTFORK);
    memory_.store(theirs_, std::memory_order_release);
    return true;
  }

  // For a sidecar that gives no page: what WELCOME said.
  void use_own(std::int64_t sampling, bool enabled) noexcept {
    store(ipc_protocol::page::kSampling, static_cast<std::uint64_t>(sampling));
    store(ipc_protocol::page::kFlags, enabled ? std::uint64_t{ipc_protocol::kPageEnabled} : 0);
    memory_.store(own_, std::memory_order_release);
  }

  std::uint64_t beat() const noexcept { return load(ipc_protocol::page::kBeat); }
  std::uint64_t accepted() const noexcept { return load(ipc_protocol::page::kAccepted); }
  std::uint64_t settled() const noexcept { return load(ipc_protocol::page::kSettled); }
  std::uint64_t frames() const noexcept { return load(ipc_protocol::page::kFramesWaiting); }
  std::int64_t sampling() const noexcept { return static_cast<std::int64_t>(load(ipc_protocol::page::kSampling)); }
  bool enabled() const noexcept { return (load(ipc_protocol::page::kFlags) & ipc_protocol::kPageEnabled) != 0; }

 private:
  // Other threads may be reading there: the kernel exchanges the page under them at one stroke. Asked of it directly,
  // since a thread sanitizer takes mmap() for a write to the whole range, racing with them.
  bool map_over(int fd) noexcept {
#if defined(__x86_64__) || defined(__aarch64__)  // elsewhere the call may take other arguments
    return ::syscall(SYS_mmap, theirs_, ipc_protocol::kPageSize, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) != -1;
#else
    return ::mmap(theirs_, ipc_protocol::kPageSize, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED;
#endif
  }

  std::uint64_t load(std::size_t at) const noexcept {
    return __atomic_load_n(reinterpret_cast<const std::uint64_t*>(memory_.load(std::memory_order_acquire) + at),
                           __ATOMIC_ACQUIRE);
  }
  void store(std::size_t at, std::uint64_t value) noexcept {
    __atomic_store_n(reinterpret_cast<std::uint64_t*>(own_ + at), value, __ATOMIC_RELEASE);
  }

  unsigned char* own_ = nullptr;
  unsigned char* theirs_ = nullptr;
  std::atomic<unsigned char*> memory_{nullptr};  // the one that is in force
};

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
