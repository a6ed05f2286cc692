// echo_server [UCX devices]: writes its address, serves until its standard input ends.
#include <cstdio>

#include "transport/testing/echo_server.h"

int main(int argc, char** argv) {
  const baleen::EchoServer server(argc > 1 ? argv[1] : "");
  std::printf("%s\n", server.address().c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}
