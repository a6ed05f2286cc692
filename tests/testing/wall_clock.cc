// Preloaded into a process, this sets its wall clock: by as many seconds as the file named by WALL_CLOCK_OFFSET holds (a native int64),
// whenever that changes. The monotonic clock stays, and waits that end at a time of the wall clock end when the process believes it is that
// late.
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

const volatile int64_t* MapOffset() {
  static const int64_t kNone = 0;
  const char* const path = getenv("WALL_CLOCK_OFFSET");
  const int fd = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return &kNone;
  void* const page = mmap(nullptr, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  return page == MAP_FAILED ? &kNone : static_cast<const volatile int64_t*>(page);
}

int64_t Offset() {
  static const volatile int64_t* const offset = MapOffset();
  return *offset;
}

template <typename Function>
Function* Next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

timespec ToKernel(const timespec& believed) { return {believed.tv_sec - Offset(), believed.tv_nsec}; }

}  // namespace

extern "C" {

int clock_gettime(clockid_t id, timespec* now) {
  static const auto next = Next<int(clockid_t, timespec*)>("clock_gettime");
  const int result = next(id, now);
  if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) now->tv_sec += Offset();
  return result;
}

int gettimeofday(timeval* now, void* zone) {
  static const auto next = Next<int(timeval*, void*)>("gettimeofday");
  const int result = next(now, zone);
  if (result == 0) now->tv_sec += Offset();
  return result;
}

time_t time(time_t* now) {
  timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  if (now != nullptr) *now = exact.tv_sec;
  return exact.tv_sec;
}

int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex, const timespec* until) {
  static const auto next = Next<int(pthread_cond_t*, pthread_mutex_t*, const timespec*)>("pthread_cond_timedwait");
  // glibc's own mark of one that was initialised to count by the monotonic clock, as gRPC's are.
  const bool monotonic = (condition->__data.__wrefs & 2) != 0;
  const timespec kernel = monotonic ? *until : ToKernel(*until);
  return next(condition, mutex, &kernel);
}

int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t id, const timespec* until) {
  static const auto next = Next<int(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*)>("pthread_cond_clockwait");
  const timespec kernel = id == CLOCK_REALTIME ? ToKernel(*until) : *until;
  return next(condition, mutex, id, &kernel);
}

// Abseil's waits, and with them gRPC's, are futex calls of this kind.
long syscall(long number, ...) {
  static const auto next = Next<long(long, ...)>("syscall");
  va_list list;
  va_start(list, number);
  long a[6];
  for (long& argument : a) argument = va_arg(list, long);
  va_end(list);
  timespec kernel;
  if (number == SYS_futex && (a[1] & FUTEX_CLOCK_REALTIME) != 0 && a[3] != 0) {
    kernel = ToKernel(*reinterpret_cast<const timespec*>(a[3]));
    a[3] = reinterpret_cast<long>(&kernel);
  }
  return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

}  // extern "C"
