#pragma once

// A client of gRPC for tests that knows no messages, only bytes.

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace sidecar {

// Sends bytes, as a hostile client would. One call at a time, waits for its end.
class RawClient {
 public:
  explicit RawClient(const std::string& address,
                     const std::shared_ptr<grpc::ChannelCredentials>& credentials = grpc::InsecureChannelCredentials())
      : stub_(grpc::CreateChannel(address, credentials)) {}

  // Sends the messages on one call and half-closes.
  grpc::Status call(const std::string& path, const std::vector<std::string>& messages, const std::string& token = "") {
    grpc::CompletionQueue queue;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    if (!token.empty()) context.AddMetadata("authentication", token);
    const auto running = stub_.PrepareCall(&context, path, &queue);
    const auto wait = [&] {
      void* tag;
      bool ok = false;
      return queue.Next(&tag, &ok) && ok;
    };
    running->StartCall(nullptr);
    bool open = wait();
    for (std::size_t i = 0; open && i < messages.size(); ++i) {
      const grpc::Slice slice(messages[i]);
      running->Write(grpc::ByteBuffer(&slice, 1), nullptr);
      open = wait();
    }
    if (open) {
      running->WritesDone(nullptr);
      wait();
    }
    grpc::ByteBuffer answer;
    running->Read(&answer, nullptr);
    answered = wait();
    text.clear();
    std::vector<grpc::Slice> slices;
    if (answered && answer.Dump(&slices).ok())
      for (const grpc::Slice& slice : slices) text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    grpc::Status status;
    running->Finish(&status, nullptr);
    wait();
    return status;
  }
  bool answered = false;
  std::string text;  // the bytes of the answer

 private:
  grpc::GenericStub stub_;
};

}  // namespace sidecar
