#pragma once

// Reads the sidecar's frames: header, and from the payload the few scalar fields and
// texts of control.fbs that the shim acts on. Every offset is checked against the
// datagram before it is followed; what does not hold together is `bad`, and ignored.
// Pure, allocates nothing; texts are views into the datagram.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "sidecar_ipc/protocol.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

// A vector of texts in a datagram, whose entries were all checked when it was made.
class TextList {
 public:
  TextList() noexcept = default;
  TextList(const unsigned char* data, std::size_t at, std::size_t size) noexcept : data_(data), at_(at), size_(size) {}

  std::size_t size() const noexcept { return size_; }
  std::string_view operator[](std::size_t i) const noexcept {
    const std::size_t entry = at_ + 4 * i;
    const std::size_t start = entry + number(entry);
    return {reinterpret_cast<const char*>(data_) + start + 4, number(start)};
  }

 private:
  std::uint32_t number(std::size_t at) const noexcept {
    std::uint32_t value = 0;
    std::memcpy(&value, data_ + at, sizeof value);
    return value;
  }

  const unsigned char* data_ = nullptr;
  std::size_t at_ = 0;
  std::size_t size_ = 0;
};

// A table of a flatbuffer, bounds-checked at every step. A field that is absent, or does
// not lie within the buffer, has its default; `good()` tells the second.
class TableView {
 public:
  // The root of a size-prefixed buffer.
  TableView(const unsigned char* data, std::size_t size) noexcept : data_(data), size_(size) {
    if (!find_root()) fail();
  }

  bool good() const noexcept { return good_; }

  template <class T>
  T scalar(unsigned field, T otherwise) noexcept {
    const std::size_t at = offset(field, sizeof(T));
    T value = otherwise;
    if (at != 0) get(at, value);
    return value;
  }
  std::string_view text(unsigned field) noexcept {
    const std::size_t at = offset(field, 4);
    std::size_t start = 0;
    std::uint32_t length = 0;
    if (at == 0 || !follow(at, 1, start, length)) return {};
    return {reinterpret_cast<const char*>(data_) + start, length};
  }
  // A list of texts; absent or broken: empty. Entries of it may share their bytes, which costs nothing.
  TextList texts(unsigned field) noexcept {
    const std::size_t at = offset(field, 4);
    std::size_t first = 0;
    std::uint32_t count = 0;
    if (at == 0 || !follow(at, 4, first, count)) return {};
    for (std::uint32_t i = 0; i < count; ++i) {
      std::size_t start = 0;
      std::uint32_t length = 0;
      if (!follow(first + 4 * std::size_t{i}, 1, start, length)) return {};
    }
    return {data_, first, count};
  }

 private:
  bool find_root() noexcept {
    std::uint32_t prefix = 0;
    std::uint32_t root = 0;
    if (!get(0, prefix) || prefix != size_ - 4 || !get(4, root)) return false;
    table_ = 4 + std::size_t{root};
    std::int32_t back = 0;
    if (!get(table_, back)) return false;
    const std::int64_t vtable = static_cast<std::int64_t>(table_) - back;
    if (vtable < 0 || vtable >= static_cast<std::int64_t>(size_)) return false;
    vtable_ = static_cast<std::size_t>(vtable);
    std::uint16_t table_size = 0;
    if (!get(vtable_, vtable_size_) || !get(vtable_ + 2, table_size)) return false;
    table_size_ = table_size;
    return vtable_size_ >= 4 && vtable_size_ % 2 == 0 && vtable_size_ <= size_ - vtable_ && table_size >= 4 &&
           table_size <= size_ - table_;
  }
  // Goes where the offset at `at` leads, to `count` things of `width` bytes from `start` on; fails if not all are
  // there.
  bool follow(std::size_t at, std::size_t width, std::size_t& start, std::uint32_t& count) noexcept {
    std::uint32_t to = 0;
    if (get(at, to) && get(at + to, count) && count <= (size_ - at - to - 4) / width) {
      start = at + to + 4;
      return true;
    }
    fail();
    return false;
  }
  void fail() noexcept {
    good_ = false;
    vtable_size_ = 0;
  }
  template <class T>
  bool get(std::size_t at, T& value) const noexcept {
    if (at > size_ || sizeof(T) > size_ - at) return false;
    std::memcpy(&value, data_ + at, sizeof(T));
    return true;
  }
  std::size_t offset(unsigned field, std::size_t width) noexcept {
    std::uint16_t at = 0;
    if (4 + 2 * std::size_t{field} + 2 > vtable_size_ || !get(vtable_ + 4 + 2 * field, at) || at == 0) return 0;
    if (at < 4 || at + width > table_size_) {
      fail();
      return 0;
    }
    return table_ + at;
  }

