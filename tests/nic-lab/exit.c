/* Ends the emulated machine: writes the number given to QEMU's isa-debug-exit, which exits with number * 2 + 1. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>
#include <unistd.h>

enum { PORT = 0xf4 };

int main(int count, char **arguments)
{
    if (count != 2 || ioperm(PORT, 4, 1) != 0) {
        perror("nic-lab-exit: ioperm");
        return 1;
    }
    outl((unsigned)atoi(arguments[1]), PORT);
    sleep(60); /* The write takes effect in another thread of QEMU; nothing may come after it. */
    return 1;
}
