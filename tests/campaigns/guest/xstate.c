// User-mode Linux 6.1 keeps a guest's floating-point registers in 2,696 bytes. Where the processor has more (AMX: 11,008), this machine's
// kernel refuses to set a part, and the guest dies at its first instruction
// ("ptrace set fp regs failed, errno = 14"). Preloaded into linux.uml, this sets the part that is given and leaves the rest as it is.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

long ptrace(enum __ptrace_request request, ...)
{
    static long (*next)(enum __ptrace_request, pid_t, void *, void *);
    static _Alignas(64) char whole[1 << 16];
    va_list rest;
    va_start(rest, request);
    pid_t pid = va_arg(rest, pid_t);
    void *address = va_arg(rest, void *), *data = va_arg(rest, void *);
    va_end(rest);
    if (next == NULL)
        next = (long (*)(enum __ptrace_request, pid_t, void *, void *))dlsym(RTLD_NEXT, "ptrace");
    long result = next(request, pid, address, data);
    if (result == 0 || errno != EFAULT || request != PTRACE_SETREGSET || (long)address != NT_X86_XSTATE)
        return result;
    const struct iovec *part = data;
    struct iovec all = { whole, sizeof whole };
    if (next(PTRACE_GETREGSET, pid, address, &all) != 0 || part->iov_len > all.iov_len)
        return -1;
    memcpy(whole, part->iov_base, part->iov_len);
    return next(PTRACE_SETREGSET, pid, address, &all);
}
