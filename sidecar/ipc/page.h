#pragma once

// Page is the sidecar's end of the one page of memory that it shares with each
// client: settings and marks go down through it without a system call on either
// side. Layout: sidecar_ipc/protocol.h, namespace page.
//
// The sidecar writes and never reads it back, so nothing a client might do to it
// could matter; and the client gets a descriptor that cannot be written through.
//
// Owner: Connection. Thread: loop; the client reads at any time.

#include <sidecar_ipc/protocol.h>

#include <cstdint>

#include "base/clock.h"
#include "base/result.h"
#include "base/scoped_fd.h"

namespace sidecar {

class Page {
 public:
  // unavailable: no descriptor or memory to be had.
  static Result<Page> create(std::uint64_t sidecar_epoch);
  Page(Page&& other) noexcept;
  Page& operator=(Page&& other) noexcept;
  ~Page();

  // The descriptor for the client, read-only; ours until it is let go, which can be once it has been sent.
  int client_fd() const { return client_fd_.get(); }
  void drop_client_fd() { client_fd_.reset(); }

  void set_beat(Tick now);
  void set_marks(std::uint64_t accepted, std::uint64_t settled);
  void set_frames_written(std::uint64_t count);
  void set_sampling(std::int64_t traces);
  void set_flags(std::uint64_t flags);  // ipc_protocol::PageFlags
  void set_upstream(ipc_protocol::UpstreamState state);
  void set_slot(int slot);  // -1 counts as 0: the application named itself

 private:
  Page(void* memory, ScopedFd client_fd) : memory_(memory), client_fd_(std::move(client_fd)) {}
  void store(std::size_t offset, std::uint64_t value);

  void* memory_;
  ScopedFd client_fd_;
};

}  // namespace sidecar
