// --print-config and --print-environment as an operator uses them.

#include <doctest/doctest.h>

#include "daemon.h"

using namespace sidecar;
using namespace sidecar::test;

TEST_SUITE("integration/print_config") {
  TEST_CASE("what is printed says where it comes from, and serves as a configuration") {
    TemporaryDirectory directory;
    const std::string file = directory.write(
        "sidecar.yaml", "collector:\n  addresses: [\"${OAP:oap}:11800\"]\nignore: {patterns: [\"/a b/**\"]}\n");
    std::string printed;
    REQUIRE(run({program("sw-sidecar"), "--print-config", "--config", file}, &printed,
                {"OAP=10.0.0.7", "SW_SIDECAR_CARRIER_CHANNELS=16"}) == 0);
    CAPTURE(printed);
    CHECK(printed.find("addresses: [\"10.0.0.7:11800\"]") != std::string::npos);
    CHECK(printed.find("# " + file + ":2 with ${OAP}\n") != std::string::npos);
    CHECK(printed.find("# environment SW_SIDECAR_CARRIER_CHANNELS\n") != std::string::npos);
    CHECK(printed.find("# default\n") != std::string::npos);

    const std::string copy = directory.write("copy.yaml", printed);
    std::string again;
    REQUIRE(run({program("sw-sidecar"), "--print-config", "--config", copy}, &again) == 0);
    CHECK(again.find("channels: 16") != std::string::npos);
    CHECK(again.find("# default\n") == std::string::npos);  // all of it is in the file now
  }

  TEST_CASE("a configuration with errors is not printed: they are told as --check-config tells them") {
    TemporaryDirectory directory;
    const std::string file = directory.write("sidecar.yaml", "colector: {addresses: [a:1]}\n");
    std::string printed, checked;
    CHECK(run({program("sw-sidecar"), "--print-config", "--config", file}, &printed) == 2);
    CHECK(run({program("sw-sidecar"), "--check-config", "--config", file}, &checked) == 2);
    CHECK(printed == checked);
    CHECK(printed.find("sidecar.yaml:1:1: colector") != std::string::npos);
  }

  TEST_CASE("the variables are printed without a configuration") {
    std::string printed;
    CHECK(run({program("sw-sidecar"), "--print-environment", "--config", "/nonexistent"}, &printed) == 0);
    CHECK(printed.find("| `SW_SIDECAR_SERVICE` | applications |") != std::string::npos);
    CHECK(printed.find("| `SW_SIDECAR_PRIVACY_URLS` | sw-sidecar | `privacy.urls` |") != std::string::npos);
  }

  TEST_CASE("what cannot be written is a failure") {
    // as `sw-sidecar --print-environment > file` on a full disk
    std::string output;
    CHECK(run({"/bin/sh", "-c", "exec " + program("sw-sidecar") + " --print-environment > /dev/full"}, &output) == 1);
    CHECK(output.find("standard output") != std::string::npos);
  }
}
