#include "log/journal.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scratch_directory.h"

using namespace sidecar;

namespace {

const auto kHere = std::source_location::current();

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_SUITE("log/journal") {
  TEST_CASE("an entry has a field for each thing it is about, and none for what it is not") {
    const std::string entry = journal_entry(
        4, "segment 7 of shop dropped",
        {.service = "shop", .instance = "shop@box", .reason = "malformed", .error = 11, .pid = 42, .uid = 0}, kHere);
    CAPTURE(entry);
    CHECK(entry.starts_with("MESSAGE=segment 7 of shop dropped\nPRIORITY=4\nSYSLOG_IDENTIFIER=sw-sidecar\n"));
    CHECK(contains(entry, "\nCODE_FILE=tests/unit/log/journal_test.cc\nCODE_LINE="));
    CHECK(entry.ends_with(
        "\nSERVICE=shop\nINSTANCE=shop@box\nREASON=malformed\nERRNO=11\nCLIENT_PID=42\nCLIENT_UID=0\n"));
    const std::string plain = journal_entry(6, "x", {}, kHere);
    for (const char* name : {"SERVICE=", "INSTANCE=", "REASON=", "COLLECTOR=", "ERRNO=", "CLIENT_"})
      CHECK_FALSE(contains(plain, name));
  }

  TEST_CASE("a foreign text cannot add a field, and is cut") {
    const std::string service = "a\nPRIORITY=0\n" + std::string(1000, 'x');
    const std::string entry = journal_entry(6, "x", {.service = service}, kHere);
    CHECK(contains(entry, "SERVICE=a\\x0aPRIORITY=0\\x0axxx"));
    CHECK(entry.size() < 500);
  }

  TEST_CASE("an entry is one datagram; a journal that does not read is not waited for, one that is not there is told") {
    const ScratchDirectory directory;
    const std::string path = directory.at("journal");
    JournalSocket journal(path);
    CHECK(journal.send("MESSAGE=x\n") == JournalSocket::Sent::unreachable);
    const ScopedFd reader(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(bind(reader.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    CHECK(journal.send("MESSAGE=x\nPRIORITY=6\n") == JournalSocket::Sent::yes);
    char got[100];
    CHECK(recv(reader.get(), got, sizeof got, 0) == 21);
    int sent = 0;
    while (journal.send("MESSAGE=x\n") == JournalSocket::Sent::yes) ++sent;
    CHECK(sent > 0);
    CHECK(journal.send("MESSAGE=x\n") == JournalSocket::Sent::full);
    CHECK(recv(reader.get(), got, sizeof got, 0) == 10);
    CHECK(journal.send("MESSAGE=x\n") == JournalSocket::Sent::yes);
  }
}
