#pragma once

// The client that the sidecar is measured against: nothing but gRPC, streaming
// segments that were serialized before, with the buffer hint on 15 of 16 writes.

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "base/check.h"

namespace sidecar::bench {

class BareSender {
 public:
  BareSender(const std::string& address, const std::string& serialized)
      : channel_(grpc::CreateChannel(address, grpc::InsecureChannelCredentials())), stub_(channel_) {
    const grpc::Slice slice(serialized);
    message_ = grpc::ByteBuffer(&slice, 1);
    CHECK(channel_->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10)));
  }
  void send(std::size_t segments) {
    grpc::ClientContext context;
    const auto call = stub_.PrepareCall(&context, "/skywalking.v3.TraceSegmentReportService/collect", &queue_);
    call->StartCall(nullptr);
    wait();
    for (std::size_t i = 1; i <= segments; ++i) {
      grpc::WriteOptions options;
      if (i % 16 != 0 && i != segments) options.set_buffer_hint();
      call->Write(message_, options, nullptr);
      wait();
    }
    call->WritesDone(nullptr);
    wait();
    grpc::ByteBuffer answer;
    call->Read(&answer, nullptr);
    wait();
    grpc::Status status;
    call->Finish(&status, nullptr);
    wait();
    CHECK(status.ok());
  }

 private:
  void wait() {
    void* tag;
    bool ok = false;
    CHECK(queue_.Next(&tag, &ok) && ok);
  }
  std::shared_ptr<grpc::Channel> channel_;
  grpc::GenericStub stub_;
  grpc::CompletionQueue queue_;
  grpc::ByteBuffer message_;
};

}  // namespace sidecar::bench