  const unsigned char* const data_;
  const std::size_t size_;
  std::size_t table_ = 0;
  std::size_t vtable_ = 0;
  std::size_t table_size_ = 0;
  std::uint16_t vtable_size_ = 0;
  bool good_ = true;
};

// One frame of the sidecar; of the fields, those of its type are set.
struct ServerFrame {
  enum class Kind { bad, skip, welcome, ack, config, drain, reject, rehello, probe } kind = Kind::bad;
  std::uint64_t sidecar_epoch = 0;  // welcome, rehello
  std::uint64_t accepted = 0;       // welcome, ack
  std::uint64_t settled = 0;
  bool known = false;  // welcome
  std::uint32_t max_frame = 0;
  std::string_view instance;
  std::int32_t slot = 0;
  std::int32_t sampling = -1;
  bool enabled = true;
  std::string_view service;
  std::string_view peer_prefix;
  TextList ignore_suffixes;  // config
  TextList ignore_patterns;
  std::uint32_t send_within_ms = 0;  // drain
  std::uint32_t reconnect_after_ms = 0;
  std::uint32_t jitter_ms = 0;
  std::uint32_t code = 0;  // reject
  std::uint32_t retry_after_ms = 0;
  bool permanent = false;
  std::uint64_t token = 0;  // probe
};

inline ServerFrame read_server_frame(const unsigned char* data, std::size_t size) noexcept {
  using ipc_protocol::FrameType;
  using Kind = ServerFrame::Kind;
  ServerFrame frame;
  ipc_protocol::FrameHeader header;
  if (size < sizeof header) return frame;
  std::memcpy(&header, data, sizeof header);
  const std::size_t words = header.header_words;
  if (header.magic != ipc_protocol::kMagic || words < ipc_protocol::kHeaderWords ||
      words > ipc_protocol::kMaxHeaderWords || words * 8 > size || header.payload_size != size - words * 8 ||
      (header.type & ipc_protocol::kTypeFromSidecar) == 0) {
    return frame;
  }
  const auto type = static_cast<FrameType>(header.type);
  if (type == FrameType::welcome) frame.kind = Kind::welcome;
  if (type == FrameType::ack) frame.kind = Kind::ack;
  if (type == FrameType::config) frame.kind = Kind::config;
  if (type == FrameType::drain) frame.kind = Kind::drain;
  if (type == FrameType::reject) frame.kind = Kind::reject;
  if (type == FrameType::rehello) frame.kind = Kind::rehello;
  if (type == FrameType::probe) frame.kind = Kind::probe;
  if (frame.kind == Kind::bad) {
    if ((header.type & ipc_protocol::kTypeMustUnderstand) == 0) frame.kind = Kind::skip;  // newer than we are
    return frame;
  }
  TableView table(data + words * 8, size - words * 8);
  switch (frame.kind) {
    case Kind::welcome:
      frame.sidecar_epoch = table.scalar<std::uint64_t>(2, 0);
      frame.known = table.scalar<std::uint8_t>(3, 0) != 0;
      frame.accepted = table.scalar<std::uint64_t>(4, 0);
      frame.settled = table.scalar<std::uint64_t>(5, 0);
      frame.max_frame = table.scalar<std::uint32_t>(6, 0);
      frame.instance = table.text(7);
      frame.slot = table.scalar<std::int32_t>(8, 0);
      frame.sampling = table.scalar<std::int32_t>(9, -1);
      frame.enabled = table.scalar<std::uint8_t>(10, 1) != 0;
      frame.service = table.text(14);
      frame.peer_prefix = table.text(15);
      break;
    case Kind::config:
      frame.ignore_suffixes = table.texts(1);
      frame.ignore_patterns = table.texts(2);
      break;
    case Kind::ack:
      frame.accepted = table.scalar<std::uint64_t>(0, 0);
      frame.settled = table.scalar<std::uint64_t>(1, 0);
      break;
    case Kind::drain:
      frame.send_within_ms = table.scalar<std::uint32_t>(0, 0);
      frame.reconnect_after_ms = table.scalar<std::uint32_t>(1, 0);
      frame.jitter_ms = table.scalar<std::uint32_t>(2, 0);
      break;
    case Kind::reject:
      frame.code = table.scalar<std::uint32_t>(0, 0);
      frame.retry_after_ms = table.scalar<std::uint32_t>(2, 0);
      frame.permanent = table.scalar<std::uint8_t>(3, 0) != 0;
      break;
    case Kind::rehello:
      frame.sidecar_epoch = table.scalar<std::uint64_t>(0, 0);
      break;
    default:
      frame.token = table.scalar<std::uint64_t>(0, 0);
      break;
  }
  if (!table.good()) return ServerFrame{};
  return frame;
}

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
