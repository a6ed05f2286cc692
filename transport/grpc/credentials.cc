#include "transport/grpc/credentials.h"

namespace baleen {

std::shared_ptr<grpc::ChannelCredentials> InternalChannelCredentials() { return grpc::InsecureChannelCredentials(); }

std::shared_ptr<grpc::ServerCredentials> InternalServerCredentials() { return grpc::InsecureServerCredentials(); }

}  // namespace baleen
