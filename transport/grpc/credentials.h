// The credentials of every internal channel and port, in one place.
#ifndef BALEEN_TRANSPORT_GRPC_CREDENTIALS_H_
#define BALEEN_TRANSPORT_GRPC_CREDENTIALS_H_

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>

namespace baleen {

std::shared_ptr<grpc::ChannelCredentials> InternalChannelCredentials();
std::shared_ptr<grpc::ServerCredentials> InternalServerCredentials();

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_GRPC_CREDENTIALS_H_
