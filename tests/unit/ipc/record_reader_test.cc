#include "ipc/record_reader.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "client_frames.h"

using namespace sidecar;

TEST_SUITE("ipc/record_reader") {
  TEST_CASE("records come out as they went in") {
    const std::vector<client::Bytes> records = {client::segment(), client::Bytes{3, 0, 0, 0, 7, 8, 9},
                                                client::segment()};
    const client::Bytes payload = client::records_payload(records);
    const auto split = split_records(payload, 3);
    REQUIRE(split);
    for (std::size_t i = 0; i < records.size(); ++i)
      CHECK(std::equal((*split)[i].begin(), (*split)[i].end(), records[i].begin(), records[i].end()));
  }

  TEST_CASE("they must fill the payload exactly") {
    const client::Bytes payload = client::records_payload({client::segment(), client::segment()});
    CHECK(split_records(payload, 2));
    CHECK_FALSE(split_records(payload, 1));
    CHECK_FALSE(split_records(payload, 3));
    for (std::size_t size = 0; size < payload.size(); ++size)
      CHECK_FALSE(split_records(std::span(payload).first(size), 2));
  }

  TEST_CASE("a length that points outside is refused") {
    for (const std::uint32_t length : {5u, 0x7FFFFFFFu, 0xFFFFFFFCu, 0xFFFFFFFFu}) {
      client::Bytes payload(8, 0);
      std::memcpy(payload.data(), &length, sizeof length);
      CHECK_FALSE(split_records(payload, 1));
    }
  }

  TEST_CASE("padding is zero") {
    client::Bytes payload = client::records_payload({client::Bytes{3, 0, 0, 0, 7, 8, 9}});
    CHECK(split_records(payload, 1));
    payload.back() = 1;
    CHECK_FALSE(split_records(payload, 1));
  }
}
