#include "handover/boot_id.h"

#include <doctest/doctest.h>

using namespace sidecar;

TEST_SUITE("handover/boot_id") {
  TEST_CASE("it is two numbers, and none if it is anything else") {
    CHECK(parse_boot_id("01234567-89ab-cdef-fedc-ba9876543210\n") == BootId{0x0123456789abcdef, 0xfedcba9876543210});
    CHECK(parse_boot_id("0123456789abcdeffedcba9876543210") == BootId{0x0123456789abcdef, 0xfedcba9876543210});
    for (const char* odd : {"", "\n", "01234567-89ab-cdef-fedc-ba987654321", "01234567-89ab-cdef-fedc-ba98765432100",
                            "0123456789abcdefxedcba9876543210", "g1234567-89ab-cdef-fedc-ba9876543210",
                            "-1234567-89ab-cdef-fedc-ba9876543210"})
      CHECK(parse_boot_id(odd) == BootId());
  }

  TEST_CASE("this kernel has one, the same at each look") {
    CHECK_FALSE(read_boot_id() == BootId());
    CHECK(read_boot_id() == read_boot_id());
    CHECK(read_boot_id("0123456789abcdeffedcba9876543210") == read_boot_id());  // the kernel's word counts
  }
}
