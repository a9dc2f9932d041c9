#include "ipc/page.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace sidecar {
namespace {

namespace layout = ipc_protocol::page;

tl::unexpected<Error> failed(const char* what) {
  return fail(Errc::unavailable, fmt::format("page for a client: {}: {}", what, std::strerror(errno)));
}

}  // namespace

Result<Page> Page::create(std::uint64_t sidecar_epoch) {
  const ScopedFd file(memfd_create("sw-sidecar-page", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return failed("memfd_create");
  if (ftruncate(file.get(), ipc_protocol::kPageSize) != 0) return failed("ftruncate");
  // Not even its owner may open it for writing again through /proc.
  if (fchmod(file.get(), 0400) != 0) return failed("fchmod");
  void* const memory = mmap(nullptr, ipc_protocol::kPageSize, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) return failed("mmap");
  Page page(memory, ScopedFd());
  if (fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return failed("F_ADD_SEALS");
  page.client_fd_.reset(open(fmt::format("/proc/self/fd/{}", file.get()).c_str(), O_RDONLY | O_CLOEXEC));
  if (!page.client_fd_) return failed("open read-only");

  page.store(layout::kSidecarEpoch, sidecar_epoch);
  page.store(layout::kSampling, ~std::uint64_t{0});
  const std::uint64_t head = std::uint64_t{layout::kUsedWords} << 32 | ipc_protocol::kPageMagic;
  static_assert(layout::kMagic == 0 && layout::kWords == 4);
  page.store(layout::kMagic, head);
  return page;
}

Page::Page(Page&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)), client_fd_(std::move(other.client_fd_)) {}

Page& Page::operator=(Page&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(client_fd_, other.client_fd_);
  return *this;
}

Page::~Page() {
  if (memory_ != nullptr) munmap(memory_, ipc_protocol::kPageSize);
}

void Page::set_beat(Tick now) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  store(layout::kBeat, static_cast<std::uint64_t>(ms));
}

void Page::set_marks(std::uint64_t accepted, std::uint64_t settled) {
  store(layout::kAccepted, accepted);
  store(layout::kSettled, settled);
}

void Page::set_frames_written(std::uint64_t count) { store(layout::kFramesWaiting, count); }
void Page::set_sampling(std::int64_t traces) { store(layout::kSampling, static_cast<std::uint64_t>(traces)); }
void Page::set_flags(std::uint64_t flags) { store(layout::kFlags, flags); }

void Page::set_upstream(ipc_protocol::UpstreamState state) {
  store(layout::kUpstream, static_cast<std::uint64_t>(state));
}

void Page::set_slot(int slot) { store(layout::kSlot, static_cast<std::uint64_t>(std::max(slot, 0))); }

void Page::store(std::size_t offset, std::uint64_t value) {
  auto* const word = reinterpret_cast<std::uint64_t*>(static_cast<char*>(memory_) + offset);
  __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

}  // namespace sidecar
