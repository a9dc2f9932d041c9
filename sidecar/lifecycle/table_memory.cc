#include "lifecycle/table_memory.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sidecar {
namespace {

// What the descriptor holds, as long as a table may be; empty if it cannot be read.
std::vector<std::uint8_t> contents(int fd) {
  struct stat found {};
  if (fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)) return {};
  const auto size = std::min<std::uint64_t>(static_cast<std::uint64_t>(found.st_size), kMaxTableBytes);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size));
  const ssize_t got = pread(fd, bytes.data(), bytes.size(), 0);
  bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return bytes;
}

std::size_t table_number(const std::string& name) {
  return static_cast<std::size_t>(std::find(std::begin(kTableNames), std::end(kTableNames), name) -
                                  std::begin(kTableNames));
}

}  // namespace

Result<IdentityTable> TableMemory::take(std::vector<HandedOver>& stored) {
  Result<IdentityTable> newest = fail(Errc::not_found, "none was left");
  std::vector<HandedOver> others;
  for (HandedOver& one : stored) {
    const std::size_t number = table_number(one.name);
    if (number == memory_.size()) {
      others.push_back(std::move(one));
      continue;
    }
    if (memory_[number]) continue;  // stored twice: they are the same, or the sum tells
    memory_[number] = std::move(one.fd);
    stored_[number] = true;
    auto table = decode_table(contents(memory_[number].get()));
    if (!newest || (table && table->generation > newest->generation)) newest = std::move(table);
  }
  if (newest) generation_ = newest->generation;
  stored = std::move(others);
  return newest;
}

Result<std::size_t> TableMemory::write(IdentityTable table, Notifier& notifier) {
  table.generation = ++generation_;
  const EncodedTable encoded = encode_table(table);
  const std::size_t number = generation_ % memory_.size();
  ScopedFd& memory = memory_[number];
  if (!memory) memory.reset(memfd_create(kTableNames[number], MFD_CLOEXEC));
  const ssize_t written = memory ? pwrite(memory.get(), encoded.bytes.data(), encoded.bytes.size(), 0) : -1;
  if (written != static_cast<ssize_t>(encoded.bytes.size()))
    return fail(Errc::unavailable, written < 0 ? std::strerror(errno) : "no memory");
  if (!stored_[number]) stored_[number] = notifier.store(kTableNames[number], memory.get());
  if (!stored_[number]) return fail(Errc::unavailable, "the service manager does not take it now");
  return encoded.bytes.size();
}

}  // namespace sidecar
