#include "sink.h"

#include <fcntl.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "base/check.h"

namespace sidecar::bench {
namespace {

class SinkCall final : public grpc::ServerGenericBidiReactor {
 public:
  SinkCall() { StartRead(&message_); }
  void OnReadDone(bool ok) override {
    if (ok) return StartRead(&message_);
    StartWriteAndFinish(&answer_, grpc::WriteOptions(), grpc::Status::OK);
  }
  void OnDone() override { delete this; }

 private:
  grpc::ByteBuffer message_;
  const grpc::Slice empty_;
  grpc::ByteBuffer answer_{&empty_, 1};
};

class Sink final : public grpc::CallbackGenericService {
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override { return new SinkCall(); }
};

}  // namespace

bool is_sink(int argc, char** argv) { return argc > 1 && std::strcmp(argv[1], "--sink") == 0; }

int run_sink() {
  Sink sink;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterCallbackGenericService(&sink);
  builder.SetMaxReceiveMessageSize(-1);
  const auto server = builder.BuildAndStart();
  CHECK(server != nullptr);
  std::printf("%d\n", port);
  std::fflush(stdout);
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }  // until the parent is gone
  server->Shutdown(std::chrono::system_clock::now());
  return 0;
}

SinkProcess::SinkProcess() {
  int to_child[2], from_child[2];
  CHECK(pipe2(to_child, O_CLOEXEC) == 0 && pipe2(from_child, O_CLOEXEC) == 0);
  pid_ = fork();
  CHECK(pid_ >= 0);
  if (pid_ == 0) {
    dup2(to_child[0], STDIN_FILENO);
    dup2(from_child[1], STDOUT_FILENO);
    execl("/proc/self/exe", "sink", "--sink", nullptr);
    _exit(127);
  }
  close(to_child[0]);
  close(from_child[1]);
  stdin_ = to_child[1];
  FILE* out = fdopen(from_child[0], "r");
  CHECK(out != nullptr && std::fscanf(out, "%d", &port_) == 1);
  std::fclose(out);
}

SinkProcess::~SinkProcess() {
  close(stdin_);
  waitpid(pid_, nullptr, 0);
}

}  // namespace sidecar::bench
