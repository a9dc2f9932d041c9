#pragma once

// A client without a shim, which costs as little as can be: HELLO, then the same segment again and again.

#include <control_generated.h>
#include <sidecar_ipc/protocol.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

#include "base/check.h"

namespace sidecar::bench {

class RawClient {
 public:
  // `number` makes it an instance of its own.
  RawClient(const std::string& path, const std::vector<std::uint8_t>& segment, std::uint64_t number = 1) {
    fd_ = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    CHECK(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    flatbuffers::FlatBufferBuilder fbb;
    const fbs::Uuid uuid(number, 2);
    const auto service = fbb.CreateString("bench");
    const auto instance = fbb.CreateString("bench-" + std::to_string(number));
    fbs::HelloBuilder hello(fbb);
    hello.add_protocol_max(0);
    hello.add_capabilities(ipc_protocol::kCapPage);  // as shims do: marks come without frames
    hello.add_service(service);
    hello.add_instance(instance);
    hello.add_uuid(&uuid);
    hello.add_process_epoch(7);
    fbb.FinishSizePrefixed(hello.Finish());
    send_frame(ipc_protocol::FrameType::hello, 0, 0, {fbb.GetBufferPointer(), fbb.GetBufferPointer() + fbb.GetSize()});
    frame_ = segment;
    frame_.resize((frame_.size() + 7) / 8 * 8);
  }
  ~RawClient() { close(fd_); }
  RawClient(const RawClient&) = delete;

  // Blocks while the socket is full.
  void send() { send_frame(ipc_protocol::FrameType::segments, ++seq_, 1, frame_); }
  std::uint64_t sent() const { return seq_; }

 private:
  void send_frame(ipc_protocol::FrameType type, std::uint64_t seq, std::uint16_t count,
                  const std::vector<std::uint8_t>& payload) {
    ipc_protocol::FrameHeader header{};
    header.magic = ipc_protocol::kMagic;
    header.header_words = ipc_protocol::kHeaderWords;
    header.type = static_cast<std::uint8_t>(type);
    header.payload_size = static_cast<std::uint32_t>(payload.size());
    header.first_seq = seq;
    header.count = count;
    header.schema = count > 0 ? ipc_protocol::kSchemaSegment : ipc_protocol::kSchemaControl;
    iovec parts[2] = {{&header, sizeof header}, {const_cast<std::uint8_t*>(payload.data()), payload.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    CHECK(sendmsg(fd_, &message, MSG_NOSIGNAL) >= 0);
  }

  int fd_;
  std::uint64_t seq_ = 0;
  std::vector<std::uint8_t> frame_;
};

// Calls `send_one` for each of `segments` at `rate` a second, a millisecond's share at a time; 0: without a pause.
template <class Send>
void send_at(std::size_t segments, std::size_t rate, const Send& send_one) {
  timespec next{};
  clock_gettime(CLOCK_MONOTONIC, &next);
  std::size_t sent = 0;
  for (std::size_t tick = 1; sent < segments; ++tick) {
    const std::size_t due = rate == 0 ? segments : std::min(segments, tick * rate / 1000);
    for (; sent < due; ++sent) send_one(sent);
    next.tv_nsec += 1'000'000;
    if (next.tv_nsec >= 1'000'000'000) next = {next.tv_sec + 1, next.tv_nsec - 1'000'000'000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, nullptr);
  }
}

}  // namespace sidecar::bench
