#include "ipc/frame_decoder.h"

#include <doctest/doctest.h>

#include <functional>

#include "client_frames.h"

using namespace sidecar;
using Verdict = DecodedFrame::Verdict;
using ipc_protocol::RejectCode;

namespace {

client::Bytes with_header(const client::Bytes& frame, const std::function<void(client::FrameHeader&)>& change) {
  client::FrameHeader header;
  std::memcpy(&header, frame.data(), sizeof header);
  change(header);
  return client::join(header, client::Bytes(frame.begin() + sizeof header, frame.end()));
}

void check_refused(const client::Bytes& frame, RejectCode code) {
  const DecodedFrame decoded = decode_frame(frame);
  CHECK(decoded.verdict == Verdict::refuse);
  CHECK(decoded.code == code);
  CHECK(std::string(decoded.why).size() > 5);
}

}  // namespace

TEST_SUITE("ipc/frame_decoder") {
  TEST_CASE("what a client sends is decoded") {
    const client::Bytes hello = client::hello();
    DecodedFrame decoded = decode_frame(hello);
    REQUIRE(decoded.verdict == Verdict::frame);
    CHECK(decoded.frame.type == client::FrameType::hello);
    CHECK(decoded.frame.payload.size() == hello.size() - client::kHeaderSize);
    CHECK(decoded.frame.payload.data() == hello.data() + client::kHeaderSize);

    decoded = decode_frame(client::segments(17, {client::segment(), client::segment()}, 3));
    REQUIRE(decoded.verdict == Verdict::frame);
    CHECK(decoded.frame.header.first_seq == 17);
    CHECK(decoded.frame.header.count == 2);
    CHECK(decoded.frame.header.lost_before == 3);
    for (const client::Bytes& frame : {client::bye(1), client::stats(1, 2, 3), client::probe_reply(1)})
      CHECK(decode_frame(frame).verdict == Verdict::frame);
  }

  TEST_CASE("a frame cut at any byte is refused") {
    const client::Bytes whole = client::segments(1, {client::segment()});
    for (std::size_t size = 0; size < whole.size(); ++size)
      check_refused(client::Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)),
                    RejectCode::bad_frame);
  }

  TEST_CASE("a frame that says another length than it has is refused") {
    const client::Bytes whole = client::hello();
    for (const std::uint32_t size : {0u, 31u, 32u, 0x7FFFFFFFu, 0x80000000u, 0xFFFFFFFFu})
      check_refused(with_header(whole, [&](auto& h) { h.payload_size = size; }), RejectCode::bad_frame);
    client::Bytes longer = whole;
    longer.push_back(0);
    check_refused(longer, RejectCode::bad_frame);
  }

  TEST_CASE("another major version is told apart from garbage") {
    check_refused(with_header(client::hello(), [](auto& h) { h.magic = 0x02535753; }), RejectCode::unsupported_version);
    check_refused(with_header(client::hello(), [](auto& h) { h.magic = 0x01535754; }), RejectCode::bad_frame);
  }

  TEST_CASE("a longer header is read past") {
    client::Bytes payload(8, 0);  // what a later version put behind the header
    const client::Bytes hello = client::hello_payload();
    payload.insert(payload.end(), hello.begin(), hello.end());
    client::FrameHeader header = client::header_for(client::FrameType::hello, hello);
    header.header_words = 5;
    const client::Bytes frame = client::join(header, payload);
    const DecodedFrame decoded = decode_frame(frame);
    REQUIRE(decoded.verdict == Verdict::frame);
    CHECK(decoded.frame.payload.size() == hello.size());
    for (const int words : {0, 3, 33, 255})
      check_refused(with_header(frame, [&](auto& h) { h.header_words = static_cast<std::uint8_t>(words); }),
                    RejectCode::bad_frame);
  }

  TEST_CASE("every type is known, skipped or refused") {
    for (int type = 0; type < 256; ++type) {
      CAPTURE(type);
      const client::Bytes frame = with_header(client::segments(1, {client::segment()}),
                                              [&](auto& h) { h.type = static_cast<std::uint8_t>(type); });
      const DecodedFrame decoded = decode_frame(frame);
      const bool known = type == 0x41 || type == 0x42 || type == 0x03 || type == 0x04 || type == 0x05;
      const bool optional = (type & 0xC0) == 0;
      CHECK(decoded.verdict == (known ? Verdict::frame : optional ? Verdict::skip : Verdict::refuse));
    }
  }

  TEST_CASE("what was not agreed on is refused, other flags are ignored") {
    for (int bit = 0; bit < 16; ++bit) {
      const client::Bytes frame =
          with_header(client::hello(), [&](auto& h) { h.flags = static_cast<std::uint16_t>(1u << bit); });
      CHECK(decode_frame(frame).verdict == (bit == 0 || bit == 2 ? Verdict::refuse : Verdict::frame));
    }
  }

  TEST_CASE("records are numbered, counted and of a known schema") {
    const client::Bytes good = client::segments(1, {client::segment()});
    for (const std::uint16_t count : {std::uint16_t{0}, std::uint16_t{65}, std::uint16_t{65535}})
      check_refused(with_header(good, [&](auto& h) { h.count = count; }), RejectCode::bad_frame);
    for (const std::uint64_t seq : {std::uint64_t{0}, kMaxSeq, std::uint64_t{1} << 63, ~std::uint64_t{0}})
      check_refused(with_header(good, [&](auto& h) { h.first_seq = seq; }), RejectCode::bad_frame);
    CHECK(decode_frame(with_header(good, [](auto& h) { h.first_seq = kMaxSeq - 1; })).verdict == Verdict::frame);
    check_refused(with_header(good, [](auto& h) { h.schema = 9; }), RejectCode::bad_frame);
    // a later revision only adds fields
    CHECK(decode_frame(with_header(good, [](auto& h) { h.revision = 9; })).verdict == Verdict::frame);
  }

  TEST_CASE("control frames are short, and no frame is longer than one may be") {
    const client::Bytes most(client::kMaxControlFrame - client::kHeaderSize, 0);
    CHECK(decode_frame(client::frame(client::FrameType::bye, most)).verdict == Verdict::frame);
    const client::Bytes more(most.size() + 1, 0);
    check_refused(client::frame(client::FrameType::bye, more), RejectCode::bad_frame);
    check_refused(client::frame(client::FrameType::hello, more), RejectCode::bad_hello);
    const client::Bytes huge(client::kMaxFrame - client::kHeaderSize + 1, 0);
    client::FrameHeader header = client::header_for(client::FrameType::segments, huge);
    header.count = 1;
    header.first_seq = 1;
    header.schema = client::kSchemaSegment;
    check_refused(client::join(header, huge), RejectCode::bad_frame);
  }
}
